// The writing side of a lane. It never waits for anybody.
//
// Two limits, kept apart:
//   what the ring may hold   `capacity` records and `capacityBytes` payload bytes between head and tail. At the limit
//                            drop-newest refuses, and drop-oldest moves the head over the oldest record.
//   what fits the memory     the data is longer than those can take up, so that there is room to spare (the slack).
//
// The reader takes records by moving the head over them with a CAS. From then on they are *in hand*: no longer in the ring,
// but still read, so not to be overwritten until `released` passes them. That stretch is the *hole*. The writer
// never waits for it and never writes into it: when the tail comes round to the hole, it leaves a SKIP and
// goes on behind it. The slack is there so that a batch in hand does not cost the ring its capacity. Because of
// this no batch is ever read in vain, and a ring that is full all the time delivers nearly as fast as one that is not.
//
// Why a record that is in the ring or in hand is never written to. The writer writes only from its tail up to
// `seen head + data`, where the seen head is never ahead of the real one, and outside the hole. What it may harm
// is therefore only what the reader took *after* the head was seen (still above the seen head, so safe), or what it
// took before, which is the hole: when the writer finds the head moved from a to b by the reader, the records in
// hand lie in [max(a, released), b), since the reader releases a batch before it takes another, and `released` is
// read after the head.
//
// Why exactly the oldest are lost. Both sides move the head by CAS from the value they saw, over whole records; positions
// never repeat, so a CAS that succeeds proves that nobody came between. A reader that finds the head moved under its TAKING
// knows by whom: the writer alone does that, and only to leave it what lies there.
//
// One-to-many has no hole: its pollers take nothing, they copy and then validate (see pollers.ts). There the
// writer announces in `wipe` how far it may have overwritten, before it does.

import { cas64, load64, store64 } from '../atomics'
import { CLAIM_EXCEEDED, CLAIM_OPEN, FULL, INVALID, NO_CLAIM, OVERSIZE, STALE } from '../codes'
import {
  KIND_LANE, KIND_OFFSET, KIND_ONE_TO_MANY, KIND_ONE_TO_ONE, SCRATCH_BYTES, SCRATCH_DATA_OFFSET,
} from '../layout'
import { isLive } from '../region/granules'
import { scratchOf } from '../region/threads'
import { bellRing } from '../sync/bell'
import {
  BATCH_BYTES_OFFSET, CLAIM_AT_OFFSET, CLAIM_BYTES_OFFSET, DROPPED_OFFSET, DROP_NEWEST, GRANT_END_OFFSET, GRANT_RECORDS,
  HEADER_BYTES, HEAD_OFFSET,
  HOLE_END_OFFSET, HOLE_START_OFFSET, INDEX_OFFSET, LENGTH_OFFSET, OVERSIZE_OFFSET, RELEASED_OFFSET, SEEN_HEAD_OFFSET,
  SKIP, SUM_OFFSET, TAIL_OFFSET, TAKING, WIPE_OFFSET, after, bellOf, capacityBytesOf, capacityOf, footprint, headOf, maskOf,
  policyOf, recordAt,
} from './descriptor'
import { slowestHead } from './pollers'

const LANE_KINDS: u32 = (1 << KIND_ONE_TO_ONE) | (1 << KIND_ONE_TO_MANY) | (1 << KIND_LANE)
/** No place for the record, whatever is let go: only while a reader holds a large batch. */
const NOWHERE: u64 = U64.MAX_VALUE

@inline export function isLane(address: u32, generation: u32): bool {
  return isLive(address, generation) && ((LANE_KINDS >> load<u32>(<usize>address + KIND_OFFSET)) & 1) != 0
}

@inline function seenHead(lane: usize): u64 { return load<u64>(lane + SEEN_HEAD_OFFSET) }
@inline function isBroadcast(lane: usize): bool { return load<u32>(lane + KIND_OFFSET) == KIND_ONE_TO_MANY }
@inline function count(lane: usize, counter: usize): void {
  store<u64>(lane + counter, load<u64>(lane + counter) + 1)
}

