// The reading side of a lane: takes records out of the ring into its hand, and lets go of them when they are read.
// The writer's half of the argument stands in lane-writer.ts.

import { and64, cas64, load64, or64, store64 } from '../atomics'
import { EMPTY, ENDED, INVALID, IN_PLACE, STALE } from '../codes'
import {
  KIND_ONE_TO_ONE, MAILBOX_ADDRESS_OFFSET, MAILBOX_LANE_OFFSET, MAILBOX_LENGTH_OFFSET, MAILBOX_MISSED_OFFSET,
  OBJECT_GENERATION_OFFSET, SCRATCH_BYTES, SCRATCH_DATA_OFFSET,
} from '../layout'
import { isKind } from '../region/granules'
import { scratchOf } from '../region/threads'
import {
  BATCH_AT_OFFSET, BATCH_BYTES_OFFSET, BATCH_END_OFFSET, DROP_NEWEST, GRANT_END_OFFSET, HEADER_BYTES, HEAD_OFFSET,
  INDEX_OFFSET, IN_HAND_OFFSET, LENGTH_OFFSET, NEXT_INDEX_OFFSET, READ_OFFSET, RELEASED_OFFSET, SKIP, TAIL_OFFSET, TAKING,
  WRITER_ROLE_OFFSET, after, capacityBytesOf, footprint, headOf, maskOf, policyOf, recordAt,
} from './descriptor'
import { isLeft } from './roles'

@inline function handIsEmpty(lane: usize): bool {
  return load<u64>(lane + BATCH_AT_OFFSET) == load<u64>(lane + BATCH_END_OFFSET)
}

/** Whether there is something to read. */
@inline export function hasRecords(lane: usize): bool {
  return !handIsEmpty(lane) || load64(lane + TAIL_OFFSET) != headOf(lane)
}

const TRY_AGAIN: i32 = i32.MIN_VALUE

/**
 * Takes up to `limit` records into the (empty) hand, as many as lie in one stretch and cost the ring no capacity. Answers
 * how many; tells the mailbox how many were missed before them. It may be more, when the writer could not wait.
 */
function take(lane: usize, limit: u32, scratch: usize): u32 {
  let records: i32
  do {
    records = tryToTake(lane, limit, scratch)
  } while (records == TRY_AGAIN) // a skip lay at the head
  return records
}

/**
 * A ring that is full all the time moves its head at every record, and a reader that first looked how much to take, and then
 * moved the head by CAS, would hardly ever succeed. So it first sets TAKING in the head, which cannot fail. From then on the
 * writer drops nothing. If it needs the room before the reader has moved the head, it moves it itself, over a few records
 * that are then the reader's (`leaveToReader`): the reader's CAS fails, and it finds in `grant end` what it has been left.
 * Neither waits for the other.
 */
function tryToTake(lane: usize, limit: u32, scratch: usize): i32 {
  if (load64(lane + TAIL_OFFSET) == headOf(lane)) return 0
  const isContended = policyOf(lane) != DROP_NEWEST // else the writer never moves the head
  const head = isContended ? or64(lane + HEAD_OFFSET, TAKING) & ~TAKING : load64(lane + HEAD_OFFSET)
  const tail = load64(lane + TAIL_OFFSET)
  let end = endOfStretch(lane, head, tail, limit)
  if (!isContended) store64(lane + HEAD_OFFSET, end)
  else if (cas64(lane + HEAD_OFFSET, head | TAKING, end) != (head | TAKING)) {
    end = load<u64>(lane + GRANT_END_OFFSET) // published by the CAS in `leaveToReader`
  }
  if (end == head) return 0
  const first = recordAt(lane, head)
  if ((load<u32>(first + LENGTH_OFFSET) & SKIP) != 0) {
    store64(lane + RELEASED_OFFSET, end) // must not stay before a skip: the writer would take it for the hand
    return TRY_AGAIN
  }
  const records = recordsBetween(lane, head, end)
  const index = load<u64>(first + INDEX_OFFSET)
  store<u64>(lane + BATCH_AT_OFFSET, head)
  store<u32>(lane + IN_HAND_OFFSET, records)
  store<u64>(lane + BATCH_END_OFFSET, end)
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, <f64>(index - load<u64>(lane + NEXT_INDEX_OFFSET)))
  store<u64>(lane + NEXT_INDEX_OFFSET, index)
  return records
}

