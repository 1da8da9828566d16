// Who has joined the region.
//
// A thread that joins gets a slot and a token: the slot in the low 7 bits, a serial number above. Roles,
// memberships and half-made objects all carry the token, so that what a dead thread left can be told from what the
// next owner of its slot has. Bit 31 marks a token whose thread has *provably* stopped (its own goodbye, or the
// runtime's exit event where that is proof); nothing else may set it, for what it held is then given to others.
//
//   thread slot, 32 bytes
//   0   token u32 | key u32      one word: 0 free; key is the runtime's own name for the thread, 0 if it has none
//   8   joining u64              handle of the ring that the thread is about to become a member of, else 0
//   16  scratch u32              address of its mailbox and scratch
//   20  buriedBy u32             token of the thread that gives back what this one held, else 0
//   24  bell u32                 where the thread sleeps when it waits for several things at once; its memory is never freed,
//                                so that others may ring it whatever has become of the thread
//   28  exited u32               its token, when the runtime has said that it ended but not that its code has stopped

import { add32, cas32, cas64, load32, load64, store32, store64 } from '../atomics'
import { OUT_OF_MEMORY, TOO_MANY_THREADS } from '../codes'
import {
  KIND_OFFSET, KIND_SCRATCH, MAX_THREADS, SCRATCH_DATA_OFFSET, SCRATCH_GRANULES, SCRATCH_OWNER_OFFSET, SERIAL_OFFSET,
  DEPARTURES_OFFSET, THREADS_OFFSET, THREAD_BELL_OFFSET, THREAD_BURIED_BY_OFFSET, THREAD_BYTES, THREAD_EXITED_OFFSET,
  THREAD_JOINING_OFFSET, THREAD_SCRATCH_OFFSET, TOP_THREAD_OFFSET,
} from '../layout'
import { allocate, publish } from './granules'
import { bellWake } from '../sync/bell'
import { giveBack } from './reaper'

export const DEAD: u32 = 0x80000000
const SLOT_BITS: u32 = 7
const SERIAL_BITS: u32 = 0xffffff

@inline export function slotOf(token: u32): u32 { return token & (MAX_THREADS - 1) }
@inline export function threadAt(slot: u32): usize { return THREADS_OFFSET + <usize>slot * THREAD_BYTES }
@inline export function joiningOf(slot: u32): usize { return threadAt(slot) + THREAD_JOINING_OFFSET }

/** Whether the token's thread has joined and is not known to have stopped. 0 is nobody's. */
@inline export function isAlive(token: u32): bool {
  return token != 0 && <u32>load64(threadAt(slotOf(token))) == token
}

/** Whether the token's thread is known to have ended, or at least to be ending: its own code may still run for a moment. */
@inline export function isGone(token: u32): bool {
  return !isAlive(token) || load32(threadAt(slotOf(token)) + THREAD_EXITED_OFFSET) == token
}

/** The bell of the token's slot, whoever has it now. */
@inline export function threadBell(token: u32): usize { return threadAt(slotOf(token)) + THREAD_BELL_OFFSET }

/**
 * Somebody has gone whom others may work for or wait for: every thread that sleeps at its own bell is woken. Counted first, told
 * second: who arms its bell and then looks at the count misses none.
 */
export function depart(): void {
  add32(DEPARTURES_OFFSET, 1)
  const count = threadCount()
  for (let slot: u32 = 0; slot < count; slot++) bellWake(threadAt(slot) + THREAD_BELL_OFFSET)
}

/** Address of the thread's mailbox and scratch, or 0 for a token that is not a living thread's. */
@inline export function scratchOf(token: u32): usize {
  return isAlive(token) ? <usize>load<u32>(threadAt(slotOf(token)) + THREAD_SCRATCH_OFFSET) : 0
}

/** How many slots were ever used: where a walk over threads or members may stop. */
@inline export function threadCount(): u32 { return load32(TOP_THREAD_OFFSET) }

