// The condition variable: who waits for something, a bit for each thread slot, and where the next search begins.
//
//   0   bits: 4 × u32     set by the thread of the slot; taken away by it, or by whoever signals it
//   16  next: u32         the slot after the one that was signalled last: a hint, so that each gets its turn
//
// Waiter:    arm the bell, enter (set the bit) -> look -> sleep at the bell of its thread.
// Signaller: publish -> take one bit away -> ring the bell of that slot.
//
// No wake-up is lost: entering and publishing are atomic writes, each followed by an atomic load of what the other wrote, so the
// waiter sees what was published, or the signaller sees the bit. The bell is armed before the bit is set, so whoever takes the bit
// away finds the bell armed, or rung since. No lock is needed for that on either side.
// A signal is taken by one thread, which therefore owes it to the others: it uses it, or hands it on. That is why `waitSetLeave` says
// whether the bit was still there. One that dies with it is told of by `depart`, which rings every bell: all look again.
// A bit whose slot is not that of a living member is left where it is and wakes nobody. Where the slot gets a new owner, and that one
// becomes a member, the stale bit would swallow one signal: so a thread that has become a member takes its bit away before
// anything else, and signals once. (If the bit was taken between the two steps, that signal is the one that was swallowed;
// if it dies between them, `depart` rings.)

import { and32, load32, or32, store32 } from '../atomics'
import { MAX_THREADS } from '../layout'
import { memberOf } from '../region/members'
import { isGone, slotOf, threadBell } from '../region/threads'
import { bellRing } from './bell'

const WORDS: u32 = MAX_THREADS >> 5
const NEXT_OFFSET: usize = 16
export const WAIT_SET_BYTES: usize = 24

@inline function wordAt(set: usize, slot: u32): usize { return set + (<usize>(slot >> 5) << 2) }
@inline function bitOf(slot: u32): u32 { return <u32>1 << (slot & 31) }

/** After the bell was armed. Look once more before sleeping. */
@inline export function waitSetEnter(set: usize, token: u32): void {
  or32(wordAt(set, slotOf(token)), bitOf(slotOf(token)))
}

@inline export function waitSetHas(set: usize, token: u32): bool {
  return (load32(wordAt(set, slotOf(token))) & bitOf(slotOf(token))) != 0
}

/** Whether the thread still waited. `false`: it never did, or has been signalled, and if it does not want that it must hand it on. */
export function waitSetLeave(set: usize, token: u32): bool {
  return waitSetHas(set, token) && takeBit(wordAt(set, slotOf(token)), bitOf(slotOf(token)))
}

/** Of two who would take it, one does. */
@inline function takeBit(word: usize, bit: u32): bool { return (and32(word, ~bit) & bit) != 0 }

/** After something was published for whoever comes first. */
export function signalOne(object: u32, set: usize): void {
  const from = load32(set + NEXT_OFFSET) & (MAX_THREADS - 1)
  const ahead = ~<u32>0 << (from & 31)
  // The word that it begins in comes twice: first for what lies ahead in it, last for the rest.
  for (let i: u32 = 0; i <= WORDS; i++) {
    const first = (from + (i << 5)) & (MAX_THREADS - 1) & ~31
    let bits = load32(wordAt(set, first)) // pairs with the `or` in waitSetEnter
    if (i == 0) bits &= ahead
    if (i == WORDS) bits &= ~ahead
    for (; bits != 0; bits &= bits - 1) {
      const slot = first + ctz(bits)
      if (!wake(object, set, slot)) continue
      store32(set + NEXT_OFFSET, slot + 1)
      return
    }
  }
}

/** After something was published that concerns everybody. */
export function signalAll(object: u32, set: usize): void {
  for (let first: u32 = 0; first < MAX_THREADS; first += 32) {
    for (let bits = load32(wordAt(set, first)); bits != 0; bits &= bits - 1) wake(object, set, first + ctz(bits))
  }
}

/** Whether a living member waited there, and is woken by us. */
function wake(object: u32, set: usize, slot: u32): bool {
  const member = memberOf(object, slot)
  if (member == 0 || isGone(member)) return false
  if (!takeBit(wordAt(set, slot), bitOf(slot))) return false
  bellRing(threadBell(member))
  return true
}
