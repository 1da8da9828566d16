// A lane: a ring of variable-length records that one thread writes. The three diodes are arrangements of it.
//
//   0     ┌ constant ─────────────────────────────────────────────────────────────┐ written once, by the maker
//         │ kind · generation · policy · capacity · sizes · where data and bell are    │
//   128   ├ writer ───────────────────────────────────────────────────────────────┤ written by the writer only
//         │ tail · its picture of the head and of the hole · open claim · counters    │
//   256   ├ head ─────────────────────────────────────────────────────────────────┤ moved by CAS: the reader takes,
//         │ head                                                                    │ the writer overwrites
//   384   ├ reader ───────────────────────────────────────────────────────────────┤ written by the reader only
//         │ released · next index · read · batch in hand                              │
//   512   ├ roles ────────────────────────────────────────────────────────────────┤ rarely written
//         │ who writes · who reads · bell · cursor                                    │
//   640   ├ members (128 × 4), in a ring that threads join ───────────────────────────┤
//   1152  ├ one-to-many: pollers (64 × 128)   many-to-one: lanes (maxWriters × 8) ────┤
//         ├ data: `mask + 1` bytes, a power of two ───────────────────────────────────┤
//         │ record │ record │ ...                                                     │
//         ├ overhang: room for the longest record ────────────────────────────────────┤
//         │ the end of a record that began before the end of the data                 │
//         └───────────────────────────────────────────────────────────────────────┘
//
// A record: 16 bytes of header, the payload, padding to 8. It is never split: one that begins near the end of the data
// runs on into the overhang, and the next begins at the start.
//
//   0        8         12        16
//  ┌────────┬─────────┬─────────┬──────────────┬─────┐
//  │ index  │ sum     │ length  │ payload      │ pad │
//  └────────┴─────────┴─────────┴──────────────┴─────┘
//   index    u64: how many records were written before this one; gaps tell a reader what it missed
//   sum      u32: their payload bytes, modulo 2^32; two of them tell how many bytes lie between
//   length   u32: payload bytes, or SKIP | distance: no record here, go on after `distance` bytes
//
// The header at the tail is already there before its record: index and sum are filled in when the record before it is
// published. So one word, the tail, publishes both a record and the counters, and a writer that dies leaves them in
// agreement.
//
// Positions are 64-bit byte counts that never wrap; a position's place is `data + (position & mask)`. One that a record
// ran over into the overhang is rounded up to the start of the next lap.

import { load64 } from '../atomics'
import { CACHE_LINE } from '../layout'

export const POLICY_OFFSET: usize = 8
export const CAPACITY_OFFSET: usize = 12 //       u32 records
export const CAPACITY_BYTES_OFFSET: usize = 16 // u32 payload bytes; also the longest record
export const MASK_OFFSET: usize = 20 //           u32 bytes of data - 1
export const BATCH_BYTES_OFFSET: usize = 24 //    u32 what a reader may hold in hand and cost nothing
export const DATA_OFFSET: usize = 28 //           u32 address
export const BELL_ADDRESS_OFFSET: usize = 32 //   u32 address of the bell word: its own, or its ring's
export const RECORD_BYTES_OFFSET: usize = 36 //   u32 as given: many-to-one makes its lanes by it
export const MAX_WRITERS_OFFSET: usize = 40 //    u32 many-to-one
export const LANE_SLOT_OFFSET: usize = 44 //      u32 lane of a many-to-one: its place in the table
export const LANE_RING_OFFSET: usize = 48 //      u64 handle of that ring

export const TAIL_OFFSET: usize = 128 //       u64 where the next record goes; publishes
export const SEEN_HEAD_OFFSET: usize = 136 //  u64 the head as the writer last saw it
export const HOLE_START_OFFSET: usize = 144 // u64 what a reader has in hand, or had: see lane-writer
export const HOLE_END_OFFSET: usize = 152 //   u64 0: there is no hole
export const CLAIM_AT_OFFSET: usize = 160 //   u64 position of the open claim
export const CLAIM_BYTES_OFFSET: usize = 168 // u32 its bytes + 1; 0: none is open
export const DROPPED_OFFSET: usize = 176 //    u64
export const OVERSIZE_OFFSET: usize = 184 //   u64
export const WIPE_OFFSET: usize = 192 //       u64 one-to-many: what lies below may be overwritten already
export const GRANT_END_OFFSET: usize = 200 //  u64 where what it last left to the reader ends

export const HEAD_OFFSET: usize = 256 //       u64 the oldest record that nobody has taken; bit 0: TAKING

