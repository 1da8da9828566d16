// Records in a ring of a lane: where the one at a position lies, and whether it can be one.
//
// A position decides nothing but a place within the data: it is reduced to it whatever it says, and so is what lies there.

import { MAILBOX_SPAN_OFFSET } from '../layout'
import { UNIT, recordBytes } from './descriptor'

/** Longer than any record: there is none, or none that can be one. */
export const NO_RECORD: u32 = 0xffffffff
const LENGTH_BYTES: u32 = 4

/** Where in the data a record at that position begins: its length word never runs over the end. */
@inline export function placeOf(position: u64, size: u32): u32 { return <u32>(position % size) & ~(UNIT - 1) }

/** The length of the record at `from`, of which there are `waiting` bytes; NO_RECORD where it reaches further, or is too long. */
export function recordAt(data: usize, size: u32, from: u64, waiting: u64): u32 {
  if (waiting > size) return NO_RECORD
  const length = load<u32>(data + placeOf(from, size))
  return length <= size - LENGTH_BYTES && recordBytes(length) <= waiting ? length : NO_RECORD
}

/** Leaves in the mailbox where the content of a record of so many bytes lies: first stretch, its length, and the start of the second. */
export function tellContent(scratch: usize, data: usize, size: u32, from: u64, length: u32): void {
  const place = placeOf(from, size) + LENGTH_BYTES
  store<u32>(scratch + MAILBOX_SPAN_OFFSET, <u32>data + place)
  store<u32>(scratch + MAILBOX_SPAN_OFFSET, min(length, size - place), 4)
  store<u32>(scratch + MAILBOX_SPAN_OFFSET, <u32>data, 8)
}

/** Writes a whole record, over the end of the data to its start if need be. */
export function writeRecord(data: usize, size: u32, at: u64, from: usize, length: u32): void {
  const place = placeOf(at, size)
  store<u32>(data + place, length)
  const first = min(length, size - place - LENGTH_BYTES)
  memory.copy(data + place + LENGTH_BYTES, from, first)
  memory.copy(data, from + first, length - first)
}

/** What lay behind the content before goes nowhere: a stream is sent with its padding. */
export function clearPadding(data: usize, size: u32, at: u64, length: u32): void {
  const padding = recordBytes(length) - LENGTH_BYTES - length
  const last = placeOf(at + recordBytes(length) - UNIT, size) // never over the end
  memory.fill(data + last + UNIT - padding, 0, padding)
}
