// Flushing: whoever asks gets a ticket, and is woken when all that was in the ring before has been taken out of it.
//
//   Asker:   write lines -> add 1 to `asked`, the sum is its ticket -> ring the bell -> sleep until `served` reaches it
//   Reader:  read `asked` -> take all that is in the ring, and see it off -> store what it read in `served`, and wake
//            to sleep: arm the bell -> look at the ring -> look at `asked` -> wait
//
// Nothing is served too early: the reader reads `asked` before it drains, so all that was written before a ticket
// that it has seen was in the ring when it began. No wake-up is lost: the asker adds and then looks at the bell, the reader
// arms it and then looks at `asked`, so one of the two sees the other (sync/bell.ts has the argument). On the way back
// the wait itself compares: who sleeps, sleeps on the value of `served` that it found too small.
// Tickets wrap: one is served when `served - ticket` is not negative in 32 bits. They are answered as unsigned numbers, so
// that a negative one is a code.

import { add32, load32, store32, wakeAll } from '../atomics'
import { STALE } from '../codes'
import { ringArm } from '../diode/ring'
import { ASKED_OFFSET, SERVED_OFFSET, isOutlet } from './outlet'

/** Asks for a flush: the ticket. Ring the bell after it. */
export function outletAsk(address: u32, generation: u32): f64 {
  if (!isOutlet(address, generation)) return STALE
  return <u32>(add32(<usize>address + ASKED_OFFSET, 1) + 1) // pairs with the loads in outletAsked and outletArm
}

/** The latest ticket given. */
export function outletAsked(address: u32, generation: u32): f64 {
  return isOutlet(address, generation) ? <f64>load32(<usize>address + ASKED_OFFSET) : STALE
}

/** The latest ticket served. */
export function outletServed(address: u32, generation: u32): f64 {
  return isOutlet(address, generation) ? <f64>load32(<usize>address + SERVED_OFFSET) : STALE
}

/** All tickets up to `asked` are served: it was read before what is now out of the ring was taken. */
export function outletServe(address: u32, generation: u32, asked: u32): i32 {
  if (!isOutlet(address, generation)) return STALE
  const served = <usize>address + SERVED_OFFSET
  store32(served, asked) // pairs with the load in outletServed
  wakeAll(served)
  return 0
}

/** Address of the word that changes when a ticket is served, for `Atomics.wait`. */
export function outletServedWord(address: u32, generation: u32): i32 {
  return isOutlet(address, generation) ? address + <u32>SERVED_OFFSET : STALE
}

/**
 * Before the reader sleeps: 0 when there is something to do (a record, or another ticket than `asked`), else the word to
 * wait for at the ring's bell.
 */
export function outletArm(address: u32, generation: u32, ring: u32, ringGeneration: u32, asked: u32): i32 {
  if (!isOutlet(address, generation)) return 0
  const word = ringArm(ring, ringGeneration)
  return load32(<usize>address + ASKED_OFFSET) == asked ? word : 0
}
