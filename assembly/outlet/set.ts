// A line into an exporter's ring, in one call.

import { add64 } from '../atomics'
import { CLOSED, INVALID, OVERSIZE, RAW_NEWLINE, STALE } from '../codes'
import { laneSet } from '../diode/lane-writer'
import { CARRIAGE_RETURN, NEWLINE, findNewline } from '../framing/newline'
import { KIND_OUTLET, SCRATCH_BYTES, SCRATCH_DATA_OFFSET } from '../layout'
import { isKind } from '../region/granules'
import { scratchOf } from '../region/threads'
import {
  COUNTER_OVERSIZE, COUNTER_RAW_NEWLINE, LONGEST_LINE_OFFSET, NEWLINE_RULE_OFFSET, REFUSE_NEWLINES, counterAt, isOver, isShut,
} from './outlet'

const SPACE: u8 = 0x20

/**
 * Stores the first `bytes` of the thread's scratch as a line. 0, or why not. With `scan` a newline at their end is dropped, and
 * one inside is dealt with by the outlet's rule; without, the caller knows that there is none. A line of no bytes is no
 * line: 0, and nothing is stored or counted.
 */
export function outletSet(
  address: u32, generation: u32, lane: u32, laneGeneration: u32, token: u32, bytes: u32, scan: u32,
): i32 {
  if (!isKind(address, generation, KIND_OUTLET)) return STALE
  const outlet = <usize>address
  if (isShut(outlet)) return CLOSED
  const scratch = scratchOf(token)
  if (scratch == 0 || bytes > SCRATCH_BYTES) return INVALID
  const line = scratch + SCRATCH_DATA_OFFSET
  let end = line + bytes
  if (scan != 0) {
    end = withoutEnding(line, end)
    if (!makeOneLine(outlet, line, end)) return refuse(outlet, COUNTER_RAW_NEWLINE, RAW_NEWLINE)
  }
  if (end == line) return 0
  const length = <u32>(end - line)
  if (length > load<u32>(outlet + LONGEST_LINE_OFFSET)) return refuse(outlet, COUNTER_OVERSIZE, OVERSIZE)
  const code = laneSet(lane, laneGeneration, token, length)
  // The outlet may have been shut since the first look. That is well, the line is there; but not if it came after the last
  // look at the ledger. Here the tail is stored and then the word loaded; there the word is stored and then the
  // tails are loaded: at least one sees the other, so every line that was answered 0 is in that ledger.
  return code == 0 && isOver(outlet) ? CLOSED : code
}

function refuse(outlet: usize, counter: u32, code: i32): i32 {
  add64(counterAt(outlet, counter), 1)
  return code
}

/** The end without one newline, nor the carriage return before it. */
function withoutEnding(line: usize, end: usize): usize {
  if (end == line || load<u8>(end - 1) != NEWLINE) return end
  const before = end - 1
  return before > line && load<u8>(before - 1) == CARRIAGE_RETURN ? before - 1 : before
}

/**
 * False when a newline is inside, and the rule is to refuse. Else each has become a space: in JSON a raw newline can only
 * be white space, so nothing is lost.
 */
function makeOneLine(outlet: usize, line: usize, end: usize): bool {
  let at = findNewline(line, end)
  if (at == end) return true
  if (load<u32>(outlet + NEWLINE_RULE_OFFSET) == REFUSE_NEWLINES) return false
  for (; at < end; at = findNewline(at + 1, end)) store<u8>(at, SPACE)
  return true
}
