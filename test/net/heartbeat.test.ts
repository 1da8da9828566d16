import type { PoolFactory, SocketPool } from 'spillway/udp'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../src/sim/network/random.ts'
import { expectLaw, openExporter, openReceiver } from '../support/exporters.ts'
import { Relay } from '../support/relay.ts'
import type { UdpReceiver } from '../support/udp-receiver.ts'

// A receiver that was written from docs/wire.md alone.

interface Beat {
  readonly source: string
  readonly flow: number
  readonly seq: number
  readonly last: boolean
  readonly lines: number
  readonly datagrams: number
  readonly bytes: number
  readonly offered: number
  readonly sent: number
  readonly inRing: number
  readonly dropped: number
  readonly dropped_by: Record<string, number>
}

const isBeat = (datagram: Buffer) => String(datagram).startsWith('{"event":"spillway.stats",')
const beatOf = (datagram: Buffer) => JSON.parse(String(datagram)) as Beat
const isSequence = (line: string) => line.startsWith('{"spillway":"')
const linesOf = (datagram: Buffer) => String(datagram).split('\n').slice(0, -1)
const countsOf = (datagram: Buffer) => linesOf(datagram).filter((line) => !isSequence(line)).length

/** What came from one source address, as the document tells a receiver to count. */
class FlowSeen {
  readonly beats: Beat[] = []
  /** Lines that came before the latest heartbeat. */
  received = 0
  /** Numbers of the datagrams that had one. */
  readonly numbers: number[] = []
  readonly beganWithBeat: boolean
  #lines = 0

  constructor(first: Buffer) {
    this.beganWithBeat = isBeat(first)
  }

  take(datagram: Buffer): void {
    if (isBeat(datagram)) {
      this.beats.push(beatOf(datagram))
      this.received = this.#lines
      return
    }
    this.#lines += countsOf(datagram)
    const [first] = linesOf(datagram)
    if (isSequence(first!)) this.numbers.push(JSON.parse(first!).d)
  }
}

function flowsOf(to: UdpReceiver): FlowSeen[] {
  const flows = new Map<number, FlowSeen>()
  to.datagrams.forEach((datagram, i) => {
    const port = to.ports[i]!
    const flow = flows.get(port) ?? new FlowSeen(datagram)
    flows.set(port, flow)
    flow.take(datagram)
  })
  return [...flows.values()]
}

/** "Lost on the network = `lines` of the latest heartbeat - lines received on the flow before it." */
const lostOn = (flow: FlowSeen) => flow.beats.at(-1)!.lines - flow.received

async function hasGoodbyes(to: UdpReceiver, flows: number): Promise<void> {
  const seen = () =>
    new Set(to.ports.filter((_, i) => isBeat(to.datagrams[i]!) && beatOf(to.datagrams[i]!).last)).size
  while (seen() < flows) await to.hasDatagrams(to.datagrams.length + 1)
}

describe('heartbeats', () => {
  it('begin the flow, go on while something is sent, and end it three times', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, heartbeatMs: 30, metadata: { team: 'x' } })
    for (let i = 0; i < 20; i++) {
      exporter.write(`event ${i}`)
      await exporter.flush()
      await to.hasLines(2 + i + 1)
      await new Promise((resolve) => setTimeout(resolve, 10)) // real time is what heartbeats go by
    }
    await exporter.close()
    await hasGoodbyes(to, 1)
    while (flowsOf(to)[0]!.beats.filter(({ last }) => last).length < 3)
      await to.hasDatagrams(to.datagrams.length + 1)
    const [flow] = flowsOf(to)
    expect(flow!.beganWithBeat).toBe(true)
    const numbers = flow!.beats.map(({ seq }) => seq)
    const end = numbers.at(-1)!
    expect(end).toBeGreaterThanOrEqual(3)
    expect(numbers).toEqual([...Array.from({ length: end }, (_, i) => i), end, end, end])
    expect(flow!.beats.map(({ last }) => last)).toEqual(numbers.map((seq) => seq === end))
    expect(flow!.beats[0]).toMatchObject({ flow: 1, lines: 0, datagrams: 0, bytes: 0 })
    expect(flow!.beats.at(-1)).toMatchObject({
      source: exporter.stats().source,
      lines: 21,
      sent: 20,
      offered: 20,
      dropped: 0,
    })
    expect(lostOn(flow!)).toBe(0)
    expect(exporter.stats().heartbeats).toBe(numbers.length)
  })

  it('are not sent while nothing is', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, heartbeatMs: 10 })
    exporter.write('one')
    await exporter.flush()
    await to.hasDatagrams(3) // the first heartbeat, the event, and a heartbeat that tells of it
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(to.datagrams.map(isBeat)).toEqual([true, false, true])
  })

  it('tell what was dropped before it was sent, by reason', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({
      port: to.port,
      heartbeatMs: 1000,
      maxDatagramBytes: 100,
      newlines: 'refuse',
    })
    exporter.write('x'.repeat(200))
    exporter.write('two\nlines')
    exporter.write('fine')
    await exporter.close()
    await hasGoodbyes(to, 1)
    expect(flowsOf(to)[0]!.beats.at(-1)).toMatchObject({
      offered: 3,
      sent: 1,
      inRing: 0,
      dropped: 2,
      dropped_by: { oversize: 1, rawNewline: 1 },
    })
  })
})

