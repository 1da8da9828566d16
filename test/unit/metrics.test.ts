// The figures as metrics: what is exposed, and that a counter never falls.
import { describe, expect, it } from 'vitest'
import { collectorFamilies } from '../../src/integrations/metrics/collector-families.ts'
import { exporterFamilies } from '../../src/integrations/metrics/exporter-families.ts'
import { metrics } from '../../src/integrations/metrics/reading.ts'
import { prometheusText } from '../../src/integrations/metrics/text.ts'
import type { Measured } from '../../src/integrations/metrics/things.ts'
import type { CollectorStats } from '../../src/node/collector.ts'
import { codeOf } from '../support/code-of.ts'
import { collectorFigures, exporterFigures, sourceFigures } from '../support/metric-figures.ts'
import { metricValue, parsePrometheus } from '../support/prometheus-parser.ts'

const fixed = (stats: ReturnType<Measured['stats']>): Measured => ({ stats: () => stats })

describe('the table of metrics', () => {
  it('has each name once, as Prometheus wants names', () => {
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
    for (const { name, type, help, unit } of metrics) {
      expect(name).toMatch(/^spillway_[a-z][a-z_]*[a-z]$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      if (unit === 'bytes' || unit === 'seconds') expect(name).toContain(unit)
      expect(help).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('leaves out no figure of an exporter, nor of a collector', () => {
    const seen = new Set<string>()
    const watched = <T extends object>(figures: T, path = ''): T =>
      new Proxy(figures, {
        get: (target, name) => {
          const value = Reflect.get(target, name)
          const place = `${path}${String(name)}`
          if (Array.isArray(value)) seen.add(place)
          else if (typeof value === 'object' && value !== null) return watched(value, `${place}.`)
          seen.add(place)
          return value
        },
      })
    const gudp = {
      sessions: 1,
      opened: 1,
      resumed: 1,
      unknown: 1,
      refused: 1,
      malformed: 1,
      strange: 1,
      unopened: 1,
    }
    const collector = { ...collectorFigures(), gudp }
    for (const { read } of exporterFamilies) read(watched(exporterFigures))
    for (const { read } of collectorFamilies) read(watched<CollectorStats>(collector))
    const leaves = (figures: object, path = ''): string[] =>
      Object.entries(figures).flatMap(([name, value]) =>
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        name !== 'droppedBy' &&
        name !== 'errors'
          ? leaves(value, `${path}${name}.`)
          : [`${path}${name}`],
      )
    // What is a name, a sum of others, or has metrics of its own.
    const left = [
      'source',
      'dropped',
      'inRing',
      'pool.hitRate',
      'offered',
      'transport',
      'totals.droppedAtSource',
    ]
    const isLeft = (place: string) =>
      left.includes(place) || /(^|\.)(droppedBy|errors)$/.test(place) || place.startsWith('others.')
    const all = [...leaves(exporterFigures), ...leaves(collector)]
    expect(all.filter((place) => !seen.has(place) && !isLeft(place))).toEqual([])
  })
})

describe('the text', () => {
  it('is this, of an exporter', () => {
    const text = prometheusText({ thing: fixed(exporterFigures), labels: { service: 'checkout' } })
    expect(text.slice(0, text.indexOf('# HELP spillway_events_dropped_total'))).toBe(
      [
        '# HELP spillway_events_offered_total Events that were given to the exporter.',
        '# TYPE spillway_events_offered_total counter',
        'spillway_events_offered_total{service="checkout"} 1000',
        '# HELP spillway_events_written_total Events that were stored in the ring.',
        '# TYPE spillway_events_written_total counter',
        'spillway_events_written_total{service="checkout"} 980',
        '# HELP spillway_events_sent_total Events that the kernel has taken; over gudp, that the collector has.',
        '# TYPE spillway_events_sent_total counter',
        'spillway_events_sent_total{service="checkout"} 900',
        '',
      ].join('\n'),
    )
    const families = parsePrometheus(text)
    const dropped = families.get('spillway_events_dropped_total')!.series
    // Those that did not occur stand there, too: else the first loss of a kind would be no growth.
    expect(dropped).toHaveLength(6 + 18)
    expect(dropped.reduce((sum, { value }) => sum + value, 0)).toBe(exporterFigures.dropped)
    const of = (name: string, more = {}) => metricValue(families, name, { service: 'checkout', ...more })
    expect(of('spillway_events_dropped_total', { reason: 'overwritten' })).toBe(50)
    expect(of('spillway_send_errors_total', { code: 'EMSGSIZE' })).toBe(4)
    expect(of('spillway_send_errors_total', { code: 'ECONNREFUSED' })).toBe(0)
    expect(of('spillway_queue_capacity_events')).toBe(8192)
    expect(of('spillway_metadata_seconds_total')).toBe(0.0005)
  })

  it('is a golden one, of a collector with a name that would be markup', () => {
    const sink = {
      name: 'a "quoted\\\nname',
      offered: 9,
      handed: 5,
      failed: 1,
      dropped: 1,
      droppedBytes: 70,
      inHand: 1,
      waiting: 1,
      batches: 3,
    }
    const text = prometheusText(fixed({ ...collectorFigures(), sinks: [sink], kernelDrops: 4 }))
    expect(text).toContain('spillway_sink_handed_lines_total{sink="a \\"quoted\\\\\\nname"} 5\n')
    const families = parsePrometheus(text)
    expect(metricValue(families, 'spillway_sink_waiting_lines', { sink: sink.name })).toBe(1)
    expect(metricValue(families, 'spillway_kernel_dropped_datagrams_total')).toBe(4)
    expect(families.get('spillway_sink_waiting_lines')!.type).toBe('gauge')
  })

  it('has what cannot be known not at all, and never a number that is none', () => {
    const text = prometheusText(fixed({ ...collectorFigures(), recvBufferBytes: Number.NaN }))
    expect(text).not.toMatch(/kernel|gudp|NaN|undefined|receive_buffer|spillway_source_|events_sent/)
    expect(text).toContain('spillway_receive_errors_total 0\n')
  })

  it('has each family once over all things', () => {
    const text = prometheusText([
      { thing: fixed(exporterFigures), labels: { name: 'a' } },
      { thing: fixed({ ...exporterFigures, sent: 1 }), labels: { name: 'b' } },
      fixed(collectorFigures()),
    ])
    const families = parsePrometheus(text)
    expect(families.get('spillway_events_sent_total')!.series).toEqual([
      { labels: { name: 'a' }, value: 900 },
      { labels: { name: 'b' }, value: 1 },
    ])
    expect(metricValue(families, 'spillway_received_lines_total')).toBe(0)
    expect(prometheusText([])).toBe('')
  })

  it('is refused where it would not be valid', () => {
    const exporter = fixed(exporterFigures)
    const wrong = [
      () => prometheusText([exporter, fixed(exporterFigures)]), // cannot be told apart
      () => prometheusText([exporter, exporter]),
      () => prometheusText({ thing: exporter, labels: { reason: 'x' } }),
      () => prometheusText({ thing: exporter, labels: { 'a-b': 'x' } }),
      () => prometheusText({ thing: exporter, labels: { __name__: 'x' } }),
      () => prometheusText({ thing: exporter, labels: { a: 1 as unknown as string } }),
      () => prometheusText({} as Measured),
      () => prometheusText(exporter, { sources: 0 }),
      () => prometheusText(exporter, { sources: 1.5 }),
    ]
    for (const call of wrong) expect(codeOf(call)).toBe('ERR_INVALID_ARGUMENT')
    expect(() => prometheusText([exporter, fixed(exporterFigures)])).toThrow(
      'two exporters have the same labels',
    )
  })
})

describe('a counter', () => {
  it('never falls, where the ledger does: what was late counts as lost for a while', () => {
    let lost = 0
    const collector = { stats: () => collectorFigures([], { lost, received: 100 - lost }) }
    const told = [0, 30, 10, 25, 45].map((figure) => {
      lost = figure
      return metricValue(parsePrometheus(prometheusText(collector)), 'spillway_lost_lines_total')
    })
    expect(told).toEqual([0, 30, 30, 30, 45])
  })
})

describe('sources', () => {
  const collector = { stats: () => collectorFigures() }
  const show = (...sources: Parameters<typeof sourceFigures>[]) => {
    const stats = collectorFigures(sources.map((each) => sourceFigures(...each)))
    collector.stats = () => ({ ...stats, totals: { ...stats.totals, ...forgotten(stats) } })
    const families = parsePrometheus(prometheusText(collector, { sources: 2 }))
    const { series } = families.get('spillway_source_received_lines_total')!
    return Object.fromEntries(series.map(({ labels, value }) => [labels.source, value]))
  }
  let gone = 0
  const forgotten = ({ totals }: CollectorStats) => ({ received: totals.received + gone })

  it('are the largest by name and the rest as one, and all of it only grows', () => {
    const a = 'a'.repeat(16)
    const b = 'b'.repeat(16)
    const [quiet, forged] = [
      { port: 3, datagrams: 1, received: 5 },
      { port: 4, datagrams: 9, received: 900 },
    ]
    expect(
      show([a, [{ port: 1, datagrams: 1, received: 10 }]], [undefined, [quiet]], [undefined, [forged]]),
    ).toEqual({
      [a]: 10,
      '10.0.0.7:4': 900,
      other: 5,
    })
    // One that tells who it is goes before a larger one that does not; what that one grows by is the others'.
    const more = { ...forged, datagrams: 10, received: 1000 }
    const named = [{ port: 3, datagrams: 2, received: 7 }]
    expect(show([a, [{ port: 1, datagrams: 1, received: 10 }]], [b, named], [undefined, [more]])).toEqual({
      [a]: 10,
      [b]: 2, // since it is known by that name: the 5 before are the others'
      other: 105,
    })
    // A flow is forgotten: its exporter's figures stay, and the totals know it still.
    gone = 10
    expect(show([a, [{ port: 9, datagrams: 1, received: 1 }]], [b, named], [undefined, [more]])).toEqual({
      [a]: 11,
      [b]: 2,
      other: 105,
    })
    // It comes again, from nothing.
    expect(
      show(
        [
          a,
          [
            { port: 9, datagrams: 1, received: 1 },
            { port: 1, datagrams: 1, received: 3 },
          ],
        ],
        [b, named],
        [undefined, [more]],
      ),
    ).toEqual({ [a]: 14, [b]: 2, other: 105 })
  })

  it('have an address, and IPv6 in brackets', () => {
    const [flow] = sourceFigures(undefined, [{ port: 5 }]).flows
    const source = { ...sourceFigures(undefined, [{ port: 5 }]), flows: [{ ...flow!, address: '::1' }] }
    const text = prometheusText(fixed(collectorFigures([source])), { sources: true })
    expect(text).toContain('spillway_source_received_lines_total{source="[::1]:5",address="::1"} 0\n')
    expect(text).toContain('spillway_source_received_lines_total{source="other",address=""} 0\n')
  })
})
