// The outlet: what the threads of one exporter share beside the ring.
//
//   0     ┌ constant ─────────────────────────────────────┐ written once, by the maker
//         │ kind · generation · longest line · newline rule │
//   128   ├ closed ───────────────────────────────────────┤ read at every line, written once
//         │ 0 open, 1 closed, 2 over                        │
//   256   ├ asked ────────────────────────────────────────┤ added to by whoever flushes: see flush.ts
//   384   ├ served ───────────────────────────────────────┤ written by the reader; sleepers wait on it
//   640   ├ members ──────────────────────────────────────┤
//   1152  ├ 64 counters, u64 ─────────────────────────────┤ added to by all
//         └───────────────────────────────────────────────┘

import { add64, cas64, load32, load64, store32 } from '../atomics'
import { INVALID, OUT_OF_MEMORY, STALE } from '../codes'
import { GRANULE_BYTES, KIND_OFFSET, KIND_OUTLET, MEMBERS_BYTES, MEMBERS_OFFSET, SCRATCH_BYTES } from '../layout'
import { allocate, isKind, publish } from '../region/granules'
import { firstMember } from '../region/members'
import { isAlive } from '../region/threads'

export const LONGEST_LINE_OFFSET: usize = 8 //  u32 bytes, its newline not counted
export const NEWLINE_RULE_OFFSET: usize = 12 // u32
export const CLOSED_OFFSET: usize = 128 //      u32
export const ASKED_OFFSET: usize = 256 //       u32
export const SERVED_OFFSET: usize = 384 //      u32
export const COUNTERS_OFFSET: usize = 1152

/** What to do with a newline inside a line. */
export const REFUSE_NEWLINES: u32 = 0
export const ESCAPE_NEWLINES: u32 = 1

export const MAX_COUNTERS: u32 = 64
/** The two that are counted in here. `src/net/counters.ts` names them all. */
export const COUNTER_OVERSIZE: u32 = 0
export const COUNTER_RAW_NEWLINE: u32 = 1

const OUTLET_BYTES: usize = COUNTERS_OFFSET + 8 * <usize>MAX_COUNTERS
if (COUNTERS_OFFSET < MEMBERS_OFFSET + MEMBERS_BYTES) ERROR('the counters begin among the members')
if (<usize>GRANULE_BYTES < OUTLET_BYTES) ERROR('an outlet is longer than a granule')

/** The longest line there can be: with its newline and a carriage return it is staged in the scratch. */
const MAX_LINE_BYTES: u32 = SCRATCH_BYTES - 2
/** Integers up to here are exact in an f64. */
const MAX_AMOUNT: f64 = 9007199254740992

/** A call, not inlined: most of its callers are not in a hurry, and they are many. */
export function isOutlet(address: u32, generation: u32): bool {
  return isKind(address, generation, KIND_OUTLET)
}
const SHUT: u32 = 1
const OVER: u32 = 2

@inline export function isShut(outlet: usize): bool { return load32(outlet + CLOSED_OFFSET) != 0 }
@inline export function isOver(outlet: usize): bool { return load32(outlet + CLOSED_OFFSET) == OVER }
@inline export function counterAt(outlet: usize, counter: u32): usize {
  return outlet + COUNTERS_OFFSET + (<usize>counter << 3)
}

export function outletCreate(token: u32, longestLine: u32, newlineRule: u32): i32 {
  if (!isAlive(token) || newlineRule > ESCAPE_NEWLINES) return INVALID
  if (longestLine == 0 || longestLine > MAX_LINE_BYTES) return INVALID
  const address = allocate(1, token)
  if (address == 0) return OUT_OF_MEMORY
  const outlet = <usize>address
  memory.fill(outlet + 8, 0, OUTLET_BYTES - 8)
  store<u32>(outlet + LONGEST_LINE_OFFSET, longestLine)
  store<u32>(outlet + NEWLINE_RULE_OFFSET, newlineRule)
  store<u32>(outlet + KIND_OFFSET, KIND_OUTLET)
  firstMember(address, token)
  publish(address)
  return address
}

// ---- closed ------------------------------------------------------------------------------------------

export function outletIsClosed(address: u32, generation: u32): i32 {
  return isOutlet(address, generation) ? i32(isShut(address)) : STALE
}

/** For good. A line that is offered from here on is refused; one whose call is under way may still be stored. */
export function outletShut(address: u32, generation: u32): i32 {
  if (!isOutlet(address, generation)) return STALE
  store32(<usize>address + CLOSED_OFFSET, SHUT) // pairs with the first load in outletSet
  return 0
}

/** After `outletShut`, and before the last look at the ledger: what is stored from here on was refused. */
export function outletEnd(address: u32, generation: u32): i32 {
  if (!isOutlet(address, generation)) return STALE
  store32(<usize>address + CLOSED_OFFSET, OVER) // pairs with the last load in outletSet
  return 0
}

// ---- counters: whole numbers -------------------------------------------------------------------------

@inline function isAmount(amount: f64): bool { return amount >= 0 && amount <= MAX_AMOUNT }

export function outletAdd(address: u32, generation: u32, counter: u32, amount: f64): i32 {
  if (!isOutlet(address, generation)) return STALE
  if (counter >= MAX_COUNTERS || !isAmount(amount)) return INVALID
  add64(counterAt(address, counter), <u64>amount)
  return 0
}

/** The counter becomes `amount` where it is less. */
export function outletRaise(address: u32, generation: u32, counter: u32, amount: f64): i32 {
  if (!isOutlet(address, generation)) return STALE
  if (counter >= MAX_COUNTERS || !isAmount(amount)) return INVALID
  const at = counterAt(address, counter)
  const wanted = <u64>amount
  let value = load64(at)
  while (value < wanted) {
    const seen = cas64(at, value, wanted)
    if (seen == value) break
    value = seen
  }
  return 0
}

export function outletGet(address: u32, generation: u32, counter: u32): f64 {
  if (!isOutlet(address, generation)) return STALE
  return counter < MAX_COUNTERS ? <f64>load64(counterAt(address, counter)) : INVALID
}
