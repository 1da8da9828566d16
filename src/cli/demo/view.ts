import type { ExporterStats } from '../../net/exporter-stats.ts'
import { bar, byteCount, count, counted, percent, perSecond, seconds, sparkline } from '../format.ts'
import type { Report } from '../progress.ts'
import { Rates } from '../rates.ts'
import type { Paint } from '../terminal.ts'

/** What the receiver last told of itself. */
export interface ReceiverFigures {
  readonly received: number
  readonly written: number
  readonly lost: number
  readonly notWritten: number
}

/** How things stand at a moment. */
export interface Sample {
  readonly elapsedMs: number
  readonly exporter: ExporterStats
  readonly receiver: ReceiverFigures
  /** What is going on, in a few words. */
  readonly phase: string
}

export interface Scene {
  readonly threads: number
  readonly durationMs: number
  readonly target: string
}

type Counter = 'offered' | 'sent' | 'written' | 'dropped' | 'lost'

/** Columns of the little chart: as many samples as a demo of ten seconds has. */
const CHART_SAMPLES = 50
const BAR_COLUMNS = 30

/** The live figures of a demo, for each voice. */
export class DemoView implements Report {
  readonly #scene: Scene
  readonly #sample: () => Sample
  readonly #paint: Paint
  readonly #rates = new Rates<Counter>()
  readonly #chart: number[] = []

  constructor(scene: Scene, sample: () => Sample, paint: Paint) {
    this.#scene = scene
    this.#sample = sample
    this.#paint = paint
    this.#next(sample()) // what the first rates are held against
  }

  live(): string[] {
    const sample = this.#sample()
    const { exporter, receiver } = sample
    const rates = this.#next(sample)
    this.#chart.push(rates.written)
    if (this.#chart.length > CHART_SAMPLES) this.#chart.shift()
    const paint = this.#paint
    const row = (name: string, rate: number, total: number, note = '') =>
      `  ${name.padEnd(10)}${perSecond(rate).padStart(12)}${count(total).padStart(14)}  ${paint('dim', note)}`
    const loss = (text: string, events: number) => (events > 0 ? paint('yellow', text) : text)
    const { depth, capacity, highWater } = exporter.queue
    return [
      this.#headline(sample),
      '',
      paint('dim', `  ${''.padEnd(10)}${'now'.padStart(12)}${'in all'.padStart(14)}`),
      row('offered', rates.offered, exporter.offered, `by ${counted(this.#scene.threads, 'thread')}`),
      row(
        'sent',
        rates.sent,
        exporter.sent,
        `${count(exporter.datagrams)} datagrams, ${byteCount(exporter.bytes)}`,
      ),
      paint('green', row('delivered', rates.written, receiver.written, this.#scene.target)),
      loss(row('dropped', rates.dropped, exporter.dropped, reasons(exporter.droppedBy)), exporter.dropped),
      loss(row('lost', rates.lost, receiver.lost, percent(receiver.lost, exporter.sent)), receiver.lost),
      '',
      `  ring ${paint('cyan', bar(depth, capacity, BAR_COLUMNS))} ${count(depth)} of ${count(capacity)} waiting, at most ${count(highWater)}`,
      `  ${paint('green', sparkline(this.#chart))}`,
    ]
  }

  plain(): string {
    const sample = this.#sample()
    const { exporter, receiver, elapsedMs } = sample
    const rates = this.#next(sample)
    return [
      seconds(elapsedMs).padStart(8),
      `offered ${perSecond(rates.offered)}`,
      `sent ${perSecond(rates.sent)}`,
      `delivered ${perSecond(rates.written)}`,
      `in all ${count(receiver.written)}`,
      `dropped ${count(exporter.dropped)}`,
      `lost ${count(receiver.lost)}`,
      `waiting ${count(exporter.queue.depth)}`,
      sample.phase,
    ].join('  ')
  }

  json(): object {
    const { elapsedMs, phase, exporter, receiver } = this.#sample()
    return { kind: 'stats', elapsedMs: Math.round(elapsedMs), phase, exporter, receiver }
  }

  #headline({ elapsedMs, phase }: Sample): string {
    const { durationMs } = this.#scene
    const time = `${seconds(Math.min(elapsedMs, durationMs))} of ${seconds(durationMs)}`
    return `  ${this.#paint('bold', 'spillway demo')}  ${time}  ${this.#paint('cyan', phase)}`
  }

  #next({ exporter, receiver, elapsedMs }: Sample): Record<Counter, number> {
    const { offered, sent, dropped } = exporter
    const { written, lost } = receiver
    return this.#rates.next({ offered, sent, written, dropped, lost }, elapsedMs)
  }
}

function reasons(droppedBy: Readonly<Record<string, number>>): string {
  const present = Object.entries(droppedBy).filter(([, events]) => events > 0)
  return present.map(([reason, events]) => `${reason} ${count(events)}`).join(', ')
}
