// The channel of one socket: questions and answers, flags, what each side waits for. The bytes are in datagrams.ts and streams.ts.
//
// A question is text that the client writes and then publishes by counting `asked` up; the answer is text that the server
// writes and then publishes by making `answered` equal. There is one at a time, so neither text is written while it is read.
// Flags are only ever added. Whatever a side writes, it writes first, and tells the other after it (events.ts).

import { cas32, load32, load64, or32, store32, swap32 } from '../atomics'
import { EMPTY, INVALID, OUT_OF_MEMORY, STALE } from '../codes'
import { GRANULE_BYTES, KIND_CHANNEL, KIND_OFFSET } from '../layout'
import { allocate, publish } from '../region/granules'
import { firstMember } from '../region/members'
import { isAlive, threadBell } from '../region/threads'
import { bipartiteAvailable, bipartiteClaim, NO_ITEM } from '../ring/bipartite'
import { GIVEN_OFFSET, TAIL_OFFSET } from '../ring/descriptor'
import { streamRoom, streamWaiting } from '../ring/stream'
import { bellArm, bellRing } from '../sync/bell'
import { CORRUPT, FAILED, GONE } from './codes'
import {
  ANSWERED, ANSWERED_BYTES_OFFSET, ANSWERED_OFFSET, ASKED_BYTES_OFFSET, ASKED_OFFSET, CHANNEL_DATA_OFFSET, CHANNEL_INDEX_OFFSET,
  CLIENT_FLAGS_OFFSET, CLIENT_SHUT_READ, CLIENT_WAITS_OFFSET, ERROR_OFFSET, HUB_ADDRESS_OFFSET, HUB_GENERATION_OFFSET,
  OWNER_OFFSET, PENDING_OFFSET, READABLE, ROOM, SEEN_FLAGS_OFFSET, SENT, SERVER_CLOSED, SERVER_ENDED, SERVER_FLAGS_OFFSET,
  SERVER_REFUSES, SERVER_WAITS_OFFSET, SHAPE_OFFSET, TAKEN_OFFSET, TEXT_BYTES, TO_CLIENT, TO_SERVER, TYPE_DATAGRAM,
  TYPE_LISTENER, VERSION_OFFSET, WORK, WRITABLE, channelBytes, channelShape, cursorsOf, dataOf, granulesFor, isHub, isShape,
  longestOf, maskOf, typeOf,
} from './descriptor'
import { block, notify, unblock } from './events'
import { isServed, mark } from './hub'

/** What a client is told whether or not it waits for it. (Who waits for nothing else waits for FAULT.) */
export const FAULT: u32 = 8 //  the socket has failed: see the error
export const HUNG: u32 = 16 //  there is no socket behind it any more
export const LOST: u32 = 32 //  there is no server any more

const FOR_CLIENT: u32 = READABLE | WRITABLE | ANSWERED | FAULT
const FOR_SERVER: u32 = WORK | SENT | ROOM

/** A channel that the calling thread owns, in a hub that it is a member of. Its address, or why not. */
export function channelCreate(token: u32, hub: u32, hubGeneration: u32, version: u32, shape: u32): i32 {
  if (!isHub(hub, hubGeneration)) return STALE
  if (!isAlive(token) || !isShape(shape)) return INVALID
  const address = allocate(granulesFor(channelBytes(shape)), token)
  if (address == 0) return OUT_OF_MEMORY
  const channel = <usize>address
  memory.fill(channel + 8, 0, GRANULE_BYTES - 8)
  store<u32>(channel + VERSION_OFFSET, version)
  store<u32>(channel + SHAPE_OFFSET, shape)
  store<u32>(channel + OWNER_OFFSET, token)
  store<u32>(channel + HUB_ADDRESS_OFFSET, hub)
  store<u32>(channel + HUB_GENERATION_OFFSET, hubGeneration)
  store<u32>(channel + SERVER_WAITS_OFFSET, FOR_SERVER) // the server does not know of it yet: the first word is news
  store<u32>(channel + KIND_OFFSET, KIND_CHANNEL)
  firstMember(address, token)
  publish(address)
  return address
}
if (CHANNEL_DATA_OFFSET > GRANULE_BYTES) ERROR('the words of a channel are longer than a granule')

/** Where its memory ends. */
export function channelEnd(address: u32, generation: u32): i32 {
  const shape = channelShape(address, generation)
  return shape == 0 ? STALE : address + channelBytes(shape)
}

export function hasServer(channel: usize): bool {
  const hub = load<u32>(channel + HUB_ADDRESS_OFFSET)
  return isHub(hub, load<u32>(channel + HUB_GENERATION_OFFSET)) && isServed(hub)
}

/** After something was published for the client. */
export function tellClient(channel: usize, bits: u32): void {
  if (notify(channel + CLIENT_WAITS_OFFSET, bits)) bellRing(threadBell(load32(channel + OWNER_OFFSET)))
}

/** After something was published for the server. */
export function tellServer(channel: usize, bits: u32): void {
  if (notify(channel + SERVER_WAITS_OFFSET, bits)) markServer(channel)
}