describe('a receiver behind a network that loses datagrams', () => {
  it.each([1, 2, 3])('knows how many lines were lost on the way, to the line: seed %i', async (seed) => {
    const random = seeded(seed)
    const to = await openReceiver()
    const relay = await Relay.open(to.port, (datagram) => !isBeat(datagram) && random.chance(0.2))
    const exporter = await openExporter({
      port: relay.port,
      heartbeatMs: 20,
      metadata: {},
      maxDatagramBytes: 300,
    })
    for (let i = 0; i < 2000; i++) {
      exporter.write(`event ${i}`)
      if (i % 100 === 0) await exporter.flush()
    }
    await exporter.close()
    await hasGoodbyes(to, 1)
    const [flow] = flowsOf(to)
    const lost = relay.lost.reduce((sum, datagram) => sum + countsOf(datagram), 0)
    expect(lost).toBeGreaterThan(0)
    expect(lostOn(flow!)).toBe(lost)
    expectLaw(exporter.stats())
  })

  it('may miss all heartbeats but the first and one of the last', async () => {
    const to = await openReceiver()
    let beats = 0
    // Passes heartbeat 0 and the very last, and loses every third of the rest.
    const relay = await Relay.open(to.port, (datagram, index) => {
      if (!isBeat(datagram)) return index % 3 === 0
      return beats++ > 0 && !(beatOf(datagram).last && beats % 3 === 0)
    })
    const exporter = await openExporter({ port: relay.port, heartbeatMs: 5000, oneEventPerDatagram: true })
    for (let i = 0; i < 300; i++) exporter.write(`event ${i}`)
    await exporter.close()
    await hasGoodbyes(to, 1)
    const [flow] = flowsOf(to)
    expect(flow!.beats.map(({ seq }) => seq)).toEqual([0, 1])
    expect(lostOn(flow!)).toBe(relay.lost.filter((datagram) => !isBeat(datagram)).length)
  })

  it('knows it for each flow by itself', async () => {
    const FLOWS = 3
    const to = await openReceiver()
    const relay = await Relay.open(to.port, (datagram, index) => !isBeat(datagram) && index % 5 === 0)
    const exporter = await openExporter({
      port: relay.port,
      heartbeatMs: 1000,
      oneEventPerDatagram: true,
      pool: turnPool(FLOWS),
    })
    for (let i = 0; i < 300; i++) {
      exporter.write(`event ${i}`)
      await exporter.flush()
    }
    await exporter.close()
    await hasGoodbyes(to, FLOWS)
    const flows = flowsOf(to)
    expect(flows.map(({ beats }) => beats.at(-1)!.flow).sort()).toEqual([1, 2, 3])
    expect(flows.map(({ beganWithBeat }) => beganWithBeat)).toEqual([true, true, true])
    for (const flow of flows) expect(flow.beats.at(-1)!.lines).toBe(100)
    expect(flows.reduce((sum, flow) => sum + lostOn(flow), 0)).toBe(relay.lost.length)
    expect(exporter.stats()).toMatchObject({ sent: 300, pool: { opened: FLOWS } })
  })

  it('sees by the numbers which datagrams were lost', async () => {
    const to = await openReceiver()
    const lost: number[] = []
    const relay = await Relay.open(to.port, (datagram) => {
      if (isBeat(datagram)) return false
      const { d } = JSON.parse(linesOf(datagram)[0]!)
      if (d % 7 !== 3) return false
      lost.push(d)
      return true
    })
    const exporter = await openExporter({
      port: relay.port,
      heartbeatMs: 1000,
      sequence: true,
      maxDatagramBytes: 200,
    })
    for (let i = 0; i < 1000; i++) exporter.write(`event ${i}`)
    await exporter.close()
    await hasGoodbyes(to, 1)
    const [flow] = flowsOf(to)
    const seen = new Set(flow!.numbers)
    const { datagrams, lines } = flow!.beats.at(-1)!
    expect(lines).toBe(1000)
    const missing = Array.from({ length: datagrams }, (_, d) => d).filter((d) => !seen.has(d))
    expect(missing).toEqual(lost)
    expect(flow!.numbers).toEqual([...seen].sort((a, b) => a - b)) // in order, none twice
  })
})

/** A user's own pool over the exporter's real sockets: so many, and each has its turn. */
function turnPool(size: number): PoolFactory {
  return (context) => {
    const flows: ReturnType<typeof context.flow>[] = []
    let turn = 0
    const openAll = async () => {
      for (let i = 0; i < size; i++) flows.push(context.flow(await context.connect()))
      context.onReady()
    }
    void openAll()
    return {
      counts: { hits: 0, misses: size, replaced: 0, size },
      acquire: () => (flows.length < size ? undefined : flows[turn++ % size]),
      report: () => {},
      flows: () => flows,
      close: () => {
        for (const flow of flows) flow.socket.close()
      },
    } satisfies SocketPool
  }
}
