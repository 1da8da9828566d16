// From the ring to the wire: whole lines, each with its newline, copied into a stretch of a buffer that is sent as it is.
//
// Records are taken in hand lane by lane and let go of when they are copied. What does not fit stays in hand, and its lane
// keeps the turn, so that the next stretch begins with it; TURN_RECORDS are packed from a lane before the next has its
// turn, however many stretches they take.

import { INVALID, STALE } from '../codes'
import { HEADER_BYTES, LENGTH_OFFSET, MAX_WRITERS_OFFSET, footprint } from '../diode/descriptor'
import { batchFrom, release } from '../diode/lane-reader'
import { TURN_RECORDS, readyLane, turnLeft, turnTaken } from '../diode/many-to-one'
import {
  KIND_MANY_TO_ONE, MAILBOX_ADDRESS_OFFSET, MAILBOX_MISSED_OFFSET, MAILBOX_PACK_OFFSET,
} from '../layout'
import { BUFFER_DATA_OFFSET, bufferLength, isBuffer } from '../region/buffer'
import { isKind } from '../region/granules'
import { scratchOf } from '../region/threads'
import { NEWLINE } from './newline'

// In the mailbox, of one call: beside these, what was missed.
export const PACK_LINES_OFFSET: usize = MAILBOX_PACK_OFFSET //     u32
export const PACK_UNFIT_OFFSET: usize = MAILBOX_PACK_OFFSET + 4 // u32 lines that would not have fitted the whole stretch
export const PACK_FULL_OFFSET: usize = MAILBOX_PACK_OFFSET + 8 //  u32 1: it stopped because the next line does not fit

/**
 * Packs up to `limit` lines into the buffer from `from` on. The stretch is `start` to `to`; what lies before `from` is there
 * already. Answers where it stopped, or why not. A line that is longer than the whole stretch is let go of and counted.
 * When nothing was packed and it is not full, all that was in the ring before the call has been packed.
 */
export function linePack(
  address: u32, generation: u32, token: u32, buffer: u32, bufferGeneration: u32, start: u32, from: u32, to: u32, limit: u32,
): i32 {
  if (!isKind(address, generation, KIND_MANY_TO_ONE) || !isBuffer(buffer, bufferGeneration)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0 || start > from || from > to || to > bufferLength(buffer)) return INVALID
  const data = <usize>buffer + BUFFER_DATA_OFFSET
  const end = packLanes(address, scratch, data + start, data + from, data + to, limit)
  return <i32>(end - data)
}

function packLanes(ring: usize, scratch: usize, start: usize, from: usize, to: usize, limit: u32): usize {
  store<u32>(scratch + PACK_LINES_OFFSET, 0)
  store<u32>(scratch + PACK_UNFIT_OFFSET, 0)
  store<u32>(scratch + PACK_FULL_OFFSET, 0)
  let missed: f64 = 0
  let at = from
  let left = limit
  let bare: u32 = 0
  let lane: usize
  while (left > 0 && load<u32>(scratch + PACK_FULL_OFFSET) == 0 && (lane = readyLane(ring, 0)) != 0) {
    const records = batchFrom(lane, min(left, turnLeft(ring)), scratch)
    if (records > 0) {
      missed += load<f64>(scratch + MAILBOX_MISSED_OFFSET)
      at = packHand(ring, lane, records, scratch, start, at, to)
      left = limit - load<u32>(scratch + PACK_LINES_OFFSET)
    } else {
      // Its writer has just dropped what was there. The other lanes must have their turn before this may answer that there
      // is nothing: a flush relies on it. Once round is enough: each lane has then been seen empty.
      turnTaken(ring, TURN_RECORDS)
      if (++bare > load<u32>(ring + MAX_WRITERS_OFFSET)) break
    }
  }
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, missed)
  return at
}

/** Copies what fits of the `records` in hand, which lie behind one another, and then lets go of it. */
function packHand(
  ring: usize, lane: usize, records: u32, scratch: usize, start: usize, from: usize, to: usize,
): usize {
  let record = <usize>load<u32>(scratch + MAILBOX_ADDRESS_OFFSET)
  let at = from
  let lines: u32 = 0
  let unfit: u32 = 0
  while (lines + unfit < records) {
    const length = load<u32>(record + LENGTH_OFFSET)
    if (<usize>length < to - at) {
      memory.copy(at, record + HEADER_BYTES, length)
      store<u8>(at + length, NEWLINE)
      at += length + 1
      lines++
    } else if (<usize>length < to - start) {
      store<u32>(scratch + PACK_FULL_OFFSET, 1)
      break
    } else unfit++
    record += footprint(length)
  }
  release(lane, lines + unfit) // after the last read of the bytes
  turnTaken(ring, lines + unfit)
  store<u32>(scratch + PACK_LINES_OFFSET, load<u32>(scratch + PACK_LINES_OFFSET) + lines)
  store<u32>(scratch + PACK_UNFIT_OFFSET, load<u32>(scratch + PACK_UNFIT_OFFSET) + unfit)
  return at
}
