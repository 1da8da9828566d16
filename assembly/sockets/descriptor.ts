// The hub: what a socket server and its clients share. The channel: the memory of one socket.
//
//   hub
//   0     ┌ constant ─────────────────────────────────────────────────┐ written once, by the maker
//         │ kind · generation · version · channels · server's id        │
//   128   ├ state ────────────────────────────────────────────────────┤ seldom written
//         │ status · the server's token · where new channels are sought │
//   256   ├ server ───────────────────────────────────────────────────┤ written by the server only
//         │ where it looks for the next channel                         │
//   640   ├ members (128 × 4) ────────────────────────────────────────┤
//   1152  ├ summary: a bit for each word of the next ───────────────────┤ set by clients, cleared by the server
//   1280  ├ ready: a bit for each channel ──────────────────────────────┤
//         ├ table: the handle of each channel, u64, or 0 ───────────────┤ a client fills a place, the server empties it
//         └───────────────────────────────────────────────────────────┘
//
//   channel
//   0     ┌ constant ─────────────────────────────────────────────────┐ written once, by the client
//         │ kind · generation · version · shape · owner · hub · index   │
//   128   ├ client's words ───────────────────────────────────────────┤ written by the client only
//         │ asked · its bytes · flags                                   │
//   256   ├ server's words ───────────────────────────────────────────┤ written by the server (the error: by either)
//         │ answered · its bytes · flags · error · pending · drops      │
//   384   ├ what the client waits for ────────────────────────────────┤ bits set by one side, taken away by the other
//   512   ├ what the server waits for ────────────────────────────────┤
//   640   ├ members (128 × 4) ────────────────────────────────────────┤
//   1152  ├ cursors of the ring that the client produces for (256) ─────┤ see ring/descriptor.ts
//   1408  ├ cursors of the ring that the server produces for (256) ─────┤
//   1664  ├ question: text, up to 1200 bytes ───────────────────────────┤ written by the client, before `asked`
//   2864  ├ answer: text, up to 1200 bytes ─────────────────────────────┤ written by the server, before `answered`
//   4096  ├ data of the first ring, and of datagrams the overhang ──────┤
//         ├ data of the second ─────────────────────────────────────────┤
//         └───────────────────────────────────────────────────────────┘

import { CACHE_LINE, GRANULES_OFFSET, GRANULE_BYTES, KIND_CHANNEL, KIND_HUB, MEMBERS_BYTES, MEMBERS_OFFSET } from '../layout'
import { TAIL, entryOf, generationOf, granuleOf, isKind, stateOf } from '../region/granules'
import { load64 } from '../atomics'
import { RING_BYTES } from '../ring/descriptor'

/** What a server and its clients must agree on, beside the layout of the region. */
export const SOCKETS_VERSION: u32 = 1

// ---- the hub ---------------------------------------------------------------------------------------

export const HUB_VERSION_OFFSET: usize = 8 //    u32
export const HUB_CHANNELS_OFFSET: usize = 12 //  u32 how many there may be
export const HUB_ID_OFFSET: usize = 16 //        f64
export const HUB_STATUS_OFFSET: usize = 128 //   u32
export const HUB_SERVER_OFFSET: usize = 132 //   u32 token
export const HUB_SEARCH_OFFSET: usize = 136 //   u32 a hint: where a free place in the table may be
export const HUB_TOP_OFFSET: usize = 140 //      u32 no channel was ever at or above
export const HUB_CURSOR_OFFSET: usize = 256 //   u32

export const HUB_SUMMARY_OFFSET: usize = 1152
export const HUB_READY_OFFSET: usize = 1280
export const MAX_CHANNELS: u32 = 32768

export const HUB_STARTING: u32 = 0
export const HUB_OPEN: u32 = 1
export const HUB_STOPPED: u32 = 2 // nothing new is served; what was sent goes out
export const HUB_ENDED: u32 = 3 //   that is done

if (HUB_SUMMARY_OFFSET < MEMBERS_OFFSET + MEMBERS_BYTES) ERROR('the summary begins among the members')
if ((HUB_READY_OFFSET - HUB_SUMMARY_OFFSET) * 8 * 32 < <usize>MAX_CHANNELS) ERROR('the summary is too short')

// ---- the channel -----------------------------------------------------------------------------------

export const VERSION_OFFSET: usize = 8 //          u32
export const SHAPE_OFFSET: usize = 12 //           u32 type | log2 of the rings
export const OWNER_OFFSET: usize = 16 //           u32 the client's token
export const HUB_ADDRESS_OFFSET: usize = 20 //     u32
export const HUB_GENERATION_OFFSET: usize = 24 //  u32
export const CHANNEL_INDEX_OFFSET: usize = 28 //   u32 its place in the hub's table

export const ASKED_OFFSET: usize = 128 //          u32 how many questions; publishes the text
export const ASKED_BYTES_OFFSET: usize = 132 //    u32
export const CLIENT_FLAGS_OFFSET: usize = 136 //   u32

export const ANSWERED_OFFSET: usize = 256 //       u32 how many answers; publishes the text
export const ANSWERED_BYTES_OFFSET: usize = 260 // u32
export const SERVER_FLAGS_OFFSET: usize = 264 //   u32
export const ERROR_OFFSET: usize = 268 //          u32 why it failed, 0: it has not
export const PENDING_OFFSET: usize = 272 //        u32 of a listener: connections that wait to be accepted
export const TAKEN_OFFSET: usize = 276 //          u32 the question that the server has taken up
export const SEEN_FLAGS_OFFSET: usize = 280 //     u32 the client's flags as the server knows them

