import type { LineRing } from '../core/line-ring.ts'
import type { Outlet } from '../core/outlet.ts'
import type { DiodeStats } from '../core/stats.ts'
import { counter, errorCounters, wireErrors } from './counters.ts'

/** Every event offered is in exactly one place: `offered = sent + inRing + inFlight + dropped`. */
export interface Ledger {
  offered: number
  /** The kernel has taken them. */
  sent: number
  inRing: number
  /** Out of the ring, not yet taken by the kernel. */
  inFlight: number
  dropped: number
  /** The same by reason. */
  droppedBy: Record<string, number>
}

/** What became of events before they could be packed. */
export function droppedBy(
  outlet: Outlet,
  ring: DiodeStats,
): { overwritten: number; full: number; oversize: number; rawNewline: number } {
  return {
    overwritten: ring.missed,
    full: ring.dropped,
    oversize: outlet.get(counter.oversize) + ring.oversize,
    rawNewline: outlet.get(counter.rawNewline),
  }
}

/** By the kernel's codes: how often each was seen, and the events that were given up because of it. */
export function readErrors(outlet: Outlet): Record<string, { times: number; events: number }> {
  const errors: Record<string, { times: number; events: number }> = {}
  for (const code of wireErrors) {
    const at = errorCounters(code)
    const times = outlet.get(at.times)
    if (times > 0) errors[code] = { times, events: outlet.get(at.events) }
  }
  return errors
}

/** The I/O thread has died: what it had in hand, or had taken out of the ring and not come to count, is lost. */
export function countLost(ring: LineRing): number {
  const { outlet } = ring
  outlet.raise(counter.packedEvents, ring.stats().read)
  const { inFlight } = readLedger(ring)
  outlet.add(counter.lostEvents, inFlight)
  return inFlight
}

export function readLedger(ring: LineRing): Ledger {
  const { outlet } = ring
  // In the order in which events travel backwards, so that one that moves on meanwhile is not missing.
  const sent = outlet.get(counter.sentEvents)
  const byCode = Object.entries(readErrors(outlet)).filter(([, { events }]) => events > 0)
  const lost = outlet.get(counter.lostEvents)
  const packed = outlet.get(counter.packedEvents)
  const stats = ring.stats()
  const early = droppedBy(outlet, stats)
  const by: Record<string, number> = { ...early, ioThread: lost }
  let late = lost
  for (const [code, { events }] of byCode) {
    by[code] = events
    late += events
  }
  return {
    offered: stats.written + early.full + early.oversize + early.rawNewline,
    sent,
    inRing: stats.depth,
    inFlight: packed - sent - late,
    dropped: Object.values(by).reduce((sum, events) => sum + events, 0),
    droppedBy: by,
  }
}
