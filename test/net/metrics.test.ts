// The metrics, with the libraries that people have, and that they say what the ledger says.
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import client from 'prom-client'
import { Collector, type CollectorOptions } from 'spillway/collector'
import { prometheusText, registerMetrics } from 'spillway/prometheus'
import { UdpExporter, type UdpExporterOptions } from 'spillway/udp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { instrumentName, meterMetrics } from '../../src/integrations/otel-meters.ts'
import { deadPort, openExporter } from '../support/exporters.ts'
import { type Family, metricValue, parsePrometheus } from '../support/prometheus-parser.ts'

/** Both ends, which end with the test, and what came. */
async function openBoth(from: Partial<UdpExporterOptions> = {}, to: Partial<CollectorOptions> = {}) {
  const collector = await Collector.open({ sink: { name: 'nowhere', write: () => {} }, ...to })
  onTestFinished(() => collector.close())
  const exporter = await UdpExporter.open({
    host: '127.0.0.1',
    port: collector.address().port,
    metadata: false,
    ...from,
  })
  onTestFinished(() => exporter.close())
  return { collector, exporter }
}

const metric = (text: string, name: string, labels: Record<string, string> = {}) =>
  metricValue(parsePrometheus(text), name, labels)

describe('the text of a real exporter and a real collector', () => {
  it('is their ledger, also while events flow, and adds up', async () => {
    const { collector, exporter } = await openBoth({ capacity: 64 })
    const droppedOf = (text: string) =>
      parsePrometheus(text)
        .get('spillway_events_dropped_total')!
        .series.reduce((sum, { value }) => sum + value, 0)
    let before = new Map<string, Family>()
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 200; i++) exporter.encode({ event: 'process_exec', round, i })
      const text = prometheusText([exporter, collector], { sources: true })
      expect(metric(text, 'spillway_events_offered_total')).toBe((round + 1) * 200)
      const now = parsePrometheus(text)
      for (const [name, { type, series }] of before) {
        if (type !== 'counter' || name.startsWith('spillway_source_')) continue
        for (const { labels, value } of series)
          expect(metricValue(now, name, labels), name).toBeGreaterThanOrEqual(value)
      }
      before = now
      await new Promise(setImmediate)
    }
    await exporter.close()
    await collector.close()
    const text = prometheusText([exporter, collector], { sources: 10 })
    const { source, sent, dropped } = exporter.stats()
    expect(dropped).toBeGreaterThan(0)
    expect(metric(text, 'spillway_events_sent_total')).toBe(sent)
    expect(droppedOf(text)).toBe(dropped)
    expect(sent + dropped).toBe(50 * 200)
    expect(metric(text, 'spillway_received_lines_total') + collector.stats().totals.lost).toBe(sent)
    expect(metric(text, 'spillway_dropped_at_source_events_total', { reason: 'overwritten' })).toBe(dropped)
    const own = { source, address: '127.0.0.1' }
    expect(metric(text, 'spillway_source_dropped_events_total', own)).toBe(dropped)
  })

  it('tells of errors by their code', async () => {
    const exporter = await openExporter({ port: await deadPort(), maxDelayMs: 0 })
    while ((exporter.stats().errors.ECONNREFUSED ?? 0) === 0) {
      exporter.encode({ event: 'process_exec' })
      await exporter.flush()
    }
    const text = prometheusText(exporter)
    expect(metric(text, 'spillway_send_errors_total', { code: 'ECONNREFUSED' })).toBeGreaterThan(0)
  })

  it('has what gudp counts', async () => {
    const { collector, exporter } = await openBoth({ transport: 'gudp' }, { transport: 'gudp' })
    exporter.encode({ event: 'process_exec' })
    await exporter.flush()
    const text = prometheusText([exporter, collector])
    expect(metric(text, 'spillway_gudp_sessions')).toBe(1)
    expect(metric(text, 'spillway_gudp_bad_datagrams_total', { reason: 'malformed' })).toBe(0)
    expect(metric(text, 'spillway_gudp_resumed_total')).toBe(0)
  })
})

