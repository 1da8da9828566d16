import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LinkOptions } from '../../src/sim/network/link.ts'
import { LossyRelay } from '../support/lossy-relay.ts'
import type { ChannelKind } from './gudp-decoder.ts'
import { encodeSession } from './gudp-encoder.ts'
import { connectPeer, type PeerOptions, PeerServer, type PeerSession } from './gudp-peer.ts'

// That the document is enough for two to understand each other: the independent peer with itself. With ours: gudp-daemon.test.ts.

const channels: readonly ChannelKind[] = ['reliable', 'unreliable']
const psk = randomBytes(32)

async function pair(options: PeerOptions, link?: LinkOptions) {
  const server = await PeerServer.open(options)
  onTestFinished(() => server.close())
  const links = link ? { there: link, back: link } : {}
  const relay = await LossyRelay.open({ toPort: server.port, seed: 11, ...links })
  onTestFinished(() => relay.close())
  const client = await connectPeer({ ...options, port: relay.port })
  onTestFinished(() => client.dispose())
  return { server, relay, client, accepted: await server.next() }
}

const numbered = (i: number, length: number) => new Uint8Array(length).map((_, at) => (at * 31 + i) & 0xff)

async function exchangeReliably(
  from: PeerSession,
  to: PeerSession,
  lengths: readonly number[],
): Promise<void> {
  for (const [i, length] of lengths.entries()) from.channel(0).send(numbered(i, length))
  for (const [i, length] of lengths.entries()) {
    const got = await to.channel(0).recv(30_000)
    expect(got?.length).toBe(length)
    expect(Buffer.compare(got!, numbered(i, length))).toBe(0)
  }
  await from.until(({ isFlushed }) => isFlushed, 30_000)
}

const lossy: LinkOptions = { latencyMs: 3, jitterMs: 4, loss: 0.1, duplicate: 0.05 }

for (const [title, options] of [
  ['in the clear', { channels }],
  ['sealed', { channels, psk }],
] as const) {
  describe(`two independent peers, ${title}`, () => {
    it('exchange packets, of one datagram and of fragments, and acknowledge them', async () => {
      const { client, accepted } = await pair(options)
      for (const length of [1, 1000, 1098, 1099, 5000, 281_598]) {
        client.send(numbered(length, length))
        expect(await accepted.recv()).toEqual(numbered(length, length))
        accepted.send(numbered(1, length))
        expect(await client.recv()).toEqual(numbered(1, length))
      }
      for (const side of [client, accepted]) {
        await side.until(({ packets }) => packets.outstanding === 0)
        const { duplicates, stale, malformed } = side.session.packets.counters
        expect({ duplicates, stale, malformed, delivered: side.session.delivered }).toEqual({
          ...{ duplicates: 0, stale: 0, malformed: 0, delivered: 6 },
        })
      }
    })

    it('exchange reliable messages through loss, and unreliable ones as they come', async () => {
      const { client, accepted, relay } = await pair(options, lossy)
      const lengths = [0, 1, 4, 5, 1000, 20_000, ...Array.from({ length: 50 }, (_, i) => i * 13), 262_144]
      await Promise.all([
        exchangeReliably(client, accepted, lengths),
        exchangeReliably(accepted, client, lengths),
      ])
      for (let i = 0; i < 20; i++) client.channel(1).send(numbered(i, i * 100))
      const seen = new Set<number>()
      for (let got = await accepted.channel(1).recv(); got; got = await accepted.channel(1).recv(500)) {
        expect(got).toEqual(numbered(got.length / 100, got.length))
        expect(seen.has(got.length)).toBe(false)
        seen.add(got.length)
      }
      expect(seen.size).toBeGreaterThan(10)
      expect(relay.there.counters.lost).toBeGreaterThan(10)
      for (const side of [client, accepted]) expect(side.session.packets.counters.noRoom).toBe(0)
    })

    it('close, whoever does it, and tell a reset', async () => {
      for (const [which, reason] of [
        ['client', 0],
        ['server', 0],
        ['client', 1],
      ] as const) {
        const { client, accepted } = await pair(options)
        const [first, second] = which === 'client' ? [client, accepted] : [accepted, client]
        await first.close(reason)
        await second.until(({ state }) => state !== 'open')
        expect([first.state, second.state]).toEqual(['closed', reason ? 'reset' : 'closed'])
        expect(await second.recv()).toBe(undefined)
      }
    })

    it('follow a client to another address once it has answered from there', async () => {
      const { client, accepted, server, relay } = await pair(options)
      await relay.rebind()
      client.send(numbered(0, 10))
      expect(await accepted.recv()).toEqual(numbered(0, 10))
      await client.until(() => server.migrations === 1)
      expect(client.session.pathChallenges.length).toBe(1)
      accepted.send(numbered(1, 10))
      expect(await client.recv()).toEqual(numbered(1, 10))
    })
  })
}

describe('the handshake of the independent peer', () => {
  const cases: [title: string, server: PeerOptions, client: PeerOptions, reason: number][] = [
    ['other channels', { channels }, { channels: ['reliable'] }, 3],
    ['channels of other kinds', { channels }, { channels: ['unreliable', 'reliable'] }, 3],
    ['a session that must be sealed', { psk }, {}, 4],
    ['one that must not be', {}, { psk }, 5],
    ['another key', { psk }, { psk: randomBytes(32) }, 6],
  ]
  for (const [title, ofServer, ofClient, reason] of cases)
    it(`refuses ${title}`, async () => {
      const server = await PeerServer.open(ofServer)
      onTestFinished(() => server.close())
      await expect(connectPeer({ ...ofClient, port: server.port })).rejects.toMatchObject({ reason })
    })

  it('comes through although half of it is lost', async () => {
    const { client, accepted } = await pair({ channels, psk }, { loss: 0.5 })
    expect([client.state, accepted.state]).toEqual(['open', 'open'])
  })

  it('answers nothing to what is not of the protocol, and drops what is not of the session', async () => {
    const { server, client, accepted } = await pair({ channels, psk })
    const stranger = createSocket('udp4')
    stranger.bind(0, '127.0.0.1')
    await once(stranger, 'listening')
    onTestFinished(() => void stranger.close())
    let answers = 0
    stranger.on('message', () => answers++)
    for (const bytes of [randomBytes(1200), Buffer.from('GUDP'), encodeSession('close', 5n, Buffer.of(0))])
      stranger.send(bytes, server.port, '127.0.0.1')
    client.send(numbered(0, 8))
    expect(await accepted.recv()).toEqual(numbered(0, 8))
    expect([answers, accepted.state]).toEqual([0, 'open'])
  })

  it('takes no sealed datagram twice', async () => {
    const { client, accepted } = await pair({ psk }, { duplicate: 0.5 })
    for (let i = 0; i < 50; i++) client.send(numbered(i, 20))
    for (let i = 0; i < 50; i++) expect((await accepted.recv())?.length).toBe(20)
    expect(await accepted.recv(200)).toBe(undefined)
    expect(accepted.replayed).toBeGreaterThan(5)
    expect(accepted.unsealed).toBe(0)
  })
})