/** Stores the first `bytes` of the thread's scratch as one record. 0, or why not. */
export function laneSet(address: u32, generation: u32, token: u32, bytes: u32): i32 {
  if (!isLane(address, generation)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0 || bytes > SCRATCH_BYTES) return INVALID
  const lane = <usize>address
  if (load<u32>(lane + CLAIM_BYTES_OFFSET) != 0) return CLAIM_OPEN
  const code = admit(lane, bytes)
  if (code != 0) return code
  const position = place(lane, bytes)
  if (position == NOWHERE) return refuse(lane)
  memory.copy(recordAt(lane, position) + HEADER_BYTES, scratch + SCRATCH_DATA_OFFSET, bytes)
  publishRecord(lane, position, bytes)
  return 0
}

/** Address of `bytes` to write to, or why not. Under drop-oldest what must go goes at `commit`, so that `abort` is free. */
export function laneClaim(address: u32, generation: u32, bytes: u32): i32 {
  if (!isLane(address, generation)) return STALE
  const lane = <usize>address
  if (load<u32>(lane + CLAIM_BYTES_OFFSET) != 0) return CLAIM_OPEN
  const code = policyOf(lane) == DROP_NEWEST ? admit(lane, bytes) : checkLength(lane, bytes)
  if (code != 0) return code
  const position = place(lane, bytes)
  if (position == NOWHERE) return refuse(lane)
  store<u64>(lane + CLAIM_AT_OFFSET, position)
  store<u32>(lane + CLAIM_BYTES_OFFSET, bytes + 1)
  return <i32>(recordAt(lane, position) + HEADER_BYTES)
}

/** Publishes the first `bytes` of the open claim. */
export function laneCommit(address: u32, generation: u32, bytes: u32): i32 {
  if (!isLane(address, generation)) return STALE
  const lane = <usize>address
  const claimed = load<u32>(lane + CLAIM_BYTES_OFFSET)
  if (claimed == 0) return NO_CLAIM
  if (bytes >= claimed) return CLAIM_EXCEEDED
  admit(lane, bytes) // drop-oldest makes room now; drop-newest made it at the claim
  publishRecord(lane, load<u64>(lane + CLAIM_AT_OFFSET), bytes)
  store<u32>(lane + CLAIM_BYTES_OFFSET, 0)
  return 0
}

export function laneAbort(address: u32, generation: u32): i32 {
  if (!isLane(address, generation)) return STALE
  const lane = <usize>address
  if (load<u32>(lane + CLAIM_BYTES_OFFSET) == 0) return NO_CLAIM
  store<u32>(lane + CLAIM_BYTES_OFFSET, 0)
  return 0
}

/** A new writer after one that left or died: what it had begun is forgotten, what it had seen is brought up to date. */
export function writerTakesOver(lane: usize): void {
  store<u32>(lane + CLAIM_BYTES_OFFSET, 0)
  if (!isBroadcast(lane)) lookAtHead(lane)
}

function checkLength(lane: usize, bytes: u32): i32 {
  if (bytes <= capacityBytesOf(lane)) return 0
  count(lane, OVERSIZE_OFFSET)
  return OVERSIZE
}

function refuse(lane: usize): i32 {
  count(lane, DROPPED_OFFSET)
  return FULL
}

/** Makes room for a record by the ring's policy. 0, or why not. */
function admit(lane: usize, bytes: u32): i32 {
  const code = checkLength(lane, bytes)
  if (code != 0) return code
  while (!hasRoom(lane, bytes)) {
    if (policyOf(lane) != DROP_NEWEST) dropOldest(lane)
    else if (!headHasMoved(lane)) return refuse(lane)
  }
  return 0
}

