// The reading side of a lane: takes records out of the ring into its hand, and lets go of them when they are read.
// The writer's half of the argument stands in lane-writer.ts.

import { cas64, load64, store64 } from '../atomics'
import { EMPTY, ENDED, INVALID, IN_PLACE, STALE } from '../codes'
import {
  KIND_ONE_TO_ONE, MAILBOX_ADDRESS_OFFSET, MAILBOX_LANE_OFFSET, MAILBOX_LENGTH_OFFSET, MAILBOX_MISSED_OFFSET,
  OBJECT_GENERATION_OFFSET, SCRATCH_BYTES, SCRATCH_DATA_OFFSET,
} from '../layout'
import { isKind } from '../region/granules'
import { scratchOf } from '../region/threads'
import {
  BATCH_AT_OFFSET, BATCH_BYTES_OFFSET, BATCH_END_OFFSET, HEADER_BYTES, HEAD_OFFSET, INDEX_OFFSET, IN_HAND_OFFSET,
  LENGTH_OFFSET, NEXT_INDEX_OFFSET, READ_OFFSET, RELEASED_OFFSET, SKIP, TAIL_OFFSET, WRITER_ROLE_OFFSET, after,
  capacityBytesOf, footprint, maskOf, recordAt,
} from './descriptor'
import { isLeft } from './roles'

@inline function handIsEmpty(lane: usize): bool {
  return load<u64>(lane + BATCH_AT_OFFSET) == load<u64>(lane + BATCH_END_OFFSET)
}

/** Whether there is something to read. */
@inline export function hasRecords(lane: usize): bool {
  return !handIsEmpty(lane) || load64(lane + TAIL_OFFSET) != load64(lane + HEAD_OFFSET)
}

const TRY_AGAIN: i32 = -1

/**
 * Takes up to `limit` records into the (empty) hand, as many as lie in one stretch and cost the ring no capacity. Answers
 * how many; tells the mailbox how many were missed before them.
 */
function take(lane: usize, limit: u32, scratch: usize): u32 {
  let records: i32
  do {
    records = tryToTake(lane, limit, scratch)
  } while (records == TRY_AGAIN) // the writer overwrote the oldest under our eyes: it made progress
  return records
}

function tryToTake(lane: usize, limit: u32, scratch: usize): i32 {
  const tail = load64(lane + TAIL_OFFSET) // before the head, or a writer that laps us between shows head > tail
  const head = load64(lane + HEAD_OFFSET)
  if (head == tail) return 0
  // Where memory is spoiled nothing may hang: a tail is never behind a head for long.
  if (head > tail) return load64(lane + TAIL_OFFSET) == tail ? 0 : TRY_AGAIN
  const first = recordAt(lane, head)
  const length = load<u32>(first + LENGTH_OFFSET)
  if ((length & SKIP) != 0) {
    const behind = head + (length & ~SKIP)
    // No record is taken by this, but `released` must not stay before a skip: the writer would take it for the hand.
    if (cas64(lane + HEAD_OFFSET, head, behind) == head) store64(lane + RELEASED_OFFSET, behind)
    return TRY_AGAIN
  }
  const index = load<u64>(first + INDEX_OFFSET)
  let end = head
  let records: u32 = 0
  let next: u64
  while (records < limit && end < tail && (next = nextInStretch(lane, head, end, tail)) != 0) {
    end = next
    records++
  }
  if (records == 0) return load64(lane + HEAD_OFFSET) == head ? 0 : TRY_AGAIN // unchanged, so spoiled
  // Until here the writer may have overwritten what we looked at. If so it has moved the head, and the CAS fails;
  // if not, all that we saw was true. Pairs with the CAS in `dropOldest`.
  if (cas64(lane + HEAD_OFFSET, head, end) != head) return TRY_AGAIN
  store<u64>(lane + BATCH_AT_OFFSET, head)
  store<u32>(lane + IN_HAND_OFFSET, records)
  store<u64>(lane + BATCH_END_OFFSET, end)
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, <f64>(index - load<u64>(lane + NEXT_INDEX_OFFSET)))
  store<u64>(lane + NEXT_INDEX_OFFSET, index)
  return records
}

/** Where the record at `at` ends, if it belongs to the stretch that began at `head`; else 0. */
function nextInStretch(lane: usize, head: u64, at: u64, tail: u64): u64 {
  const mask = maskOf(lane)
  if (at != head && (at & mask) == 0) return 0 // the next lap: not behind the others in memory
  const length = load<u32>(recordAt(lane, at) + LENGTH_OFFSET)
  if (length > capacityBytesOf(lane)) return 0 // a skip, or overwritten under our eyes
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
  const head = load64(lane + HEAD_OFFSET)
  store<u32>(lane + IN_HAND_OFFSET, 0)
  store<u64>(lane + BATCH_AT_OFFSET, head)
  store<u64>(lane + BATCH_END_OFFSET, head)
  store64(lane + RELEASED_OFFSET, head)
}

/**
 * The next record, copied to the thread's scratch: its length, or EMPTY. One that is longer than the scratch stays in hand
 * and answers IN_PLACE: copy it, then `laneRelease` it. The mailbox has address, length, lane, and what was missed.
 */
export function nextFrom(lane: usize, scratch: usize): i32 {
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, 0)
  if (handIsEmpty(lane) && take(lane, 1, scratch) == 0) return EMPTY
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

/** EMPTY, or ENDED when the writer is gone: looked at before looking once more, so that its last record is not passed over. */
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
