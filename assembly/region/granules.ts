// The allocator. Memory is handed out in runs of 4 KiB granules; the table has one word for each:
//
//   63              34 33                        3 2     0
//  ┌──────────────────┬───────────────────────────┬───────┐
//  │ generation (30)  │ token, or joins (31)      │ state │
//  └──────────────────┴───────────────────────────┴───────┘
//
//   FREE      0
//   BUILDING  first granule of an object that thread `token` is making
//   LIVE      first granule of an object; `joins` counts the threads that ever joined it
//   TAIL      any further granule of an object, with the same generation
//   RETIRING  first granule of an object that thread `token` is giving back
//   RESERVED  the region's own
//
// Why it is right. Every change of ownership is one compare-and-swap of one word, so two threads never own a
// granule, and there is no lock that a dead thread could hold. A thread that dies in the middle leaves words
// that name it (BUILDING, RETIRING) or carry the generation of one that does (TAIL); `reapThread` finishes
// them. Generations are never reused (2^30 of them), so a handle to what is gone matches nothing. Freed runs that lie
// side by side are one run at once, since there is no structure over the table that could keep them apart.

import { add32, cas32, cas64, load32, load64, store32, store64 } from '../atomics'
import {
  FIRST_GRANULE_OFFSET, GENERATION_OFFSET, GRANULES_OFFSET, GRANULE_SHIFT, KIND_OFFSET,
  OBJECT_GENERATION_OFFSET, SEARCH_FROM_OFFSET, TABLE_OFFSET, TOP_GRANULE_OFFSET,
} from '../layout'

export const FREE: u64 = 0
export const BUILDING: u64 = 1
export const LIVE: u64 = 2
export const TAIL: u64 = 3
export const RETIRING: u64 = 4
export const RESERVED: u64 = 5

export const STATE_BITS: u64 = 7
export const GENERATION_SHIFT: u64 = 34
const WHO_BITS: u64 = 0x7fffffff
const GENERATION_BITS: u32 = 0x3fffffff

@inline export function entry(state: u64, who: u32, generation: u32): u64 {
  return state | ((<u64>who & WHO_BITS) << 3) | (<u64>generation << GENERATION_SHIFT)
}
@inline export function stateOf(word: u64): u64 { return word & STATE_BITS }
@inline export function whoOf(word: u64): u32 { return <u32>((word >> 3) & WHO_BITS) }
@inline export function generationOf(word: u64): u32 { return <u32>(word >> GENERATION_SHIFT) }

@inline export function entryOf(granule: u32): usize { return TABLE_OFFSET + (<usize>granule << 3) }
@inline export function granuleOf(address: u32): u32 { return address >> GRANULE_SHIFT }
@inline export function addressOf(granule: u32): u32 { return granule << GRANULE_SHIFT }

/** Whether the handle names a living object. One load: every entry of the ABI begins with it. */
@inline export function isLive(address: u32, generation: u32): bool {
  if ((address & ((1 << GRANULE_SHIFT) - 1)) != 0) return false
  if (granuleOf(address) >= load<u32>(GRANULES_OFFSET)) return false
  const word = load64(entryOf(granuleOf(address)))
  return stateOf(word) == LIVE && generationOf(word) == generation
}

@inline export function isKind(address: u32, generation: u32, kind: u32): bool {
  return isLive(address, generation) && load<u32>(<usize>address + KIND_OFFSET) == kind
}

/** Generation 0 is never given: a zeroed handle is always stale. */
function nextGeneration(): u32 {
  let generation: u32
  do {
    generation = (add32(GENERATION_OFFSET, 1) + 1) & GENERATION_BITS
  } while (generation == 0)
  return generation
}

/** How many granules from `first` on are free, `count` at most. */
function freeRun(first: u32, count: u32): u32 {
  let run: u32 = 0
  while (run < count && load64(entryOf(first + run)) == FREE) run++
  return run
}

/** Takes `count` granules from `first` on, or none: answers how many could be had. */
function claimRun(first: u32, count: u32, generation: u32, token: u32): u32 {
  if (cas64(entryOf(first), FREE, entry(BUILDING, token, generation)) != FREE) return 0
  const tail = entry(TAIL, 0, generation)
  for (let i: u32 = 1; i < count; i++) {
    if (cas64(entryOf(first + i), FREE, tail) != FREE) {
      freeRunOf(first, generation)
      return i
    }
  }
  return count
}

/**
 * Gives a run back, from its end: so what is left when a thread dies in here is still one run, and its head says
 * whose. (From its front the tails behind the gap would belong to nobody: the checker found that.)
 */
export function freeRunOf(first: u32, generation: u32): void {
  const granules = load<u32>(GRANULES_OFFSET)
  const tail = entry(TAIL, 0, generation)
  let end = first + 1
  while (end < granules && load64(entryOf(end)) == tail) end++
  while (end > first) store64(entryOf(--end), FREE)
  // Only a hint of where free granules begin; a stale one costs a second search, nothing else.
  if (first < load32(SEARCH_FROM_OFFSET)) store32(SEARCH_FROM_OFFSET, first)
}

/** The memory must reach as far as the run does; growing is atomic, and another thread's growth serves as well. */
function reach(end: u32): bool {
  const pages = <i32>((<u64>end << GRANULE_SHIFT) + 0xffff >> 16)
  while (memory.size() < pages) {
    if (memory.grow(pages - memory.size()) < 0 && memory.size() < pages) return false
  }
  return true
}

/** Nothing is in use at or above the top: where a walk over the table may stop. */
function raiseTop(end: u32): void {
  let top = load32(TOP_GRANULE_OFFSET)
  while (top < end) {
    const seen = cas32(TOP_GRANULE_OFFSET, top, end)
    if (seen == top) return
    top = seen
  }
}

/**
 * First fit. Answers the address of `count` granules in state BUILDING, or 0 when the region is full. The bytes are
 * whatever was there before, but for the object header.
 */
export function allocate(count: u32, token: u32): u32 {
  const granules = load<u32>(GRANULES_OFFSET)
  const generation = nextGeneration()
  const hint = load32(SEARCH_FROM_OFFSET)
  for (let pass = 0; pass < 2; pass++) {
    let first = pass == 0 ? hint : load<u32>(FIRST_GRANULE_OFFSET)
    while (first + count <= granules) {
      const run = freeRun(first, count)
      if (run == count) raiseTop(first + count) // before the claim: a walk must find what a dead thread claimed
      const got = run < count ? run : claimRun(first, count, generation, token)
      if (got < count) {
        first += got + 1
        continue
      }
      if (!reach(first + count)) {
        freeRunOf(first, generation)
        break
      }
      if (first == hint) store32(SEARCH_FROM_OFFSET, first + count)
      const address = addressOf(first)
      store<u32>(<usize>address + KIND_OFFSET, 0)
      store<u32>(<usize>address + OBJECT_GENERATION_OFFSET, generation)
      return address
    }
  }
  return 0
}

/** BUILDING becomes LIVE: from here on handles to it are good. */
export function publish(address: u32): void {
  const at = entryOf(granuleOf(address))
  store64(at, entry(LIVE, 0, generationOf(load64(at))))
}

/** Granules in use, the region's own not counted. For tests and `stats`; walks the table. */
export function usedGranules(): u32 {
  let used: u32 = 0
  const top = load32(TOP_GRANULE_OFFSET)
  for (let granule = load<u32>(FIRST_GRANULE_OFFSET); granule < top; granule++) {
    if (load64(entryOf(granule)) != FREE) used++
  }
  return used
}
