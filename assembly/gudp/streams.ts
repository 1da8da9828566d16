// A reliable channel: the ring is the stream. What comes is written to its place in the ring at once, whatever is missing before it; a bit for each
// unit says what is there. `received` moves over what has no gap, `tail` over whole records of that, and only then do consumers see it.
//
//   in    head ─ records ─ tail ─ part of a record ─ received ─ gap ─ something ─ ... ─ limit = head + bytes
//   out   head ─ under way, or acknowledged behind a gap ─ next ─ not sent yet ─ tail
//
// Exactly once and in order: a unit is written only between `received` and the limit, so never over one that a consumer can still see, and a
// stretch that comes again finds its units below `received` or rewrites the same bytes.

import { load64, store64 } from '../atomics'
import {
  IN_BITS_OFFSET, IN_BYTES_OFFSET, IN_CREDIT_DUE_OFFSET, IN_CREDIT_OFFSET, IN_DATA_OFFSET, IN_HEAD_OFFSET, IN_RECEIVED_OFFSET,
  IN_TAIL_OFFSET, IN_TELL_OFFSET, LONGEST_OFFSET, OUT_BITS_OFFSET, OUT_BYTES_OFFSET, OUT_HEAD_OFFSET, OUT_LIMIT_OFFSET, OUT_NEXT_OFFSET,
  OUT_TAIL_OFFSET, UNIT, recordBytes,
} from './descriptor'
import { setBits, takeBits } from './bits'
import { readPublish } from './read-buffer'
import { sendFreed } from './send-buffer'
import { copyIn, lengthAt } from './ring-bytes'

/** What became of a stretch. */
export const STREAM_TAKEN: u32 = 0
export const STREAM_REFUSED: u32 = 1 // beyond what the peer was told it may send
export const STREAM_BROKEN: u32 = 2 //  a message is longer than was agreed

/** The position that a 32-bit offset in units means: the one that is nearest to `near`. */
@inline export function unwrap(offset: u32, near: u64): u64 {
  const units = near / UNIT
  return (units + <u64><i64>(<i32>(offset - <u32>units))) * UNIT
}

// ---- in ----------------------------------------------------------------------------------------------

export function streamReceive(connection: usize, lane: usize, offset: u32, from: usize, units: u32): u32 {
  const received = load<u64>(lane + IN_RECEIVED_OFFSET)
  const bytes = load<u32>(lane + IN_BYTES_OFFSET)
  let start = unwrap(offset, received)
  const end = start + <u64>units * UNIT
  // Below what has been received, or before the beginning of everything: it came again.
  if (<i64>(end - received) <= 0) return STREAM_TAKEN
  if (end > load64(lane + IN_HEAD_OFFSET) + bytes) return STREAM_REFUSED
  if (<i64>(start - received) < 0) {
    from += <usize>(received - start)
    start = received
  }
  const data = connection + load<u32>(lane + IN_DATA_OFFSET)
  copyIn(data, bytes, start, from, <u32>(end - start))
  const bits = connection + load<u32>(lane + IN_BITS_OFFSET)
  setBits(bits, bytes / UNIT, start / UNIT, <u32>(end - start) / UNIT)
  if (start != received) return STREAM_TAKEN
  const most = (load64(lane + IN_HEAD_OFFSET) + bytes - received) / UNIT
  const now = received + <u64>takeBits(bits, bytes / UNIT, received / UNIT, most) * UNIT
  store<u64>(lane + IN_RECEIVED_OFFSET, now)
  return publishRecords(lane, data, bytes, now)
}

/** Whole records become visible. */
function publishRecords(lane: usize, data: usize, bytes: u32, received: u64): u32 {
  const longest = load<u32>(lane + LONGEST_OFFSET)
  const before = load<u64>(lane + IN_TAIL_OFFSET)
  let tail = before
  while (tail < received) {
    const length = lengthAt(data, bytes, tail)
    if (length > longest) return STREAM_BROKEN
    const next = tail + recordBytes(length)
    if (next > received) break
    tail = next
  }
  if (tail != before) readPublish(lane, tail)
  return STREAM_TAKEN
}

