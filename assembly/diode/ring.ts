// What every diode has in common towards its threads: roles, sleeping.

import { INVALID, STALE } from '../codes'
import { KIND_LANE, KIND_MANY_TO_ONE, KIND_OFFSET, KIND_ONE_TO_MANY, isRingKind } from '../layout'
import { isKind, isLive } from '../region/granules'
import { isAlive } from '../region/threads'
import { bellArm, bellRing, bellWake } from '../sync/bell'
import { MAX_POLLERS, READER_ROLE_OFFSET, WRITER_ROLE_OFFSET, bellOf } from './descriptor'
import { hasRecords, readerTakesOver, release } from './lane-reader'
import { isLane, writerTakesOver } from './lane-writer'
import { anyLaneHasRecords, everyLaneTakenOver } from './many-to-one'
import { pollerAt, pollerHasNews } from './pollers'
import { holder, isLeft, roleLeave, roleTake } from './roles'

@inline function isRing(address: u32, generation: u32): bool {
  return isLive(address, generation) && isRingKind(load<u32>(<usize>address + KIND_OFFSET))
}

export function writerTake(address: u32, generation: u32, token: u32, endpoint: u32): i32 {
  if (!isLane(address, generation)) return STALE
  if (!isAlive(token)) return INVALID
  const taken = roleTake(<usize>address + WRITER_ROLE_OFFSET, holder(token, endpoint))
  if (taken > 0) writerTakesOver(address)
  return taken
}

/** Of a ring or a lane. Whoever waits for the next record must look again: this may be the end. */
export function writerLeave(address: u32, generation: u32, token: u32, endpoint: u32): i32 {
  if (!isLane(address, generation)) return STALE
  roleLeave(<usize>address + WRITER_ROLE_OFFSET, holder(token, endpoint))
  if (load<u32>(<usize>address + KIND_OFFSET) != KIND_LANE) bellRing(bellOf(address))
  return 0
}

export function readerTake(address: u32, generation: u32, token: u32, endpoint: u32): i32 {
  if (!isRing(address, generation)) return STALE
  const kind = load<u32>(<usize>address + KIND_OFFSET)
  if (kind == KIND_ONE_TO_MANY || !isAlive(token)) return INVALID
  const taken = roleTake(<usize>address + READER_ROLE_OFFSET, holder(token, endpoint))
  if (taken > 0) {
    if (kind == KIND_MANY_TO_ONE) everyLaneTakenOver(address)
    else readerTakesOver(address)
  }
  return taken
}

export function readerLeave(address: u32, generation: u32, token: u32, endpoint: u32): i32 {
  if (!isRing(address, generation)) return STALE
  roleLeave(<usize>address + READER_ROLE_OFFSET, holder(token, endpoint))
  return 0
}

/** Lets go of the first `records` of what the reader has in hand from this lane. */
export function laneRelease(address: u32, generation: u32, records: u32): i32 {
  if (!isLane(address, generation)) return STALE
  release(address, records)
  return 0
}

/**
 * Before sleeping: 0 when there is something to do (a record, or the end), else the word to wait for at the bell. Armed
 * first, looked second; the writer publishes first and looks at the bell second.
 */
export function ringArm(address: u32, generation: u32): i32 {
  if (!isRing(address, generation)) return 0
  const ring = <usize>address
  const word = bellArm(bellOf(ring))
  const kind = load<u32>(ring + KIND_OFFSET)
  if (kind == KIND_MANY_TO_ONE) return anyLaneHasRecords(ring) ? 0 : word
  return hasRecords(ring) || isLeft(ring + WRITER_ROLE_OFFSET) ? 0 : word
}

export function pollerArm(address: u32, generation: u32, slot: u32): i32 {
  if (!isKind(address, generation, KIND_ONE_TO_MANY) || slot >= MAX_POLLERS) return 0
  const word = bellArm(bellOf(address))
  return pollerHasNews(address, pollerAt(address, slot)) ? 0 : word
}

/** Wakes whoever sleeps at the ring's bell: it looks, and finds that it was told to stop. */
export function ringWake(address: u32, generation: u32): i32 {
  if (!isRing(address, generation)) return STALE
  bellWake(bellOf(address))
  return 0
}

/** Address of the bell's word, for `Atomics.wait`; or why not. */
export function ringBell(address: u32, generation: u32): i32 {
  return isRing(address, generation) ? <i32>(<u32>bellOf(address)) : STALE
}