describe('prom-client', () => {
  it('gives the same text as we do, at every scrape', async () => {
    const { collector, exporter } = await openBoth()
    const registry = new client.Registry()
    registerMetrics(client, { thing: exporter, labels: { name: 'audit' } }, { registry })
    registerMetrics(client, collector, { registry, sources: true })
    for (const events of [100, 250]) {
      for (let i = 0; i < events; i++) exporter.encode({ event: 'process_exec', i })
      await exporter.flush()
      const text = await registry.metrics()
      const ours = prometheusText([{ thing: exporter, labels: { name: 'audit' } }, collector], {
        sources: true,
      })
      // It has families without series, too.
      const theirs = [...parsePrometheus(text)].filter(([, { series }]) => series.length > 0)
      const names = [...parsePrometheus(ours).keys()]
      expect(theirs.map(([name]) => name)).toEqual(names)
      const name = { name: 'audit' }
      expect(metric(text, 'spillway_events_sent_total', name)).toBe(exporter.stats().sent)
      expect(metric(text, 'spillway_queue_capacity_events', name)).toBe(8192)
    }
    expect(metric(await registry.metrics(), 'spillway_events_sent_total', { name: 'audit' })).toBe(350)
    await exporter.close()
    await collector.close()
    const text = await registry.metrics()
    expect(metric(text, 'spillway_received_lines_total') + collector.stats().totals.lost).toBe(350)
    // One by itself is read anew, too.
    const single = await registry.getSingleMetricAsString('spillway_received_lines_total')
    expect(single).toContain(`spillway_received_lines_total ${collector.stats().totals.received}`)
  })

  it('is rid of them when it is told, and of no others', async () => {
    const { collector, exporter } = await openBoth()
    const registry = new client.Registry()
    const other = new client.Counter({ name: 'my_own_total', help: 'Mine.', registers: [registry] })
    other.inc(3)
    const removeExporter = registerMetrics(client, exporter, { registry })
    const removeCollector = registerMetrics(client, { thing: collector, labels: { site: 'a' } }, { registry })
    removeExporter()
    removeExporter()
    const text = await registry.metrics()
    expect(text).not.toMatch(/^spillway_events/m)
    expect(metric(text, 'spillway_flows', { site: 'a' })).toBeGreaterThanOrEqual(0)
    removeCollector()
    expect((await registry.metrics()).trim()).toBe(
      '# HELP my_own_total Mine.\n# TYPE my_own_total counter\nmy_own_total 3',
    )
    registerMetrics(client, exporter, { registry })
    expect(await registry.metrics()).toContain('spillway_events_offered_total 0')
  })

  it('takes two of a kind only where labels tell them apart, and keeps what it had', async () => {
    const { exporter } = await openBoth()
    const another = await openExporter({ port: 9 })
    const registry = new client.Registry()
    registerMetrics(client, exporter, { registry })
    const twice = () => registerMetrics(client, another, { registry })
    expect(twice).toThrow('two exporters have the same labels')
    expect(await registry.metrics()).toContain('spillway_events_offered_total 0')
    registerMetrics(client, { thing: another, labels: { name: 'b' } }, { registry })
    const { series } = parsePrometheus(await registry.metrics()).get('spillway_events_offered_total')!
    expect(series.map(({ labels }) => labels)).toEqual([{}, { name: 'b' }])
    const metricsOf = (given: unknown) => () => registerMetrics(given as typeof client, exporter)
    expect(metricsOf(registry)).toThrow("import client from 'prom-client'")
  })

  it('has its own registry unless it is told of another', async () => {
    const { exporter } = await openBoth()
    const remove = registerMetrics(client, exporter)
    expect(await client.register.metrics()).toContain('spillway_events_offered_total 0')
    remove()
    expect((await client.register.metrics()).trim()).toBe('')
  })
})

/** Collects when it is asked. */
class AskedReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  /** By name: the points, each with its attributes. */
  async read() {
    const { resourceMetrics, errors } = await this.collect()
    expect(errors).toEqual([])
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return new Map(all.map((one) => [one.descriptor.name, one]))
  }
}

describe('OpenTelemetry', () => {
  it('has the same figures at every collection, until it is stopped', async () => {
    const { collector, exporter } = await openBoth()
    const reader = new AskedReader()
    const provider = new MeterProvider({ readers: [reader] })
    onTestFinished(() => provider.shutdown())
    const meter = provider.getMeter('test')
    const stop = meterMetrics(meter, [{ thing: exporter, labels: { name: 'audit' } }, collector])
    for (let i = 0; i < 120; i++) exporter.encode({ event: 'process_exec', i })
    await exporter.flush()
    const read = await reader.read()
    const sent = read.get('spillway.events_sent')!
    expect(sent.dataPoints).toMatchObject([{ value: 120, attributes: { name: 'audit' } }])
    expect(sent.descriptor).toMatchObject({ unit: '{event}' })
    expect(sent).toMatchObject({ isMonotonic: true })
    expect(read.get('spillway.sent_bytes')).toMatchObject({
      descriptor: { unit: 'By' },
      dataPoints: [{ value: exporter.stats().bytes }],
    })
    expect(read.get('spillway.queue_capacity_events')).toMatchObject({ dataPointType: DataPointType.GAUGE })
    expect(read.get('spillway.sink_waiting_lines')!.dataPoints[0]!.attributes).toEqual({ sink: 'nowhere' })
    // Whatever the text has, by the same names.
    const families = parsePrometheus(prometheusText([exporter, collector]))
    expect([...read.keys()].filter((name) => read.get(name)!.dataPoints.length > 0).sort()).toEqual(
      [...families.keys()].map((name) => instrumentName({ name })).sort(),
    )
    exporter.encode({ event: 'process_exec' })
    await exporter.flush()
    expect((await reader.read()).get('spillway.events_sent')!.dataPoints[0]!.value).toBe(121)
    stop()
    exporter.encode({ event: 'process_exec' })
    await exporter.flush()
    const after = (await reader.read()).get('spillway.events_sent')?.dataPoints[0]?.value
    expect(after === undefined || after === 121).toBe(true)
  })

  it('refuses what cannot be told apart', async () => {
    const { exporter } = await openBoth()
    const another = await openExporter({ port: 9 })
    const provider = new MeterProvider()
    onTestFinished(() => provider.shutdown())
    expect(() => meterMetrics(provider.getMeter('test'), [exporter, another])).toThrow('the same labels')
  })
})