/** Where up to `limit` records end that lie behind one another from `head` on, or the skip that lies there. */
function endOfStretch(lane: usize, head: u64, tail: u64, limit: u32): u64 {
  if (head >= tail) return head
  const length = load<u32>(recordAt(lane, head) + LENGTH_OFFSET)
  if ((length & SKIP) != 0) return head + (length & ~SKIP)
  let end = head
  let next: u64
  for (let records: u32 = 0; records < limit && end < tail; records++) {
    if ((next = nextInStretch(lane, head, end, tail)) == 0) break
    end = next
  }
  return end
}

function recordsBetween(lane: usize, head: u64, end: u64): u32 {
  let records: u32 = 0
  for (let at = head; at < end; records++) {
    at = after(lane, at, footprint(load<u32>(recordAt(lane, at) + LENGTH_OFFSET)))
  }
  return records
}

/** Where the record at `at` ends, if it belongs to the stretch that began at `head`; else 0. */
function nextInStretch(lane: usize, head: u64, at: u64, tail: u64): u64 {
  const mask = maskOf(lane)
  if (at != head && (at & mask) == 0) return 0 // the next lap: not behind the others in memory
  const length = load<u32>(recordAt(lane, at) + LENGTH_OFFSET)
  if (length > capacityBytesOf(lane)) return 0 // a skip, or spoiled memory
  const end = after(lane, at, footprint(length))
  if (end > tail) return 0
  if (at != head && end - head > load<u32>(lane + BATCH_BYTES_OFFSET)) return 0
  return end
}

/** Lets go of the first `records` of the hand. What is left stays in hand. */
export function release(lane: usize, records: u32): void {
  let at = load<u64>(lane + BATCH_AT_OFFSET)
  const end = load<u64>(lane + BATCH_END_OFFSET)
  let released: u32 = 0
  while (released < records && at < end) {
    at = after(lane, at, footprint(load<u32>(recordAt(lane, at) + LENGTH_OFFSET)))
    released++
  }
  store<u64>(lane + NEXT_INDEX_OFFSET, load<u64>(lane + NEXT_INDEX_OFFSET) + released)
  store<u64>(lane + READ_OFFSET, load<u64>(lane + READ_OFFSET) + released)
  store<u32>(lane + IN_HAND_OFFSET, load<u32>(lane + IN_HAND_OFFSET) - released)
  store<u64>(lane + BATCH_AT_OFFSET, at)
  store64(lane + RELEASED_OFFSET, at) // after the last read of the bytes; pairs with the loads in lane-writer
}

/** A new reader after one that left or died: what that one had in hand is lost with it, and counted as missed. */
export function readerTakesOver(lane: usize): void {
  const head = and64(lane + HEAD_OFFSET, ~TAKING) & ~TAKING // one that died in `take`
  store<u32>(lane + IN_HAND_OFFSET, 0)
  store<u64>(lane + BATCH_AT_OFFSET, head)
  store<u64>(lane + BATCH_END_OFFSET, head)
  store64(lane + RELEASED_OFFSET, head)
}

/**
 * The short way for one record, while the writer leaves the head alone: copy first, then move the head over it.
 * That it stood still proves the copy whole. TRY_AGAIN when it did not, or for what is no short record.
 *
 * `released` goes ahead of the head here, by a plain store: the hand is empty, so nothing depends on it, and the CAS
 * publishes it.
 */
