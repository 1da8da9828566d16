// The read buffer of a lane: records from the daemon, for any number of consumers on any number of threads.
//
//   Daemon:    write the record -> IN_TAIL (publishes) ... once a turn: signal one consumer (tell.ts)
//   Consumer:  take:   lock; the oldest record, where it lies
//              taken:  IN_HEAD over it; unlock; hand on: signal one more if more is there, all if it is over
//              arm:    arm the bell, enter the wait set, look once more; sleep
//
// The seed has the producer take the consumers' lock before it tells them of the end. Here the daemon takes no lock at all: it serves
// thousands of connections and must wait for no consumer that was stopped with the lock in its hand. Its lock is there so that no consumer
// sleeps between its look and its wait, and arming before looking does that without one (wait-set.ts).
//
// Why nobody sleeps while there is something for it. A consumer sleeps when, after it has entered, it finds nothing and no end, or that
// another one, who lives, has the lock. Of the first: what is published afterwards signals one that waits, and an end signals all.
// Of the second: whoever has the lock hands on after it has unlocked, so after that look.
// What is there is drained before the end is told: the end is looked at first, and the tail afterwards, and who says that it is
// over has put all in before.
//
// Exactly once. The head is moved by one store, under the lock, over one record that was handed out. A consumer that is killed
// before that store leaves the record for the next one, who takes the lock over: it comes out once of all the consumers that live,
// though the dead one may have copied it, and even have acted on it. One that is killed after it has taken it with it.

import { load32, load64, store64 } from '../atomics'
import { EMPTY, ENDED, FULL, INVALID, OVERSIZE, STALE } from '../codes'
import { SCRATCH_BYTES, SCRATCH_DATA_OFFSET } from '../layout'
import { isAlive, scratchOf, threadBell } from '../region/threads'
import { CORRUPT } from '../sockets/codes'
import { bellArm } from '../sync/bell'
import { mutexIsOf, mutexMayBeHad, mutexTry, mutexUnlock } from '../sync/mutex'
import { signalAll, signalOne, waitSetEnter, waitSetLeave } from '../sync/wait-set'
import { BUSY } from './codes'
import { isOver, want } from './connection'
import {
  DAEMON_OFFSET, IN_BYTES_OFFSET, IN_DATA_OFFSET, IN_HEAD_OFFSET, IN_MUTEX_OFFSET, IN_TAIL_OFFSET, IN_TELL_OFFSET, IN_WAITERS_OFFSET,
  LONGEST_OFFSET, WANTS_CREDIT, isConnection, laneAt, recordBytes,
} from './descriptor'
import { OWED_TO_CONSUMERS, owe } from './owed'
import { NO_RECORD, recordAt, tellContent, writeRecord } from './records'

@inline function sizeOf(lane: usize): u32 { return load<u32>(lane + IN_BYTES_OFFSET) }
@inline function dataOf(connection: usize, lane: usize): usize { return connection + load<u32>(lane + IN_DATA_OFFSET) }

/** Why there is no such lane. */
@inline function noLane(address: u32, generation: u32): i32 { return isConnection(address, generation) ? INVALID : STALE }

/** Head first: where both are the same, there was nothing at the moment of the second load. */
@inline function isEmpty(lane: usize): bool {
  const head = load64(lane + IN_HEAD_OFFSET)
  return load64(lane + IN_TAIL_OFFSET) == head // pairs with the store in readPublish
}

// ---- consumers -------------------------------------------------------------------------------------------

/**
 * The oldest record: its bytes, and in the mailbox where they lie. The lock is held, until `laneTaken` or `lanePutBack`. Or EMPTY, BUSY
 * (another one has the lock), ENDED (and there is nothing left).
 */
export function laneTake(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const none = isOver(address) ? ENDED : EMPTY // before the tail: what came before the end is not missed
  if (isEmpty(lane)) return none
  if (mutexTry(lane + IN_MUTEX_OFFSET, token) == 0) return BUSY // inherited or not: the head says all
  const head = load64(lane + IN_HEAD_OFFSET)
  const waiting = load64(lane + IN_TAIL_OFFSET) - head
  const data = dataOf(address, lane)
  const length = waiting == 0 ? NO_RECORD : recordAt(data, sizeOf(lane), head, waiting)
  if (length == NO_RECORD) {
    release(address, lane)
    return waiting == 0 ? none : CORRUPT
  }
  // It does not wait any more. Whether it had been signalled is the same: it hands on after this record.
  waitSetLeave(lane + IN_WAITERS_OFFSET, token)
  tellContent(scratch, data, sizeOf(lane), head, length)
  return length
}

