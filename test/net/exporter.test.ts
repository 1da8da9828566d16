import { Worker } from 'node:worker_threads'
import { SpillwayError } from 'spillway'
import { type Alert, type ExporterStats, IoThread, UdpExporter, type UdpExporterOptions } from 'spillway/udp'
import { afterEach, describe, expect, it } from 'vitest'
import { UdpReceiver } from '../support/udp-receiver.ts'

const udp = new URL('../../dist/node/udp.js', import.meta.url).href

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function receiver(options: Parameters<typeof UdpReceiver.open>[0] = {}): Promise<UdpReceiver> {
  const opened = await UdpReceiver.open(options)
  cleanups.push(() => opened.close())
  return opened
}

async function exporter(options: Partial<UdpExporterOptions> & { port: number }): Promise<UdpExporter> {
  const opened = await UdpExporter.open({
    host: '127.0.0.1',
    metadata: false,
    heartbeatMs: false,
    ...options,
  })
  cleanups.push(() => opened.close())
  return opened
}

/** The law, and what `stats` must say at every quiet moment. */
function expectClosedLedger(stats: ExporterStats): void {
  const { offered, sent, inRing, inFlight, dropped, droppedBy } = stats
  expect(sent + inRing + inFlight + dropped, JSON.stringify(stats)).toBe(offered)
  expect(Object.values(droppedBy).reduce((sum, events) => sum + events, 0)).toBe(dropped)
}

describe('what is sent', () => {
  it('is the JSON of each event, in order, each on a line of its own', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port })
    const events = Array.from({ length: 500 }, (_, i) => ({
      event: 'process_exec',
      i,
      text: `ä€😀 "${i}"\n`,
    }))
    expect(from.encodeBatch(events)).toBe(500)
    await from.flush()
    await to.hasLines(500)
    expect(to.lines().map((line) => JSON.parse(line))).toEqual(events)
    expectClosedLedger(from.stats())
    expect(from.stats()).toMatchObject({ offered: 500, sent: 500, inRing: 0, inFlight: 0, dropped: 0 })
    expect(from.stats().datagrams).toBe(to.datagrams.length)
    expect(from.stats().bytes).toBe(Buffer.concat(to.datagrams).length)
  })

  it('fills datagrams up to their bound, and never splits a line', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port, maxDatagramBytes: 1000 })
    for (let i = 0; i < 100; i++) from.write(`${i}`.padEnd(99, '.'))
    await from.flush()
    await to.hasLines(100)
    expect(to.datagrams.every((datagram) => datagram.length <= 1000)).toBe(true)
    expect(to.datagrams.every((datagram) => datagram.at(-1) === 0x0a)).toBe(true)
    expect(to.datagrams.filter((datagram) => datagram.length === 1000).length).toBeGreaterThanOrEqual(9)
  })

  it('is one event a datagram when asked for', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port, oneEventPerDatagram: true })
    for (let i = 0; i < 50; i++) from.encode({ i })
    await to.hasDatagrams(50)
    expect(to.datagrams.map(String)).toEqual(Array.from({ length: 50 }, (_, i) => `{"i":${i}}\n`))
  })

  it('goes out by itself, when the first of a datagram has waited maxDelayMs', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port, maxDelayMs: 20 })
    const began = performance.now()
    from.write('first')
    from.write('second')
    await to.hasLines(2)
    expect(to.datagrams.length).toBe(1)
    expect(performance.now() - began).toBeGreaterThan(15)
  })

  it('reaches an IPv6 address, and a name', async () => {
    const to6 = await receiver({ address: '::1' })
    const from6 = await exporter({ host: '::1', port: to6.port })
    from6.write('six')
    await to6.hasLines(1)
    const to = await receiver()
    const from = await exporter({ host: 'localhost', family: 4, port: to.port })
    from.write('localhost')
    await to.hasLines(1)
  })

  it('may be bytes, with or without a newline at the end; nothing is no event', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port })
    for (const line of [Buffer.from('bytes\n'), 'text\r\n', Buffer.from('bare'), '', '\n'])
      expect(from.write(line)).toBe(true)
    await from.flush()
    await to.hasLines(3)
    expect(to.lines()).toEqual(['bytes', 'text', 'bare'])
    expect(from.stats().offered).toBe(3)
  })

  it('has no newline inside: it becomes a space, or the line is refused', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port })
    expect(from.write('{"a":1,\n "b":2}')).toBe(true)
    const strict = await exporter({ port: to.port, newlines: 'refuse' })
    expect(strict.write('one\ntwo')).toBe(false)
    expect(strict.stats()).toMatchObject({ offered: 1, dropped: 1, droppedBy: { rawNewline: 1 } })
    await to.hasLines(1)
    expect(to.lines()).toEqual(['{"a":1,  "b":2}'])
  })

  it('leaves out a line that can never fit, and counts it', async () => {
    const to = await receiver()
    const alerts: Alert[] = []
    const from = await exporter({
      port: to.port,
      maxDatagramBytes: 100,
      onAlert: (alert) => alerts.push(alert),
    })
    expect(from.write('x'.repeat(99))).toBe(true)
    expect(from.write('x'.repeat(100))).toBe(false)
    expect(from.write('x'.repeat(200_000))).toBe(false)
    expect(from.write(new Uint8Array(100_000))).toBe(false)
    await from.close()
    await to.hasLines(1)
    expect(from.stats()).toMatchObject({ offered: 4, sent: 1, dropped: 3, droppedBy: { oversize: 3 } })
    expect(
      alerts.filter((alert) => alert.kind === 'drop').reduce((sum, alert) => sum + alert.events, 0),
    ).toBe(3)
  })
})

