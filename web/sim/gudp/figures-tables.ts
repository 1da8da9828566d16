import type { LedgerRow, PairSample, SideSample } from '../../../src/sim/gudp/index.ts'
import { type Cell, fillTable, make } from '../../common/elements.ts'
import { count } from '../../common/words.ts'

const time = (ms: number | undefined) => (ms === undefined ? '–' : `${ms.toFixed(1)} ms`)

const sideRows: readonly [
  name: string,
  of: (side: SideSample) => string,
  isLoss?: (side: SideSample) => boolean,
][] = [
  ['state', ({ end, mode }) => end ?? mode, ({ end, mode }) => end !== undefined || mode === 'bad'],
  ['round trip, smoothed', ({ rttMs }) => time(rttMs)],
  ['round trip, least', ({ minRttMs }) => time(minRttMs)],
  ['packets in flight', ({ inFlight }) => count(inFlight)],
  ['packets sent', ({ packetsSent }) => count(packetsSent)],
  ['acknowledged', ({ packetsAcked }) => count(packetsAcked)],
  ['given up', ({ packetsLost }) => count(packetsLost), ({ packetsLost }) => packetsLost > 0],
  ['acknowledged after that', ({ acksLate }) => count(acksLate)],
  ['bytes sent again', ({ bytesAgain }) => count(bytesAgain)],
  ['packets received', ({ packetsReceived }) => count(packetsReceived)],
  ['came twice', ({ packetsTwice }) => count(packetsTwice)],
  ['came too late', ({ packetsLate }) => count(packetsLate)],
  ['found no room', ({ packetsRefused }) => count(packetsRefused)],
]

/** What each machine says of itself: `connection.stats` of a program has the same. */
export class SidesTable {
  readonly element: HTMLElement
  readonly #body = make('tbody')

  constructor() {
    this.element = tableOf('Both machines', ['', 'left', 'right'], this.#body)
  }

  draw({ left, right }: PairSample): void {
    fillTable(
      this.#body,
      sideRows.map(([name, of, isLoss = () => false]) => [
        { text: name },
        ...[left, right].map((side): Cell => ({ text: of(side), isLoss: isLoss(side) })),
      ]),
    )
  }
}

/** Where everything is: what went in is in one of the parts, at any moment. */
export class LedgerTable {
  readonly element: HTMLElement
  readonly #body = make('tbody')

  constructor() {
    this.element = tableOf('Ledger', ['', 'all', 'is the sum of', 'closes'], this.#body)
    this.element.classList.add('gudp-ledger')
  }

  draw(rows: readonly LedgerRow[]): void {
    fillTable(
      this.#body,
      rows.map(({ what, total, parts, isClosed }) => [
        { text: what },
        { text: count(total) },
        {
          text:
            parts
              .filter((part) => part.count > 0)
              .map((part) => `${part.name} ${count(part.count)}`)
              .join(' + ') || '0',
        },
        { text: isClosed ? 'yes' : 'no', isLoss: !isClosed },
      ]),
    )
  }
}

function tableOf(label: string, columns: readonly string[], body: HTMLElement): HTMLElement {
  const head = make('tr', {}, ...columns.map((name) => make('th', { scope: 'col' }, name)))
  const table = make('table', {}, make('thead', {}, head), body)
  return make('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': label }, table)
}
