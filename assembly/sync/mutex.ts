// The robust mutex: one word, 0 while it is free, else the token of the thread that has it.
//
// Why no two threads have it. The word goes from 0 to a token, and from one token to another, by compare-and-swap; back to 0 only by
// the thread whose token it is. It passes from one token to another only where the first one's thread is *proved* to have stopped
// (its token is no longer that of its slot: region/threads.ts), so none of its code can run inside any more, nor come back; tokens
// are not given twice, so the word cannot stand for somebody else by then.
// Why a death stops nobody. Whoever finds the word tries the owner's life, and takes the word over. Those who sleep are woken by
// `depart`, which is called after the proof, and look again. What the dead thread has left half done is for the new owner, who is
// told (INHERITED), to put in order; who moves what it guards by one store has nothing to put in order.
// A thread that has ended without proof (Deno) keeps it: nobody may be let in while its code may still run.

import { cas32, load32, store32 } from '../atomics'
import { isAlive } from '../region/threads'

export const OTHERS: i32 = 0 //    somebody else has it
export const LOCKED: i32 = 1
export const INHERITED: i32 = 2 // locked, and the owner before has died with it

export function mutexTry(mutex: usize, token: u32): i32 {
  const owner = cas32(mutex, 0, token) // pairs with the store in mutexUnlock
  if (owner == 0) return LOCKED
  if (isAlive(owner)) return OTHERS
  return cas32(mutex, owner, token) == owner ? INHERITED : OTHERS
}

/** By its owner. What it did inside is seen by the next one: this store comes after it. */
@inline export function mutexUnlock(mutex: usize): void { store32(mutex, 0) }

@inline export function mutexIsOf(mutex: usize, token: u32): bool { return load32(mutex) == token }

/** Whether a try may succeed: it is free, or its owner has died. */
export function mutexMayBeHad(mutex: usize): bool {
  const owner = load32(mutex)
  return owner == 0 || !isAlive(owner)
}
