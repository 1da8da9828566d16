// The send buffer of a lane: records of any number of senders, for the daemon.
//
//   Sender:  claim:  lock; room for the record, where it goes
//            commit: its length -> OUT_TAIL (publishes); unlock; signal one who waits for the lock; tell the daemon
//            arm:    arm the bell, enter, look once more; sleep
//   Daemon:  reads from OUT_HEAD to OUT_TAIL; what needs no repeating is freed: OUT_HEAD ... once a turn: signal all who wait for
//            room (tell.ts)
//
// Two wait sets, because the two waits end differently. Room of any size may be enough for one sender and not for another: if one
// were signalled who needs more, it would have to hand on, and those who need more would wake each other for ever. So whoever frees
// signals all. The lock is good for anyone: unlocking signals one, who unlocks in its turn, whether there was room for it or not.
// Why nobody sleeps for ever: a sender enters, then looks; the daemon stores the head, then looks who is in; whoever unlocks, does the same
// (wait-set.ts).
// A sender that is killed before it has stored the tail leaves nothing: the next one takes the lock over and writes over it. One
// that is killed after it, before the daemon was told, has sent: the daemon looks at all connections when a thread has gone.

import { load32, load64, store64 } from '../atomics'
import { EMPTY, ENDED, FULL, INVALID, OVERSIZE, STALE } from '../codes'
import { isAlive, scratchOf, threadBell } from '../region/threads'
import { CORRUPT } from '../sockets/codes'
import { bellArm } from '../sync/bell'
import { mutexIsOf, mutexMayBeHad, mutexTry, mutexUnlock } from '../sync/mutex'
import { signalAll, signalOne, waitSetEnter, waitSetLeave } from '../sync/wait-set'
import { BUSY } from './codes'
import { isOver, want } from './connection'
import {
  DAEMON_OFFSET, LONGEST_OFFSET, OUT_BYTES_OFFSET, OUT_DATA_OFFSET, OUT_HEAD_OFFSET, OUT_LOCKERS_OFFSET, OUT_MUTEX_OFFSET, OUT_TAIL_OFFSET,
  OUT_WAITERS_OFFSET, WANTS_SEND, isConnection, laneAt, recordBytes,
} from './descriptor'
import { OWED_TO_SENDERS, owe } from './owed'
import { NO_RECORD, clearPadding, placeOf, recordAt, tellContent } from './records'

/** Instead of a number of bytes: until all that was sent has been freed. */
export const ALL_FREED: u32 = 0xffffffff

@inline function sizeOf(lane: usize): u32 { return load<u32>(lane + OUT_BYTES_OFFSET) }
@inline function dataOf(connection: usize, lane: usize): usize { return connection + load<u32>(lane + OUT_DATA_OFFSET) }
@inline function noLane(address: u32, generation: u32): i32 { return isConnection(address, generation) ? INVALID : STALE }

@inline function isOversize(lane: usize, bytes: u32): bool {
  return bytes > load<u32>(lane + LONGEST_OFFSET) || bytes > sizeOf(lane) - 4
}

/** Bytes between head and tail; more than the size where they cannot be. Head first: tail is not behind it later. */
@inline function usedOf(lane: usize): u64 {
  const head = load64(lane + OUT_HEAD_OFFSET) // pairs with the store in sendFreed
  return load64(lane + OUT_TAIL_OFFSET) - head // pairs with the store in laneCommit
}

@inline function hasRoom(lane: usize, bytes: u32): bool {
  const used = usedOf(lane)
  // Where another's bytes came and went between the two loads it seems too full, and the head has moved: look again.
  return used > sizeOf(lane) || sizeOf(lane) - <u32>used >= recordBytes(bytes)
}

// ---- senders ---------------------------------------------------------------------------------------------

/**
 * Room for a record of so many bytes: 0, and in the mailbox where they go. The lock is held, until `laneCommit` or `laneAbort`.
 * Or FULL, BUSY, OVERSIZE, ENDED.
 */
export function laneClaim(address: u32, generation: u32, index: u32, token: u32, bytes: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  if (isOversize(lane, bytes)) return OVERSIZE
  if (isOver(address)) return ENDED
  if (mutexTry(lane + OUT_MUTEX_OFFSET, token) == 0) return BUSY // inherited or not: the tail says all
  const used = usedOf(lane)
  const isCorrupt = used > sizeOf(lane)
  if (isCorrupt || sizeOf(lane) - <u32>used < recordBytes(bytes)) {
    // It does not wait for the lock any more, and if it had been signalled for it, that is handed on.
    waitSetLeave(lane + OUT_LOCKERS_OFFSET, token)
    release(address, lane)
    return isCorrupt ? CORRUPT : FULL
  }
  waitSetLeave(lane + OUT_WAITERS_OFFSET, token)
  waitSetLeave(lane + OUT_LOCKERS_OFFSET, token)
  tellContent(scratch, dataOf(address, lane), sizeOf(lane), load64(lane + OUT_TAIL_OFFSET), bytes)
  return 0
}

