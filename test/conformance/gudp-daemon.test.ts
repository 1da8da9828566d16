import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type GudpConnection, GudpDaemon } from 'spillway/gudp'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LinkOptions } from '../../src/sim/network/link.ts'
import { describeWith } from '../net/programs/program.ts'
import { LossyRelay } from '../support/lossy-relay.ts'
import { BarePeer, bareBody } from './bare-peer.ts'
import type { ChannelKind } from './gudp-decoder.ts'
import { connectPeer, PeerServer, type PeerSession, RefusedError } from './gudp-peer.ts'

// Ours against those that were written from the document alone: the independent peer on either side, and the C program.

const host = '127.0.0.1'
const channels: ChannelKind[] = ['reliable', 'unreliable']
const lossy: LinkOptions = { latencyMs: 3, jitterMs: 4, loss: 0.05, duplicate: 0.05 }

const numbered = (i: number, length: number) => new Uint8Array(length).map((_, at) => (at * 31 + i) & 0xff)

async function startDaemon(): Promise<GudpDaemon> {
  const daemon = await GudpDaemon.start()
  onTestFinished(() => daemon.stop())
  return daemon
}

async function relayTo(toPort: number, link: LinkOptions | undefined): Promise<LossyRelay> {
  const links = link ? { there: link, back: link } : {}
  const relay = await LossyRelay.open({ toPort, seed: 31, ...links })
  onTestFinished(() => relay.close())
  return relay
}

interface Pair {
  ours: GudpConnection
  theirs: PeerSession
  relay: LossyRelay
}

/** Ours listens, and the independent peer is the client. */
async function weListen(link?: LinkOptions): Promise<Pair> {
  const daemon = await startDaemon()
  let arrived!: (connection: GudpConnection) => void
  const arrival = new Promise<GudpConnection>((resolve) => {
    arrived = resolve
  })
  const listener = await daemon.listen({
    host,
    port: 0,
    channels,
    congestion: 'none',
    onConnection: arrived,
  })
  onTestFinished(() => listener.close())
  const relay = await relayTo(listener.address().port, link)
  const theirs = await connectPeer({ port: relay.port, channels })
  onTestFinished(() => theirs.dispose())
  return { ours: await arrival, theirs, relay }
}

/** The independent peer is the server. */
async function weConnect(link?: LinkOptions): Promise<Pair> {
  const server = await PeerServer.open({ channels })
  onTestFinished(() => server.close())
  const relay = await relayTo(server.port, link)
  const daemon = await startDaemon()
  const ours = await daemon.connect({ host, port: relay.port, channels, congestion: 'none' })
  onTestFinished(() => ours.close())
  return { ours, theirs: await server.next(), relay }
}

