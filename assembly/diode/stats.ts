// The ledger of a ring, as eight numbers in the mailbox:
//
//   0 written   1 dropped   2 oversize   3 read   4 missed   5 depth   6 depth in bytes   7 lanes
//
//   offered = written + dropped + oversize        written = read + missed + depth
//
// Nothing is counted twice in memory: `written` is the index at the tail, `missed` what lies between what the reader
// read and what it could still read. So the laws hold whenever nobody is in the middle of a call, also after a thread
// has died in one.

import { load32, load64 } from '../atomics'
import { INVALID, STALE } from '../codes'
import { KIND_MANY_TO_ONE, KIND_OFFSET, KIND_ONE_TO_MANY, MAILBOX_STATS_OFFSET } from '../layout'
import { isKind, isLive } from '../region/granules'
import { isAlive, scratchOf } from '../region/threads'
import {
  BATCH_AT_OFFSET, DROPPED_OFFSET, HEAD_OFFSET, INDEX_OFFSET, IN_HAND_OFFSET, LENGTH_OFFSET, MAX_POLLERS,
  NEXT_INDEX_OFFSET, OVERSIZE_OFFSET, POLLER_NEXT_INDEX_OFFSET, POLLER_OWNER_OFFSET, POLLER_POSITION_OFFSET,
  POLLER_READ_OFFSET, POLLER_START_OFFSET, READ_OFFSET, SUM_OFFSET, TAIL_OFFSET, after, footprint, recordAt,
} from './descriptor'
import { isLane } from './lane-writer'
import { isLaneHandle, laneAt } from './many-to-one'
import { pollerAt } from './pollers'

const WRITTEN: usize = 0
const DROPPED: usize = 8
const OVERSIZE: usize = 16
const READ: usize = 24
const MISSED: usize = 32
const DEPTH: usize = 40
const DEPTH_BYTES: usize = 48
const LANES: usize = 56
/** Positions are multiples of eight. */
const WHOLE: u64 = ~7

@inline function add(out: usize, field: usize, amount: u64): void {
  store<f64>(out + field, load<f64>(out + field) + <f64>amount)
}

/**
 * Index or sum at a cursor, good because the cursor has stayed. It is loaded atomically, to be loaded before the second look at the cursor:
 * there is no store in between that would keep a plain load there on ARM (see atomics.ts). Rounded, since an atomic load
 * elsewhere than at a multiple of its length traps: TAKING is no part of a position, and spoiled memory must not stop a thread.
 */
function headerAt(lane: usize, cursor: usize, field: usize): u64 {
  while (true) {
    const position = load64(lane + cursor) & WHOLE
    const record = recordAt(lane, position)
    const value = field == INDEX_OFFSET ? load64(record + INDEX_OFFSET) : <u64>load32(record + SUM_OFFSET)
    if ((load64(lane + cursor) & WHOLE) == position) return value
  }
}

@inline function later(a: u64, b: u64): u64 { return a > b ? a : b }

function addWriter(out: usize, lane: usize): u64 {
  const written = headerAt(lane, TAIL_OFFSET, INDEX_OFFSET)
  add(out, WRITTEN, written)
  add(out, DROPPED, load<u64>(lane + DROPPED_OFFSET))
  add(out, OVERSIZE, load<u64>(lane + OVERSIZE_OFFSET))
  add(out, LANES, 1)
  return written
}

/** Payload bytes from a cursor up to the tail. */
function addDepthBytes(out: usize, lane: usize, cursor: usize): void {
  const from = <u32>headerAt(lane, cursor, SUM_OFFSET)
  add(out, DEPTH_BYTES, <u32>headerAt(lane, TAIL_OFFSET, SUM_OFFSET) - from)
}

function addLane(out: usize, lane: usize): void {
  const oldest = headerAt(lane, HEAD_OFFSET, INDEX_OFFSET)
  const next = load<u64>(lane + NEXT_INDEX_OFFSET)
  const read = load<u64>(lane + READ_OFFSET)
  const inHand = <u64>load<u32>(lane + IN_HAND_OFFSET)
  const written = addWriter(out, lane)
  // Missed: what it skipped so far, and what has gone between its hand and the head that it does not know of yet.
  const missed = next - read + (later(oldest, next + inHand) - (next + inHand))
  add(out, READ, read)
  add(out, MISSED, missed)
  add(out, DEPTH, written - read - missed)
  addDepthBytes(out, lane, HEAD_OFFSET)
  addHandBytes(out, lane, inHand)
}

