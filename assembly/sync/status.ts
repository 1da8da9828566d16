// The status word: working or final, and never back.
//
//   31      28 27             16 15              0
//  ┌──────────┬─────────────────┬─────────────────┐
//  │ first    │ final bits      │ working bits    │
//  └──────────┴─────────────────┴─────────────────┘
//
// Working bits are free for the owner's use (a congestion level, say) while no final bit is set. Final bits are only ever
// added. `first` is the number of the first final bit plus one. All three live in one word, so that every change is one
// compare-and-swap: there is no moment at which a failure stands without its reason, and a thread that dies
// between two changes leaves nothing half-said. Nothing here clears a bit above 15, and the
// working bits are written by a CAS whose expected value has no final bit: final never goes back to working.

import { cas32, load32 } from '../atomics'
import { INVALID, OUT_OF_MEMORY, STALE } from '../codes'
import { KIND_OFFSET, KIND_STATUS } from '../layout'
import { allocate, isKind, publish } from '../region/granules'
import { firstMember } from '../region/members'
import { isAlive } from '../region/threads'

export const WORKING_BITS: u32 = 0xffff
const FINAL_BITS: u32 = 0x0fff0000
export const FIRST_SHIFT: u32 = 28
export const STATUS_OFFSET: usize = 128

@inline export function isFinal(word: u32): bool { return (word & FINAL_BITS) != 0 }

/** Replaces the working bits. False when the word is final: then it is as it was. */
export function setWorking(at: usize, bits: u32): bool {
  while (true) {
    const word = load32(at)
    if (isFinal(word)) return false
    if (cas32(at, word, bits & WORKING_BITS) == word) return true
  }
}

/** Adds final bit number `bit` (0 to 11). True for the one call that made the word final. */
export function setFinal(at: usize, bit: u32): bool {
  while (true) {
    const word = load32(at)
    const first = isFinal(word) ? 0 : (bit + 1) << FIRST_SHIFT
    const next = word | (<u32>0x10000 << bit) | first
    if (word == next || cas32(at, word, next) == word) return first != 0
  }
}

// A status word on its own, shared by handle like a ring.

export function statusCreate(token: u32): i32 {
  if (!isAlive(token)) return INVALID
  const address = allocate(1, token)
  if (address == 0) return OUT_OF_MEMORY
  store<u32>(<usize>address + STATUS_OFFSET, 0)
  store<u32>(<usize>address + KIND_OFFSET, KIND_STATUS)
  firstMember(address, token)
  publish(address)
  return address
}

/** The word, as an unsigned number; negative for a stale handle. */
export function statusLoad(address: u32, generation: u32): f64 {
  if (!isKind(address, generation, KIND_STATUS)) return STALE
  return load32(<usize>address + STATUS_OFFSET)
}

export function statusSetWorking(address: u32, generation: u32, bits: u32): i32 {
  if (!isKind(address, generation, KIND_STATUS)) return STALE
  if ((bits & ~WORKING_BITS) != 0) return INVALID
  return i32(setWorking(<usize>address + STATUS_OFFSET, bits))
}

export function statusSetFinal(address: u32, generation: u32, bit: u32): i32 {
  if (!isKind(address, generation, KIND_STATUS)) return STALE
  if (bit > 11) return INVALID
  return i32(setFinal(<usize>address + STATUS_OFFSET, bit))
}