function markServer(channel: usize): void {
  const hub = load<u32>(channel + HUB_ADDRESS_OFFSET)
  if (isHub(hub, load<u32>(channel + HUB_GENERATION_OFFSET))) mark(hub, load<u32>(channel + CHANNEL_INDEX_OFFSET))
}

// ---- questions and answers -----------------------------------------------------------------------------

/** Asks what stands in the question's text. One at a time. */
export function channelAsk(address: u32, generation: u32, bytes: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  const channel = <usize>address
  const asked = load32(channel + ASKED_OFFSET)
  if (bytes > TEXT_BYTES || asked != load32(channel + ANSWERED_OFFSET)) return INVALID
  store<u32>(channel + ASKED_BYTES_OFFSET, bytes)
  store32(channel + ASKED_OFFSET, asked + 1) // pairs with the loads in channelQuestion and channelServe
  tellServer(channel, WORK)
  return 0
}

/** The server takes up the question: its bytes, or EMPTY when there is none that it has not. */
export function channelQuestion(address: u32, generation: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  const channel = <usize>address
  const asked = load32(channel + ASKED_OFFSET) // pairs with the store in channelAsk
  if (asked == load32(channel + TAKEN_OFFSET)) return EMPTY
  store32(channel + TAKEN_OFFSET, asked)
  const bytes = load<u32>(channel + ASKED_BYTES_OFFSET)
  return bytes <= TEXT_BYTES ? bytes : CORRUPT
}

/** The answer's text is there. */
export function channelAnswer(address: u32, generation: u32, bytes: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  if (bytes > TEXT_BYTES) return INVALID
  const channel = <usize>address
  store<u32>(channel + ANSWERED_BYTES_OFFSET, bytes)
  store32(channel + ANSWERED_OFFSET, load32(channel + TAKEN_OFFSET)) // pairs with the loads in channelAnswered and readyBits
  tellClient(channel, ANSWERED)
  return 0
}

/** Bytes of the answer, or EMPTY while there is none, or FAILED or GONE: there will be none. */
export function channelAnswered(address: u32, generation: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  const channel = <usize>address
  const asked = load32(channel + ASKED_OFFSET)
  // These first: what the server answers before it leaves, or stops, is not missed.
  const hasLeft = (load32(channel + SERVER_FLAGS_OFFSET) & SERVER_CLOSED) != 0
  const isServed = hasServer(channel)
  if (load32(channel + ANSWERED_OFFSET) != asked) {
    if (!hasLeft) return isServed ? EMPTY : GONE
    return load32(channel + ERROR_OFFSET) != 0 ? FAILED : GONE
  }
  const bytes = load<u32>(channel + ANSWERED_BYTES_OFFSET)
  return bytes <= TEXT_BYTES ? bytes : CORRUPT
}

// ---- flags, errors -------------------------------------------------------------------------------------

export function clientSays(address: u32, generation: u32, flags: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  or32(<usize>address + CLIENT_FLAGS_OFFSET, flags)
  tellServer(address, WORK)
  return 0
}

/** The client's flags, which the server knows from here on. */
export function serverHears(address: u32, generation: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  const flags = load32(<usize>address + CLIENT_FLAGS_OFFSET)
  store32(<usize>address + SEEN_FLAGS_OFFSET, flags)
  return flags & 0xff
}

export function serverSays(address: u32, generation: u32, flags: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  or32(<usize>address + SERVER_FLAGS_OFFSET, flags)
  tellClient(address, FOR_CLIENT)
  return 0
}

export function clientHears(address: u32, generation: u32): i32 {
  return channelShape(address, generation) == 0 ? STALE : load32(<usize>address + SERVER_FLAGS_OFFSET) & 0xff
}

/** The socket has failed. The first error stays until it is taken. */
export function serverFails(address: u32, generation: u32, error: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  cas32(<usize>address + ERROR_OFFSET, 0, error)
  tellClient(address, FOR_CLIENT)
  return 0
}

/** The error, which is none from here on: `SO_ERROR`. */
export function channelTakeError(address: u32, generation: u32): i32 {
  return channelShape(address, generation) == 0 ? STALE : swap32(<usize>address + ERROR_OFFSET, 0) & 0xffff
}

/** So many connections wait to be accepted. */
export function serverPends(address: u32, generation: u32, count: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  store32(<usize>address + PENDING_OFFSET, count)
  tellClient(address, READABLE)
  return 0
}

// ---- waiting: the client ---------------------------------------------------------------------------------

@inline function hasRoom(channel: usize, shape: u32, need: u32): bool {
  const ring = cursorsOf(channel, TO_SERVER)
  const mask = maskOf(shape, TO_SERVER)
  if (typeOf(shape) == TYPE_DATAGRAM) {
    const bytes = need == 0 ? longestOf(shape, TO_SERVER) >> 2 : min(need, longestOf(shape, TO_SERVER))
    return bipartiteClaim(ring, dataOf(channel, shape, TO_SERVER), mask, bytes) != NO_ITEM
  }
  return streamRoom(ring, mask, true) > mask >> 2
}