/** By what the writer has seen of the head. The records from there on are still as it wrote them. */
function hasRoom(lane: usize, bytes: u32): bool {
  const oldest = recordAt(lane, seenHead(lane))
  const next = recordAt(lane, load<u64>(lane + TAIL_OFFSET))
  const records = <u32>(load<u64>(next + INDEX_OFFSET) - load<u64>(oldest + INDEX_OFFSET))
  const held = load<u32>(next + SUM_OFFSET) - load<u32>(oldest + SUM_OFFSET)
  return records < capacityOf(lane) && <u64>held + bytes <= capacityBytesOf(lane)
}

/**
 *   [b c d]       the ring is full; e comes
 *    b [c d]      the head goes over b by CAS: from here on b is lost, and c's index tells the reader so
 *    b [c d e]    e is written where there is room, b's place last
 *
 * If the CAS fails the reader has just taken b, and perhaps more, or says that it is about to: either way there is room now.
 */
function dropOldest(lane: usize): void {
  const head = seenHead(lane)
  const length = load<u32>(recordAt(lane, head) + LENGTH_OFFSET)
  const next = (length & SKIP) != 0 ? head + (length & ~SKIP) : after(lane, head, footprint(length))
  const seen = cas64(lane + HEAD_OFFSET, head, next) // pairs with the reader's in tryToTake and tryToCopy, and the load in pollerNext
  if (seen == head) store<u64>(lane + SEEN_HEAD_OFFSET, next)
  else if (seen == (head | TAKING)) leaveToReader(lane, head, next, (length & SKIP) != 0)
  else noteTaken(lane, head, seen & ~TAKING)
}

/**
 * The reader has said that it takes from here, but not yet how much: the writer needs the room, and says it. What lies
 * at the head (a record or a skip) ends at `next`; behind a record, more may go with it. The CAS pairs with the reader's
 * in tryToTake: one of the two fails, and knows by it what the other did.
 */
function leaveToReader(lane: usize, head: u64, next: u64, isSkip: bool): void {
  const end = isSkip ? next : endOfGrant(lane, head, next)
  store<u64>(lane + GRANT_END_OFFSET, end) // published by the CAS
  const seen = cas64(lane + HEAD_OFFSET, head | TAKING, end)
  if (seen == head) return // a new reader has taken over from one that died here
  noteTaken(lane, head, seen == (head | TAKING) ? end : seen & ~TAKING)
}

/** A batch, so that a reader that keeps meeting the writer here gets on: a few records, in one stretch, within the slack. */
function endOfGrant(lane: usize, head: u64, next: u64): u64 {
  const tail = load<u64>(lane + TAIL_OFFSET)
  const mask = maskOf(lane)
  const most = head + load<u32>(lane + BATCH_BYTES_OFFSET)
  let end = next
  for (let records: u32 = 1; records < GRANT_RECORDS && end < tail && (end & mask) != 0; records++) {
    const length = load<u32>(recordAt(lane, end) + LENGTH_OFFSET)
    if ((length & SKIP) != 0) break
    const further = after(lane, end, footprint(length))
    if (further > most) break
    end = further
  }
  return end
}

/** The reader has moved the head from `was` to `now`: what it has in hand lies between. */
function noteTaken(lane: usize, was: u64, now: u64): void {
  const released = load64(lane + RELEASED_OFFSET) // after the head: see the top
  store<u64>(lane + HOLE_START_OFFSET, released > was ? released : was)
  store<u64>(lane + HOLE_END_OFFSET, released < now ? now : 0)
  store<u64>(lane + SEEN_HEAD_OFFSET, now) // last: a writer that dies before it leaves this to be done again
}

function lookAtHead(lane: usize): bool {
  const was = seenHead(lane)
  const now = headOf(lane) // pairs with what moves it in tryToTake and tryToCopy
  if (now == was) return false
  noteTaken(lane, was, now)
  return true
}

