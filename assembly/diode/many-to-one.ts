// Many writers, one reader: a lane for each writer, so that writers share nothing but the bell and a writer that is
// stopped in the middle of a record is in nobody's way. The reader goes round the lanes; order is kept per writer.
//
// Lanes are made when a writer first comes and live as long as the ring. One whose writer has left, or is known
// to be dead, goes to the next writer that comes, with what is still in it; the slots fill from the front.

import { cas64, load64 } from '../atomics'
import { EMPTY, INVALID, OUT_OF_MEMORY, STALE, TOO_MANY_WRITERS } from '../codes'
import { KIND_LANE, KIND_MANY_TO_ONE, OBJECT_GENERATION_OFFSET } from '../layout'
import { freeRunOf, granuleOf, isKind, publish } from '../region/granules'
import { handleOf } from '../region/members'
import { isAlive, scratchOf } from '../region/threads'
import { makeLane } from './create'
import {
  CURSOR_OFFSET, LANES_OFFSET, MAX_WRITERS_OFFSET, TURN_OFFSET, WRITER_ROLE_OFFSET,
} from './descriptor'
import { batchFrom, hasRecords, nextFrom, readerTakesOver } from './lane-reader'
import { writerTakesOver } from './lane-writer'
import { holder, roleTake } from './roles'

/** How many records are taken from one lane before the next has its turn. */
export const TURN_RECORDS: u32 = 32

@inline function laneEntry(ring: usize, slot: u32): usize { return ring + LANES_OFFSET + (<usize>slot << 3) }

/** The lane in a slot; 0 at the end of the used ones. */
@inline export function laneAt(ring: usize, slot: u32): u64 {
  return slot < load<u32>(ring + MAX_WRITERS_OFFSET) ? load64(laneEntry(ring, slot)) : 0
}
@inline export function isLaneHandle(lane: u64): bool { return isKind(<u32>lane, <u32>(lane >> 32), KIND_LANE) }

/** A lane for a new writer: its address, or why not. */
export function manyToOneJoin(address: u32, generation: u32, token: u32, endpoint: u32): i32 {
  if (!isKind(address, generation, KIND_MANY_TO_ONE)) return STALE
  if (!isAlive(token)) return INVALID
  const ring = <usize>address
  const writers = load<u32>(ring + MAX_WRITERS_OFFSET)
  for (let slot: u32 = 0; slot < writers; slot++) {
    let lane = laneAt(ring, slot)
    if (lane == 0) {
      const made = makeLane(ring, handleOf(address, generation), slot, token)
      if (made == 0) return OUT_OF_MEMORY
      const handle = handleOf(made, load<u32>(<usize>made + OBJECT_GENERATION_OFFSET))
      lane = cas64(laneEntry(ring, slot), 0, handle)
      if (lane == 0) {
        publish(made)
        lane = handle
      } else {
        freeRunOf(granuleOf(made), <u32>(handle >> 32)) // another was quicker: this one stands in no table
      }
    }
    if (!isLaneHandle(lane)) continue
    const role = <usize>(<u32>lane) + WRITER_ROLE_OFFSET
    const taken = roleTake(role, holder(token, endpoint))
    if (taken < 0) continue
    if (taken > 0) writerTakesOver(<usize>(<u32>lane))
    return <i32>(<u32>lane)
  }
  return TOO_MANY_WRITERS
}

/** Calls `nextFrom` on the lanes in turn. */
export function manyToOneNext(address: u32, generation: u32, token: u32): i32 {
  if (!isKind(address, generation, KIND_MANY_TO_ONE)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const ring = <usize>address
  const lane = readyLane(ring, 1)
  return lane == 0 ? EMPTY : nextFrom(lane, scratch)
}

export function manyToOneBatch(address: u32, generation: u32, token: u32, limit: u32): i32 {
  if (!isKind(address, generation, KIND_MANY_TO_ONE)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0 || limit == 0) return INVALID
  const lane = readyLane(<usize>address, TURN_RECORDS)
  return lane == 0 ? EMPTY : batchFrom(lane, limit, scratch)
}

/** The lane whose turn it is and that has something, or 0. `records` of its turn are used up. */
export function readyLane(ring: usize, records: u32): usize {
  let slot = load<u32>(ring + CURSOR_OFFSET)
  let turn = load<u32>(ring + TURN_OFFSET)
  if (turn >= TURN_RECORDS) {
    slot++
    turn = 0
  }
  const writers = load<u32>(ring + MAX_WRITERS_OFFSET)
  for (let looked: u32 = 0; looked <= writers; looked++) {
    const lane = laneAt(ring, slot)
    if (lane == 0) {
      if (slot == 0) return 0
      slot = 0 // behind the last: begin again
      turn = 0
      continue
    }
    if (isLaneHandle(lane) && hasRecords(<usize>(<u32>lane))) {
      store<u32>(ring + CURSOR_OFFSET, slot)
      store<u32>(ring + TURN_OFFSET, turn + records)
      return <usize>(<u32>lane)
    }
    slot++
    turn = 0
  }
  return 0
}

/** For a reader that says afterwards what it has taken: how much is left of the turn of the lane that was ready, */
@inline export function turnLeft(ring: usize): u32 { return TURN_RECORDS - load<u32>(ring + TURN_OFFSET) }
/** and that so much of it is used up. */
@inline export function turnTaken(ring: usize, records: u32): void {
  store<u32>(ring + TURN_OFFSET, load<u32>(ring + TURN_OFFSET) + records)
}

export function anyLaneHasRecords(ring: usize): bool {
  let lane: u64
  for (let slot: u32 = 0; (lane = laneAt(ring, slot)) != 0; slot++) {
    if (isLaneHandle(lane) && hasRecords(<usize>(<u32>lane))) return true
  }
  return false
}

export function everyLaneTakenOver(ring: usize): void {
  let lane: u64
  for (let slot: u32 = 0; (lane = laneAt(ring, slot)) != 0; slot++) {
    if (isLaneHandle(lane)) readerTakesOver(<usize>(<u32>lane))
  }
}
