// A mutex and a condition on their own, shared by handle: what the rings of a connection have built in.
//
//   128   mutex u32
//   136   who waits for the lock       wait-set.ts
//   160   who waits for the condition
//
// It is one of Mesa's: a waiter that is woken takes the lock again, and looks again whether what it waited for is so.

import { load32 } from '../atomics'
import { INVALID, OUT_OF_MEMORY, STALE } from '../codes'
import { DEPARTURES_OFFSET, GRANULE_BYTES, KIND_MONITOR, KIND_OFFSET } from '../layout'
import { allocate, isKind, publish } from '../region/granules'
import { firstMember } from '../region/members'
import { isAlive, threadBell } from '../region/threads'
import { bellArm } from './bell'
import { mutexIsOf, mutexMayBeHad, mutexTry, mutexUnlock } from './mutex'
import { WAIT_SET_BYTES, signalAll, signalOne, waitSetEnter, waitSetHas, waitSetLeave } from './wait-set'

export const MONITOR_MUTEX_OFFSET: usize = 128
export const MONITOR_LOCKERS_OFFSET: usize = 136
export const MONITOR_WAITERS_OFFSET: usize = 160
if (MONITOR_WAITERS_OFFSET - MONITOR_LOCKERS_OFFSET < WAIT_SET_BYTES) ERROR('two wait sets overlap')

@inline function mutexOf(monitor: usize): usize { return monitor + MONITOR_MUTEX_OFFSET }
@inline function lockersOf(monitor: usize): usize { return monitor + MONITOR_LOCKERS_OFFSET }
@inline function waitersOf(monitor: usize): usize { return monitor + MONITOR_WAITERS_OFFSET }

/** 0, or what is wrong with the handle or the token. */
function fault(address: u32, generation: u32, token: u32): i32 {
  if (!isKind(address, generation, KIND_MONITOR)) return STALE
  return isAlive(token) ? 0 : INVALID
}

export function monitorCreate(token: u32): i32 {
  if (!isAlive(token)) return INVALID
  const address = allocate(1, token)
  if (address == 0) return OUT_OF_MEMORY
  memory.fill(<usize>address + 8, 0, GRANULE_BYTES - 8)
  store<u32>(<usize>address + KIND_OFFSET, KIND_MONITOR)
  firstMember(address, token)
  publish(address)
  return address
}

/** After the thread has become a member: see wait-set.ts. */
export function monitorEnter(address: u32, generation: u32, token: u32): i32 {
  const code = fault(address, generation, token)
  if (code != 0) return code
  waitSetLeave(lockersOf(address), token)
  signalOne(address, lockersOf(address))
  waitSetLeave(waitersOf(address), token)
  signalOne(address, waitersOf(address))
  return 0
}

/** OTHERS, LOCKED or INHERITED. */
export function monitorTry(address: u32, generation: u32, token: u32): i32 {
  const code = fault(address, generation, token)
  if (code != 0) return code
  const locked = mutexTry(mutexOf(address), token)
  if (locked != 0) waitSetLeave(lockersOf(address), token) // whether signalled or not: it unlocks, and signals then
  return locked
}

/** INVALID where the caller does not have the lock. */
export function monitorUnlock(address: u32, generation: u32, token: u32): i32 {
  const code = fault(address, generation, token)
  if (code != 0) return code
  if (!mutexIsOf(mutexOf(address), token)) return INVALID
  unlock(address)
  return 0
}

function unlock(monitor: usize): void {
  mutexUnlock(mutexOf(monitor))
  signalOne(<u32>monitor, lockersOf(monitor)) // after the store: pairs with the look in monitorArm
}

/** Before sleeping for the lock: 0 when it may be had, else the word to wait for at the bell. */
export function monitorArm(address: u32, generation: u32, token: u32): i32 {
  if (fault(address, generation, token) != 0) return 0
  const word = bellArm(threadBell(token))
  waitSetEnter(lockersOf(address), token)
  return mutexMayBeHad(mutexOf(address)) ? 0 : word
}

/** The thread does not wait for the lock any more. */
export function monitorLeave(address: u32, generation: u32, token: u32): i32 {
  const code = fault(address, generation, token)
  if (code != 0) return code
  if (!waitSetLeave(lockersOf(address), token)) signalOne(address, lockersOf(address))
  return 0
}

/** Unlocks, and waits for the condition from before that on: whoever signals when the lock is free does not miss it. */
export function monitorWait(address: u32, generation: u32, token: u32): i32 {
  const code = fault(address, generation, token)
  if (code != 0) return code
  if (!mutexIsOf(mutexOf(address), token)) return INVALID
  waitSetEnter(waitersOf(address), token)
  unlock(address)
  return 0
}

/**
 * Before sleeping for the condition: 0 when the thread has been signalled, or when somebody has gone since (whoever was signalled, perhaps);
 * it does not wait any more then, and must take the lock and look. Else the word to wait for at the bell. `departures`: as of before `monitorWait`.
 */
export function monitorAwait(address: u32, generation: u32, token: u32, departures: u32): i32 {
  if (fault(address, generation, token) != 0) return 0
  const word = bellArm(threadBell(token)) // before both looks: whoever takes the bit away afterwards rings
  if (!waitSetHas(waitersOf(address), token)) return 0
  if (load32(DEPARTURES_OFFSET) == departures) return word
  waitSetLeave(waitersOf(address), token)
  return 0
}

/** The wait is given up: 1. 0: the thread has been signalled, and must act on it or signal another. */
export function monitorCancel(address: u32, generation: u32, token: u32): i32 {
  const code = fault(address, generation, token)
  return code != 0 ? code : i32(waitSetLeave(waitersOf(address), token))
}

export function monitorSignal(address: u32, generation: u32): i32 {
  if (!isKind(address, generation, KIND_MONITOR)) return STALE
  signalOne(address, waitersOf(address))
  return 0
}

export function monitorBroadcast(address: u32, generation: u32): i32 {
  if (!isKind(address, generation, KIND_MONITOR)) return STALE
  signalAll(address, waitersOf(address))
  return 0
}
