import type { PairRun, PairSample } from '../../../src/sim/gudp/index.ts'
import { make, setText } from '../../common/elements.ts'
import { type Line, Plot } from '../../common/plots.ts'

/** Between two samples, in virtual time. */
export const SAMPLE_MS = 100
/** A minute of them. */
const SHOWN = 600
const HEIGHT = 150

/** The plots over virtual time. They are given a sample every `SAMPLE_MS`. */
export class Charts {
  readonly element: HTMLElement
  readonly #rtt: Chart
  readonly #rate: Chart
  readonly #flight: Chart
  readonly #fates: Chart
  #before: PairSample | undefined

  constructor() {
    this.#rtt = new Chart('rtt', 'Round trip, ms (smoothed)', [
      { label: 'left', colour: 'blue' },
      { label: 'right', colour: 'teal' },
    ])
    this.#rate = new Chart('rate', 'The left side’s rate', [
      { label: 'let go', colour: 'good' },
      { label: 'sent', colour: 'blue' },
    ])
    this.#flight = new Chart('flight', 'In flight, packets; queue of the link, kB', [
      { label: 'left', colour: 'blue' },
      { label: 'right', colour: 'teal' },
      { label: 'queue', colour: 'orange' },
    ])
    this.#fates = new Chart('fates', 'Packets of the left side a second', [
      { label: 'acknowledged', colour: 'good' },
      { label: 'given up', colour: 'orange' },
      { label: 'lost on the link', colour: 'loss' },
    ])
    this.element = make('div', { class: 'plots' }, ...this.#all.map(({ element }) => element))
  }

  note(sample: PairSample, congestion: PairRun['congestion']): void {
    const before = this.#before
    this.#before = sample
    const { nowMs, left, right, there, back } = sample
    const isBytes = congestion === 'paced'
    const perSecond = (of: (sample: PairSample) => number) =>
      before === undefined ? null : ((of(sample) - of(before)) * 1000) / (nowMs - before.nowMs)
    this.#rate.caption(`The left side’s rate, ${isBytes ? 'kB' : 'packets'} a second`)
    this.#rtt.plot.note(nowMs, [left.rttMs ?? null, right.rttMs ?? null])
    const allowed = left.allowedRate === 0 ? null : left.allowedRate / (isBytes ? 1000 : 1)
    const sent = perSecond((at) => (isBytes ? at.left.bytesSent / 1000 : at.left.packetsSent))
    this.#rate.plot.note(nowMs, [allowed, sent])
    const queued = (there.queuedBytes + back.queuedBytes) / 1000
    this.#flight.plot.note(nowMs, [left.inFlight, right.inFlight, queued])
    this.#fates.plot.note(nowMs, [
      perSecond((at) => at.left.packetsAcked),
      perSecond((at) => at.left.packetsLost),
      perSecond((at) => at.there.lost + at.there.queueDropped),
    ])
  }

  show(): void {
    for (const { plot } of this.#all) plot.show()
  }

  clear(): void {
    this.#before = undefined
    for (const { plot } of this.#all) plot.clear()
  }

  leave(): void {
    for (const { plot } of this.#all) plot.leave()
  }

  get #all(): readonly Chart[] {
    return [this.#rtt, this.#rate, this.#flight, this.#fates]
  }
}

/** A plot with its title. */
class Chart {
  readonly element: HTMLElement
  readonly plot: Plot
  readonly #title: HTMLElement

  constructor(name: string, title: string, lines: readonly Line[]) {
    const [titleId, summaryId] = [`gudp-${name}-title`, `gudp-${name}-summary`]
    const labels = { role: 'img', 'aria-labelledby': `${titleId} ${summaryId}` }
    const place = make('div', labels)
    const summary = make('p', { id: summaryId, class: 'unseen' })
    this.#title = make('figcaption', { id: titleId }, title)
    this.element = make('figure', {}, this.#title, place, summary)
    const options = { shown: SHOWN, height: HEIGHT, isDuration: true, timeText: secondsText }
    this.plot = new Plot(place, summary, lines, options)
  }

  caption(text: string): void {
    setText(this.#title, text)
  }
}

function secondsText(seconds: number): string {
  return `${Number(seconds.toFixed(1))} s`
}
