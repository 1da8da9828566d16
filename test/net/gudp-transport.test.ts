// Exporter and collector over gudp: what is sent is there, once, whatever the network does; and what is not is counted.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Collector, type CollectorOptions } from 'spillway/collector'
import { UdpExporter, type UdpExporterOptions } from 'spillway/udp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AlertLog, deadPort, expectLaw, holdDeadPort } from '../support/exporters.ts'
import { until } from '../support/harness.ts'
import { LossyRelay } from '../support/lossy-relay.ts'

const SECRET = 'as long as it should be, and nobody knows it'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const numberOf = (line: string): number => JSON.parse(line).i

interface Taking {
  collector: Collector
  lines: string[]
  port: number
}

async function collecting(options: Partial<CollectorOptions> = {}): Promise<Taking> {
  const lines: string[] = []
  const sink = (batch: Iterable<string>) => void lines.push(...batch)
  const collector = await Collector.open({ transport: 'gudp', sink, ...options })
  onTestFinished(() => collector.close())
  return { collector, lines, port: collector.address().port }
}

async function exporting(port: number, options: Partial<UdpExporterOptions> = {}): Promise<UdpExporter> {
  const exporter = await UdpExporter.open({
    host: '127.0.0.1',
    port,
    transport: 'gudp',
    metadata: false,
    capacity: 65_536,
    ...options,
  })
  onTestFinished(() => exporter.close())
  return exporter
}

function encode(exporter: UdpExporter, from: number, to: number): void {
  for (let i = from; i < to; i++) exporter.encode({ event: 'process_exec', i, pad: 'x'.repeat(i % 200) })
}

async function relaying(toPort: number, seed: number, link: object): Promise<LossyRelay> {
  const relay = await LossyRelay.open({ toPort, seed, there: link, back: link })
  onTestFinished(() => relay.close())
  return relay
}

