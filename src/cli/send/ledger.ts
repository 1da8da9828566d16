import type { ExporterStats } from '../../net/exporter-stats.ts'
import { byteCount, count, perSecond, seconds } from '../format.ts'
import type { Report } from '../progress.ts'
import { Rates } from '../rates.ts'
import { type LedgerRow, partRows, renderLedger } from '../table.ts'
import type { Paint } from '../terminal.ts'

/** The figures of `send` while it runs, and its ledger at the end. */
export class SendReport implements Report {
  readonly #stats: () => ExporterStats
  readonly #paint: Paint
  readonly #startedMs = performance.now()
  readonly #rates = new Rates<'sent' | 'bytes'>()
  #told = 0

  constructor(stats: () => ExporterStats, paint: Paint) {
    this.#stats = stats
    this.#paint = paint
  }

  live(): string[] {
    return [this.#line(this.#stats())]
  }

  plain(): string | undefined {
    const stats = this.#stats()
    const line = this.#line(stats)
    const hasNews = stats.offered !== this.#told
    this.#told = stats.offered
    return hasNews ? line : undefined
  }

  json(): object {
    return { kind: 'stats', elapsedMs: this.#elapsedMs(), ...this.#stats() }
  }

  jsonLedger(): object {
    return { kind: 'ledger', elapsedMs: this.#elapsedMs(), ...this.#stats() }
  }

  ledger(): string {
    const stats = this.#stats()
    const rows: LedgerRow[] = [
      { label: 'lines read', value: stats.offered, tone: 'total' },
      'rule',
      {
        label: 'sent',
        value: stats.sent,
        tone: 'good',
        note: `${count(stats.datagrams)} datagrams, ${byteCount(stats.bytes)}, ${seconds(this.#elapsedMs())}`,
      },
      { label: 'dropped', value: stats.dropped, tone: 'loss' },
      ...partRows(stats.droppedBy),
    ]
    return `${renderLedger(rows, this.#paint).join('\n')}\n`
  }

  #line(stats: ExporterStats): string {
    const rates = this.#rates.next({ sent: stats.sent, bytes: stats.bytes }, performance.now())
    const dropped = `${count(stats.dropped)} dropped`
    return [
      seconds(this.#elapsedMs()).padStart(8),
      `${count(stats.sent)} sent`,
      this.#paint('bold', perSecond(rates.sent)),
      `${byteCount(rates.bytes)}/s`,
      stats.dropped > 0 ? this.#paint('yellow', dropped) : dropped,
      `${count(stats.inRing + stats.inFlight)} waiting`,
    ].join('  ')
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedMs)
  }
}

/** What the ring let go because it was full: with `--drop` that is what was asked for. */
const BY_THE_RING: readonly string[] = ['overwritten', 'full']

/** Whether something was lost that should not have been. */
export function hasFailed(stats: ExporterStats, mayDrop: boolean): boolean {
  const lost = Object.entries(stats.droppedBy).filter(([, lines]) => lines > 0)
  return lost.some(([reason]) => !(mayDrop && BY_THE_RING.includes(reason)))
}
