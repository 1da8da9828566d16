// Datagrams in a channel: each ring is a bipartite ring whose items are an address and a payload (docs/sockets.md). To write one is
// to claim its place, to put it there, and to commit; to read one is to unpack it, to use it where it lies, and to repack it.

import { load32, load64 } from '../atomics'
import { EMPTY, FULL, INVALID, OVERSIZE, STALE } from '../codes'
import { MAILBOX_SPAN_OFFSET } from '../layout'
import { scratchOf } from '../region/threads'
import {
  BAD_ITEM, NO_ITEM, bipartiteClaim, bipartiteEnqueue, bipartitePeek, bipartiteRepack, bipartiteUnpack, itemBytes, itemContent,
} from '../ring/bipartite'
import { GIVEN_OFFSET, TAIL_OFFSET } from '../ring/descriptor'
import { hasServer, tellClient, tellServer } from './channel'
import { CORRUPT, FAILED, GONE } from './codes'
import {
  ERROR_OFFSET, READABLE, SENT, SERVER_CLOSED, SERVER_FLAGS_OFFSET, TO_CLIENT, TO_SERVER, TYPE_DATAGRAM, WRITABLE, channelShape,
  cursorsOf, dataOf, longestOf, maskOf, typeOf,
} from './descriptor'

@inline function datagramShape(address: u32, generation: u32, ring: u32): u32 {
  const shape = channelShape(address, generation)
  return typeOf(shape) == TYPE_DATAGRAM && ring <= TO_CLIENT ? shape : 0
}

/** The client's calls fail where the socket has, or when nobody would hear. */
@inline function clientFault(channel: usize): i32 {
  // The server says why it has failed, and then that it has left: looked at in the other order.
  const hasLeft = (load32(channel + SERVER_FLAGS_OFFSET) & SERVER_CLOSED) != 0 || !hasServer(channel)
  if (load32(channel + ERROR_OFFSET) != 0) return FAILED
  return hasLeft ? GONE : 0
}

/** Where a datagram of so many bytes, its address among them, is to be put; or why it cannot. */
export function datagramClaim(address: u32, generation: u32, ring: u32, bytes: u32): i32 {
  const shape = datagramShape(address, generation, ring)
  if (shape == 0) return STALE
  const channel = <usize>address
  if (ring == TO_SERVER) {
    const fault = clientFault(channel)
    if (fault != 0) return fault
  }
  if (bytes > longestOf(shape, ring)) return OVERSIZE
  const item = bipartiteClaim(cursorsOf(channel, ring), dataOf(channel, shape, ring), maskOf(shape, ring), bytes)
  if (item == NO_ITEM) return FULL
  return item == BAD_ITEM ? CORRUPT : <i32>itemContent(item)
}

/**
 * The datagram is there; no more bytes than were claimed. The other side is told, unless the caller means to do so later, after more
 * of them (`datagramTell`).
 */
export function datagramCommit(address: u32, generation: u32, ring: u32, bytes: u32, tells: u32): i32 {
  const shape = datagramShape(address, generation, ring)
  if (shape == 0) return STALE
  const cursors = cursorsOf(address, ring)
  const data = dataOf(address, shape, ring)
  const mask = maskOf(shape, ring)
  if (bytes > longestOf(shape, ring) || bipartiteClaim(cursors, data, mask, bytes) <= BAD_ITEM) return INVALID
  bipartiteEnqueue(cursors, data, mask, bytes)
  if (tells != 0) tell(address, ring)
  return 0
}

export function datagramTell(address: u32, generation: u32, ring: u32): i32 {
  if (datagramShape(address, generation, ring) == 0) return STALE
  tell(address, ring)
  return 0
}

function tell(channel: usize, ring: u32): void {
  if (ring == TO_SERVER) tellServer(channel, SENT)
  else tellClient(channel, READABLE)
}

/** The place of the next datagram, which stays; its length is in the mailbox. Or EMPTY, or what is wrong. */
export function datagramPeek(address: u32, generation: u32, ring: u32, token: u32): i32 {
  return look(address, generation, ring, token, false)
}

/** The same, and it is in hand until it is given back. */
export function datagramUnpack(address: u32, generation: u32, ring: u32, token: u32): i32 {
  return look(address, generation, ring, token, true)
}

function look(address: u32, generation: u32, ring: u32, token: u32, takes: bool): i32 {
  const shape = datagramShape(address, generation, ring)
  if (shape == 0) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const cursors = cursorsOf(address, ring)
  const data = dataOf(address, shape, ring)
  const mask = maskOf(shape, ring)
  const longest = longestOf(shape, ring)
  let item = takes ? bipartiteUnpack(cursors, data, mask, longest) : bipartitePeek(cursors, data, mask, longest)
  if (item == NO_ITEM && ring == TO_CLIENT) {
    const fault = clientFault(address)
    // Looked at again: what came before the end is in the ring before the end is said.
    if (fault != 0) item = takes ? bipartiteUnpack(cursors, data, mask, longest) : bipartitePeek(cursors, data, mask, longest)
    if (item == NO_ITEM) return fault != 0 ? fault : EMPTY
  }
  if (item <= BAD_ITEM) return item == BAD_ITEM ? CORRUPT : EMPTY
  store<u32>(scratch + MAILBOX_SPAN_OFFSET, min(itemBytes(item), longest))
  return <i32>itemContent(item)
}

/**
 * Gives back the oldest `count` in hand. The other side may have waited for room; it is told when there is enough to be worth its
 * while. That comes, since what is in the ring goes on being taken out of it; who needs more than that looks, and waits again.
 */
export function datagramRepack(address: u32, generation: u32, ring: u32, count: u32): i32 {
  const shape = datagramShape(address, generation, ring)
  if (shape == 0) return STALE
  const cursors = cursorsOf(address, ring)
  const data = dataOf(address, shape, ring)
  let left = count
  while (left > 0 && bipartiteRepack(cursors, data, maskOf(shape, ring))) left--
  if (ring == TO_SERVER && isQuarterFree(cursors, maskOf(shape, ring))) tellClient(address, WRITABLE)
  return left == 0 ? 0 : INVALID
}

@inline function isQuarterFree(cursors: usize, mask: u32): bool {
  return load64(cursors + TAIL_OFFSET) - load64(cursors + GIVEN_OFFSET) <= <u64>mask - (mask >> 2)
}
