import { describe, expect, it } from 'vitest'
import { CollectReport } from '../../src/cli/collect/report.ts'
import { DemoView, type Sample } from '../../src/cli/demo/view.ts'
import { hasFailed, SendReport } from '../../src/cli/send/ledger.ts'
import type { ExporterStats } from '../../src/net/exporter-stats.ts'
import type { CollectorStats, SourceStats } from '../../src/node/collector.ts'

const plain = (_: unknown, text: string) => text

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const exporter = (changes: Partial<ExporterStats>): ExporterStats => ({
  source: '0123456789abcdef',
  offered: 0,
  sent: 0,
  inRing: 0,
  inFlight: 0,
  dropped: 0,
  droppedBy: {},
  bytes: 0,
  datagrams: 0,
  queue: { depth: 0, capacity: 100, highWater: 0, bytes: 0, capacityBytes: 25_600 },
  pool: { size: 1, max: 10, hits: 0, misses: 0, hitRate: 0, opened: 1, replaced: 0 },
  errors: {},
  retries: 0,
  gudp: { resumed: 0, resentEvents: 0 },
  metadata: { sent: 0, hits: 0, misses: 0, ms: 0 },
  heartbeats: 0,
  resolver: { lookups: 0, failures: 0, changes: 0 },
  alerts: 0,
  ioRestarts: 0,
  ...changes,
})

describe('what send says', () => {
  it('is nothing where nothing has happened', () => {
    let stats = exporter({})
    const report = new SendReport(() => stats, plain)
    expect(report.plain()).toBeUndefined()
    stats = exporter({ offered: 1200, sent: 1000, inRing: 150, inFlight: 50, bytes: 270_000 })
    expect(report.plain()).toMatch(/1,000 sent {2}.*0 dropped {2}200 waiting$/)
    expect(report.plain()).toBeUndefined()
    expect(report.live()).toHaveLength(1)
  })

  it('ends with the ledger', () => {
    const droppedBy = { overwritten: 0, oversize: 2, EMSGSIZE: 3 }
    const stats = exporter({ offered: 105, sent: 100, dropped: 5, droppedBy, bytes: 27_000, datagrams: 20 })
    const ledger = new SendReport(() => stats, plain).ledger()
    expect(ledger).toMatch(
      /lines read +105\n.*─\n +sent +100 {2}20 datagrams, 27\.0 kB, .*\n +dropped +5\n +EMSGSIZE +3\n +oversize +2\n$/,
    )
  })

  it('is a failure by what was lost, and whether that was allowed', () => {
    const full = exporter({ dropped: 5, droppedBy: { overwritten: 5 } })
    const tooLong = exporter({ dropped: 6, droppedBy: { overwritten: 5, oversize: 1 } })
    expect([exporter({}), full, tooLong].map((stats) => hasFailed(stats, false))).toEqual([false, true, true])
    expect([exporter({}), full, tooLong].map((stats) => hasFailed(stats, true))).toEqual([false, false, true])
  })
})

describe('what collect says', () => {
  const counts = { received: 0, lost: 0, droppedAtSource: 0, droppedBy: {}, datagrams: 0, bytes: 0 }
  const source = (port: number, changes: object): SourceStats =>
    ({
      ...counts,
      id: undefined,
      flows: [{ address: '10.0.0.7', port }],
      ...changes,
    }) as unknown as SourceStats
  const stats = (changes: object): Mutable<CollectorStats> =>
    ({
      totals: counts,
      sources: [],
      sinks: [{ name: 'file', handed: 0, failed: 0, dropped: 0, waiting: 0 }],
      refused: 0,
      madeToLose: 0,
      ...changes,
    }) as unknown as Mutable<CollectorStats>
  const settings = { place: '127.0.0.1:9999', target: 'events.ndjson', paint: plain }

  it('shows the sources with the most lines, and how many there are beside', () => {
    const sources = Array.from({ length: 20 }, (_, i) => source(4000 + i, { received: i }))
    sources[3] = source(4003, { received: 5000, lost: 12, droppedAtSource: 7, id: '0123456789abcdef' })
    const lines = new CollectReport(() => stats({ sources }), settings).live()
    expect(lines[3]).toMatch(/^ {2}10\.0\.0\.7:4003 {2}01234567 +0\/s +5,000 +12 +7$/)
    expect(lines[4]).toContain('10.0.0.7:4019')
    expect(lines.join('\n')).toContain('and 8 more')
    expect(lines.join('\n')).not.toContain('10.0.0.7:4005')
  })

  it('is nothing where nothing has happened', () => {
    let now = stats({})
    const report = new CollectReport(() => now, settings)
    expect(report.plain()).toBeUndefined()
    now = stats({ totals: { ...counts, lost: 3 } })
    expect(report.plain()).toContain('3 lost')
    expect(report.plain()).toBeUndefined()
  })

  it('ends with the ledger, and with what else there was to count', () => {
    const totals = {
      ...counts,
      received: 900,
      lost: 100,
      droppedAtSource: 5,
      droppedBy: { overwritten: 5 },
      invalidUtf8: 1,
      truncated: 0,
      duplicates: 0,
    }
    const sinks = [{ name: 'file', handed: 890, failed: 4, dropped: 6, waiting: 0 }]
    const report = new CollectReport(() => stats({ totals, sinks, refused: 2 }), settings)
    const ledger = report.ledger()
    expect(ledger).toMatch(/lines received +900 .*\n +written +890 {2}events\.ndjson\n +not written +10\n/)
    expect(ledger).toMatch(
      /lost on the network +100 {2}10\.00 %\n +dropped at the source +5\n +overwritten +5\n/,
    )
    expect(ledger).toMatch(/datagrams refused +2\n +not UTF-8 +1\n$/)
    expect(ledger).not.toContain('cut off')
    expect(report.hasFailed()).toBe(true)
    expect(new CollectReport(() => stats({}), settings).hasFailed()).toBe(false)
  })
})

describe('what the demo shows', () => {
  it('has every place of the ledger, and the rates since the last second', () => {
    const sample: Mutable<Sample> = {
      elapsedMs: 0,
      exporter: exporter({}),
      receiver: { received: 0, written: 0, lost: 0, notWritten: 0 },
      phase: 'writing',
    }
    const view = new DemoView(
      { threads: 4, durationMs: 10_000, target: 'events.ndjson' },
      () => sample,
      plain,
    )
    sample.elapsedMs = 1000
    sample.exporter = exporter({
      offered: 1000,
      sent: 900,
      dropped: 40,
      droppedBy: { overwritten: 40, full: 0 },
    })
    sample.receiver = { received: 700, written: 650, lost: 200, notWritten: 0 }
    const lines = view.live().join('\n')
    expect(lines).toContain('1.0 s of 10.0 s  writing')
    expect(lines).toMatch(/offered +1,000\/s +1,000 {2}by 4 threads/)
    expect(lines).toMatch(/sent +900\/s +900 /)
    expect(lines).toMatch(/delivered +650\/s +650 {2}events\.ndjson/)
    expect(lines).toMatch(/dropped +40\/s +40 {2}overwritten 40\n/)
    expect(lines).toMatch(/lost +200\/s +200 {2}22\.22 %/)
    expect(view.plain()).toContain(
      'offered 1,000/s  sent 900/s  delivered 650/s  in all 650  dropped 40  lost 200',
    )
  })
})