function newToken(slot: u32): u32 {
  let serial: u32
  do {
    serial = (add32(SERIAL_OFFSET, 1) + 1) & SERIAL_BITS
  } while (serial == 0)
  return slot | (serial << SLOT_BITS)
}

function raiseThreadCount(count: u32): void {
  let top = threadCount()
  while (top < count) {
    const seen = cas32(TOP_THREAD_OFFSET, top, count)
    if (seen == top) return
    top = seen
  }
}

/** Gives the calling thread a slot, a token and a scratch. */
export function threadJoin(key: u32): i32 {
  for (let slot: u32 = 0; slot < MAX_THREADS; slot++) {
    const at = threadAt(slot)
    if (load64(at) != 0) continue
    const token = newToken(slot)
    raiseThreadCount(slot + 1) // before the slot is taken: a walk must meet every token there is
    if (cas64(at, 0, <u64>token | (<u64>key << 32)) != 0) continue
    const scratch = allocate(SCRATCH_GRANULES, token)
    if (scratch == 0) {
      threadLeave(token)
      return OUT_OF_MEMORY
    }
    memory.fill(scratch + 8, 0, SCRATCH_DATA_OFFSET - 8)
    store<u32>(<usize>scratch + KIND_OFFSET, KIND_SCRATCH)
    store<u32>(<usize>scratch + SCRATCH_OWNER_OFFSET, token)
    publish(scratch)
    store32(at + THREAD_SCRATCH_OFFSET, scratch)
    buryAll(token)
    return token
  }
  return TOO_MANY_THREADS
}

/** The calling thread says goodbye: what it holds is given back, then its slot. */
export function threadLeave(token: u32): void {
  if (!isAlive(token)) return
  const at = threadAt(slotOf(token))
  giveBack(token, token)
  store64(at, 0)
  depart()
}

/**
 * The thread that the runtime calls `key` has provably stopped: what it held is given back by the calling thread.
 * Says whether it had joined.
 */
export function threadEnd(key: u32, by: u32): bool {
  if (key == 0 || !isAlive(by)) return false
  const count = threadCount()
  for (let slot: u32 = 0; slot < count; slot++) {
    const at = threadAt(slot)
    const word = load64(at)
    if (<u32>(word >> 32) != key || <u32>word == 0 || <u32>word == by || (<u32>word & DEAD) != 0) continue
    cas64(at, word, word | DEAD)
    buryAll(by)
    depart()
    return true
  }
  return false
}

/**
 * The runtime says that the thread it calls `key` has ended, which there is no proof that its code has stopped. What it holds
 * stays its own; those who work for it may stop doing so.
 */
export function threadExited(key: u32, by: u32): void {
  if (key == 0 || !isAlive(by)) return
  const count = threadCount()
  for (let slot: u32 = 0; slot < count; slot++) {
    const at = threadAt(slot)
    const word = load64(at)
    if (<u32>(word >> 32) == key && <u32>word != 0) store32(at + THREAD_EXITED_OFFSET, <u32>word)
  }
  depart()
}

/** The dead, and those whose burial another thread began and did not live to finish. */
function buryAll(by: u32): void {
  const count = threadCount()
  for (let slot: u32 = 0; slot < count; slot++) bury(slot, by)
}

/** One thread at a time buries a dead one; it takes over only from one that is itself known to be dead. */
function bury(slot: u32, by: u32): void {
  const at = threadAt(slot)
  if ((<u32>load64(at) & DEAD) == 0) return
  const other = load32(at + THREAD_BURIED_BY_OFFSET)
  if (other != 0 && isAlive(other)) return
  if (cas32(at + THREAD_BURIED_BY_OFFSET, other, by) != other) return
  const word = load64(at)
  if ((<u32>word & DEAD) != 0) {
    giveBack(<u32>word & ~DEAD, by)
    store64(at, 0)
  }
  store32(at + THREAD_BURIED_BY_OFFSET, 0)
}
