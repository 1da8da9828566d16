import type { FlowSample, MessageState, PairRun, PairSample } from '../../../src/sim/gudp/index.ts'
import { type Cell, fillTable, make, setText } from '../../common/elements.ts'
import { count } from '../../common/words.ts'
import { colourOf } from './packet-words.ts'

/** Messages of each channel that are drawn, the latest. */
const SHOWN = 32

const columns = [
  'channel',
  'from',
  'sent',
  'delivered',
  'held back',
  'not there',
  'last took',
  'longest took',
]

/** What each channel has carried, and its latest messages one by one. */
export class ChannelTable {
  readonly element: HTMLElement
  readonly #body = make('tbody')
  readonly #strips = make('div', { class: 'gudp-strips' })
  readonly #rows: { name: HTMLElement; cells: HTMLElement[]; note: HTMLElement }[] = []

  constructor() {
    const head = make('tr', {}, ...columns.map((name) => make('th', { scope: 'col' }, name)))
    const table = make('table', {}, make('thead', {}, head), this.#body)
    const note = make(
      'p',
      { class: 'note' },
      'Messages of each channel, around the last that came, the newest at the right: ',
      mark('delivered', 'delivered'),
      mark('held', 'held back: there, but an earlier one is missing'),
      mark('away', 'not there: under way, lost, or still to be sent'),
    )
    this.element = make(
      'div',
      {},
      note,
      this.#strips,
      make(
        'div',
        { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Figures of the channels' },
        table,
      ),
    )
  }

  draw(run: PairRun, { flows }: PairSample): void {
    fillTable(this.#body, flows.map(cellsOf))
    const messages = run.messages(SHOWN)
    for (const [i, flow] of flows.entries()) this.#drawStrip(i, flow, messages[i]!)
    while (this.#rows.length > flows.length) {
      this.#rows.pop()
      this.#strips.lastElementChild!.remove()
    }
  }

  #drawStrip(row: number, flow: FlowSample, states: readonly MessageState[]): void {
    this.#rows[row] ??= this.#makeRow()
    const { name, cells, note } = this.#rows[row]
    setText(name, `${flow.name}, ${flow.side}`)
    name.dataset.colour = colourOf(flow.lane)
    for (const [i, cell] of cells.entries()) {
      const state = states[i - SHOWN + states.length]
      const className = state === undefined ? 'message' : `message ${state}`
      if (cell.className !== className) cell.className = className
    }
    const waits = flow.missing === undefined ? '' : `${flow.held} wait for message ${flow.missing}`
    setText(note, waits)
  }

  #makeRow(): { name: HTMLElement; cells: HTMLElement[]; note: HTMLElement } {
    const name = make('span', { class: 'gudp-strip-name' })
    const cells = Array.from({ length: SHOWN }, () => make('i', { class: 'message' }))
    const note = make('span', { class: 'gudp-strip-note' })
    const strip = make('span', { class: 'gudp-strip', 'aria-hidden': 'true' }, ...cells)
    this.#strips.append(make('div', { class: 'gudp-strip-row' }, name, strip, note))
    return { name, cells, note }
  }
}

function mark(state: MessageState, text: string): HTMLElement {
  return make(
    'span',
    { class: 'gudp-key' },
    make('i', { class: `message ${state}`, 'aria-hidden': 'true' }),
    text,
  )
}

function cellsOf({
  name,
  side,
  given,
  wanted,
  delivered,
  held,
  away,
  delayMs,
  worstDelayMs,
}: FlowSample): Cell[] {
  const waits = wanted > given ? ` (${count(wanted - given)} to come)` : ''
  const time = (ms: number | undefined) => (ms === undefined ? '–' : `${count(ms)} ms`)
  return [
    { text: name },
    { text: side },
    { text: `${count(given)}${waits}` },
    { text: count(delivered) },
    { text: count(held), isLoss: held > 0 },
    { text: count(away) },
    { text: time(delayMs) },
    { text: time(worstDelayMs) },
  ]
}
