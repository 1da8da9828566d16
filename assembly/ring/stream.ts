// The stream ring: bytes, not records. Writes may be partial, and a write or a read that reaches the end of the data goes on at
// its start: each is at most two stretches.
//
//        given                    tail
//          ▼                        ▼
//   ───────[ waiting, or being read ]────────
//           release                  publish
//
// Nothing is overwritten before it is read: the producer writes at most `mask + 1 - (tail - given)` bytes, where the `given` that it
// knows (`freed`) is never ahead of the real one, and the consumer stores `given` after it has read. Nothing is read before it is
// written: the tail is stored after the bytes. No read is longer than the data: an amount that would be is none.

import { load64, store64 } from '../atomics'
import { CORRUPT_BYTES, FREED_OFFSET, GIVEN_OFFSET, TAIL_OFFSET } from './descriptor'

/**
 * How many bytes there is room for. The consumer's cursor is looked at when less than half was left as it was last seen, or with
 * `fresh`: a producer that keeps ahead of it leaves its cache line alone.
 */
export function streamRoom(ring: usize, mask: u32, fresh: bool): u32 {
  const tail = load<u64>(ring + TAIL_OFFSET)
  const size = <u64>mask + 1
  let used = tail - load<u64>(ring + FREED_OFFSET)
  if (fresh || used > size >> 1) {
    const given = load64(ring + GIVEN_OFFSET) // pairs with the store in streamRelease
    used = tail - given
    if (used > size) return CORRUPT_BYTES
    store<u64>(ring + FREED_OFFSET, given)
  }
  return <u32>(size - used)
}

/** Where the next byte goes. From there on, and then from the start of the data. */
@inline export function streamTail(ring: usize, mask: u32): u32 { return <u32>load<u64>(ring + TAIL_OFFSET) & mask }

/** The next `bytes`, which were written there, may be read. */
export function streamPublish(ring: usize, bytes: u32): void {
  store64(ring + TAIL_OFFSET, load<u64>(ring + TAIL_OFFSET) + bytes) // pairs with the load in streamWaiting
}

/** How many bytes may be read. */
export function streamWaiting(ring: usize, mask: u32): u32 {
  const waiting = load64(ring + TAIL_OFFSET) - load<u64>(ring + GIVEN_OFFSET) // pairs with the store in streamPublish
  return waiting <= <u64>mask + 1 ? <u32>waiting : CORRUPT_BYTES
}

/** Where the byte lies that is `skipped` bytes behind the first one that may be read. */
@inline export function streamHead(ring: usize, mask: u32, skipped: u32): u32 {
  return (<u32>load<u64>(ring + GIVEN_OFFSET) + skipped) & mask
}

/** The first `bytes` were read, and may be written over. */
export function streamRelease(ring: usize, bytes: u32): void {
  store64(ring + GIVEN_OFFSET, load<u64>(ring + GIVEN_OFFSET) + bytes) // pairs with the load in streamRoom
}