@inline function quarter(lane: usize): u64 { return <u64>(load<u32>(lane + IN_BYTES_OFFSET) >> 2) }

/**
 * Whether the peer is to be told that it may send more: a quarter of the ring more than it knows, or what it was told got lost. Or whatever it
 * does not know, when it has used up nearly all and consumers have nothing to take: it may be in the middle of a message that needs the rest.
 */
export function creditIsDue(lane: usize): bool {
  if (load<u32>(lane + IN_CREDIT_DUE_OFFSET) != 0) return true
  const bytes = load<u32>(lane + IN_BYTES_OFFSET)
  const credit = load<u64>(lane + IN_CREDIT_OFFSET)
  const full = credit + quarter(lane)
  if (load64(lane + IN_HEAD_OFFSET) + bytes >= full) return true
  if (load<u64>(lane + IN_RECEIVED_OFFSET) + quarter(lane) < credit) return false
  const tail = load64(lane + IN_TAIL_OFFSET)
  // Before the look at the head; pairs with the load in laneTaken.
  store64(lane + IN_TELL_OFFSET, min(full - bytes, tail))
  const head = load64(lane + IN_HEAD_OFFSET)
  return head + bytes >= full || (head >= tail && head + bytes > credit)
}

/** What it is told, in units. The next time that a consumer has freed a quarter the daemon is woken for it. */
export function takeCredit(lane: usize): u32 {
  const head = load64(lane + IN_HEAD_OFFSET)
  // Before the look in creditIsDue that comes next; pairs with the load in laneTaken.
  store64(lane + IN_TELL_OFFSET, head + quarter(lane))
  const limit = head + load<u32>(lane + IN_BYTES_OFFSET)
  store<u64>(lane + IN_CREDIT_OFFSET, limit)
  store<u32>(lane + IN_CREDIT_DUE_OFFSET, 0)
  return <u32>(limit / UNIT)
}

// ---- out ---------------------------------------------------------------------------------------------

/** The peer takes the stream up to there; what it says later never takes back what it said. */
export function streamCredit(lane: usize, offset: u32): void {
  const before = load<u64>(lane + OUT_LIMIT_OFFSET)
  const limit = unwrap(offset, before)
  // No more than the other side can have said: its ring is no longer than the longest there is.
  if (<i64>(limit - before) > 0 && limit - load<u64>(lane + OUT_HEAD_OFFSET) <= 1 << 27) store<u64>(lane + OUT_LIMIT_OFFSET, limit)
}

/** Units that may be sent for the first time. */
export function streamUnits(lane: usize): u32 {
  const end = min(load64(lane + OUT_TAIL_OFFSET), load<u64>(lane + OUT_LIMIT_OFFSET))
  const next = load<u64>(lane + OUT_NEXT_OFFSET)
  return end > next ? <u32>min<u64>((end - next) / UNIT, 0xffff) : 0
}

/** The peer has that stretch. */
export function streamAcked(connection: usize, lane: usize, from: u64, units: u32): void {
  const head = load<u64>(lane + OUT_HEAD_OFFSET)
  const end = from + <u64>units * UNIT
  if (end <= head) return
  const start = max(from, head)
  const bytes = load<u32>(lane + OUT_BYTES_OFFSET)
  const bits = connection + load<u32>(lane + OUT_BITS_OFFSET)
  setBits(bits, bytes / UNIT, start / UNIT, <u32>(end - start) / UNIT)
  if (start != head) return
  const most = (load<u64>(lane + OUT_NEXT_OFFSET) - head) / UNIT
  sendFreed(lane, head + <u64>takeBits(bits, bytes / UNIT, head / UNIT, most) * UNIT)
}
