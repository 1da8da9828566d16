import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import type { LinkOptions } from '../../src/sim/network/link.ts'
import { describeWith } from '../net/programs/program.ts'
import { LossyRelay } from '../support/lossy-relay.ts'
import { type BareOptions, BarePeer, bareBody, headersInC } from './bare-peer.ts'
import { PacketLayer } from './packet-layer.ts'
import { headerVectors } from './vectors.ts'

/** Two of them, the first through a relay. */
async function pair(
  first: Omit<BareOptions, 'peer'>,
  second: Omit<BareOptions, 'peer'>,
  link: LinkOptions = {},
) {
  const b = await BarePeer.start({ ...second, peer: 0 })
  const relay = await LossyRelay.open({ toPort: b.port, seed: 21, there: link, back: link })
  onTestFinished(() => relay.close())
  const a = await BarePeer.start({ ...first, peer: relay.port })
  const counters = await Promise.all([a.counters(), b.counters()])
  return { a: counters[0], b: counters[1], relay }
}

const clean = { duplicates: 0, malformed: 0, stale: 0, strange: 0 }

describeWith(['cc'], 'the headers of the C peer', () => {
  it('are those of the vectors, both ways', () => {
    const numbers = headerVectors.map(({ sequence, ack, bits }) => `${sequence} ${ack} ${bits}`)
    const wanted = headerVectors.map(({ hex }, i) => `${hex.replaceAll(' ', '')} ${numbers[i]}`)
    expect(headersInC(numbers)).toEqual(wanted)
  })
})

describeWith(['cc'], 'two C peers of packets alone', () => {
  it('get all that is sent, in datagrams and fragments, and know it, over the wrap of sequences', async () => {
    const first = { count: 500, largeEvery: 10, largeSize: 30_000, first: 65_300 }
    const { a, b } = await pair(first, {
      count: 300,
      size: 1024,
      largeEvery: 3,
      largeSize: 1025,
      first: 65_535,
    })
    expect(a).toMatchObject({
      ...clean,
      sent: 500,
      acked: 500,
      received: 300,
      fragmented: 100,
      fragments: 200,
    })
    expect(b).toMatchObject({
      ...clean,
      sent: 300,
      acked: 300,
      received: 500,
      fragmented: 50,
      fragments: 1500,
    })
  })

  it('get 256 fragments, of any size that both know', async () => {
    const options = { count: 5, largeEvery: 1, everyUs: 50_000, fragment: 512, largeSize: 131_072 }
    const { a, b } = await pair(options, { ...options, largeSize: 131_071 })
    for (const side of [a, b])
      expect(side).toMatchObject({ ...clean, sent: 5, acked: 5, received: 5, fragments: 1280 })
  })

  it('know what the other got through loss, and take nothing twice', async () => {
    const link = { latencyMs: 2, jitterMs: 3, loss: 0.05, duplicate: 0.1 }
    const options = { count: 2000, largeEvery: 20, largeSize: 3000 }
    const { a, b, relay } = await pair(options, options, link)
    for (const [sender, receiver] of [
      [a, b],
      [b, a],
    ] as const) {
      expect(receiver.received).toBeLessThan(sender.sent)
      expect(receiver.received).toBeGreaterThan(0.85 * sender.sent)
      expect(sender.acked).toBeLessThanOrEqual(receiver.received)
      // 32 bits say it again: hardly an acknowledgement is lost.
      expect(sender.acked).toBeGreaterThan(0.98 * receiver.received)
      expect(receiver).toMatchObject({ malformed: 0, strange: 0 })
      expect(receiver.duplicates).toBeGreaterThan(50)
    }
    expect(relay.errors).toEqual(new Map())
  })

  it('echo', async () => {
    const { a, b } = await pair({ count: 200, largeEvery: 5 }, { echo: true })
    expect(a).toMatchObject({ ...clean, sent: 200, acked: 200, received: 200, fragmented: 40 })
    expect(b).toMatchObject({ ...clean, sent: 200, acked: 200, received: 200, echoed: 200 })
  })
})

describeWith(['cc'], 'the C peer and the packets of the independent one', () => {
  it('understand each other', async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.setRecvBufferSize(4 << 20)
    onTestFinished(() => void socket.close())
    const port = socket.address().port
    let to = 0
    const got: Uint8Array[] = []
    const layer = new PacketLayer({
      emit: (content) => socket.send(content, to, '127.0.0.1'),
      take: (body) => {
        if (body.length > 0) got.push(body)
        return 'taken'
      },
    })
    socket.on('message', (bytes, from) => {
      to = from.port
      layer.receive(new Uint8Array(bytes))
    })
    const ticking = setInterval(() => layer.tick(), 2)
    onTestFinished(() => clearInterval(ticking))
    const c = await BarePeer.start({
      peer: port,
      count: 300,
      largeEvery: 10,
      largeSize: 60_000,
      everyUs: 2000,
    })
    to = c.port
    for (let i = 0; i < 200; i++) {
      layer.send(bareBody(i, i % 10 === 0 ? 100_000 : 1 + i * 5))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const counters = await c.counters()
    expect(counters).toMatchObject({ ...clean, sent: 300, acked: 300, received: 200, fragmented: 20 })
    expect(layer.counters).toMatchObject({ sent: 200, acked: 200, received: 300, malformed: 0, stale: 0 })
    expect(got.length).toBe(300)
    for (const [i, body] of got.entries())
      expect(Buffer.compare(body, bareBody(i, i % 10 === 9 ? 60_000 : 100))).toBe(0)
  })
})