/** Under drop-newest: has anything been read since the writer last looked? */
function headHasMoved(lane: usize): bool {
  if (!isBroadcast(lane)) return lookAtHead(lane)
  const head = slowestHead(lane, seenHead(lane))
  if (head == seenHead(lane)) return false
  store64(lane + HEAD_OFFSET, head)
  store<u64>(lane + SEEN_HEAD_OFFSET, head)
  return true
}

/** Where the record goes: at the tail, or behind the hole when that is in the way. NOWHERE is counted by the caller. */
function place(lane: usize, bytes: u32): u64 {
  const size = footprint(bytes)
  const tail = load<u64>(lane + TAIL_OFFSET)
  const room = maskOf(lane) + 1
  let position = tail
  while (true) {
    const end = after(lane, position, size) + HEADER_BYTES // the next header must have room, too
    if (end - tail > room) return NOWHERE
    if (end - seenHead(lane) > room) {
      if (policyOf(lane) != DROP_NEWEST) dropOldest(lane)
      else if (!headHasMoved(lane)) return NOWHERE
      continue
    }
    const behind = holeInTheWay(lane, position, end)
    if (behind == 0) {
      if (isBroadcast(lane)) announce(lane, end)
      return position
    }
    position = behind
  }
}

/** The first position behind the hole, when the stretch from `position` to `end` would touch it; else 0. */
function holeInTheWay(lane: usize, position: u64, end: u64): u64 {
  const holeEnd = load<u64>(lane + HOLE_END_OFFSET)
  if (holeEnd == 0) return 0
  const holeStart = load<u64>(lane + HOLE_START_OFFSET)
  const bytes = holeEnd - holeStart
  // The hole comes round once a lap; this is the first time that ends after `position`.
  const mask = maskOf(lane)
  let start = holeStart + ((position - holeStart) & ~mask)
  if (start + bytes <= position) start += mask + 1
  if (start >= end) return 0
  if (load64(lane + RELEASED_OFFSET) >= holeEnd) { // pairs with the store in `release`
    store<u64>(lane + HOLE_END_OFFSET, 0)
    return 0
  }
  return start + bytes
}

/**
 * One-to-many: tells pollers that what lies below may go, before it goes. In steps of half the slack, so that it
 * is rarely done; never above the head, so that what the ring still holds can always be read.
 */
function announce(lane: usize, end: u64): void {
  const room = maskOf(lane) + 1
  if (end <= room) return
  const needed = end - room
  if (needed <= load<u64>(lane + WIPE_OFFSET)) return
  const ahead = needed + load<u32>(lane + BATCH_BYTES_OFFSET)
  const head = seenHead(lane)
  store64(lane + WIPE_OFFSET, ahead < head ? ahead : head) // pairs with the load in `stillThere`
  load64(lane + WIPE_OFFSET) // so that the bytes are not seen before the announcement: see atomics.ts
}

/** The payload is in place; its header, the next one's, and the tail make it a record. */
function publishRecord(lane: usize, position: u64, bytes: u32): void {
  const tail = load<u64>(lane + TAIL_OFFSET)
  const first = recordAt(lane, tail)
  const index = load<u64>(first + INDEX_OFFSET)
  const sum = load<u32>(first + SUM_OFFSET)
  const record = recordAt(lane, position)
  if (position != tail) {
    store<u32>(first + LENGTH_OFFSET, SKIP | <u32>(position - tail))
    store<u64>(record + INDEX_OFFSET, index)
    store<u32>(record + SUM_OFFSET, sum)
  }
  store<u32>(record + LENGTH_OFFSET, bytes)
  const end = after(lane, position, footprint(bytes))
  const next = recordAt(lane, end)
  store<u64>(next + INDEX_OFFSET, index + 1)
  store<u32>(next + SUM_OFFSET, sum + bytes)
  store64(lane + TAIL_OFFSET, end) // publishes; pairs with the loads in tryToTake, tryToCopy and pollerNext
  bellRing(bellOf(lane))
}
