import type { MachinePair } from './machine-pair.ts'

/** Pings and credits of the last second. */
const MOST_AT_REST = 3

/** What the counters of a pair say that the links, which know, do not. For when all has come, and some time has passed. */
export function faultsOf(pair: MachinePair): string[] {
  return [pair.left, pair.right].flatMap((side) => {
    const faults: string[] = []
    const name = side === pair.left ? 'left' : 'right'
    const be = (what: string, is: number, shouldBe: number) =>
      is === shouldBe || faults.push(`${name}: ${what}: ${is}, should be ${shouldBe}`)
    const beAtMost = (what: string, is: number, most: number) =>
      is <= most || faults.push(`${name}: ${what}: ${is}, should be at most ${most}`)
    const mine = side.stats
    const peer = pair.other(side).stats
    const out = pair.linkOf(side).counters
    const into = pair.linkOf(pair.other(side)).counters
    // Each thing that was handed to the link is counted once.
    be('handed to the link', side.sentWhole + side.sentFragments, out.sent)
    be('bytes sent', mine.bytesSent, out.bytesSent)
    be('fragments sent', mine.fragmentsSent, side.sentFragments)
    beAtMost('sent whole', side.sentWhole, mine.packetsSent)
    // Each thing that came is in one of them.
    const { verdicts, lastFragments } = side
    const sum = Object.values(verdicts).reduce((all, count) => all + count, 0)
    be('verdicts', sum, into.delivered)
    be('received', mine.packetsReceived, verdicts.taken ?? 0)
    be('twice', mine.packetsTwice, verdicts.twice ?? 0)
    be('late', mine.packetsLate, verdicts['too-late'] ?? 0)
    be('refused', mine.packetsRefused, verdicts['no-room'] ?? 0)
    be('bad', mine.packetsBad, 0)
    be('bytes received', mine.bytesReceived, into.bytesDelivered)
    const fragments = (verdicts['part-taken'] ?? 0) + (lastFragments.taken ?? 0)
    beAtMost('fragments taken', fragments, mine.fragmentsReceived)
    // What is said to have arrived has arrived.
    be('forged', mine.acksForged, 0)
    beAtMost('acknowledged', mine.packetsAcked + mine.acksLate, peer.packetsReceived)
    beAtMost('done with', mine.packetsAcked + mine.packetsLost, mine.packetsSent)
    beAtMost('under way', mine.inFlight, MOST_AT_REST)
    beAtMost('unreliable', peer.unreliableReceived, mine.unreliableSent)
    return faults
  })
}
