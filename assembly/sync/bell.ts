// The signal: one word by which readers sleep and the writer wakes them.
//
//   31                        1   0
//  ┌────────────────────────────┬───┐
//  │ rings so far               │ A │   A: somebody sleeps, or is about to
//  └────────────────────────────┴───┘
//
// Sleeper:  arm (set A, remember the word) -> look again -> wait while the word is what was remembered.
// Ringer:   publish -> load the word -> if A: add 1 by CAS (A becomes 0, the count goes up) -> wake all.
//
// No wake-up is lost: arming and publishing are both atomic writes followed by an atomic load of the other's word,
// so at least one of the two sees the other. If the sleeper sees the record it does not sleep; if the ringer
// sees A it changes the word, and a wait for the old value returns at once or is woken.
// One wake-up for each sleep: the first ring takes A away, so further records cost one load. A ringer whose CAS fails
// needs no second try: the word changes from armed only by another ring. A sleeper that found something leaves A
// set; that costs one ring with nobody there.

import { cas32, load32, or32, wakeAll } from '../atomics'

/** Answers the word to wait for, never 0. Look once more before waiting. */
@inline export function bellArm(bell: usize): u32 {
  return or32(bell, 1) | 1
}

@inline export function bellRing(bell: usize): void {
  const word = load32(bell) // pairs with the `or` in bellArm
  if ((word & 1) != 0) ring(bell, word)
}

function ring(bell: usize, word: u32): void {
  if (cas32(bell, word, word + 1) == word) wakeAll(bell)
}

/**
 * Wakes also who does not seem to sleep: a thread that was stopped between the two steps of its ring has taken A away and
 * woken nobody. For what is rare and must not be missed.
 */
export function bellWake(bell: usize): void {
  const word = load32(bell)
  if ((word & 1) != 0) cas32(bell, word, word + 1)
  wakeAll(bell)
}