/** What is in hand stays as it is, so it can be walked; what came behind it may be gone. */
function addHandBytes(out: usize, lane: usize, records: u64): void {
  let at = load<u64>(lane + BATCH_AT_OFFSET)
  for (let record: u64 = 0; record < records; record++) {
    const length = load<u32>(recordAt(lane, at) + LENGTH_OFFSET)
    add(out, DEPTH_BYTES, length)
    at = after(lane, at, footprint(length))
  }
}

/** Where what a poller can still read begins: at its own position, or at the head when that has overtaken it. */
function oldestCursor(ring: usize, poller: usize): usize {
  if (poller == 0) return HEAD_OFFSET
  const position = poller + POLLER_POSITION_OFFSET
  return load64(position) > load64(ring + HEAD_OFFSET) ? position - ring : HEAD_OFFSET
}

/** One-to-many as the slowest poller sees it; with none, as a poller that came now would. */
function addBroadcast(out: usize, ring: usize): void {
  const oldest = headerAt(ring, HEAD_OFFSET, INDEX_OFFSET)
  const written = addWriter(out, ring)
  let slowest: usize = 0
  for (let slot: u32 = 0; slot < MAX_POLLERS; slot++) {
    const poller = pollerAt(ring, slot)
    if (!isAlive(<u32>load64(poller + POLLER_OWNER_OFFSET))) continue
    if (slowest == 0 || load<u64>(poller + POLLER_NEXT_INDEX_OFFSET) < load<u64>(slowest + POLLER_NEXT_INDEX_OFFSET)) {
      slowest = poller
    }
  }
  const next = slowest == 0 ? 0 : load<u64>(slowest + POLLER_NEXT_INDEX_OFFSET)
  const gone = slowest == 0 ? 0 : load<u64>(slowest + POLLER_READ_OFFSET) + load<u64>(slowest + POLLER_START_OFFSET)
  const missed = later(oldest, next) - gone
  const depth = written - later(oldest, next)
  add(out, MISSED, missed)
  add(out, DEPTH, depth)
  add(out, READ, written - missed - depth)
  if (depth != 0) addDepthBytes(out, ring, oldestCursor(ring, slowest))
}

export function ringStats(address: u32, generation: u32, token: u32): i32 {
  if (!isLive(address, generation)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const out = scratch + MAILBOX_STATS_OFFSET
  memory.fill(out, 0, 64)
  const kind = load<u32>(<usize>address + KIND_OFFSET)
  if (kind == KIND_ONE_TO_MANY) addBroadcast(out, address)
  else if (kind == KIND_MANY_TO_ONE) {
    let lane: u64
    for (let slot: u32 = 0; (lane = laneAt(address, slot)) != 0; slot++) {
      if (isLaneHandle(lane)) addLane(out, <usize>(<u32>lane))
    }
  } else if (isLane(address, generation)) addLane(out, address)
  else return STALE
  return 0
}

/** A poller's own ledger: `written` counts from the record it began with. */
export function pollerStats(address: u32, generation: u32, slot: u32, token: u32): i32 {
  if (!isKind(address, generation, KIND_ONE_TO_MANY) || slot >= MAX_POLLERS) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const poller = pollerAt(address, slot)
  const out = scratch + MAILBOX_STATS_OFFSET
  memory.fill(out, 0, 64)
  const oldest = headerAt(address, HEAD_OFFSET, INDEX_OFFSET)
  const written = addWriter(out, address)
  const start = load<u64>(poller + POLLER_START_OFFSET)
  const next = load<u64>(poller + POLLER_NEXT_INDEX_OFFSET)
  const read = load<u64>(poller + POLLER_READ_OFFSET)
  const from = later(oldest, next)
  store<f64>(out + WRITTEN, <f64>(written - start))
  add(out, READ, read)
  add(out, MISSED, from - start - read)
  add(out, DEPTH, written - from)
  if (written != from) addDepthBytes(out, address, oldestCursor(address, poller))
  return 0
}
