import { expect } from 'vitest'
import type { LaneShape, MachineOptions } from '../../src/core/packet-machine.ts'
import type { LinkOptions, Random } from '../../src/sim/network/index.ts'
import { ReliableSink, type Sink, Source, sizesOf, UnreliableSink } from './gudp-traffic.ts'
import { MachinePair, type MachineSide, packetsLane, streamLane } from './machine-pair.ts'

/** What a seed does. */
export interface Plan {
  readonly seed: number
  readonly messages: number
  readonly machine: Partial<MachineOptions>
  readonly there: LinkOptions
  readonly back: LinkOptions
  /** So many a burst, and one burst in so many milliseconds. */
  readonly burst: number
  readonly gapMs: number
  /** 0: takes what comes at once; else now and then. */
  readonly readEveryMs: number
  readonly long: readonly number[]
}

function linkOf(random: Random): LinkOptions {
  return {
    latencyMs: random.pick([0, 1, 10, 40, 100]),
    jitterMs: random.pick([0, 1, 20, 100, 500]),
    loss: random.pick([0, 0.01, 0.05, 0.1, 0.2, 0.3]),
    duplicate: random.pick([0, 0.01, 0.1, 0.3]),
    reorder: random.pick([0, 0.05, 0.3]),
    reorderMs: random.pick([5, 50, 300]),
    burst: random.chance(0.2) ? { enter: 0.01, leave: 0.2, loss: 0.9 } : undefined,
    bytesPerSecond: random.pick([0, 0, 250_000, 2_500_000]),
    queueBytes: random.pick([16_384, 65_536]),
    mtuBytes: random.pick([0, 0, 1201]),
  }
}

export function planOf(random: Random, seed: number): Plan {
  const strategy = random.pick(['none', 'none', 'paced', 'paced', 'good-bad'] as const)
  const isFast = random.chance(0.7)
  const long = random.chance(0.15) ? [262_144, 61_440] : random.chance(0.3) ? [61_440] : []
  const longest = Math.max(...long, 0)
  const ring = longest > 65_000 ? 266_240 : random.pick([65_536, 65_544, 100_008, 262_144])
  const unreliable = random.pick([8192, 65_536, 65_544])
  const lanes: LaneShape[] = [
    packetsLane(random.pick([4096, 65_536]), 2000),
    streamLane(ring),
    packetsLane(unreliable, Math.min(unreliable - 8, 20_000)),
    streamLane(random.pick([8192, 8200, 12_008]), 5000),
  ]
  return {
    seed,
    messages: 5500,
    machine: {
      strategy,
      lanes,
      windowPackets: random.pick([32, 64, 256, 256, 1024]),
      goodRate: strategy === 'paced' ? 0 : isFast ? 2000 : 60,
      badRate: isFast ? 1000 : 30,
      reassemblyBytes: random.pick([24_000, 65_536]),
    },
    there: linkOf(random),
    back: linkOf(random),
    burst: random.pick([1, 5, 50, 400]),
    gapMs: random.pick([1, 10, 50]),
    readEveryMs: random.pick([0, 0, 0, 100]),
    long,
  }
}

/** How the messages are shared out: by lane, from left and from right. */
const SHARES = [
  [0.04, 0.02],
  [0.4, 0.15],
  [0.05, 0.04],
  [0.2, 0.1],
] as const
const QUIET_MS = 4000
const WITHIN_MS = 6 * 3_600_000

