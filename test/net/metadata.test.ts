import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { UdpExporter } from 'spillway/udp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { allReceived } from '../support/all-received.ts'
import { openExporter, openReceiver, TestThread } from '../support/exporters.ts'
import type { UdpReceiver } from '../support/udp-receiver.ts'

const PREFIX = '{"event":"agent_init",'
const isMetadata = (datagram: Buffer) => String(datagram).startsWith(PREFIX)
const metadataOf = (to: UdpReceiver) =>
  to.datagrams.filter(isMetadata).map((datagram) => JSON.parse(String(datagram)))

/** Fields that no other test has, so that the cache has not either. */
let made = 0
const freshFields = () => ({ test: `fields ${++made}` })

describe('metadata', () => {
  it('is the first datagram, alone in it, once, and begins with exactly the bytes that receivers know it by', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: {}, sendBufferBytes: 65_536 })
    for (let i = 0; i < 10; i++) {
      exporter.encode({ i })
      await exporter.flush()
    }
    await to.hasLines(11)
    expect(to.datagrams.map(isMetadata)).toEqual([true, ...Array.from({ length: 10 }, () => false)])
    const os = process.platform === 'win32' ? 'windows' : process.platform
    expect(String(to.datagrams[0])).toBe(
      `${PREFIX}"os":"${os}","uptime":"initialized at 0","hostname":${JSON.stringify(hostname())},` +
        `"udp_destination":"127.0.0.1:${to.port}","udp_buffer_size":65536}\n`,
    )
    expect(exporter.stats().metadata.sent).toBe(1)
  })

  it('goes at once, although there is no event', async () => {
    const to = await openReceiver()
    await openExporter({ port: to.port, metadata: {} })
    await to.hasDatagrams(1)
    expect(to.datagrams.map(isMetadata)).toEqual([true])
  })

  it('has the fields of the user, who cannot change what it is', async () => {
    const to = await openReceiver({ address: '::1' })
    await openExporter({
      host: '::1',
      port: to.port,
      metadata: { team: 'payments', 7: 'first?', event: 'mine', hostname: 'web-3' },
    })
    await to.hasDatagrams(1)
    expect(String(to.datagrams[0]).startsWith(PREFIX)).toBe(true)
    expect(metadataOf(to)).toEqual([
      expect.objectContaining({
        event: 'agent_init',
        team: 'payments',
        7: 'first?',
        hostname: 'web-3',
        udp_destination: `[::1]:${to.port}`,
      }),
    ])
  })

  it('is sent anew when it is changed, and again when asked for', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: { version: 1 } })
    await to.hasDatagrams(1)
    exporter.sendMetadata()
    await to.hasDatagrams(2)
    exporter.setMetadata({ version: 2 })
    await to.hasDatagrams(3)
    exporter.sendMetadata()
    await to.hasDatagrams(4)
    expect(metadataOf(to).map(({ version }) => version)).toEqual([1, 1, 2, 2])
    await exporter.flush() // they are with the receiver before they are counted
    expect(exporter.stats().metadata).toMatchObject({ sent: 4 })
  })

  it('may be changed as fast as one likes: the last is what is sent from then on', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: { version: 0 } })
    for (let version = 1; version <= 500; version++) exporter.setMetadata({ version })
    exporter.sendMetadata()
    await exporter.flush()
    await exporter.close()
    await allReceived(to)
    expect(metadataOf(to).at(-1)).toMatchObject({ version: 500 })
    expect(exporter.stats().ioRestarts).toBe(0)
  })

  it('that is no JSON is refused, and the old stays', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: { version: 1 } })
    expect(() => exporter.setMetadata({ version: 2n })).toThrowError(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    )
    await to.hasDatagrams(1) // asked for before the first has gone, both would be one
    exporter.sendMetadata()
    await to.hasDatagrams(2)
    expect(metadataOf(to).map(({ version }) => version)).toEqual([1, 1])
  })

  it('comes every metadataIntervalMs', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: {}, metadataIntervalMs: 20 })
    const began = performance.now()
    await to.hasDatagrams(4)
    expect(performance.now() - began).toBeGreaterThan(50)
    await exporter.close()
  })

  it('is not sent when it is turned off, and cannot be asked for then', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: false })
    exporter.sendMetadata()
    exporter.write('one')
    await exporter.flush()
    await allReceived(to)
    expect(to.datagrams.map(String)).toEqual(['one\n'])
    expect(exporter.stats().metadata).toEqual({ sent: 0, hits: 0, misses: 0, ms: 0 })
  })

  it('is for the thread that opened the exporter to change', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: {} })
    const joined = UdpExporter.from(exporter.handle)
    expect(() => joined.sendMetadata()).toThrowError(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    expect(() => joined.setMetadata({})).toThrowError(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    await joined.close()
    await exporter.close()
    expect(() => exporter.sendMetadata()).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('goes once, however many threads write', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, metadata: {} })
    const body = `
      const exporter = UdpExporter.from(data.handle)
      for (let i = 0; i < 100; i++) exporter.encode({ i })
      await exporter.flush()
      await exporter.close()`
    const threads = [0, 1, 2].map(() => new TestThread(body, { handle: exporter.handle }))
    await Promise.all(threads.map(({ result }) => result))
    await to.hasLines(301)
    await allReceived(to)
    expect(metadataOf(to)).toHaveLength(1)
    expect(isMetadata(to.datagrams[0]!)).toBe(true)
  })
})

describe('marshalling', () => {
  it('happens once for all exporters with the same fields and destination', async () => {
    const to = await openReceiver()
    const metadata = freshFields()
    const first = await openExporter({ port: to.port, metadata })
    const second = await openExporter({ port: to.port, metadata })
    await to.hasDatagrams(2)
    expect(first.stats().metadata).toMatchObject({ hits: 0, misses: 1 })
    expect(second.stats().metadata).toMatchObject({ hits: 1, misses: 0 })
    await first.close() // the second still has it
    second.sendMetadata()
    await to.hasDatagrams(3)
    expect(new Set(to.datagrams.map(String)).size).toBe(1)
  })

  it('happens for fields that are new, and not again for those that were there', async () => {
    const to = await openReceiver()
    const [one, two] = [freshFields(), freshFields()]
    const exporter = await openExporter({ port: to.port, metadata: one })
    exporter.setMetadata(two)
    exporter.setMetadata(one)
    expect(exporter.stats().metadata).toMatchObject({ hits: 1, misses: 2 })
    expect(exporter.stats().metadata.ms).toBeGreaterThan(0)
  })

  it('is saved over restarts in a file, compressed too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const to = await openReceiver()
    const options = {
      port: to.port,
      metadata: freshFields(),
      metadataCacheFile: join(folder, 'metadata.json'),
      metadataCompression: 'deflate' as const,
    }
    const body = `
      const exporter = await UdpExporter.open({ host: '127.0.0.1', heartbeatMs: false, ...data })
      const { hits, misses } = exporter.stats().metadata
      await exporter.close()
      return { hits, misses }`
    // Each thread has a cache of its own, as a process that is started again.
    expect(await new TestThread(body, options).result).toEqual({ hits: 0, misses: 1 })
    expect(await new TestThread(body, options).result).toEqual({ hits: 1, misses: 0 })
    await to.hasDatagrams(2)
    for (const datagram of to.datagrams) {
      expect(datagram.subarray(0, 5)).toEqual(Buffer.from('\0SPL\u0001'))
      expect(JSON.parse(String(inflateSync(datagram.subarray(5))))).toMatchObject(options.metadata)
    }
  })
})
