// The sink for JetStream against a real nats-server: what is acknowledged is there, once; what is not is counted, or waits in the spool.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Collector, type CollectorAlert, type CollectorOptions, fileSink } from 'spillway/collector'
import { type JetStreamSinkOptions, type JetStreamSinkStats, jetStreamSink } from 'spillway/nats'
import { UdpExporter } from 'spillway/udp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../support/harness.ts'
import { NatsServer } from '../support/nats-server.ts'
import { describeWith, output } from './programs/program.ts'

const STREAM = 'EVENTS'
const numberOf = (line: string): number => JSON.parse(line).i
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const sorted = (lines: string[]) => lines.map(numberOf).sort((a, b) => a - b)

interface Storing {
  collector: Collector
  exporter: UdpExporter
  alerts: CollectorAlert[]
  own(): JetStreamSinkStats
}

/** Exporter and collector over gudp, so that what is sent arrives, and the sink. */
async function storing(
  server: NatsServer | string,
  sink: Partial<JetStreamSinkOptions> = {},
  options: Partial<CollectorOptions> = {},
): Promise<Storing> {
  const alerts: CollectorAlert[] = []
  const collector = await Collector.open({
    transport: 'gudp',
    sink: jetStreamSink({
      servers: typeof server === 'string' ? server : server.url,
      stream: STREAM,
      ...sink,
    }),
    onAlert: (alert) => void alerts.push(alert),
    capacity: 65_536,
    queueBytes: 2 ** 25,
    ...options,
  })
  onTestFinished(() => collector.close({ timeoutMs: 0 }))
  const exporter = await UdpExporter.open({
    host: '127.0.0.1',
    port: collector.address().port,
    transport: 'gudp',
    metadata: false,
    capacity: 65_536,
  })
  onTestFinished(() => exporter.close())
  const own = () => collector.stats().sinks[0]!.own as JetStreamSinkStats
  return { collector, exporter, alerts, own }
}

function encode(exporter: UdpExporter, from: number, to: number): void {
  for (let i = from; i < to; i++) exporter.encode({ event: 'process_exec', i, pad: 'x'.repeat(i % 100) })
}

function spoolDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'spillway-spool-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