describe('over gudp', () => {
  it.each([{}, { maxDatagramBytes: 30_000 }, { oneEventPerDatagram: true }, { sequence: true }])(
    'every event is there once, and both sides agree about it (%j)',
    async (options) => {
      const { collector, lines, port } = await collecting()
      const exporter = await exporting(port, options)
      encode(exporter, 0, 20_000)
      await exporter.flush({ timeoutMs: 20_000 })
      expect(exporter.stats()).toMatchObject({ offered: 20_000, sent: 20_000, inRing: 0, inFlight: 0 })
      expect(collector.stats().totals.received).toBe(20_000) // sent means: the collector has it
      await exporter.close()
      await collector.close()
      expect(lines.map(numberOf)).toEqual(numbers(20_000))
      expect(exporter.stats()).toMatchObject({ sent: 20_000, dropped: 0, errors: {} })
      const { totals, sources, gudp, transport } = collector.stats()
      expect(totals).toMatchObject({
        sent: 20_000,
        received: 20_000,
        lost: 0,
        surplus: 0,
        gaps: 0,
        duplicates: 0,
      })
      expect(sources).toMatchObject([{ flows: [{ isOver: true }], told: { sent: 20_000, dropped: 0 } }])
      expect(gudp).toMatchObject({ sessions: 0, opened: 1, resumed: 0, refused: 0 })
      expect(transport).toBe('gudp')
    },
  )

  it('every event is there once through a network that loses a tenth, doubles and mixes up', async () => {
    const { collector, lines, port } = await collecting()
    const link = { latencyMs: 5, jitterMs: 3, loss: 0.1, duplicate: 0.05, reorder: 0.1, reorderMs: 10 }
    const relay = await relaying(port, 7, link)
    const exporter = await exporting(relay.port)
    encode(exporter, 0, 20_000)
    await exporter.flush({ timeoutMs: 60_000 })
    await exporter.close()
    await collector.close()
    expect(relay.there.counters.lost).toBeGreaterThan(100)
    expect(lines.map(numberOf)).toEqual(numbers(20_000))
    expect(exporter.stats()).toMatchObject({ offered: 20_000, sent: 20_000, dropped: 0 })
    expect(collector.stats().totals).toMatchObject({ sent: 20_000, received: 20_000, lost: 0, surplus: 0 })
  })

  it('a collector that is made to lose a fifth of the datagrams loses no event', async () => {
    const { collector, lines, port } = await collecting({ loseForTest: { percent: 20, seed: 3 } })
    const exporter = await exporting(port)
    encode(exporter, 0, 10_000)
    await exporter.flush({ timeoutMs: 30_000 })
    await exporter.close()
    await collector.close()
    expect(collector.stats().madeToLose).toBeGreaterThan(50)
    expect(lines.map(numberOf)).toEqual(numbers(10_000))
  })

  it('a connection that is lost is taken up where it was: nothing twice, nothing lost, the same source', async () => {
    const { collector, lines, port } = await collecting()
    const relay = await relaying(port, 5, { latencyMs: 20 })
    const exporter = await exporting(relay.port, { gudp: { timeoutMs: 300 } })
    for (let round = 0; round < 3; round++) {
      encode(exporter, round * 5000, round * 5000 + 2500)
      await new Promise((resolve) => setTimeout(resolve, round === 0 ? 200 : 40)) // in the middle of it
      relay.there.set({ loss: round === 1 ? 0 : 1 })
      relay.back.set({ loss: 1 })
      encode(exporter, round * 5000 + 2500, (round + 1) * 5000)
      await new Promise((resolve) => setTimeout(resolve, 700))
      relay.there.set({ loss: 0 })
      relay.back.set({ loss: 0 })
      await exporter.flush({ timeoutMs: 20_000 })
    }
    await exporter.close()
    await collector.close()
    expect(lines.map(numberOf)).toEqual(numbers(15_000))
    const { gudp, sent, dropped, errors } = exporter.stats()
    expect({ sent, dropped }).toEqual({ sent: 15_000, dropped: 0 })
    expect(gudp.resumed).toBeGreaterThanOrEqual(3)
    expect(gudp.resentEvents).toBe(0)
    expect(errors.ETIMEDOUT).toBeGreaterThanOrEqual(3)
    const { totals, sources, ...came } = collector.stats()
    expect(totals).toMatchObject({ sent: 15_000, received: 15_000, lost: 0, surplus: 0 })
    expect(sources).toMatchObject([{ flows: [{ isOver: true }] }])
    expect(sources[0]!.flows).toHaveLength(1)
    expect(came.gudp!.resumed).toBeGreaterThanOrEqual(3)
    expect(came.gudp!.unknown).toBe(0)
  })

  it('a slow sink loses by its own policy, and it is counted there', async () => {
    const slow = async () => new Promise<void>((resolve) => setTimeout(resolve, 20))
    const { collector, port } = await collecting({ sink: slow, capacity: 64, closeTimeoutMs: 500 })
    const exporter = await exporting(port)
    encode(exporter, 0, 20_000)
    await exporter.flush({ timeoutMs: 20_000 })
    await exporter.close()
    await collector.close()
    const { totals, sinks } = collector.stats()
    expect(totals).toMatchObject({ sent: 20_000, received: 20_000, lost: 0 })
    const { offered, handed, failed, dropped } = sinks[0]!
    expect(dropped).toBeGreaterThan(0)
    expect([offered, handed + failed + dropped]).toEqual([20_000, 20_000])
  })

  it('several exporters, each a source, and several connections of one', async () => {
    const { collector, lines, port } = await collecting()
    // Far enough for a connection to have something on its way when the next datagrams are due.
    const relay = await relaying(port, 3, { latencyMs: 200 })
    const exporters = await Promise.all([
      exporting(port),
      exporting(relay.port, { poolSize: 4, maxDatagramBytes: 400 }),
    ])
    for (const exporter of exporters) encode(exporter, 0, 100)
    await Promise.all(exporters.map((exporter) => exporter.flush({ timeoutMs: 20_000 })))
    for (const exporter of exporters) encode(exporter, 100, 200)
    await until(() => exporters[1]!.stats().inFlight > 0, 'something is on its way')
    for (const exporter of exporters) encode(exporter, 200, 5000)
    await Promise.all(exporters.map((exporter) => exporter.flush({ timeoutMs: 20_000 })))
    await Promise.all(exporters.map((exporter) => exporter.close()))
    await collector.close()
    expect(lines.map(numberOf).sort((a, b) => a - b)).toEqual(numbers(10_000).map((i) => i >> 1)) // each twice
    const { sources, totals, gudp } = collector.stats()
    expect(sources.map(({ received, lost }) => ({ received, lost }))).toEqual([
      { received: 5000, lost: 0 },
      { received: 5000, lost: 0 },
    ])
    expect(totals).toMatchObject({ sent: 10_000, lost: 0, surplus: 0 })
    expect(gudp!.opened).toBeGreaterThanOrEqual(3)
  })
})

