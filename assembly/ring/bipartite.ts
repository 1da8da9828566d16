// The bipartite ring: items travel producer -> consumer -> producer, so that the producer gets back what an item carries,
// and the consumer may hold several while it has no use for a copy.
//
//        freed         given         taken          tail
//          ▼             ▼             ▼              ▼
//   ───────[ come back   ][ in hand    ][ waiting     ]───────
//           dequeue        repack        unpack        enqueue
//
// An item is 8 bytes of header (its length) and its bytes, padded to 8. It is never split: one that begins near the end of the
// data runs on into the overhang behind it, and the next begins at the start. So its bytes can be used where they lie.
//
// Why an item is never written to while it waits or is in hand. The producer writes only from `tail` on, and only when the item's
// end (rounded up to the next lap where it runs over) is at most one length of the data after `freed`; `freed` follows
// `given`, which the consumer moves only over what it has done with. An item in the overhang is covered by the
// rounding: it counts as reaching to the end of its lap, so the next one that could reach there is written only
// when it is freed.
// Why nothing is lost or seen twice: `tail` and `given` are each stored once an item, by one side, after the bytes that they
// stand for were written or read; `taken` is the consumer's own. A side that dies leaves cursors that name whole items.

import { load64, store64 } from '../atomics'
import { CORRUPT_BYTES, FREED_OFFSET, GIVEN_OFFSET, TAIL_OFFSET, TAKEN_OFFSET } from './descriptor'

export const ITEM_HEADER_BYTES: u32 = 8

/** A place where no item can be: the answer where there is none, or where the other side has written what it must not. */
export const NO_ITEM: usize = 0
export const BAD_ITEM: usize = 1

/** In 64 bits: a length that the other side has spoilt must not come round to 0, and an item always ends behind its beginning. */
@inline function footprint(bytes: u32): u64 { return (<u64>bytes + ITEM_HEADER_BYTES + 7) & ~7 }

/** The position after an item: the next lap's start when it reaches the end of the data. */
@inline function after(position: u64, bytes: u32, mask: u32): u64 {
  const end = (position & mask) + footprint(bytes)
  return end > mask ? (position | mask) + 1 : position + footprint(bytes)
}

/** On 8 bytes whatever the cursor says, so that the longest item that begins there ends within the overhang. */
@inline function itemAt(data: usize, position: u64, mask: u32): usize { return data + (<usize>(<u32>position & mask & ~7)) }

/** Bytes of the item that begins there. */
@inline export function itemBytes(item: usize): u32 { return load<u32>(item) }
@inline export function itemContent(item: usize): usize { return item + ITEM_HEADER_BYTES }

// ---- the producer ------------------------------------------------------------------------------------

/** Where the next item of so many bytes goes, or NO_ITEM while there is no room for it, or BAD_ITEM. */
export function bipartiteClaim(ring: usize, data: usize, mask: u32, bytes: u32): usize {
  const tail = load<u64>(ring + TAIL_OFFSET)
  const end = after(tail, bytes, mask)
  while (end - load<u64>(ring + FREED_OFFSET) > <u64>mask + 1) {
    const freed = bipartiteDequeue(ring, data, mask)
    if (freed <= BAD_ITEM) return freed
  }
  return itemAt(data, tail, mask)
}

/** Publishes the item whose bytes now lie where `bipartiteClaim` said. */
export function bipartiteEnqueue(ring: usize, data: usize, mask: u32, bytes: u32): void {
  const tail = load<u64>(ring + TAIL_OFFSET)
  store<u32>(itemAt(data, tail, mask), bytes)
  store64(ring + TAIL_OFFSET, after(tail, bytes, mask)) // publishes; pairs with the load in bipartiteAvailable
}

/** Takes back the oldest item that the consumer is done with: its place, NO_ITEM or BAD_ITEM. */
export function bipartiteDequeue(ring: usize, data: usize, mask: u32): usize {
  const freed = load<u64>(ring + FREED_OFFSET)
  const given = load64(ring + GIVEN_OFFSET) // pairs with the store in bipartiteRepack
  if (given == freed) return NO_ITEM
  const item = itemAt(data, freed, mask)
  const next = after(freed, itemBytes(item), mask)
  const used = load<u64>(ring + TAIL_OFFSET) - freed
  if (used > <u64>mask + 1 || given - freed > used || next - freed > given - freed) return BAD_ITEM
  store<u64>(ring + FREED_OFFSET, next)
  return item
}

// ---- the consumer ------------------------------------------------------------------------------------

/** Bytes from the next item to unpack to the last one, headers and padding among them; CORRUPT_BYTES where it cannot be. */
export function bipartiteAvailable(ring: usize, mask: u32): u32 {
  const waiting = load64(ring + TAIL_OFFSET) - load<u64>(ring + TAKEN_OFFSET) // pairs with the store in bipartiteEnqueue
  return waiting <= <u64>mask + 1 ? <u32>waiting : CORRUPT_BYTES
}

/** The next item, which stays: its place, NO_ITEM, or BAD_ITEM for one that is longer than `longest` or than what is there. */
export function bipartitePeek(ring: usize, data: usize, mask: u32, longest: u32): usize {
  const waiting = bipartiteAvailable(ring, mask)
  if (waiting == 0) return NO_ITEM
  if (waiting == CORRUPT_BYTES) return BAD_ITEM
  const taken = load<u64>(ring + TAKEN_OFFSET)
  const item = itemAt(data, taken, mask)
  const bytes = itemBytes(item)
  return bytes > longest || after(taken, bytes, mask) - taken > <u64>waiting ? BAD_ITEM : item
}

/** Takes the next item in hand: its place, NO_ITEM or BAD_ITEM. */
export function bipartiteUnpack(ring: usize, data: usize, mask: u32, longest: u32): usize {
  const item = bipartitePeek(ring, data, mask, longest)
  if (item > BAD_ITEM) {
    const taken = load<u64>(ring + TAKEN_OFFSET)
    store<u64>(ring + TAKEN_OFFSET, after(taken, itemBytes(item), mask))
  }
  return item
}

/** Gives back the oldest item in hand. False when there is none, or none that can be one. */
export function bipartiteRepack(ring: usize, data: usize, mask: u32): bool {
  const given = load<u64>(ring + GIVEN_OFFSET)
  const inHand = load<u64>(ring + TAKEN_OFFSET) - given
  const bytes = itemBytes(itemAt(data, given, mask))
  const next = after(given, bytes, mask)
  if (inHand == 0 || inHand > <u64>mask + 1 || next - given > inHand) return false
  store64(ring + GIVEN_OFFSET, next) // the item was read before; pairs with the load in bipartiteDequeue
  return true
}
