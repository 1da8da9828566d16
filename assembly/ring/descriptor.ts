// What the two lossless rings have in common: the cursors of the two sides lie on cache lines of their own, are 64-bit byte
// counts that never wrap, and each is written by one side only.
//
//   0     ┌ producer ────────────────────────┐ written by the producer only
//         │ tail · freed                       │
//   128   ├ consumer ────────────────────────┤ written by the consumer only
//         │ taken · given                      │
//   256   └────────────────────────────────────┘
//
// The data lies elsewhere; its length is a power of two, and a position's place is `data + (position & mask)`. Both are given
// with every call and come from whoever has checked them: nothing that the other side could have written decides where
// this side reads or writes. A cursor of the other side is checked against one's own before it is used.

import { CACHE_LINE } from '../layout'

export const TAIL_OFFSET: usize = 0 //     u64 where the next bytes go; publishes
export const FREED_OFFSET: usize = 8 //    u64 what lies below may be written again
export const TAKEN_OFFSET: usize = 128 //  u64 bipartite: the next item to unpack
export const GIVEN_OFFSET: usize = 136 //  u64 what lies below has been given back
export const RING_BYTES: usize = 256

if (TAKEN_OFFSET - TAIL_OFFSET < <usize>CACHE_LINE) ERROR('producer and consumer share a cache line')
if (RING_BYTES - TAKEN_OFFSET < <usize>CACHE_LINE) ERROR('the consumer shares a cache line with what follows')

/** The other side's cursor cannot be where it says: it has written what it must not. Greater than any room or amount. */
export const CORRUPT_BYTES: u32 = 0xffffffff