/** The content is in its place: the record is the daemon's. No longer than what was claimed. */
export function laneCommit(address: u32, generation: u32, index: u32, token: u32, bytes: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  if (!isAlive(token) || !mutexIsOf(lane + OUT_MUTEX_OFFSET, token)) return INVALID
  const used = usedOf(lane)
  if (isOversize(lane, bytes) || used > sizeOf(lane) || sizeOf(lane) - <u32>used < recordBytes(bytes)) return INVALID
  const tail = load64(lane + OUT_TAIL_OFFSET)
  store<u32>(dataOf(address, lane) + placeOf(tail, sizeOf(lane)), bytes)
  clearPadding(dataOf(address, lane), sizeOf(lane), tail, bytes)
  store64(lane + OUT_TAIL_OFFSET, tail + recordBytes(bytes)) // publishes
  release(address, lane)
  want(address, WANTS_SEND)
  return 0
}

/** Nothing is sent. */
export function laneAbort(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  if (!isAlive(token) || !mutexIsOf(lane + OUT_MUTEX_OFFSET, token)) return INVALID
  release(address, lane)
  return 0
}

function release(connection: usize, lane: usize): void {
  mutexUnlock(lane + OUT_MUTEX_OFFSET)
  signalOne(<u32>connection, lane + OUT_LOCKERS_OFFSET) // after the store: pairs with the look in laneSendArm
}

/**
 * Before sleeping: 0 when there is something to look at, else the word to wait for at the thread's bell: until there is room for `bytes`
 * and nobody in the way, or with ALL_FREED until nothing is left. The thread waits from here on, until it has claimed, or leaves.
 */
export function laneSendArm(address: u32, generation: u32, index: u32, token: u32, bytes: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0 || !isAlive(token)) return 0
  const word = bellArm(threadBell(token))
  waitSetEnter(lane + OUT_WAITERS_OFFSET, token)
  if (isOver(address)) return 0
  if (bytes == ALL_FREED) return usedOf(lane) == 0 ? 0 : word
  if (isOversize(lane, bytes)) return 0
  if (!hasRoom(lane, bytes)) return word
  waitSetEnter(lane + OUT_LOCKERS_OFFSET, token)
  return mutexMayBeHad(lane + OUT_MUTEX_OFFSET) ? 0 : word
}

/** The wait is given up. If the thread was signalled for the lock, another is now. */
export function laneSendLeave(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  if (!isAlive(token)) return INVALID
  waitSetLeave(lane + OUT_WAITERS_OFFSET, token)
  if (!waitSetLeave(lane + OUT_LOCKERS_OFFSET, token)) signalOne(address, lane + OUT_LOCKERS_OFFSET)
  return 0
}

/** Bytes that were sent and not freed, lengths and padding among them. */
export function laneBacklog(address: u32, generation: u32, index: u32): i32 {
  const lane = laneAt(address, generation, index)
  return lane == 0 ? noLane(address, generation) : <i32>min(usedOf(lane), <u64>sizeOf(lane))
}

// ---- the daemon ------------------------------------------------------------------------------------------

/** What lies below `head` is not needed any more. */
export function sendFreed(lane: usize, head: u64): void {
  store64(lane + OUT_HEAD_OFFSET, head) // pairs with the load in usedOf
  owe(lane, OWED_TO_SENDERS)
}

export function sendTell(connection: usize, lane: usize): void {
  signalAll(<u32>connection, lane + OUT_WAITERS_OFFSET)
}

/** After the status has become final. */
export function sendEnd(connection: usize, lane: usize): void {
  signalAll(<u32>connection, lane + OUT_WAITERS_OFFSET)
  signalAll(<u32>connection, lane + OUT_LOCKERS_OFFSET)
}

/** Of the daemon, for a lane that needs no machine: the oldest record's bytes, and in the mailbox where they lie; or EMPTY. */
export function laneOldest(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  const scratch = scratchOf(token)
  if (scratch == 0 || load32(<usize>address + DAEMON_OFFSET) != token) return INVALID
  const head = load64(lane + OUT_HEAD_OFFSET)
  const waiting = usedOf(lane)
  if (waiting == 0) return EMPTY
  const length = recordAt(dataOf(address, lane), sizeOf(lane), head, waiting)
  if (length == NO_RECORD) return CORRUPT
  tellContent(scratch, dataOf(address, lane), sizeOf(lane), head, length)
  return length
}

/** Of the daemon: the oldest record is done with. Then `connectionTell`. */
export function laneFree(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  if (!isAlive(token) || load32(<usize>address + DAEMON_OFFSET) != token) return INVALID
  const waiting = usedOf(lane)
  if (waiting == 0) return EMPTY
  const head = load64(lane + OUT_HEAD_OFFSET)
  const length = recordAt(dataOf(address, lane), sizeOf(lane), head, waiting)
  if (length == NO_RECORD) return CORRUPT
  sendFreed(lane, head + recordBytes(length))
  return 0
}
