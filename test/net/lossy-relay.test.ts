import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LossyRelay, type LossyRelayOptions } from '../support/lossy-relay.ts'

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.setRecvBufferSize(4 << 20)
  onTestFinished(() => void socket.close())
  return socket
}

/** An echo behind a relay, and what it heard: texts, and from which ports. */
async function behind(options: Omit<LossyRelayOptions, 'toPort' | 'seed'>) {
  const server = await bound()
  const heard: { text: string; port: number }[] = []
  server.on('message', (bytes, { port }) => {
    heard.push({ text: bytes.toString(), port })
    server.send(bytes, port, '127.0.0.1')
  })
  const relay = await LossyRelay.open({ toPort: server.address().port, seed: 5, ...options })
  onTestFinished(() => relay.close())
  return { relay, heard }
}

async function client(relay: LossyRelay) {
  const socket = await bound()
  const got: string[] = []
  socket.on('message', (bytes) => got.push(bytes.toString()))
  return { got, say: (text: string) => socket.send(text, relay.port, '127.0.0.1') }
}

/** Until both links have had their say for everything, and nothing has come for a while. */
async function quiet(relay: LossyRelay): Promise<void> {
  for (let same = 0, before = -1; same < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now =
      relay.there.counters.sent + relay.back.counters.sent + relay.there.inFlight + relay.back.inFlight
    same = now === before && relay.there.inFlight + relay.back.inFlight === 0 ? same + 1 : 0
    before = now
  }
}

const pause = () => new Promise((resolve) => setImmediate(resolve))

describe('the lossy relay', () => {
  it('is a wire for many clients unless told otherwise: each has its own port, and its order', async () => {
    const { relay, heard } = await behind({})
    const clients = [await client(relay), await client(relay), await client(relay)]
    const texts = Array.from({ length: 300 }, (_, i) => `${i}`)
    for (const text of texts) {
      for (const { say } of clients) say(text)
      await pause()
    }
    await quiet(relay)
    for (const { got } of clients) expect(got).toEqual(texts)
    expect(new Set(heard.map(({ port }) => port)).size).toBe(3)
    expect(relay.clients).toBe(3)
    expect(relay.errors).toEqual(new Map())
  })

  it('loses and doubles exactly what it counts, the same for a seed', async () => {
    const fates = []
    for (let run = 0; run < 2; run++) {
      const { relay, heard } = await behind({ there: { loss: 0.2, duplicate: 0.1 }, back: { loss: 0.1 } })
      const { say, got } = await client(relay)
      for (let i = 0; i < 1000; i++) {
        say(`${i}`)
        await pause()
      }
      await quiet(relay)
      const { sent, lost, duplicated } = relay.there.counters
      expect(sent).toBe(1000)
      expect(lost).toBeGreaterThan(150)
      expect(heard.length).toBe(sent - lost + duplicated)
      expect(got.length).toBe(heard.length - relay.back.counters.lost)
      fates.push(heard.map(({ text }) => text))
    }
    expect(fates[1]).toEqual(fates[0])
  })

  it('delays and reorders', async () => {
    const { relay, heard } = await behind({ there: { latencyMs: 30, reorder: 0.1, reorderMs: 20 } })
    const { say, got } = await client(relay)
    const started = performance.now()
    for (let i = 0; i < 300; i++) {
      say(`${i}`)
      await pause()
    }
    while (heard.length === 0) await pause()
    expect(performance.now() - started).toBeGreaterThanOrEqual(29)
    await quiet(relay)
    expect(got.length).toBe(300)
    const order = heard.map(({ text }) => Number(text))
    let [latest, late] = [-1, 0]
    for (const index of order) {
      if (index < latest) late++
      else latest = index
    }
    expect(late).toBe(relay.there.counters.reordered)
    expect(late).toBeGreaterThan(0)
  })

  it('forgets its clients as a NAT does, and takes no more than it may', async () => {
    const { relay, heard } = await behind({ maxClients: 2 })
    const clients = [await client(relay), await client(relay), await client(relay)]
    for (const [i, { say }] of clients.entries()) {
      say(`${i}`)
      await quiet(relay)
    }
    expect(heard.map(({ text }) => text)).toEqual(['0', '1'])
    await relay.rebind()
    clients[0]!.say('again')
    await quiet(relay)
    expect(heard[2]!.port).not.toBe(heard[0]!.port)
    expect(clients[0]!.got).toEqual(['0', 'again'])
  })
})