describeWith(['nats-server'], 'JetStream', () => {
  describe('while all goes well', () => {
    it('makes the stream, and each line is there once, in order, when the ledger says so', async () => {
      const server = await NatsServer.start()
      const { collector, exporter, own } = await storing(server, {}, {})
      encode(exporter, 0, 20_000)
      await exporter.close()
      await collector.close()
      const [sink] = collector.stats().sinks
      expect(sink).toMatchObject({ offered: 20_000, handed: 20_000, failed: 0, dropped: 0, waiting: 0 })
      expect(own()).toMatchObject({ stored: 20_000, spooled: 0, duplicates: 0, retries: 0, tooLong: 0 })
      expect((await server.linesOf(STREAM)).map(numberOf)).toEqual(numbers(0, 20_000))
    })

    it('has so many lines a message as it is told, and no more bytes', async () => {
      const server = await NatsServer.start()
      const { collector, exporter } = await storing(server, { linesPerMessage: 7, messageBytes: 1024 })
      encode(exporter, 0, 1000)
      await exporter.close()
      await collector.close()
      const manager = await jetstreamManager(await server.client())
      const { state } = await manager.streams.info(STREAM)
      expect(state.messages).toBeGreaterThanOrEqual(1000 / 7)
      for (let seq = 1; seq <= state.messages; seq++) {
        const message = await manager.streams.getMessage(STREAM, { seq })
        expect(message!.data.length).toBeLessThanOrEqual(1024)
        expect(message!.string().split('\n').length - 1).toBeLessThanOrEqual(7)
        expect(message!.string().endsWith('\n')).toBe(true)
      }
    })

    it('a subject by source: each message has the lines of one', async () => {
      const server = await NatsServer.start()
      const { collector, exporter } = await storing(server, { subject: 'events.{source}.lines' })
      const other = await UdpExporter.open({
        host: '127.0.0.1',
        port: collector.address().port,
        transport: 'gudp',
        metadata: false,
      })
      onTestFinished(() => other.close())
      encode(exporter, 0, 500)
      encode(other, 500, 1000)
      await Promise.all([exporter.close(), other.close()])
      await collector.close()
      const manager = await jetstreamManager(await server.client())
      const { config, state } = await manager.streams.info(STREAM, { subjects_filter: '>' })
      expect(config.subjects).toEqual(['events.*.lines'])
      const ids = collector.stats().sources.map(({ id }) => id!)
      expect(Object.keys(state.subjects!).sort()).toEqual(ids.map((id) => `events.${id}.lines`).sort())
      expect(sorted(await server.linesOf(STREAM))).toEqual(numbers(0, 1000))
    })

    it('two collectors on one stream, and a group of consumers: everything once', async () => {
      const server = await NatsServer.start()
      const both = [await storing(server), await storing(server)]
      for (const [i, { exporter }] of both.entries()) encode(exporter, i * 10_000, (i + 1) * 10_000)
      for (const { exporter, collector } of both) {
        await exporter.close()
        await collector.close()
      }
      const manager = await jetstreamManager(await server.client())
      await manager.consumers.add(STREAM, { durable_name: 'group', ack_policy: 'explicit' as never })
      const { state } = await manager.streams.info(STREAM)
      const read = [new Set<number>(), new Set<number>()]
      let left = state.messages
      let count = 0
      await Promise.all(
        read.map(async (own) => {
          const consumer = await jetstream(await server.client()).consumers.get(STREAM, 'group')
          const messages = await consumer.consume({ max_messages: 16 })
          const stop = setInterval(() => left === 0 && messages.stop(), 10)
          onTestFinished(() => clearInterval(stop))
          for await (const message of messages) {
            for (const line of message.string().split('\n').slice(0, -1)) {
              own.add(numberOf(line))
              count++
            }
            await message.ackAck()
            left--
          }
        }),
      )
      expect(count).toBe(20_000)
      expect(new Set([...read[0]!, ...read[1]!]).size).toBe(20_000)
    })
  })

  describe('a server that goes and comes again', () => {
    it('killed in mid-stream: nothing acknowledged is missing, nothing is there twice', async () => {
      const server = await NatsServer.start()
      const { collector, exporter, alerts, own } = await storing(server)
      encode(exporter, 0, 10_000)
      await until(() => own().stored > 0, 'the first are stored')
      await server.kill()
      encode(exporter, 10_000, 20_000)
      await exporter.flush({ timeoutMs: 20_000 })
      await server.restart()
      encode(exporter, 20_000, 30_000)
      await exporter.close()
      await until(() => collector.stats().sinks[0]!.handed === 30_000, 'all are handed on', 30_000)
      await collector.close()
      expect(own()).toMatchObject({ stored: 30_000, reconnects: 1 })
      expect(collector.stats().sinks[0]).toMatchObject({ handed: 30_000, failed: 0, dropped: 0 })
      expect(sorted(await server.linesOf(STREAM))).toEqual(numbers(0, 30_000))
      expect(alerts.some(({ message }) => message.includes('lost, and made anew'))).toBe(true)
    })

    it('what the ring has no room for meanwhile is lost, and counted to the line', async () => {
      const server = await NatsServer.start()
      const small = { capacity: 128, queueBytes: 2 ** 17, batchRecords: 16 }
      const { collector, exporter, own } = await storing(server, {}, small)
      encode(exporter, 0, 1000)
      await exporter.flush({ timeoutMs: 20_000 })
      await server.kill()
      encode(exporter, 1000, 20_000)
      await exporter.flush({ timeoutMs: 20_000 })
      await server.restart()
      await exporter.close()
      await until(() => collector.stats().sinks[0]!.waiting === 0, 'nothing waits', 30_000)
      await collector.close()
      const [sink] = collector.stats().sinks
      expect(sink!.dropped).toBeGreaterThan(0)
      expect(sink!.handed + sink!.dropped + sink!.failed).toBe(20_000)
      expect(own().stored).toBe(sink!.handed)
      const lines = await server.linesOf(STREAM)
      expect(lines).toHaveLength(sink!.handed)
      expect(new Set(lines).size).toBe(lines.length)
    })

    it('with a spool nothing is lost, and what it holds goes out first', async () => {
      const server = await NatsServer.start()
      const small = { capacity: 128, queueBytes: 2 ** 17, batchRecords: 16 }
      const dir = spoolDir()
      const { collector, exporter, own } = await storing(server, { spool: { dir } }, small)
      encode(exporter, 0, 100)
      await exporter.flush({ timeoutMs: 20_000 })
      await until(() => own().stored === 100, 'the first are stored')
      await server.kill()
      for (let i = 100; i < 20_000; i += 100) {
        encode(exporter, i, i + 100)
        await until(() => own().stored + own().spooled >= i + 100, `they are spooled up to ${i + 100}`)
      }
      expect(own().spooled).toBeGreaterThan(15_000)
      expect(readdirSync(dir).length).toBeGreaterThan(0)
      await server.restart()
      await until(() => own().spooled === 0, 'the spool is empty', 30_000)
      await exporter.close()
      await collector.close()
      expect(collector.stats().sinks[0]).toMatchObject({ handed: 20_000, failed: 0, dropped: 0 })
      expect(own()).toMatchObject({ stored: 20_000, spooled: 0 })
      expect((await server.linesOf(STREAM)).map(numberOf)).toEqual(numbers(0, 20_000))
      expect(readdirSync(dir)).toEqual([])
    })

    it('a spool outlives its collector: the next one stores what the one before had left', async () => {
      const server = await NatsServer.start()
      const dir = spoolDir()
      const before = await storing(server, { spool: { dir } })
      await server.kill()
      await until(() => before.alerts.length > 0, 'the loss of the server is told')
      encode(before.exporter, 0, 5000)
      await before.exporter.close()
      await before.collector.close()
      expect(before.collector.stats().sinks[0]).toMatchObject({ handed: 5000, failed: 0, dropped: 0 })
      expect(before.own()).toMatchObject({ stored: 0, spooled: 5000 })
      await server.restart()
      const after = await storing(server, { spool: { dir } })
      expect(after.own().recovered).toBe(5000)
      await until(() => after.own().spooled === 0, 'the spool is empty')
      await after.collector.close()
      expect((await server.linesOf(STREAM)).map(numberOf)).toEqual(numbers(0, 5000))
    })

    it('a full spool keeps what it has; what waits before it is lost by the ring, and counted', async () => {
      const server = await NatsServer.start()
      const small = { capacity: 128, queueBytes: 2 ** 17, batchRecords: 16, closeTimeoutMs: 500 }
      const spool = { dir: spoolDir(), maxBytes: 2 ** 16 }
      const { collector, exporter, own, alerts } = await storing(server, { spool }, small)
      await server.kill()
      await until(() => alerts.length > 0, 'the loss of the server is told')
      encode(exporter, 0, 20_000)
      await exporter.close()
      await collector.close()
      const [sink] = collector.stats().sinks
      expect(own().spooled).toBe(sink!.handed)
      expect(sink!.dropped).toBeGreaterThan(0)
      expect(sink!.handed + sink!.failed + sink!.dropped).toBe(20_000)
    })

    it('down at the start: it is waited for', async () => {
      const server = await NatsServer.start()
      await server.kill()
      const { collector, exporter, own, alerts } = await storing(server)
      expect(alerts.some(({ code }) => code === 'ECONNREFUSED')).toBe(true)
      encode(exporter, 0, 1000)
      await exporter.flush({ timeoutMs: 20_000 })
      await server.restart()
      await until(() => own().stored === 1000, 'they are stored', 30_000)
      await collector.close()
      expect(sorted(await server.linesOf(STREAM))).toEqual(numbers(0, 1000))
    })

    it('never there: the collector ends all the same, and says what was not stored', async () => {
      const { collector, exporter } = await storing('nats://127.0.0.1:1')
      encode(exporter, 0, 1000)
      await exporter.close()
      const startedMs = performance.now()
      await collector.close()
      expect(performance.now() - startedMs).toBeLessThan(4000)
      expect(collector.stats().sinks[0]).toMatchObject({ offered: 1000, handed: 0, failed: 1000, dropped: 0 })
    })
  })

  describe('what the server refuses', () => {
    it('a full stream: lines wait, and are stored when there is room', async () => {
      const server = await NatsServer.start()
      const create = { max_bytes: 100_000, discard: 'new' as never }
      const { collector, exporter, own, alerts } = await storing(server, { create })
      encode(exporter, 0, 5000)
      await exporter.flush({ timeoutMs: 20_000 })
      await until(() => alerts.some(({ message }) => message.includes('was not stored')), 'it is told')
      const { stored } = own()
      expect(stored).toBeGreaterThan(0)
      expect(stored).toBeLessThan(5000)
      const manager = await jetstreamManager(await server.client())
      const { config } = await manager.streams.info(STREAM)
      await manager.streams.update(STREAM, { ...config, max_bytes: -1 })
      await until(() => own().stored === 5000, 'they are stored', 20_000)
      await exporter.close()
      await collector.close()
      expect(sorted(await server.linesOf(STREAM))).toEqual(numbers(0, 5000))
    })

    it('lines longer than a message may be are counted, and the others are stored', async () => {
      const server = await NatsServer.start('max_payload: 2048')
      const { collector, exporter, own } = await storing(server, { messageBytes: 2 ** 20 }, {})
      encode(exporter, 0, 100)
      const long = await UdpExporter.open({
        host: '127.0.0.1',
        port: collector.address().port,
        transport: 'gudp',
        metadata: false,
        maxDatagramBytes: 10_000,
      })
      onTestFinished(() => long.close())
      for (let i = 0; i < 10; i++) long.encode({ i: 1000 + i, pad: 'x'.repeat(i % 2 === 0 ? 5000 : 5) })
      await exporter.close()
      await long.close()
      await collector.close()
      const { sinks, totals } = collector.stats()
      expect(own().tooLong).toBe(5)
      expect(sinks[0]!.failed).toBe(own().tooLong)
      expect(sinks[0]!.handed + sinks[0]!.failed).toBe(totals.received)
      expect(await server.linesOf(STREAM)).toHaveLength(sinks[0]!.handed)
    })

    it('a stream that is gone is made again', async () => {
      const server = await NatsServer.start()
      const { collector, exporter, own } = await storing(server)
      encode(exporter, 0, 100)
      await exporter.flush({ timeoutMs: 20_000 })
      await until(() => own().stored === 100, 'the first are stored')
      const manager = await jetstreamManager(await server.client())
      await manager.streams.delete(STREAM)
      encode(exporter, 100, 200)
      await exporter.flush({ timeoutMs: 20_000 })
      await until(() => own().stored === 200, 'the next are stored', 20_000)
      await collector.close()
      expect(sorted(await server.linesOf(STREAM))).toEqual(numbers(100, 200))
    })

    it.each([
      ['other credentials', 'authorization { user: a, password: b }', {}, /credentials/],
      ['a stream that is not to be made', '', { create: false }, /there is no stream 'EVENTS'/],
    ] as const)('%s: the collector does not open, and says what to do', async (_, config, options, told) => {
      const server = await NatsServer.start(config)
      await expect(storing(server, options)).rejects.toMatchObject({
        code: 'ERR_SINK',
        message: expect.stringMatching(told),
      })
    })

    it('the right credentials', async () => {
      const server = await NatsServer.start('authorization { user: a, password: b }')
      const { collector, own, exporter } = await storing(server, { connect: { user: 'a', pass: 'b' } })
      encode(exporter, 0, 10)
      await exporter.close()
      await collector.close()
      expect(own().stored).toBe(10)
    })

    it('a stream of other subjects', async () => {
      const server = await NatsServer.start()
      const manager = await jetstreamManager(await server.client())
      await manager.streams.add({ name: STREAM, subjects: ['others.>'] })
      await expect(storing(server)).rejects.toMatchObject({ code: 'ERR_SINK', message: /others\.>/ })
      const { collector, own, exporter } = await storing(server, { subject: 'others.than.that' })
      encode(exporter, 0, 10)
      await exporter.close()
      await collector.close()
      expect(own().stored).toBe(10)
    })

    it('no JetStream at all', async () => {
      const server = await NatsServer.start('', { hasJetStream: false })
      await expect(storing(server)).rejects.toMatchObject({ code: 'ERR_SINK', message: /-js/ })
    })
  })

  describe('TLS', () => {
    /** A server with a certificate that nobody else has signed. */
    async function secured(): Promise<{ server: NatsServer; caFile: string }> {
      const dir = spoolDir()
      const [key, caFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
      const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
      const { code, stderr } = await output('openssl', [...args, ...names, '-keyout', key, '-out', caFile])
      expect(code, stderr).toBe(0)
      const config = `tls { cert_file: "${caFile}", key_file: "${key}" }`
      return { server: await NatsServer.start(config, { tls: { caFile } }), caFile }
    }

    it('stores by a connection that is encrypted', async () => {
      const { server, caFile } = await secured()
      const { collector, exporter, own } = await storing(server, { connect: { tls: { caFile } } })
      encode(exporter, 0, 100)
      await exporter.close()
      await collector.close()
      expect(own().stored).toBe(100)
      expect((await server.linesOf(STREAM)).map(numberOf)).toEqual(numbers(0, 100))
    })

    it('a certificate that nobody vouches for: the collector does not open, and says why', async () => {
      const { server } = await secured()
      await expect(storing(server)).rejects.toMatchObject({
        code: 'ERR_SINK',
        message: expect.stringMatching(/certificate|self-signed/),
      })
    })
  })

  it('is a sink among others: a slow server is no matter to a file', async () => {
    const dir = spoolDir()
    const sinks = [
      jetStreamSink({ servers: 'nats://127.0.0.1:1', stream: STREAM }),
      fileSink(join(dir, 'events.ndjson')),
    ]
    const collector = await Collector.open({ sinks, closeTimeoutMs: 1000 })
    const exporter = await UdpExporter.open({
      host: '127.0.0.1',
      port: collector.address().port,
      metadata: false,
    })
    encode(exporter, 0, 100)
    await exporter.close()
    await until(() => collector.stats().sinks[1]!.handed === 100, 'the file has them')
    await collector.close()
    expect(collector.stats().sinks.map(({ name, handed }) => [name, handed])).toEqual([
      ['nats', 0],
      ['file', 100],
    ])
  })
})

describe('options of the sink', () => {
  it.each([
    [undefined, 'takes an object'],
    [{}, 'stream must be'],
    [{ stream: 'a.b' }, 'stream must be'],
    [{ stream: 'A', subject: 'a.*' }, 'subject must be'],
    [{ stream: 'A', subject: '.a' }, 'subject must be'],
    [{ stream: 'A', linesPerMessage: 0 }, 'linesPerMessage must be'],
    [{ stream: 'A', inFlight: 1.5 }, 'inFlight must be'],
    [{ stream: 'A', messageBytes: 10 }, 'messageBytes must be'],
    [{ stream: 'A', ackTimeoutMs: -1 }, 'ackTimeoutMs must be'],
    [{ stream: 'A', spool: {} }, 'spool takes a folder'],
    [{ stream: 'A', spool: { dir: '/tmp', maxBytes: 1 } }, 'spool.maxBytes must be'],
  ])('%j', (options, told) => {
    expect(() => jetStreamSink(options as JetStreamSinkOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(told) }),
    )
  })

  it('a spool that cannot be used', async () => {
    const sink = jetStreamSink({ stream: STREAM, spool: { dir: '/dev/null/spool' } })
    await expect(Collector.open({ sink })).rejects.toMatchObject({
      code: 'ERR_SINK',
      message: expect.stringContaining('/dev/null/spool'),
    })
  })
})
