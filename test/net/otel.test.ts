// OpenTelemetry's log records at a collector: by a processor that writes them as they are emitted, and by an exporter behind the SDK's own queue.

import { context, TraceFlags, trace } from '@opentelemetry/api'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { Collector } from 'spillway/collector'
import { type OtelOptions, SpillwayLogRecordExporter, SpillwayLogRecordProcessor } from 'spillway/otel'
import { UdpExporter, type UdpExporterOptions } from 'spillway/udp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { deadPort } from '../support/exporters.ts'

async function exporting(options: Partial<UdpExporterOptions> = {}) {
  const events: (Record<string, unknown> & { attributes?: { i: number } })[] = []
  const collector = await Collector.open({
    transport: 'gudp',
    capacity: 65_536,
    queueBytes: 2 ** 25,
    sink: (lines) => {
      for (const line of lines) events.push(JSON.parse(line))
    },
  })
  onTestFinished(() => collector.close())
  const { port } = collector.address()
  const exporter = await UdpExporter.open({
    host: '127.0.0.1',
    port,
    transport: 'gudp',
    metadata: false,
    capacity: 65_536,
    maxDatagramBytes: 8000,
    ...options,
  })
  onTestFinished(() => exporter.close())
  return { events, collector, exporter }
}

async function processing(options?: OtelOptions) {
  const all = await exporting()
  const processor = new SpillwayLogRecordProcessor(all.exporter, options)
  const resource = resourceFromAttributes({ 'service.name': 'checkout' })
  const provider = new LoggerProvider({ processors: [processor], resource })
  return { ...all, provider, processor, logger: provider.getLogger('shop', '1.2.3') }
}

function listenForWarnings(): Error[] {
  const warnings: Error[] = []
  const listen = (warning: Error) => void warnings.push(warning)
  process.on('warning', listen)
  onTestFinished(() => void process.off('warning', listen))
  return warnings
}

describe('the processor', () => {
  it('loses none of 10,000 records that are emitted in one tick', async () => {
    const { provider, logger, exporter, events, collector } = await processing()
    for (let i = 0; i < 10_000; i++) logger.emit({ body: 'an event', attributes: { i } })
    expect(exporter.stats()).toMatchObject({ offered: 10_000, dropped: 0 })
    await provider.forceFlush()
    expect(exporter.stats().sent).toBe(10_000)
    await provider.shutdown()
    await collector.close()
    expect(events.map(({ attributes }) => attributes!.i)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  })

  it('has what the data model has', async () => {
    const { provider, logger, events, collector } = await processing()
    const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED }
    logger.emit({
      timestamp: [1_700_000_000, 123_456_789],
      severityNumber: SeverityNumber.WARN,
      severityText: 'WARN',
      eventName: 'order.failed',
      body: { reason: 'no money' },
      attributes: { order: 7, items: ['a', 'b'] },
      context: trace.setSpanContext(context.active(), spanContext),
    })
    await provider.shutdown()
    await collector.close()
    expect(events).toEqual([
      {
        timestamp: '2023-11-14T22:13:20.123456789Z',
        severityText: 'WARN',
        severityNumber: 13,
        body: { reason: 'no money' },
        eventName: 'order.failed',
        attributes: { order: 7, items: ['a', 'b'] },
        resource: { 'service.name': 'checkout' },
        scope: { name: 'shop', version: '1.2.3' },
        traceId: '1'.repeat(32),
        spanId: '2'.repeat(16),
        traceFlags: 1,
      },
    ])
  })

  it('takes bodies that JSON does not have, and such as refer to themselves', async () => {
    const { provider, logger, events, collector } = await processing()
    const circle: Record<string, unknown> = { a: 1n, bytes: Uint8Array.of(1, 2, 3) }
    circle.self = circle
    circle.twice = [{ x: 1 }, { x: 1 }]
    logger.emit({ body: circle as never })
    logger.emit({ body: (2n ** 64n) as never })
    logger.emit({ body: Buffer.of(1, 2, 3) }) // has a toJSON of its own
    await provider.shutdown()
    await collector.close()
    expect(events.map(({ body }) => body)).toEqual([
      { a: '1', bytes: 'AQID', self: '[circular]', twice: [{ x: 1 }, { x: 1 }] },
      '18446744073709551616',
      'AQID',
    ])
  })

  it('an event of one’s own, and one that throws', async () => {
    const warnings = listenForWarnings()
    const { provider, processor, logger, exporter, events, collector } = await processing({
      toEvent: ({ body }) => {
        if (body === 'bad') throw new Error('no')
        return { message: body }
      },
    })
    for (const body of ['good', 'bad', 'good again', 'bad']) logger.emit({ body })
    await provider.shutdown()
    await collector.close()
    expect(events).toEqual([{ message: 'good' }, { message: 'good again' }])
    expect([processor.refused, exporter.stats().offered]).toEqual([2, 2])
    const told = warnings.filter(({ message }) => message.includes('toEvent'))
    expect(told).toMatchObject([{ cause: { message: 'no' } }])
  })

  it('an event that has no JSON is refused, and told once by each', async () => {
    const warnings = listenForWarnings()
    for (let writers = 1; writers <= 2; writers++) {
      const { provider, processor, logger, events, collector } = await processing({ toEvent })
      for (const body of ['bad', 'good', 'bad']) logger.emit({ body })
      await provider.shutdown()
      await collector.close()
      expect([events, processor.refused]).toEqual([[{ message: 'good' }], 2])
      const told = warnings.filter(({ message }) => message.includes('could not be written as JSON'))
      expect(told).toHaveLength(writers)
      expect(told.at(-1)).toMatchObject({ cause: { message: expect.stringContaining('undefined') } })
    }

    function toEvent({ body }: { body?: unknown }) {
      return body === 'bad' ? undefined : { message: body }
    }
  })

  it('where somebody’s toJSON throws, no toEvent is blamed that nobody gave', async () => {
    const warnings = listenForWarnings()
    const { provider, processor, logger, events, collector } = await processing()
    const body = {
      toJSON() {
        throw new Error('no')
      },
    }
    logger.emit({ body: body as never })
    logger.emit({ body: 'good' })
    await provider.shutdown()
    await collector.close()
    expect([events.map((event) => event.body), processor.refused]).toEqual([['good'], 1])
    const told = warnings.filter(({ message }) => message.startsWith('spillway:'))
    expect(told).toMatchObject([
      { message: expect.stringContaining('could not be written as JSON'), cause: { message: 'no' } },
    ])
  })

  it('after shutdown: nothing is written, nothing is thrown', async () => {
    const { provider, logger, exporter } = await processing()
    logger.emit({ body: 'before' })
    await provider.shutdown()
    logger.emit({ body: 'after' })
    await provider.forceFlush()
    await provider.shutdown()
    expect(exporter.stats()).toMatchObject({ offered: 1, sent: 1 })
  })

  it('leaves the exporter open where it is told to', async () => {
    const { provider, logger, exporter } = await processing({ closes: false })
    logger.emit({ body: 'one' })
    await provider.shutdown()
    expect(exporter.stats().sent).toBe(1)
    expect(exporter.write('still open')).toBe(true)
  })
})