function tryToCopy(lane: usize, scratch: usize): i32 {
  const tail = load64(lane + TAIL_OFFSET)
  const head = load64(lane + HEAD_OFFSET) // never TAKING: only this reader sets it, and takes it away before it goes on
  if (head == tail) return EMPTY
  const record = recordAt(lane, head)
  const length = load<u32>(record + LENGTH_OFFSET)
  // A skip, a long one, or overwritten under our eyes: then the length may be anything.
  if (head > tail || length > SCRATCH_BYTES || length > capacityBytesOf(lane)) return TRY_AGAIN
  const index = load<u64>(record + INDEX_OFFSET)
  memory.copy(scratch + SCRATCH_DATA_OFFSET, record + HEADER_BYTES, length)
  const end = after(lane, head, footprint(length))
  // Before the head, or the writer would take this record for one in hand. Pairs with the load in `noteTaken`.
  store<u64>(lane + RELEASED_OFFSET, end)
  if (cas64(lane + HEAD_OFFSET, head, end) != head) {
    // The writer has dropped it meanwhile (this pairs with the CAS in dropOldest): `end` may be made of an overwritten
    // length, and lie ahead of what is taken next.
    store<u64>(lane + RELEASED_OFFSET, head)
    return TRY_AGAIN
  }
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, <f64>(index - load<u64>(lane + NEXT_INDEX_OFFSET)))
  store<u64>(lane + NEXT_INDEX_OFFSET, index + 1)
  store<u64>(lane + READ_OFFSET, load<u64>(lane + READ_OFFSET) + 1)
  store<u64>(lane + BATCH_AT_OFFSET, end)
  store<u64>(lane + BATCH_END_OFFSET, end)
  return length
}

/**
 * The next record, copied to the thread's scratch: its length, or EMPTY. One that is longer than the scratch stays in hand
 * and answers IN_PLACE: copy it, then `laneRelease` it. The mailbox has address, length, lane, and what was missed.
 */
export function nextFrom(lane: usize, scratch: usize): i32 {
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, 0)
  if (handIsEmpty(lane)) {
    const copied = tryToCopy(lane, scratch)
    if (copied != TRY_AGAIN) return copied
    if (take(lane, 1, scratch) == 0) return EMPTY
  }
  const record = recordAt(lane, load<u64>(lane + BATCH_AT_OFFSET))
  const length = load<u32>(record + LENGTH_OFFSET)
  if (length > SCRATCH_BYTES) {
    fillMailbox(lane, scratch, <u32>record + HEADER_BYTES, length)
    return IN_PLACE
  }
  memory.copy(scratch + SCRATCH_DATA_OFFSET, record + HEADER_BYTES, length)
  release(lane, 1)
  return length
}

/** Takes a batch in hand, or what is left of one: how many records. The mailbox has the address of the first's header. */
export function batchFrom(lane: usize, limit: u32, scratch: usize): i32 {
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, 0)
  let records = load<u32>(lane + IN_HAND_OFFSET)
  if (handIsEmpty(lane)) records = take(lane, limit, scratch)
  if (records == 0) return EMPTY
  fillMailbox(lane, scratch, <u32>recordAt(lane, load<u64>(lane + BATCH_AT_OFFSET)), 0)
  return records < limit ? records : limit
}

function fillMailbox(lane: usize, scratch: usize, address: u32, length: u32): void {
  store<u32>(scratch + MAILBOX_ADDRESS_OFFSET, address)
  store<u32>(scratch + MAILBOX_LENGTH_OFFSET, length)
  store<u32>(scratch + MAILBOX_LANE_OFFSET, <u32>lane)
  store<u32>(scratch + MAILBOX_LANE_OFFSET + 4, load<u32>(lane + OBJECT_GENERATION_OFFSET))
}

/** The writer is gone, and nothing is left: looked at in this order, so that its last record is not passed over. */
@inline export function isOver(lane: usize): bool {
  return isLeft(lane + WRITER_ROLE_OFFSET) && !hasRecords(lane)
}

export function oneToOneNext(address: u32, generation: u32, token: u32): i32 {
  if (!isKind(address, generation, KIND_ONE_TO_ONE)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const length = nextFrom(address, scratch)
  return length == EMPTY && isOver(address) ? ENDED : length
}

export function oneToOneBatch(address: u32, generation: u32, token: u32, limit: u32): i32 {
  if (!isKind(address, generation, KIND_ONE_TO_ONE)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0 || limit == 0) return INVALID
  return batchFrom(address, limit, scratch)
}