export const DROPS_OFFSET: usize = 288 //          f64 datagrams that there was no room for

export const CLIENT_WAITS_OFFSET: usize = 384 //   u32
export const SERVER_WAITS_OFFSET: usize = 512 //   u32

export const CLIENT_RING_OFFSET: usize = 1152
export const SERVER_RING_OFFSET: usize = 1408
export const QUESTION_OFFSET: usize = 1664
export const ANSWER_OFFSET: usize = 2864
export const TEXT_BYTES: u32 = 1200
export const CHANNEL_DATA_OFFSET: u32 = 4096

/** Flags: of the client. */
export const CLIENT_CLOSED: u32 = 1
export const CLIENT_SHUT_WRITE: u32 = 2
export const CLIENT_SHUT_READ: u32 = 4
export const CLIENT_RESET: u32 = 8 // with CLOSED: what is not sent yet is not to be
/** Flags: of the server. */
export const SERVER_ENDED: u32 = 1 //   the peer sends no more; what it sent is all in the ring
export const SERVER_CLOSED: u32 = 2 //  there is no socket behind the channel any more
export const SERVER_REFUSES: u32 = 4 // the peer takes no more

/** What a client may wait for. */
export const READABLE: u32 = 1
export const WRITABLE: u32 = 2
export const ANSWERED: u32 = 4
/** What the server may wait for. */
export const WORK: u32 = 1 // a question, or other flags
export const SENT: u32 = 2 // something to send
export const ROOM: u32 = 4 // room for what was received

export const TYPE_DATAGRAM: u32 = 1
export const TYPE_STREAM: u32 = 2
export const TYPE_LISTENER: u32 = 3

/** Which of the two rings: the one that the client produces for, or the server. */
export const TO_SERVER: u32 = 0
export const TO_CLIENT: u32 = 1

if (SERVER_WAITS_OFFSET - CLIENT_WAITS_OFFSET < <usize>CACHE_LINE) ERROR('two words share a cache line')
if (CLIENT_RING_OFFSET < MEMBERS_OFFSET + MEMBERS_BYTES) ERROR('the rings begin among the members')
if (SERVER_RING_OFFSET - CLIENT_RING_OFFSET < RING_BYTES) ERROR('two rings overlap')
if (<usize>CHANNEL_DATA_OFFSET < ANSWER_OFFSET + <usize>TEXT_BYTES) ERROR('the answer reaches into the data')

/** The longest item of a datagram ring: 65,535 bytes and an address. A ring that is shorter takes less. */
export const LONGEST_ITEM: u32 = 65664
const SHORTEST_LOG2: u32 = 5
const LONGEST_LOG2: u32 = 26

// ---- shape: type u8, log2 of the first ring u8, of the second u8 -----------------------------------------

@inline export function shapeOf(channel: usize): u32 { return load<u32>(channel + SHAPE_OFFSET) }
@inline export function typeOf(shape: u32): u32 { return shape & 0xff }
@inline function log2Of(shape: u32, ring: u32): u32 { return (shape >> (8 + (ring << 3))) & 0xff }
@inline export function maskOf(shape: u32, ring: u32): u32 { return (<u32>1 << log2Of(shape, ring)) - 1 }

/** The longest item, for datagrams: also the overhang. */
@inline export function longestOf(shape: u32, ring: u32): u32 { return min<u32>(maskOf(shape, ring) + 1, LONGEST_ITEM) }

function ringBytes(shape: u32, ring: u32): u32 {
  const bytes = maskOf(shape, ring) + 1
  return typeOf(shape) == TYPE_DATAGRAM ? bytes + longestOf(shape, ring) : bytes
}

@inline export function cursorsOf(channel: usize, ring: u32): usize {
  return channel + (ring == TO_SERVER ? CLIENT_RING_OFFSET : SERVER_RING_OFFSET)
}
@inline export function dataOf(channel: usize, shape: u32, ring: u32): usize {
  return channel + CHANNEL_DATA_OFFSET + (ring == TO_SERVER ? 0 : ringBytes(shape, TO_SERVER))
}
@inline export function channelBytes(shape: u32): u32 {
  return CHANNEL_DATA_OFFSET + ringBytes(shape, TO_SERVER) + ringBytes(shape, TO_CLIENT)
}
export function isShape(shape: u32): bool {
  const type = typeOf(shape)
  if (type < TYPE_DATAGRAM || type > TYPE_LISTENER || shape >> 24 != 0) return false
  for (let ring = TO_SERVER; ring <= TO_CLIENT; ring++) {
    const log2 = log2Of(shape, ring)
    if (log2 < SHORTEST_LOG2 || log2 > LONGEST_LOG2) return false
  }
  return true
}

// ---- handles ---------------------------------------------------------------------------------------

@inline export function isHub(address: u32, generation: u32): bool { return isKind(address, generation, KIND_HUB) }

/**
 * The shape of the channel, or 0 where the handle names none. A shape that another thread has spoilt is caught: the object's
 * last granule must belong to it, so that no ring reaches into anything else.
 */
export function channelShape(address: u32, generation: u32): u32 {
  if (!isKind(address, generation, KIND_CHANNEL)) return 0
  const shape = shapeOf(address)
  if (!isShape(shape)) return 0
  const granule = granuleOf(address + channelBytes(shape) - 1)
  if (granule >= load<u32>(GRANULES_OFFSET)) return 0
  const last = load64(entryOf(granule))
  return stateOf(last) == TAIL && generationOf(last) == generation ? shape : 0
}

@inline export function granulesFor(bytes: u32): u32 { return (bytes + GRANULE_BYTES - 1) / GRANULE_BYTES }