describe('the exporter', () => {
  it('behind the SDK’s queue: what is beyond 2048 is dropped there, before it, and nobody is told', async () => {
    const { exporter, collector } = await exporting()
    const batch = new BatchLogRecordProcessor({ exporter: new SpillwayLogRecordExporter(exporter) })
    const provider = new LoggerProvider({ processors: [batch] })
    const logger = provider.getLogger('shop')
    for (let i = 0; i < 10_000; i++) logger.emit({ body: i })
    await provider.shutdown()
    await collector.close()
    const { offered, dropped } = exporter.stats()
    expect(offered).toBeGreaterThanOrEqual(2048)
    expect(offered).toBeLessThan(4096) // a batch of 512 may have left the queue meanwhile
    expect([dropped, collector.stats().totals.received]).toEqual([0, offered])
  })

  it('record by record', async () => {
    const { exporter, collector } = await exporting()
    const simple = new SimpleLogRecordProcessor({ exporter: new SpillwayLogRecordExporter(exporter) })
    const provider = new LoggerProvider({ processors: [simple] })
    for (let i = 0; i < 100; i++) provider.getLogger('shop').emit({ body: i })
    await provider.forceFlush()
    await provider.shutdown()
    await collector.close()
    expect(collector.stats().totals.received).toBe(100)
  })

  it('forceFlush never rejects, or the SDK would export nothing any more', async () => {
    // Nobody is there for gudp: what is exported stays on its way.
    const port = await deadPort()
    const exporter = await UdpExporter.open({
      host: '127.0.0.1',
      port,
      transport: 'gudp',
      metadata: false,
      closeTimeoutMs: 0,
    })
    onTestFinished(() => exporter.close())
    const sut = new SpillwayLogRecordExporter(exporter, { toEvent: () => ({}) })
    sut.export([{} as never], () => {})
    await expect(exporter.flush({ timeoutMs: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const processor = new SpillwayLogRecordProcessor(exporter)
    await Promise.all([
      expect(sut.forceFlush()).resolves.toBeUndefined(),
      expect(processor.forceFlush()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' }),
    ])
  })

  it('always calls back: full, and after shutdown, too', async () => {
    const { exporter } = await exporting({ capacity: 4, policy: 'drop-newest', recordBytes: 16 })
    const sut = new SpillwayLogRecordExporter(exporter, { toEvent: () => ({ pad: 'x'.repeat(100) }) })
    const exportSome = (count: number) =>
      new Promise<{ code: number; error?: Error }>((resolve) =>
        sut.export(
          Array.from({ length: count }, () => ({}) as never),
          resolve,
        ),
      )
    expect(await exportSome(0)).toEqual({ code: 0 })
    const full = await exportSome(50_000)
    expect(full.code).toBe(1)
    expect(full.error!.message).toMatch(/of 50000 records were dropped/)
    await sut.shutdown()
    expect(await exportSome(1)).toMatchObject({ code: 1, error: { code: 'ERR_CLOSED' } })
    await sut.forceFlush()
  })

  it.each([
    [undefined, {}, 'open UdpExporter'],
    [{ host: 'a', port: 1 }, {}, 'open UdpExporter'],
  ])('%j is no exporter', (exporter, options, told) => {
    expect(() => new SpillwayLogRecordExporter(exporter as never, options)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(told) }),
    )
  })
})