/** The record was copied: it is gone. */
export function laneTaken(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  if (!isAlive(token) || !mutexIsOf(lane + IN_MUTEX_OFFSET, token)) return INVALID
  const head = load64(lane + IN_HEAD_OFFSET)
  const length = recordAt(dataOf(address, lane), sizeOf(lane), head, load64(lane + IN_TAIL_OFFSET) - head)
  if (length == NO_RECORD) {
    release(address, lane)
    return CORRUPT
  }
  const next = head + recordBytes(length)
  store64(lane + IN_HEAD_OFFSET, next) // the bytes were read before; pairs with the loads in readRoom and isEmpty
  release(address, lane)
  // The daemon stores where it wants to be told, and then looks at the head.
  if (next >= load64(lane + IN_TELL_OFFSET)) want(address, WANTS_CREDIT)
  return 0
}

/** The record stays, for whoever comes next. */
export function lanePutBack(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  if (!isAlive(token) || !mutexIsOf(lane + IN_MUTEX_OFFSET, token)) return INVALID
  release(address, lane)
  return 0
}

function release(connection: usize, lane: usize): void {
  mutexUnlock(lane + IN_MUTEX_OFFSET)
  handOn(connection, lane) // after the store: pairs with the look in laneArm
}

/** More is there: one more is woken. Nothing is, nor will be: all who slept because of the lock are told. */
function handOn(connection: usize, lane: usize): void {
  if (!isEmpty(lane)) signalOne(<u32>connection, lane + IN_WAITERS_OFFSET)
  else if (isOver(connection)) signalAll(<u32>connection, lane + IN_WAITERS_OFFSET)
}

/**
 * Before sleeping: 0 when there is something to look at, else the word to wait for at the thread's bell. The thread waits from here on,
 * whatever it is answered, until it takes a record, is signalled, or leaves.
 */
export function laneArm(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0 || !isAlive(token)) return 0
  const word = bellArm(threadBell(token))
  waitSetEnter(lane + IN_WAITERS_OFFSET, token)
  const over = isOver(address)
  if (isEmpty(lane)) return over ? 0 : word
  return mutexMayBeHad(lane + IN_MUTEX_OFFSET) ? 0 : word
}

/** The wait is given up. What the thread was signalled for is another's now. */
export function laneLeave(address: u32, generation: u32, index: u32, token: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  if (!isAlive(token)) return INVALID
  if (!waitSetLeave(lane + IN_WAITERS_OFFSET, token)) handOn(address, lane)
  return 0
}

/** Bytes that wait to be read, lengths and padding among them. */
export function laneDepth(address: u32, generation: u32, index: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  const head = load64(lane + IN_HEAD_OFFSET)
  const waiting = load64(lane + IN_TAIL_OFFSET) - head
  // Between the two loads more may have come than there is room for at once.
  return min(<u32>min(waiting, <u64>i32.MAX_VALUE), sizeOf(lane))
}

// ---- the daemon ------------------------------------------------------------------------------------------

/** How many bytes there is room for; none where a consumer has written a head that cannot be. */
export function readRoom(lane: usize): u32 {
  const used = load64(lane + IN_TAIL_OFFSET) - load64(lane + IN_HEAD_OFFSET) // pairs with the store in laneTaken
  return used <= sizeOf(lane) ? sizeOf(lane) - <u32>used : 0
}

/** Appends one whole record. `false`: there is no room, and nothing has happened. */
export function readPut(connection: usize, lane: usize, from: usize, bytes: u32): bool {
  const room = readRoom(lane)
  if (bytes > room || recordBytes(bytes) > room) return false
  const tail = load64(lane + IN_TAIL_OFFSET)
  writeRecord(dataOf(connection, lane), sizeOf(lane), tail, from, bytes)
  readPublish(lane, tail + recordBytes(bytes))
  return true
}

/** The records up to `tail`, which were written to their place before, may be read. */
export function readPublish(lane: usize, tail: u64): void {
  store64(lane + IN_TAIL_OFFSET, tail) // pairs with the load in isEmpty
  owe(lane, OWED_TO_CONSUMERS)
}

/** One consumer; what else is there is handed on from one to the next. */
export function readTell(connection: usize, lane: usize): void {
  signalOne(<u32>connection, lane + IN_WAITERS_OFFSET)
}

/** After the status has become final. */
export function readEnd(connection: usize, lane: usize): void {
  signalAll(<u32>connection, lane + IN_WAITERS_OFFSET)
}

/** Puts a record of so many bytes, from the daemon's scratch: 0, FULL or OVERSIZE. Then `connectionTell`. */
export function lanePut(address: u32, generation: u32, index: u32, token: u32, bytes: u32): i32 {
  const lane = laneAt(address, generation, index)
  if (lane == 0) return noLane(address, generation)
  const scratch = scratchOf(token)
  if (scratch == 0 || load32(<usize>address + DAEMON_OFFSET) != token) return INVALID
  if (bytes > SCRATCH_BYTES || bytes > load<u32>(lane + LONGEST_OFFSET)) return OVERSIZE
  return readPut(address, lane, scratch + SCRATCH_DATA_OFFSET, bytes) ? 0 : FULL
}