export function runPlan(plan: Plan): { messages: number; packets: number; virtualMs: number } {
  const pair = new MachinePair({
    seed: plan.seed,
    there: plan.there,
    back: plan.back,
    left: plan.machine,
  })
  const { clock, random } = pair
  const startMs = clock.now()
  const sources: { side: MachineSide; source: Source }[] = []
  const sinks: Sink[] = []
  const reliable: ReliableSink[] = []
  for (const [i, lane] of plan.machine.lanes!.entries()) {
    for (const [s, side] of [pair.left, pair.right].entries()) {
      const count = Math.ceil(plan.messages * SHARES[i]![s]!)
      const long = i === 1 && s === 0 ? plan.long : []
      const sizes = sizesOf(random, count, lane.longest, long)
      sources.push({ side, source: new Source(side.lanes[i]!, sizes) })
      const name = `lane ${i} of ${s === 0 ? 'left' : 'right'}`
      const to = pair.other(side).lanes[i]!
      const sink =
        lane.kind === 'stream' ? new ReliableSink(to, name, sizes) : new UnreliableSink(to, name, sizes)
      sinks.push(sink)
      if (sink instanceof ReliableSink) reliable.push(sink)
    }
  }
  const drain = () => {
    for (const sink of sinks) sink.drain()
    pair.soil(pair.left)
    pair.soil(pair.right)
  }
  if (plan.readEveryMs === 0) {
    pair.onReceived = () => {
      for (const sink of sinks) sink.drain()
    }
  }
  const feed = () => {
    if (plan.readEveryMs > 0) drain()
    let isLeft = false
    for (const { side, source } of sources) {
      if (source.isDone) continue
      if (source.send(plan.burst) > 0) pair.soil(side)
      isLeft = isLeft || !source.isDone
    }
    const isBusy = isLeft || (plan.readEveryMs > 0 && !isDone())
    if (isBusy) clock.after(isLeft ? plan.gapMs : plan.readEveryMs, feed)
  }
  const isDone = () =>
    sources.every(({ source }) => source.isDone) &&
    reliable.every((sink) => sink.isDone) &&
    pair.left.machine.isDrained() &&
    pair.right.machine.isDrained()
  feed()
  const isOver = () =>
    pair.left.machine.endReason() !== undefined || pair.right.machine.endReason() !== undefined
  clock.runUntil(() => isDone() || isOver(), WITHIN_MS)
  const ends = [pair.left.machine.endReason(), pair.right.machine.endReason()]
  const undone = `received ${reliable.map(({ received }) => received)}, sent ${sources.map(({ source }) => source.sent)}`
  expect(isDone(), `not all has come: ${undone}, ends ${ends}`).toBe(true)
  clock.advance(QUIET_MS)
  for (const sink of sinks) sink.drain()
  checkCounters(pair)
  const packets = pair.there.counters.sent + pair.back.counters.sent
  const virtualMs = clock.now() - startMs
  pair.leave()
  return { messages: sources.reduce((sum, { source }) => sum + source.sent, 0), packets, virtualMs }
}

/** Against what the links know. */
function checkCounters(pair: MachinePair): void {
  for (const side of [pair.left, pair.right]) {
    const mine = side.stats
    const peer = pair.other(side).stats
    const out = pair.linkOf(side).counters
    const into = pair.linkOf(pair.other(side)).counters
    // Each thing that was handed to the link is counted once.
    expect(side.sentWhole + side.sentFragments, 'handed to the link').toBe(out.sent)
    expect(mine.bytesSent, 'bytes sent').toBe(out.bytesSent)
    expect(mine.fragmentsSent, 'fragments sent').toBe(side.sentFragments)
    expect(mine.packetsSent, 'packets sent').toBeGreaterThanOrEqual(side.sentWhole)
    // Each thing that came is in one of them.
    const { verdicts, lastFragments } = side
    const sum = Object.values(verdicts).reduce((all, count) => all + count, 0)
    expect(sum, 'each has a verdict').toBe(into.delivered)
    expect(mine.packetsReceived, 'received').toBe(verdicts.taken ?? 0)
    expect(mine.packetsTwice, 'twice').toBe(verdicts.twice ?? 0)
    expect(mine.packetsLate, 'late').toBe(verdicts['too-late'] ?? 0)
    expect(mine.packetsRefused, 'refused').toBe(verdicts['no-room'] ?? 0)
    expect(mine.packetsBad, 'bad').toBe(0)
    expect(mine.bytesReceived, 'bytes received').toBe(into.bytesDelivered)
    expect(mine.fragmentsReceived, 'fragments received').toBeGreaterThanOrEqual(
      (verdicts['part-taken'] ?? 0) + (lastFragments.taken ?? 0),
    )
    // What is said to have arrived has arrived.
    expect(mine.acksForged, 'forged').toBe(0)
    expect(mine.packetsAcked + mine.acksLate, 'acknowledged').toBeLessThanOrEqual(peer.packetsReceived)
    expect(mine.packetsAcked + mine.packetsLost, 'done with').toBeLessThanOrEqual(mine.packetsSent)
    expect(mine.inFlight, 'under way').toBeLessThanOrEqual(3) // pings and credits of the last second
    expect(peer.unreliableReceived, 'unreliable').toBeLessThanOrEqual(mine.unreliableSent)
  }
}
