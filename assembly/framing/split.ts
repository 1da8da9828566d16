// From the wire: the lines of a datagram, in the buffer that it was copied to. Good ones move to the front, each with
// exactly one newline at its end; what is no line is left out and counted, and spoils none of its neighbours.

import { INVALID, STALE } from '../codes'
import { MAILBOX_SPLIT_OFFSET } from '../layout'
import { BUFFER_DATA_OFFSET, bufferLength, isBuffer } from '../region/buffer'
import { scratchOf } from '../region/threads'
import { CARRIAGE_RETURN, NEWLINE, findNewline } from './newline'
import { isUtf8 } from './utf8'

// In the mailbox, of one call.
export const SPLIT_LINES_OFFSET: usize = MAILBOX_SPLIT_OFFSET //          u32 good ones
export const SPLIT_BLANK_OFFSET: usize = MAILBOX_SPLIT_OFFSET + 4 //      u32
export const SPLIT_INVALID_OFFSET: usize = MAILBOX_SPLIT_OFFSET + 8 //    u32 not UTF-8
export const SPLIT_TRUNCATED_OFFSET: usize = MAILBOX_SPLIT_OFFSET + 12 // u32 0 or 1: the last is cut off
export const SPLIT_FIRST_BAD_OFFSET: usize = MAILBOX_SPLIT_OFFSET + 16 // i32 where the first of these two begins, or -1

/** Behind the datagram: for the newline that its last line may lack, and for reading sixteen bytes at a time. */
export const SPLIT_ROOM_BYTES: u32 = 16

const SPACE: u8 = 0x20
const TAB: u8 = 0x09
const QUOTE: u8 = 0x22
const OPENING_BRACKET: u8 = 0x5b
const OPENING_BRACE: u8 = 0x7b

/** Splits the bytes from `from` to `to` of the buffer. Answers how many bytes of good lines lie at `from` now, or why not. */
export function lineSplit(buffer: u32, bufferGeneration: u32, token: u32, from: u32, to: u32): i32 {
  if (!isBuffer(buffer, bufferGeneration)) return STALE
  const scratch = scratchOf(token)
  const length = bufferLength(buffer)
  if (scratch == 0 || from > to || length < SPLIT_ROOM_BYTES || to > length - SPLIT_ROOM_BYTES) return INVALID
  memory.fill(scratch + MAILBOX_SPLIT_OFFSET, 0, 16)
  store<i32>(scratch + SPLIT_FIRST_BAD_OFFSET, -1)
  const data = <usize>buffer + BUFFER_DATA_OFFSET
  return <i32>(splitLines(data, data + from, data + to, scratch) - data - from)
}

/** Answers where the good lines end. */
function splitLines(data: usize, from: usize, end: usize, scratch: usize): usize {
  // A newline is no part of a sequence: where the whole is UTF-8 each line is, and need not be looked at by itself.
  const isAllUtf8 = isUtf8(from, end)
  let out = from
  for (let line = from; line < end; ) {
    const lineEnd = findNewline(line, end)
    const reason = reasonAgainst(line, lineEnd, lineEnd == end, isAllUtf8)
    if (reason == 0) {
      out = keep(line, lineEnd, out)
      count(scratch, SPLIT_LINES_OFFSET)
    } else {
      count(scratch, reason)
      if (reason != SPLIT_BLANK_OFFSET && load<i32>(scratch + SPLIT_FIRST_BAD_OFFSET) < 0) {
        store<i32>(scratch + SPLIT_FIRST_BAD_OFFSET, <i32>(line - data))
      }
    }
    line = lineEnd + 1
  }
  return out
}

@inline function count(scratch: usize, field: usize): void {
  store<u32>(scratch + field, load<u32>(scratch + field) + 1)
}

/** The field of the mailbox that counts lines like this one; 0 for a good one. */
function reasonAgainst(line: usize, end: usize, isOpen: bool, isAllUtf8: bool): usize {
  const first = skipWhite(line, end)
  if (first == end) return SPLIT_BLANK_OFFSET
  if (isOpen && isCut(first, end)) return SPLIT_TRUNCATED_OFFSET // before the next: it may be cut inside a character
  if (!isAllUtf8 && !isUtf8(line, end)) return SPLIT_INVALID_OFFSET
  return 0
}

@inline function isWhite(byte: u8): bool { return byte == SPACE || byte == TAB || byte == CARRIAGE_RETURN }

function skipWhite(from: usize, end: usize): usize {
  let at = from
  while (at < end && isWhite(load<u8>(at))) at++
  return at
}

/**
 * Whether a line with no newline was to go on: it begins as JSON, at `first` (no white space), and does not end as such.
 */
function isCut(first: usize, end: usize): bool {
  const opening = load<u8>(first)
  if (opening != OPENING_BRACE && opening != OPENING_BRACKET && opening != QUOTE) return false
  let last = end - 1
  while (isWhite(load<u8>(last))) last--
  const closing = opening == QUOTE ? QUOTE : opening + 2 // in ASCII brackets and braces close two after they open
  return last == first || load<u8>(last) != closing
}

/** Moves a line to `out`, without the carriage return before its newline. Answers where the next goes. */
function keep(line: usize, end: usize, out: usize): usize {
  const length = load<u8>(end - 1) == CARRIAGE_RETURN ? end - 1 - line : end - line
  if (out != line) memory.copy(out, line, length)
  store<u8>(out + length, NEWLINE)
  return out + length + 1
}
