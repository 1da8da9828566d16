// Lines: where one ends. Sixteen bytes at a time.

import { INVALID } from '../codes'
import { SCRATCH_BYTES, SCRATCH_DATA_OFFSET } from '../layout'
import { scratchOf } from '../region/threads'

const NEWLINE: u8 = 0x0a

/** Address of the first newline in `from` to `end`, or `end`. */
export function findNewline(from: usize, end: usize): usize {
  const newlines = v128.splat<u8>(NEWLINE)
  let at = from
  while (at + 16 <= end) {
    const found = v128.bitmask<u8>(v128.eq<u8>(v128.load(at), newlines))
    if (found != 0) return at + ctz(found)
    at += 16
  }
  while (at < end && load<u8>(at) != NEWLINE) at++
  return at
}

/** In the thread's scratch: the offset of the first newline in `from` to `to`, or `to`. */
export function newlineIn(token: u32, from: u32, to: u32): i32 {
  const scratch = scratchOf(token)
  if (scratch == 0 || from > to || to > SCRATCH_BYTES) return INVALID
  const data = scratch + SCRATCH_DATA_OFFSET
  return <i32>(findNewline(data + from, data + to) - data)
}