@inline function hasBytes(channel: usize, shape: u32): bool {
  const type = typeOf(shape)
  if (type == TYPE_LISTENER) return load32(channel + PENDING_OFFSET) != 0
  const ring = cursorsOf(channel, TO_CLIENT)
  const mask = maskOf(shape, TO_CLIENT)
  return (type == TYPE_DATAGRAM ? bipartiteAvailable(ring, mask) : streamWaiting(ring, mask)) != 0
}

/** What of `bits` is there, and what is told unasked. */
function readyBits(channel: usize, shape: u32, bits: u32, need: u32): u32 {
  const flags = load32(channel + SERVER_FLAGS_OFFSET)
  let ready: u32 = 0
  if ((bits & READABLE) != 0) {
    const ended = (flags & SERVER_ENDED) != 0 || (load32(channel + CLIENT_FLAGS_OFFSET) & CLIENT_SHUT_READ) != 0
    if (ended || hasBytes(channel, shape)) ready |= READABLE
  }
  if ((bits & WRITABLE) != 0 && ((flags & SERVER_REFUSES) != 0 || hasRoom(channel, shape, need))) ready |= WRITABLE
  if ((bits & ANSWERED) != 0 && load32(channel + ANSWERED_OFFSET) == load32(channel + ASKED_OFFSET)) ready |= ANSWERED
  // Whoever waits for an answer only gets one, whatever else has failed: an error would wake it again and again.
  if (bits != ANSWERED && load32(channel + ERROR_OFFSET) != 0) ready |= FAULT
  if ((flags & SERVER_CLOSED) != 0) ready |= HUNG
  return hasServer(channel) ? ready : ready | LOST
}

/** What of `bits` the client would not have to wait for. `need`: bytes of the datagram that is to be sent, 0: any. */
export function channelReady(address: u32, generation: u32, bits: u32, need: u32): i32 {
  const shape = channelShape(address, generation)
  return shape == 0 ? STALE : readyBits(address, shape, bits, need)
}

/**
 * Before the client sleeps: 0 when one of `bits` is there, or will never be; else the word to wait for at its bell. Who blocks at
 * several channels waits for the word of the *first*: one that was told meanwhile has changed it.
 */
export function channelBlock(address: u32, generation: u32, token: u32, bits: u32, need: u32): i32 {
  const shape = channelShape(address, generation)
  if (shape == 0 || !isAlive(token)) return 0
  const word = bellArm(threadBell(token))
  block(<usize>address + CLIENT_WAITS_OFFSET, bits) // pairs with the load in tellClient
  return readyBits(address, shape, bits, need) == 0 ? word : 0
}

/** The wait was given up. */
export function channelUnblock(address: u32, generation: u32, bits: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  unblock(<usize>address + CLIENT_WAITS_OFFSET, bits)
  return 0
}

/** It has come from thread `from` to another, which is woken for it from here on. INVALID when it was not that one's. */
export function channelOwn(address: u32, generation: u32, from: u32, token: u32): i32 {
  if (channelShape(address, generation) == 0) return STALE
  return isAlive(token) && cas32(<usize>address + OWNER_OFFSET, from, token) == from ? 0 : INVALID
}

// ---- waiting: the server ---------------------------------------------------------------------------------

/**
 * The server has done what there was. Answers which of `bits` is there nevertheless; 0: none, and it will be told of the next.
 */
export function channelServe(address: u32, generation: u32, bits: u32): i32 {
  const shape = channelShape(address, generation)
  if (shape == 0) return STALE
  const channel = <usize>address
  block(channel + SERVER_WAITS_OFFSET, bits) // pairs with the load in tellServer
  let ready: u32 = 0
  if (load32(channel + ASKED_OFFSET) != load32(channel + TAKEN_OFFSET)) ready |= WORK
  if (load32(channel + CLIENT_FLAGS_OFFSET) != load32(channel + SEEN_FLAGS_OFFSET)) ready |= WORK
  const isDatagram = typeOf(shape) == TYPE_DATAGRAM
  const mask = maskOf(shape, TO_SERVER)
  const ring = cursorsOf(channel, TO_SERVER)
  if ((isDatagram ? bipartiteAvailable(ring, mask) : streamWaiting(ring, mask)) != 0) ready |= SENT
  if (isDatagram || hasHalf(channel, shape)) ready |= ROOM
  return ready & bits
}

/** Whether the server's ring is at least half empty: when it goes on after it was full. */
export function channelHasHalf(address: u32, generation: u32): i32 {
  const shape = channelShape(address, generation)
  return shape == 0 ? STALE : i32(hasHalf(address, shape))
}

export function hasHalf(channel: usize, shape: u32): bool {
  const ring = cursorsOf(channel, TO_CLIENT)
  const mask = maskOf(shape, TO_CLIENT)
  return load64(ring + TAIL_OFFSET) - load64(ring + GIVEN_OFFSET) <= <u64>(mask >> 1) + 1
}
