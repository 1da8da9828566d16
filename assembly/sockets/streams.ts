// Bytes in a channel, one stream ring each way. A side asks where it may write or read, which is at most two stretches, does so, and says how
// many bytes it was.

import { load32 } from '../atomics'
import { EMPTY, INVALID, STALE } from '../codes'
import { MAILBOX_SPAN_OFFSET } from '../layout'
import { scratchOf } from '../region/threads'
import { CORRUPT_BYTES } from '../ring/descriptor'
import {
  streamHead, streamPublish, streamRelease, streamRoom, streamTail, streamWaiting,
} from '../ring/stream'
import { hasHalf, hasServer, tellClient, tellServer } from './channel'
import { CORRUPT, ENDED_STREAM, FAILED, GONE } from './codes'
import {
  ERROR_OFFSET, READABLE, ROOM, SENT, SERVER_CLOSED, SERVER_ENDED, SERVER_FLAGS_OFFSET, SERVER_REFUSES, TO_CLIENT, TO_SERVER,
  TYPE_STREAM, WRITABLE, channelShape, cursorsOf, dataOf, maskOf, typeOf,
} from './descriptor'

@inline function streamShape(address: u32, generation: u32, ring: u32): u32 {
  const shape = channelShape(address, generation)
  return typeOf(shape) == TYPE_STREAM && ring <= TO_CLIENT ? shape : 0
}

/** Leaves in the mailbox where `bytes` lie that begin at `from`: the first stretch, its length, and where the second begins. */
function tellStretches(scratch: usize, data: usize, mask: u32, from: u32, bytes: u32): void {
  store<u32>(scratch + MAILBOX_SPAN_OFFSET, <u32>data + from)
  store<u32>(scratch + MAILBOX_SPAN_OFFSET, min(bytes, mask + 1 - from), 4)
  store<u32>(scratch + MAILBOX_SPAN_OFFSET, <u32>data, 8)
}

/** For how many bytes there is room, and in the mailbox where; 0: it is full. Or what is wrong. */
export function streamSpace(address: u32, generation: u32, ring: u32, token: u32): i32 {
  const shape = streamShape(address, generation, ring)
  if (shape == 0) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const channel = <usize>address
  if (ring == TO_SERVER) {
    const flags = load32(channel + SERVER_FLAGS_OFFSET)
    if (load32(channel + ERROR_OFFSET) != 0) return FAILED
    if (!hasServer(channel)) return GONE // before what it has said when it stopped
    if ((flags & (SERVER_REFUSES | SERVER_CLOSED)) != 0) return ENDED_STREAM
  }
  const mask = maskOf(shape, ring)
  const cursors = cursorsOf(channel, ring)
  const room = streamRoom(cursors, mask, false)
  if (room == CORRUPT_BYTES) return CORRUPT
  tellStretches(scratch, dataOf(channel, shape, ring), mask, streamTail(cursors, mask), room)
  return room
}

/** So many bytes were written there: the other side is told. */
export function streamCommit(address: u32, generation: u32, ring: u32, bytes: u32): i32 {
  const shape = streamShape(address, generation, ring)
  if (shape == 0) return STALE
  const cursors = cursorsOf(address, ring)
  const room = streamRoom(cursors, maskOf(shape, ring), false)
  if (room == CORRUPT_BYTES || bytes > room) return INVALID
  if (bytes == 0) return 0
  streamPublish(cursors, bytes)
  if (ring == TO_SERVER) tellServer(address, SENT)
  else tellClient(address, READABLE)
  return 0
}

/** How many bytes there are behind the first `skipped`, and in the mailbox where. Or EMPTY, or that there will be none. */
export function streamBytes(address: u32, generation: u32, ring: u32, token: u32, skipped: u32): i32 {
  const shape = streamShape(address, generation, ring)
  if (shape == 0) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const channel = <usize>address
  const mask = maskOf(shape, ring)
  const cursors = cursorsOf(channel, ring)
  let waiting = streamWaiting(cursors, mask)
  if (waiting == 0 && ring == TO_CLIENT) {
    const end = endOf(channel)
    // Looked at again: what came before the end is in the ring before the end is said.
    waiting = streamWaiting(cursors, mask)
    if (waiting == 0) return end
  }
  if (waiting == CORRUPT_BYTES) return CORRUPT
  if (waiting <= skipped) return EMPTY
  tellStretches(scratch, dataOf(channel, shape, ring), mask, streamHead(cursors, mask, skipped), waiting - skipped)
  return waiting - skipped
}

/**
 * Why there will be nothing more, or EMPTY. The server says that the peer has ended, why it has failed, and that it has left, in this order:
 * they are looked at in the other one, so that nobody hears of the last and not of what was said before it.
 */
function endOf(channel: usize): i32 {
  const hasLeft = (load32(channel + SERVER_FLAGS_OFFSET) & SERVER_CLOSED) != 0 || !hasServer(channel)
  const hasFailed = load32(channel + ERROR_OFFSET) != 0
  if ((load32(channel + SERVER_FLAGS_OFFSET) & SERVER_ENDED) != 0) return ENDED_STREAM
  if (hasFailed) return FAILED
  return hasLeft ? GONE : EMPTY
}

/** The first `bytes` are done with. The other side is told when there is room enough to be worth its while. */
export function streamDone(address: u32, generation: u32, ring: u32, bytes: u32): i32 {
  const shape = streamShape(address, generation, ring)
  if (shape == 0) return STALE
  const mask = maskOf(shape, ring)
  const cursors = cursorsOf(address, ring)
  const waiting = streamWaiting(cursors, mask)
  if (waiting == CORRUPT_BYTES || bytes > waiting) return INVALID
  streamRelease(cursors, bytes)
  // Room as both sides reckon it: pairs with the looks in channelServe and hasRoom.
  if (ring == TO_CLIENT) {
    if (hasHalf(address, shape)) tellServer(address, ROOM)
  } else if (mask + 1 - (waiting - bytes) > mask >> 2) tellClient(address, WRITABLE)
  return 0
}
