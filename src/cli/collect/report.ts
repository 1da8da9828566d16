import type { CollectorStats, SinkStats, SourceStats } from '../../node/collector.ts'
import { renderEndpoint } from '../endpoint.ts'
import { byteCount, count, percent, perSecond, seconds } from '../format.ts'
import type { Report } from '../progress.ts'
import { Rates } from '../rates.ts'
import { type LedgerRow, partRows, renderLedger } from '../table.ts'
import type { Paint } from '../terminal.ts'

export interface ReportSettings {
  /** Where it listens, and where lines go. */
  readonly place: string
  readonly target: string
  readonly paint: Paint
}

/** Sources that are shown: those with the most lines. */
const SHOWN_SOURCES = 12

/** The figures of `collect` while it runs, and its ledger at the end. */
export class CollectReport implements Report {
  readonly #stats: () => CollectorStats
  readonly #settings: ReportSettings
  readonly #startedMs = performance.now()
  readonly #rates = new Rates<string>()
  #told = 0

  constructor(stats: () => CollectorStats, settings: ReportSettings) {
    this.#stats = stats
    this.#settings = settings
  }

  live(): string[] {
    const { place, target, paint } = this.#settings
    const stats = this.#stats()
    const sources = largest(stats.sources)
    const rates = this.#next(stats, sources)
    const row = (name: string, rate: string, lines: string, lost: string, dropped: string) =>
      `  ${name.padEnd(33)}${rate.padStart(12)}${lines.padStart(13)}${lost.padStart(10)}${dropped.padStart(10)}`
    const figures = (name: string, rate: number, { received, lost, droppedAtSource }: SourceStats) =>
      row(name, perSecond(rate), count(received), count(lost), count(droppedAtSource))
    const { handed, waiting } = sinkOf(stats)
    const hidden = stats.sources.length - sources.length
    return [
      `  ${paint('bold', 'spillway collect')}  ${place}  ${seconds(this.#elapsedMs())}`,
      '',
      paint('dim', row('source', 'now', 'lines', 'lost', 'dropped')),
      ...sources.map((source) => figures(nameOf(source), rates[keyOf(source)] ?? 0, source)),
      ...(hidden > 0 ? [paint('dim', `  and ${count(hidden)} more`)] : []),
      '',
      `  ${paint('green', `${perSecond(rates[TOTAL] ?? 0)} → ${target}`)}  ${count(handed)} written  ${this.#loss(stats)}  ${count(waiting)} waiting`,
    ]
  }

  plain(): string | undefined {
    const stats = this.#stats()
    const rates = this.#next(stats, [])
    const { received, lost, droppedAtSource } = stats.totals
    const hasNews = received + lost + droppedAtSource !== this.#told
    this.#told = received + lost + droppedAtSource
    if (!hasNews) return undefined
    return [
      seconds(this.#elapsedMs()).padStart(8),
      `${count(received)} received`,
      perSecond(rates[TOTAL] ?? 0),
      `${count(sinkOf(stats).handed)} written`,
      this.#loss(stats),
      `${count(lost)} lost`,
      `${count(droppedAtSource)} dropped at the source`,
    ].join('  ')
  }

  json(): object {
    return { kind: 'stats', ...this.#figures() }
  }

  jsonLedger(): object {
    return { kind: 'ledger', ...this.#figures() }
  }

  ledger(): string {
    const stats = this.#stats()
    const { totals, kernelDrops } = stats
    const sink = sinkOf(stats)
    const rows: LedgerRow[] = [
      {
        label: 'lines received',
        value: totals.received,
        tone: 'total',
        note: `${count(totals.datagrams)} datagrams, ${byteCount(totals.bytes)}, ${seconds(this.#elapsedMs())}`,
      },
      { label: 'written', value: sink.handed, tone: 'good', note: this.#settings.target },
      ...partRows({
        'of them in the spool': own(sink, 'spooled'),
        'and of an earlier run': own(sink, 'recovered'),
        'messages that the server had already': own(sink, 'duplicates'),
      }),
      { label: 'not written', value: notWritten(sink), tone: 'loss' },
      'rule',
      {
        label: 'lost on the network',
        value: totals.lost,
        tone: 'loss',
        ...(totals.lost > 0 && { note: percent(totals.lost, totals.received + totals.lost) }),
      },
      { label: 'dropped at the source', value: totals.droppedAtSource, tone: 'loss' },
      ...partRows(totals.droppedBy),
    ]
    const rest = partRows({
      'not UTF-8': totals.invalidUtf8,
      'cut off': totals.truncated,
      'datagrams that came twice': totals.duplicates,
      'datagrams refused': stats.refused,
      'connections refused': stats.gudp?.refused ?? 0,
      'datagrams the kernel had no room for': kernelDrops ?? 0,
      'datagrams lost on purpose': stats.madeToLose,
    })
    if (rest.length > 0) rows.push('rule', ...rest.map(({ isPart: _, ...row }) => row))
    return `${renderLedger(rows, this.#settings.paint).join('\n')}\n`
  }

  /** Whether a line that came was not written. */
  hasFailed(): boolean {
    return notWritten(sinkOf(this.#stats())) > 0
  }

  #figures(): object {
    const { sources, others: _, ...stats } = this.#stats()
    return {
      elapsedMs: this.#elapsedMs(),
      ...stats,
      sources: largest(sources).map(({ flows: _, ...source }) => source),
    }
  }

  #next({ totals }: CollectorStats, sources: readonly SourceStats[]): Record<string, number> {
    const counts = Object.fromEntries(sources.map((source) => [keyOf(source), source.received]))
    return this.#rates.next({ ...counts, [TOTAL]: totals.received }, performance.now())
  }

  #loss(stats: CollectorStats): string {
    const lines = notWritten(sinkOf(stats))
    const text = `${count(lines)} not written`
    return lines > 0 ? this.#settings.paint('yellow', text) : text
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedMs)
  }
}

const TOTAL = 'total'

function largest(sources: readonly SourceStats[]): SourceStats[] {
  return [...sources].sort((a, b) => b.received - a.received).slice(0, SHOWN_SOURCES)
}

/** The command has one. */
function sinkOf({ sinks }: CollectorStats): SinkStats {
  return sinks[0]!
}

/** What a sink counts itself, where it does. */
function own({ own = {} }: SinkStats, name: string): number {
  return (own as Record<string, number>)[name] ?? 0
}

function notWritten({ failed, dropped }: SinkStats): number {
  return failed + dropped
}

function keyOf(source: SourceStats): string {
  return source.id ?? addressOf(source)
}

function nameOf(source: SourceStats): string {
  const address = addressOf(source)
  return source.id === undefined ? address : `${address}  ${source.id.slice(0, 8)}`
}

function addressOf({ flows }: SourceStats): string {
  return renderEndpoint(flows[0]!.address, flows[0]!.port)
}