describe('what is no event', () => {
  it('is refused with a clear error, and the exporter goes on', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port })
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const poison = {
      toJSON() {
        throw new Error('no')
      },
    }
    for (const event of [undefined, () => {}, Symbol('s'), 1n, { n: 1n }, cycle, poison]) {
      expect(() => from.encode(event)).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_EVENT' }))
    }
    for (const event of [null, 0, 'text', true, [], {}]) expect(from.encode(event)).toBe(true)
    await from.flush()
    await to.hasLines(6)
    expect(to.lines()).toEqual(['null', '0', '"text"', 'true', '[]', '{}'])
    expect(from.stats().offered).toBe(6)
  })

  it('is for the user to say', async () => {
    const to = await receiver()
    const from = await exporter({
      port: to.port,
      validate: (event) => typeof event === 'number',
      serialize: (event) => `<${event}>\n`,
    })
    expect(from.encode(5)).toBe(true)
    expect(() => from.encode('five')).toThrowError(SpillwayError)
    await to.hasLines(1)
    expect(to.lines()).toEqual(['<5>'])
  })
})

describe('options', () => {
  const bad: [string, Record<string, unknown>][] = [
    ['host', { host: '' }],
    ['host', { host: undefined }],
    ['port', { port: 0 }],
    ['port', { port: 65536 }],
    ['port', { port: '9999' }],
    ['family', { family: 5 }],
    ['maxDatagramBytes', { maxDatagramBytes: 100_000 }],
    ['maxDelayMs', { maxDelayMs: -1 }],
    ['capacity', { capacity: 0 }],
    ['policy', { policy: 'drop-all' }],
    ['poolSize', { poolSize: 0 }],
    ['metadata', { metadata: 'yes' }],
    ['metadata', { metadata: { n: 1n } }],
    ['serialize', { serialize: 'JSON' }],
    ['onAlert', { onAlert: 1 }],
    ['transport', { transport: 'tcp' }],
    ['preset', { preset: 'nobody' }],
    ['queueRaise', { thresholds: { queueRaise: 2 } }],
  ]
  it.each(bad)('are checked: %s', async (name, options) => {
    const opening = UdpExporter.open({ host: '127.0.0.1', port: 9, ...options } as UdpExporterOptions)
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(name),
    })
  })

  it('name a host that has an address', async () => {
    const opening = UdpExporter.open({ host: 'no-such-host.invalid', port: 9 })
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_UNRESOLVED',
      message: expect.stringContaining('no-such-host.invalid'),
    })
  })
})