/** False as long as there is no room. */
async function offered(offer: () => boolean): Promise<void> {
  for (const until = performance.now() + 30_000; !offer(); ) {
    if (performance.now() > until) throw new Error('no room in 30 s')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (const until = performance.now() + 10_000; !condition(); ) {
    if (performance.now() > until) throw new Error(`not in 10 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function expectBytes(got: Uint8Array | undefined, wanted: Uint8Array): void {
  expect(got?.length).toBe(wanted.length)
  expect(Buffer.compare(got!, wanted)).toBe(0)
}

/** Nothing that ours sent was against the document, and no credit was overrun. */
function expectNoFault({ theirs }: Pair): void {
  const { malformed, noRoom } = theirs.session.packets.counters
  expect({ malformed, noRoom, unsealed: theirs.unsealed }).toEqual({ malformed: 0, noRoom: 0, unsealed: 0 })
}

for (const [title, open] of [
  ['listens', weListen],
  ['connects', weConnect],
] as const) {
  describe(`our daemon ${title}, and the independent peer`, () => {
    it('exchanges packets, of one datagram and of fragments, each acknowledged', async () => {
      const pair = await open()
      const { ours, theirs } = pair
      const lengths = [1, 100, 1024, 1097, 1098, 1099, 2198, 2199, 20_000]
      for (const [i, length] of lengths.entries()) {
        await offered(() => ours.send(numbered(i, length)))
        expectBytes(await theirs.recv(), numbered(i, length))
        theirs.send(numbered(i + 1, length))
        expectBytes(await ours.recv({ timeoutMs: 10_000 }), numbered(i + 1, length))
      }
      await eventually(() => theirs.session.delivered === lengths.length, 'acknowledged by ours')
      expectNoFault(pair)
      expect(ours.status.state).toBe('open')
    })

    it('exchanges reliable messages of up to 256 KiB both ways at once, through loss', async () => {
      const pair = await open(lossy)
      const { ours, theirs, relay } = pair
      const lengths = [
        0,
        1,
        3,
        4,
        5,
        12,
        1000,
        8192,
        30_000,
        ...Array.from({ length: 60 }, (_, i) => i * 17),
        262_144,
      ]
      const weSend = async () => {
        for (const [i, length] of lengths.entries())
          await offered(() => ours.messages.reliable.send(numbered(i, length)))
      }
      const theyReceive = async () => {
        for (const [i, length] of lengths.entries())
          expectBytes(await theirs.channel(0).recv(60_000), numbered(i, length))
      }
      const weReceive = async () => {
        for (const [i, length] of lengths.entries())
          expectBytes(await ours.messages.reliable.recv({ timeoutMs: 60_000 }), numbered(i, length))
      }
      for (const [i, length] of lengths.entries()) theirs.channel(0).send(numbered(i, length))
      await Promise.all([weSend(), theyReceive(), weReceive()])
      await theirs.until(({ isFlushed }) => isFlushed, 30_000)
      expect(relay.there.counters.lost + relay.back.counters.lost).toBeGreaterThan(10)
      expectNoFault(pair)
    })

    it('exchanges unreliable messages, whole or not at all, and none twice', async () => {
      const pair = await open(lossy)
      const { ours, theirs } = pair
      const lengths = Array.from({ length: 60 }, (_, i) => 1 + i * 61)
      const receive = async (next: () => Promise<Uint8Array | undefined>) => {
        const seen = new Set<number>()
        for (let got = await next(); got; got = await next()) {
          const i = (got.length - 1) / 61
          expectBytes(got, numbered(i, lengths[i]!))
          expect(seen.has(i)).toBe(false)
          seen.add(i)
        }
        return seen.size
      }
      // One after the other, and taken at once: what comes faster than it is taken is lost, too, and that is not what this is about.
      const receiving = Promise.all([
        receive(() => theirs.channel(1).recv(2000)),
        receive(() => ours.messages.unreliable.recv({ timeoutMs: 2000 })),
      ])
      for (const [i, length] of lengths.entries()) {
        await offered(() => ours.messages.unreliable.send(numbered(i, length)))
        theirs.channel(1).send(numbered(i, length))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      const [theirCount, ourCount] = await receiving
      for (const count of [theirCount, ourCount]) expect(count).toBeGreaterThan(15)
      expectNoFault(pair)
    })

    it('gives the channels by number, too', async () => {
      const { ours, theirs } = await open()
      expect(ours.messages.channel(0).send(numbered(1, 10))).toBe(true)
      expectBytes(await theirs.channel(0).recv(), numbered(1, 10))
      theirs.channel(1).send(numbered(2, 10))
      expectBytes(await ours.messages.channel(1).recv({ timeoutMs: 10_000 }), numbered(2, 10))
    })

    it('is still there after three silent seconds', async () => {
      const pair = await open()
      await new Promise((resolve) => setTimeout(resolve, 3000))
      expect([pair.ours.status.state, pair.theirs.state]).toEqual(['open', 'open'])
      pair.theirs.send(numbered(3, 30))
      expectBytes(await pair.ours.recv({ timeoutMs: 10_000 }), numbered(3, 30))
      expectNoFault(pair)
    })

    it('hears that the peer closes or resets, after what had come', async () => {
      for (const [reason, state] of [
        [0, 'closed'],
        [1, 'reset'],
      ] as const) {
        const { ours, theirs } = await open()
        theirs.channel(0).send(numbered(4, 40))
        await theirs.until(({ isFlushed }) => isFlushed)
        await theirs.close(reason)
        expect(theirs.session.closesSaid).toBeLessThan(5)
        await eventually(() => ours.status.state === state, state)
        expectBytes(await ours.messages.reliable.recv({ timeoutMs: 1000 }), numbered(4, 40))
        expect(await ours.messages.reliable.recv({ timeoutMs: 1000 })).toBe(undefined)
        expect(await ours.recv({ timeoutMs: 1000 })).toBe(undefined)
      }
    })

    it('closes, and the peer hears it, though CLOSE be lost', async () => {
      const { ours, theirs, relay } = await open()
      relay.there.set({ loss: 0.3 })
      relay.back.set({ loss: 0.3 })
      await ours.close()
      await theirs.until(({ state }) => state === 'closed')
      expect(ours.status.state).toBe('closed')
    })

    it('drops, without acknowledging it, a packet with a frame that cannot be', async () => {
      const { ours, theirs } = await open()
      const { packets } = theirs.session
      for (const body of [
        '00',
        '06',
        '0101',
        '0104aa',
        '020000000000',
        '0300ffffffff',
        '05000000',
        '050200ff00',
      ])
        packets.send(new Uint8Array(Buffer.from(body, 'hex')))
      theirs.send(numbered(5, 50))
      expectBytes(await ours.recv({ timeoutMs: 10_000 }), numbered(5, 50))
      await theirs.until(({ delivered }) => delivered === 1)
      // Whatever else was sent meanwhile is acknowledged, and these never are.
      await theirs.until(() => packets.outstanding === 8)
      await new Promise((resolve) => setTimeout(resolve, 100))
      await theirs.until(() => packets.outstanding === 8)
      expect(ours.status.state).toBe('open')
    })
  })
}

describe('our daemon and a client that is not as it should be', () => {
  it('is refused by, and refuses, other channels', async () => {
    const daemon = await startDaemon()
    const onConnection = () => expect.unreachable()
    const listener = await daemon.listen({ host, port: 0, channels, onConnection })
    onTestFinished(() => listener.close())
    const { port } = listener.address()
    await expect(connectPeer({ port, channels: ['unreliable', 'reliable'] })).rejects.toMatchObject({
      reason: 3,
    })
    await expect(connectPeer({ port, channels, psk: randomBytes(32) })).rejects.toThrow(RefusedError)
  })

  it('answers no stranger but a whole REQUEST, and that with less than it got', async () => {
    const daemon = await startDaemon()
    const onConnection = () => expect.unreachable()
    const listener = await daemon.listen({ host, port: 0, channels, onConnection })
    onTestFinished(() => listener.close())
    const stranger = createSocket('udp4')
    stranger.bind(0, host)
    await once(stranger, 'listening')
    onTestFinished(() => void stranger.close())
    const answers: Buffer[] = []
    stranger.on('message', (bytes) => answers.push(bytes))
    const request = Buffer.alloc(1200)
    // Type 1, version 1, clear, two channels of which 0 is reliable.
    request.write('475544500101000201020304050607080100', 'hex')
    const response = Buffer.from(request)
    response[4] = 3
    const tries = [
      request.subarray(0, 1199),
      Buffer.concat([request, Buffer.alloc(1)]),
      response,
      randomBytes(1200),
    ]
    for (let type = 0; type < 256; type++) {
      if (type === 1) continue
      const other = Buffer.from(request)
      other[4] = type
      tries.push(other, other.subarray(0, 40))
    }
    for (const bytes of tries) {
      stranger.send(bytes, listener.address().port, host)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    stranger.send(request, listener.address().port, host)
    await eventually(() => answers.length > 0, 'a CHALLENGE')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(answers.map((bytes) => [bytes.length, bytes[4], bytes.toString('hex', 8, 16)])).toEqual([
      ...[[56, 2, '0102030405060708']],
    ])
  })

  it('follows a client to another address, after it has asked there', async () => {
    const { ours, theirs, relay } = await weListen()
    await relay.rebind()
    theirs.send(numbered(6, 60))
    expectBytes(await ours.recv({ timeoutMs: 10_000 }), numbered(6, 60))
    await theirs.until(({ pathChallenges }) => pathChallenges.length > 0)
    ours.messages.reliable.send(numbered(7, 70))
    expectBytes(await theirs.channel(0).recv(), numbered(7, 70))
  })

  it('answers a PATH_CHALLENGE when its own address changes', async () => {
    const server = await PeerServer.open({ channels })
    onTestFinished(() => server.close())
    const relay = await relayTo(server.port, undefined)
    const daemon = await startDaemon()
    const ours = await daemon.connect({ host, port: relay.port, channels, congestion: 'none' })
    onTestFinished(() => ours.close())
    await server.next()
    await relay.rebind()
    ours.send(numbered(8, 80))
    await eventually(() => server.migrations === 1, 'the new address is believed')
  })
})

describeWith(['cc'], 'our daemon in bare mode, and the C peer', () => {
  async function freePort(): Promise<number> {
    const socket = createSocket('udp4')
    socket.bind(0, host)
    await once(socket, 'listening')
    const { port } = socket.address()
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    return port
  }

  /** Each is told where the other is. */
  async function bare(options: { count: number; largeEvery?: number; largeSize?: number; echo?: boolean }) {
    const daemon = await startDaemon()
    const [localPort, port] = [await freePort(), await freePort()]
    const address = { host, port, localHost: host, localPort }
    const ours = await daemon.connect({ ...address, channels: [], bare: true, congestion: 'none' })
    onTestFinished(() => ours.close())
    const c = await BarePeer.start({ port, peer: localPort, everyUs: 2000, quietMs: 1500, ...options })
    return { ours, c }
  }

  it('get each other’s packets and fragments, and know it', async () => {
    const { ours, c } = await bare({ count: 200, largeEvery: 10, largeSize: 16_000 })
    const receiving = (async () => {
      for (let i = 0; i < 200; i++)
        expectBytes(await ours.recv({ timeoutMs: 10_000 }), bareBody(i, i % 10 === 9 ? 16_000 : 100))
    })()
    for (let i = 0; i < 200; i++) {
      await offered(() => ours.send(bareBody(i, i % 10 === 0 ? 10_000 : 1 + i * 5)))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await receiving
    expect(await c.counters()).toMatchObject({
      ...{ sent: 200, acked: 200, received: 200, fragmented: 20 },
      ...{ duplicates: 0, malformed: 0, stale: 0, strange: 0 },
    })
    expect(ours.stats()).toMatchObject({ packetsLost: 0 })
  })

  it('echo', async () => {
    const { ours, c } = await bare({ count: 0, echo: true })
    for (const [i, length] of [1, 100, 1023, 1024, 1025, 2048, 2049, 16_384].entries()) {
      await offered(() => ours.send(bareBody(i, length)))
      expectBytes(await ours.recv({ timeoutMs: 10_000 }), bareBody(i, length))
    }
    expect(await c.counters()).toMatchObject({ received: 8, echoed: 8, acked: 8, malformed: 0, strange: 0 })
  })

  it('know what was lost on the way', async () => {
    const daemon = await startDaemon()
    const c = await BarePeer.start({ peer: 0, count: 500, everyUs: 2000, quietMs: 1500 })
    const relay = await relayTo(c.port, { latencyMs: 2, loss: 0.1, duplicate: 0.1 })
    const ours = await daemon.connect({
      host,
      port: relay.port,
      channels: [],
      bare: true,
      congestion: 'none',
    })
    onTestFinished(() => ours.close())
    let [received, isOver] = [0, false]
    const receiving = (async () => {
      while (!isOver) if (await ours.recv({ timeoutMs: 200 })) received++
    })()
    for (let i = 0; i < 500; i++) {
      await offered(() => ours.send(bareBody(i, i % 50 === 0 ? 3000 : 50)))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const counters = await c.counters()
    isOver = true
    await receiving
    expect(counters).toMatchObject({ sent: 500, malformed: 0, strange: 0 })
    // None twice, none that the peer believes to be there and that is not.
    expect(received).toBeLessThan(500)
    expect(received).toBeGreaterThan(400)
    expect(counters.acked).toBeLessThanOrEqual(received)
    expect(counters.acked).toBeGreaterThan(0.95 * received)
    expect(counters.received).toBeLessThan(500)
    expect(counters.received).toBeGreaterThan(400)
  })
})