describe('a collector that goes and comes again', () => {
  async function start(port: number, file: string): Promise<{ child: ChildProcess; port: number }> {
    const program = fileURLToPath(new URL('../support/gudp-collector.mjs', import.meta.url))
    const child = spawn(process.execPath, [program, String(port), file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = await once(createInterface({ input: child.stdout! }), 'line')
    return { child, port: Number(line) }
  }

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    '%s: everything is there, and what is twice was counted',
    async (signal) => {
      const folder = mkdtempSync(join(tmpdir(), 'spillway-gudp-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const file = join(folder, 'lines')
      const first = await start(0, file)
      const alerts = new AlertLog()
      const exporter = await exporting(first.port, { gudp: { timeoutMs: 1000 }, onAlert: alerts.add })
      let written = 0
      const flood = setInterval(() => {
        encode(exporter, written, written + 200)
        written += 200
      }, 2)
      await new Promise((resolve) => setTimeout(resolve, 300))
      first.child.kill(signal)
      await once(first.child, 'exit')
      await new Promise((resolve) => setTimeout(resolve, 300))
      await start(first.port, file)
      await new Promise((resolve) => setTimeout(resolve, 300))
      clearInterval(flood)
      await exporter.flush({ timeoutMs: 30_000 })
      await exporter.close()
      expectLaw(exporter.stats())
      const { offered, sent, dropped, gudp } = exporter.stats()
      expect(offered).toBe(written)
      await new Promise((resolve) => setTimeout(resolve, 100)) // to the file
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n').map(numberOf)
      const there = new Set(lines)
      expect(sent + dropped).toBe(written)
      expect(gudp.resumed).toBe(1)
      expect(alerts.failed()).not.toEqual({})
      // What a killed collector had acknowledged and not yet written is lost with it; nothing else is.
      expect(there.size).toBeLessThanOrEqual(written - dropped)
      if (signal === 'SIGTERM') expect(there.size).toBe(sent)
      expect(lines.length - there.size).toBeLessThanOrEqual(gudp.resentEvents)
    },
  )
})

describe('nobody there', () => {
  it('close returns in time, what could not be sent is dropped by name, and told', async () => {
    const alerts = new AlertLog()
    const exporter = await exporting(await deadPort(), { closeTimeoutMs: 300, onAlert: alerts.add })
    encode(exporter, 0, 100)
    const started = performance.now()
    await exporter.close()
    expect(performance.now() - started).toBeLessThan(2000)
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({
      offered: 100,
      sent: 0,
      dropped: 100,
      droppedBy: { closed: 100 },
    })
    expect(exporter.stats().errors.ECONNREFUSED).toBeGreaterThan(0)
    expect(alerts.failed().ECONNREFUSED!.times).toBeGreaterThan(0)
  })

  it('it goes on when somebody is', async () => {
    const { port, release } = await holdDeadPort()
    const exporter = await exporting(port)
    encode(exporter, 0, 100)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await release()
    const { lines, collector } = await collecting({ port })
    await exporter.flush()
    await collector.close()
    expect(lines.map(numberOf)).toEqual(numbers(100))
  })

  it('a collector that goes for good: given up after giveUpMs, by reason', async () => {
    const { collector, port } = await collecting()
    const exporter = await exporting(port, { gudp: { timeoutMs: 200, giveUpMs: 300 } })
    encode(exporter, 0, 10)
    await exporter.flush()
    await collector.close()
    encode(exporter, 10, 30)
    const started = performance.now()
    while (exporter.stats().dropped === 0 && performance.now() - started < 10_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({ sent: 10, dropped: 20, droppedBy: { ETIMEDOUT: 20 } })
    await exporter.close()
  })
})

describe('secure', () => {
  it('with the secret that both have', async () => {
    const { lines, collector, port } = await collecting({ gudp: { secure: { secret: SECRET } } })
    const exporter = await exporting(port, { gudp: { secure: { secret: SECRET } } })
    encode(exporter, 0, 5000)
    await exporter.flush()
    await exporter.close()
    await collector.close()
    expect(lines.map(numberOf)).toEqual(numbers(5000))
  })

  it.each([
    ['another secret', { secure: { secret: 'another one that nobody knows' } }, 'EACCES'],
    ['none', {}, 'EACCES'],
  ])('with %s nothing gets in, and it is said why', async (_, gudp, code) => {
    const { lines, collector, port } = await collecting({ gudp: { secure: { secret: SECRET } } })
    const alerts = new AlertLog()
    const exporter = await exporting(port, { gudp, closeTimeoutMs: 500, onAlert: alerts.add })
    encode(exporter, 0, 100)
    await exporter.close()
    expect(lines).toEqual([])
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({ sent: 0, droppedBy: { closed: 100 } })
    expect(alerts.failed()[code]!.times).toBeGreaterThan(0)
    expect(collector.stats().gudp!.refused).toBeGreaterThan(0)
  })
})

describe('what is not taken', () => {
  it('from addresses that allow does not have', async () => {
    const { collector, port } = await collecting({ allow: ['192.0.2.0/24'] })
    const exporter = await exporting(port, { gudp: { timeoutMs: 300 }, closeTimeoutMs: 500 })
    encode(exporter, 0, 10)
    await exporter.close()
    expect(exporter.stats()).toMatchObject({ sent: 0, dropped: 10 })
    expect(collector.stats().refused).toBeGreaterThan(0)
    expect(collector.stats().gudp!.opened).toBe(0)
  })

  it.each<[Partial<UdpExporterOptions>, RegExp]>([
    [{ gudp: { secure: { secret: 'short' } } }, /at least 16/],
    [{ gudp: { memoryBytes: 1 } }, /gudp\.memoryBytes/],
    [{ gudp: { congestion: 'fast' as 'none' } }, /congestion/],
    [{ transport: 'tcp' as 'udp' }, /transport must be/],
    [{ transport: 'udp', gudp: {} }, /transport 'gudp'/],
    [{ pool: () => undefined as never }, /pool of your own/],
  ])('options of an exporter: %j', async (options, says) => {
    const opening = UdpExporter.open({ host: '127.0.0.1', port: 9, transport: 'gudp', ...options })
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(says),
    })
  })

  it.each<[Partial<CollectorOptions>, RegExp]>([
    [{ gudp: { secure: {} } }, /secure needs something/],
    [{ gudp: { maxConnections: 0 } }, /gudp\.maxConnections/],
    [{ sockets: 2 }, /one socket/],
    [{ transport: 'udp', gudp: {} }, /transport 'gudp'/],
  ])('options of a collector: %j', async (options, says) => {
    const opening = Collector.open({ transport: 'gudp', sink: () => {}, ...options })
    await expect(opening).rejects.toThrow(says)
  })

  it('a port that is taken', async () => {
    const { port } = await collecting()
    const opening = Collector.open({ transport: 'gudp', port, sink: () => {} })
    await expect(opening).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('the end of the program', () => {
  const udp = JSON.stringify(new URL('../../dist/node/udp.js', import.meta.url).href)

  it.each([
    ['returns', ''],
    ['exits', 'process.exit(0)'],
    ['throws', "throw new Error('on purpose')"],
  ])('nothing is lost when it %s right after encode', async (_, end) => {
    const { collector, lines, port } = await collecting()
    const program = `
      import { UdpExporter } from ${udp}
      const exporter = await UdpExporter.open({ host: '127.0.0.1', port: ${port}, transport: 'gudp', metadata: false })
      for (let i = 0; i < 3000; i++) exporter.encode({ event: 'test', i })
      ${end}`
    const started = performance.now()
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' })
    await once(child, 'exit')
    expect(performance.now() - started).toBeLessThan(4000)
    // It said goodbye: its place is free at once.
    while (collector.stats().gudp!.sessions > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(collector.stats().sources[0]!.flows[0]).toMatchObject({ isOver: true })
    await collector.close()
    expect(lines.map(numberOf)).toEqual(numbers(3000))
  })

  it('is not held up for ever by a collector that is not there', async () => {
    const port = await deadPort()
    const program = `
      import { UdpExporter } from ${udp}
      const exporter = await UdpExporter.open({ host: '127.0.0.1', port: ${port}, transport: 'gudp' })
      for (let i = 0; i < 100; i++) exporter.encode({ event: 'test', i })`
    const started = performance.now()
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' })
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    expect(performance.now() - started).toBeLessThan(6000)
  })
})