export const RELEASED_OFFSET: usize = 384 //   u64 the reader needs nothing below, once it holds nothing
export const NEXT_INDEX_OFFSET: usize = 392 // u64 index of the record it expects next
export const READ_OFFSET: usize = 400 //       u64 records it has read
export const BATCH_AT_OFFSET: usize = 408 //   u64 next record in hand
export const BATCH_END_OFFSET: usize = 416 //  u64 equal to it: the hand is empty
export const IN_HAND_OFFSET: usize = 424 //    u32 how many records that is

export const WRITER_ROLE_OFFSET: usize = 512 // u64 token | endpoint << 32
export const READER_ROLE_OFFSET: usize = 520 // u64
export const BELL_OFFSET: usize = 528 //        u32
export const CURSOR_OFFSET: usize = 532 //      u32 many-to-one: the lane the reader is at
export const TURN_OFFSET: usize = 536 //        u32 many-to-one: records taken from it in a row

export const LANE_DATA_OFFSET: u32 = 640
export const RING_DATA_OFFSET: u32 = 1152
export const LANES_OFFSET: usize = 1152
export const POLLERS_OFFSET: usize = 1152

export const MAX_POLLERS: u32 = 64
export const POLLER_BYTES: u32 = 128
export const POLLER_OWNER_OFFSET: usize = 0 //         u64 token | endpoint << 32
export const POLLER_POSITION_OFFSET: usize = 8 //      u64 next record
export const POLLER_NEXT_INDEX_OFFSET: usize = 16 //   u64
export const POLLER_READ_OFFSET: usize = 24 //         u64
export const POLLER_START_OFFSET: usize = 32 //        u64 index of the first record that was there for it
export const POLLER_HOLDS_OFFSET: usize = 40 //        u32 under drop-newest the writer waits for it
export const POLLER_STUCK_AT_OFFSET: usize = 48 //     u64 written by the writer: where it stood in the way
export const POLLER_STUCK_SINCE_OFFSET: usize = 56 //  f64 and since when

export const HEADER_BYTES: u32 = 16
export const INDEX_OFFSET: usize = 0
export const SUM_OFFSET: usize = 8
export const LENGTH_OFFSET: usize = 12
export const SKIP: u32 = 0x80000000

/** Set in the head by a reader that is taking from there: the writer drops nothing more, but leaves it to the reader. */
export const TAKING: u64 = 1
/** How many records the writer leaves to a reader at most. */
export const GRANT_RECORDS: u32 = 32

export const DROP_OLDEST: u32 = 0
export const DROP_NEWEST: u32 = 1

if (TAIL_OFFSET < <usize>CACHE_LINE) ERROR('the writer shares a cache line with the constants')
if (HEAD_OFFSET - TAIL_OFFSET < <usize>CACHE_LINE) ERROR('writer and head share a cache line')
if (RELEASED_OFFSET - HEAD_OFFSET < <usize>CACHE_LINE) ERROR('head and reader share a cache line')
if (WRITER_ROLE_OFFSET - RELEASED_OFFSET < <usize>CACHE_LINE) ERROR('reader and roles share a cache line')

@inline export function policyOf(lane: usize): u32 { return load<u32>(lane + POLICY_OFFSET) }
@inline export function capacityOf(lane: usize): u32 { return load<u32>(lane + CAPACITY_OFFSET) }
@inline export function capacityBytesOf(lane: usize): u32 { return load<u32>(lane + CAPACITY_BYTES_OFFSET) }
@inline export function maskOf(lane: usize): u64 { return load<u32>(lane + MASK_OFFSET) }
@inline export function bellOf(lane: usize): usize { return load<u32>(lane + BELL_ADDRESS_OFFSET) }

/** The address of the record at a position. */
@inline export function recordAt(lane: usize, position: u64): usize {
  return <usize>load<u32>(lane + DATA_OFFSET) + <usize>(position & maskOf(lane))
}
/** The oldest record that nobody has taken. */
@inline export function headOf(lane: usize): u64 { return load64(lane + HEAD_OFFSET) & ~TAKING }
/** What a record of so many payload bytes takes up. */
@inline export function footprint(bytes: u32): u32 { return (HEADER_BYTES + bytes + 7) & ~7 }

/** The position after a record of `size` bytes: the next lap's start when it reaches the end of the data. */
@inline export function after(lane: usize, position: u64, size: u32): u64 {
  const mask = maskOf(lane)
  return (position & mask) + size > mask ? (position | mask) + 1 : position + size
}