describe('threads', () => {
  it('write by handle, each in its own order, and nothing is lost', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port, capacity: 4096 })
    const writer = `
      import { workerData } from 'node:worker_threads'
      import { UdpExporter } from ${JSON.stringify(udp)}
      const exporter = UdpExporter.from(workerData.handle)
      for (let i = 0; i < 3000; i++) exporter.encode({ thread: workerData.thread, i })
      await exporter.flush()
      await exporter.close()`
    const ends = [0, 1, 2].map((thread) => {
      const url = new URL(`data:text/javascript,${encodeURIComponent(writer)}`)
      const worker = new Worker(url, { workerData: { handle: from.handle, thread } })
      return new Promise<number>((resolve, reject) => worker.on('error', reject).on('exit', resolve))
    })
    expect(await Promise.all(ends)).toEqual([0, 0, 0])
    await from.flush()
    await to.hasLines(9000)
    for (const thread of [0, 1, 2]) {
      const own = to
        .lines()
        .map((line) => JSON.parse(line))
        .filter((event) => event.thread === thread)
      expect(own.map((event) => event.i)).toEqual(Array.from({ length: 3000 }, (_, i) => i))
    }
    expectClosedLedger(from.stats())
    expect(from.stats()).toMatchObject({ offered: 9000, sent: 9000 })
  })

  it('are all refused after close, which is idempotent', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port })
    const joined = UdpExporter.from(from.handle)
    joined.write('before')
    await Promise.all([from.close(), from.close()])
    await to.hasLines(1)
    for (const endpoint of [from, joined]) {
      expect(() => endpoint.write('x')).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
      expect(() => endpoint.encode({})).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
    }
    await joined.close()
    expect(from.stats()).toMatchObject({ offered: 1, sent: 1, dropped: 0 })
    await from.flush()
  })

  it('may open exporters by the dozen, on one I/O thread', async () => {
    const to = await receiver()
    const many = await Promise.all(
      Array.from({ length: 24 }, () => exporter({ port: to.port, capacity: 64 })),
    )
    for (const from of many) from.write('one')
    await to.hasLines(24)
    await Promise.all(many.map((from) => from.close()))
  })
})

describe('the I/O thread', () => {
  it('may die: what it had in hand is counted, the rest goes with the next', async () => {
    const to = await receiver()
    const ioThread = IoThread.start()
    const alerts: Alert[] = []
    const from = await exporter({ port: to.port, ioThread, onAlert: (alert) => alerts.push(alert) })
    for (let i = 0; i < 100; i++) from.write(`before ${i}`)
    await from.flush()
    await ioThread.stop()
    for (let i = 0; i < 100; i++) from.write(`after ${i}`)
    await from.flush()
    await to.hasLines(200)
    expectClosedLedger(from.stats())
    expect(from.stats()).toMatchObject({ offered: 200, sent: 200, ioRestarts: 1 })
    expect(alerts.map((alert) => alert.kind)).toContain('io-thread')
  })

  it('that cannot run is told by open', async () => {
    const to = await receiver()
    const opening = exporter({
      port: to.port,
      ioThread: IoThread.start({ url: 'data:text/javascript,process.exit(1)' }),
    })
    await expect(opening).rejects.toThrow('the I/O thread has ended')
  })
})

describe('flushSync', () => {
  it('blocks until everything is out, and answers so', async () => {
    const to = await receiver()
    const from = await exporter({ port: to.port, maxDelayMs: 60_000 })
    for (let i = 0; i < 1000; i++) from.encode({ i })
    expect(from.flushSync()).toBe(true)
    expect(from.stats()).toMatchObject({ sent: 1000, inRing: 0, inFlight: 0 })
    expect(() => from.flushSync({ timeoutMs: -1 })).toThrow(/timeoutMs must be a number from 0, not -1/)
    await from.close()
    expect(from.flushSync()).toBe(true)
  })

  it('blocks no longer than it was told, and what is late goes on', async () => {
    const to = await receiver() // that speaks no gudp
    const from = await exporter({ port: to.port, transport: 'gudp', closeTimeoutMs: 0 })
    from.encode({ i: 0 })
    const began = performance.now()
    expect(from.flushSync({ timeoutMs: 100 })).toBe(false)
    expect(performance.now() - began).toBeLessThan(1500)
    expect(from.stats()).toMatchObject({ offered: 1, dropped: 0 })
  })
})
