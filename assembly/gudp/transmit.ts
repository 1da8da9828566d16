// What is to be sent next, if anything is and may be: one packet, or one fragment of one.
//
// First what was lost, then the lanes in turn, so that none holds up another. Acknowledgements, credits and pings wait for nobody.

import { load64 } from '../atomics'
import {
  FRAGMENT_BYTES_OFFSET, HEARTBEAT_MS_OFFSET, IS_BARE_OFFSET, LANE_KIND_OFFSET, LANE_STREAM, OUT_BYTES_OFFSET,
  OUT_DATA_OFFSET, OUT_HEAD_OFFSET, OUT_NEXT_OFFSET, OUT_TAIL_OFFSET, PACKET_BYTES_OFFSET, STRATEGY_OFFSET, UNIT, WINDOW_OFFSET, checkedLane, lanesOf,
  recordBytes,
} from './descriptor'
import { giveUp, timeoutMs } from './acks'
import { PACED, congestionHasRoom, congestionNextAt, congestionPause, congestionSent, congestionSentAtOnce } from './congestion'
import { CREDIT, CREDIT_BYTES, DATA, DATA_HEAD, MESSAGE, MESSAGE_HEAD, PING, STREAM, STREAM_HEAD } from './frames'
import { FRAGMENT_HEADER, LONGEST_HEADER, writeFragmentHeader, writeHeader } from './header'
import { pacedIsIdle } from './paced'
import { copyOut, lengthAt } from './ring-bytes'
import { sendFreed } from './send-buffer'
import { behind } from './sequence'
import {
  NO_LANE, SENT_ACK_ONLY, SENT_AT_OFFSET, SENT_FLAGS_OFFSET, SENT_FROM_OFFSET, SENT_GIVEN_UP, SENT_IN_PARTS, SENT_LANE_OFFSET,
  SENT_LOST, SENT_SEQUENCE_OFFSET, SENT_UNDER_WAY, SENT_UNITS_OFFSET, SENT_WIRE_BYTES_OFFSET, TELLS_CREDIT, isFree, sentAt,
  sentState, setSentState,
} from './sent'
import {
  ACK_AT_OFFSET, BYTES_AGAIN, BYTES_SENT, FLIGHT_BYTES_OFFSET, FLIGHT_PACKETS_OFFSET, FRAGMENTS_SENT, HEARD_AT_OFFSET, LANE_OFFSET,
  LOST_OFFSET, MESSAGES_SENT, OLDEST_OFFSET, PACKETS_SENT, PARTS_BYTES_OFFSET, PARTS_COUNT_OFFSET, PARTS_LANE_OFFSET,
  PARTS_NEXT_OFFSET, PARTS_OTHERS_OFFSET, PARTS_SEQUENCE_OFFSET, PINGED_AT_OFFSET, PINGS_SENT, RECEIVED_BITS_OFFSET,
  RECEIVED_OFFSET, RTT_OFFSET, SEQUENCE_OFFSET, TIMED_AT_OFFSET, UNACKED_OFFSET, count,
} from './state'
import { creditIsDue, streamUnits, takeCredit } from './streams'

/** A ping that is not answered is sent again after this. */
const PING_AGAIN_MS: f64 = 1000
/** Between the fragments of a packet at most so many others go: after 31 it could not be acknowledged any more. */
const MOST_OTHERS: u32 = 15
const MOST_FRAGMENTS: u32 = 256

/** What there is to send: a choice of `choose`. */
const NOTHING: u32 = 0
const AGAIN: u32 = 1
const PARTS: u32 = 2
const LANE: u32 = 3

/** Writes the next packet to `out`, where it has room; answers its bytes, or 0 when there is nothing to send now. */
export function transmit(connection: usize, nowMs: f64, out: usize): u32 {
  if (load<f64>(connection + TIMED_AT_OFFSET) <= nowMs) giveUp(connection, nowMs)
  let choice = congestionNextAt(connection) <= nowMs ? choose(connection) : NOTHING
  if (choice == PARTS) return sendPart(connection, nowMs, out)
  if (choice == NOTHING && !isUrgent(connection, nowMs)) return 0
  const sequence = load<u32>(connection + SEQUENCE_OFFSET)
  const entry = sentAt(connection, sequence)
  // What waits for nobody needs the place of what is to be sent again: they go together.
  if (choice == NOTHING && sentState(entry) == SENT_LOST) choice = AGAIN
  if (choice == LANE && startParts(connection, sequence, entry)) return sendPart(connection, nowMs, out)
  return sendWhole(connection, nowMs, out, sequence, entry, choice)
}

// ---- what ----------------------------------------------------------------------------------------------

function choose(connection: usize): u32 {
  const inParts = load<u32>(connection + PARTS_LANE_OFFSET) != 0
  if (inParts && load<u32>(connection + PARTS_OTHERS_OFFSET) >= MOST_OTHERS) return PARTS
  // The fragments that are under way are acknowledged with the last: to wait for room would be to wait for ever.
  if (!congestionHasRoom(connection)) return inParts ? PARTS : NOTHING
  if (load<u32>(connection + LOST_OFFSET) != 0) return hasPlace(connection) ? AGAIN : NOTHING
  if (!inParts && !hasRoom(connection)) return NOTHING
  const lanes = lanesOf(connection)
  const turn = load<u32>(connection + LANE_OFFSET)
  for (let i: u32 = 0; i < lanes; i++) {
    const index = (turn + i) % lanes
    if (!hasSomething(connection, index)) continue
    store<u32>(connection + LANE_OFFSET, index + 1) // taken modulo the lanes; `LANE_OFFSET` less one is whose turn it is
    return inParts && load<u32>(connection + PARTS_LANE_OFFSET) == index + 1 ? PARTS : LANE
  }
  return NOTHING
}

/** The place of the next packet is free, or its content is what goes next. */
function hasPlace(connection: usize): bool {
  const entry = sentAt(connection, load<u32>(connection + SEQUENCE_OFFSET))
  return isFree(entry) || sentState(entry) == SENT_LOST
}

/** The last eighth of the window is for acknowledgements: with both sides' windows full neither could tell the other. */
function hasRoom(connection: usize): bool {
  const window = load<u32>(connection + WINDOW_OFFSET)
  return behind(load<u32>(connection + SEQUENCE_OFFSET), load<u32>(connection + OLDEST_OFFSET)) < window - (window >> 3)
}

@inline function chosenLane(connection: usize): u32 { return load<u32>(connection + LANE_OFFSET) - 1 }

function hasSomething(connection: usize, index: u32): bool {
  const lane = checkedLane(connection, index)
  if (lane == 0) return false
  if (load<u32>(lane + LANE_KIND_OFFSET) == LANE_STREAM) return streamUnits(lane) != 0
  return load64(lane + OUT_TAIL_OFFSET) != load<u64>(lane + OUT_NEXT_OFFSET)
}

/** What does not wait for its turn. */
function isUrgent(connection: usize, nowMs: f64): bool {
  if (load<f64>(connection + ACK_AT_OFFSET) <= nowMs || pingAt(connection) <= nowMs) return true
  const lanes = lanesOf(connection)
  for (let index: u32 = 0; index < lanes; index++) {
    const lane = checkedLane(connection, index)
    if (lane != 0 && load<u32>(lane + LANE_KIND_OFFSET) == LANE_STREAM && creditIsDue(lane)) return true
  }
  return false
}

/** When the peer was not heard for a heartbeat; and again, until it answers. */
export function pingAt(connection: usize): f64 {
  // A bare peer answers nothing by itself: both sides speak up, whatever they hear.
  if (load<u32>(connection + IS_BARE_OFFSET) != 0) {
    return load<f64>(connection + PINGED_AT_OFFSET) + load<f64>(connection + HEARTBEAT_MS_OFFSET)
  }
  const heardAtMs = load<f64>(connection + HEARD_AT_OFFSET)
  const pingedAtMs = load<f64>(connection + PINGED_AT_OFFSET)
  if (load<f64>(connection + RTT_OFFSET) < 0) return pingedAtMs + PING_AGAIN_MS // at once: the RTT is wanted
  const dueMs = heardAtMs + load<f64>(connection + HEARTBEAT_MS_OFFSET)
  // What was heard since was the answer: the next heartbeat is as long as any.
  return heardAtMs > pingedAtMs ? dueMs : max(dueMs, pingedAtMs + min(PING_AGAIN_MS, load<f64>(connection + HEARTBEAT_MS_OFFSET)))
}

// ---- a whole packet --------------------------------------------------------------------------------------

function sendWhole(connection: usize, nowMs: f64, out: usize, sequence: u32, entry: usize, choice: u32): u32 {
  // Read before the packet's own entry is written: they may be the same.
  const again = choice == AGAIN ? nextLost(connection, entry) : 0
  if (again != entry && !isFree(entry)) return 0
  const index = again != 0 ? <u32>load<u8>(again + SENT_LANE_OFFSET) : NO_LANE
  const from = again != 0 ? load<u64>(again + SENT_FROM_OFFSET) : 0
  const units = again != 0 ? <u32>load<u16>(again + SENT_UNITS_OFFSET) : 0
  if (again != 0) {
    setSentState(again, SENT_GIVEN_UP)
    store<u32>(connection + LOST_OFFSET, load<u32>(connection + LOST_OFFSET) - 1)
  }
  startEntry(entry, sequence)
  const body = out + writeHead(connection, out, sequence)
  const limit = body + load<u32>(connection + PACKET_BYTES_OFFSET) - LONGEST_HEADER
  const reserve: u32 = choice == AGAIN ? STREAM_HEAD + units * UNIT : choice == LANE ? leastOf(connection) : 0
  let next = writeUrgent(connection, entry, nowMs, body, limit - reserve)
  if (choice == AGAIN) next = writeAgain(connection, entry, next, index, from, units)
  else if (choice == LANE) next = writeLane(connection, entry, next, limit)
  store<u32>(connection + UNACKED_OFFSET, 0)
  store<f64>(connection + ACK_AT_OFFSET, Infinity)
  sent(connection, entry, nowMs, <u32>(next - out), choice != NOTHING, next != body)
  return <u32>(next - out)
}

/** What the chosen lane needs at least, which a packet has room for: credits go before it only as far as there is room for both. */
function leastOf(connection: usize): u32 {
  const lane = checkedLane(connection, chosenLane(connection))
  if (load<u32>(lane + LANE_KIND_OFFSET) == LANE_STREAM) return STREAM_HEAD + UNIT
  const length = nextLength(connection, lane)
  return load<u32>(connection + IS_BARE_OFFSET) != 0 ? length : length + max(DATA_HEAD, MESSAGE_HEAD)
}

/** Of the record that is next in a lane of packets. */
function nextLength(connection: usize, lane: usize): u32 {
  const data = connection + load<u32>(lane + OUT_DATA_OFFSET)
  return lengthAt(data, load<u32>(lane + OUT_BYTES_OFFSET), load<u64>(lane + OUT_NEXT_OFFSET))
}

/** Whose stretch is sent again: the one whose place the packet needs, or the oldest. */
function nextLost(connection: usize, entry: usize): usize {
  if (sentState(entry) == SENT_LOST) return entry
  const end = load<u32>(connection + SEQUENCE_OFFSET)
  for (let sequence = load<u32>(connection + OLDEST_OFFSET); sequence != end; sequence = (sequence + 1) & 0xffff) {
    const lost = sentAt(connection, sequence)
    if (sentState(lost) == SENT_LOST) return lost
  }
  return 0
}

function startEntry(entry: usize, sequence: u32): void {
  store<u16>(entry + SENT_SEQUENCE_OFFSET, <u16>sequence)
  store<u8>(entry + SENT_LANE_OFFSET, <u8>NO_LANE)
  store<u16>(entry + SENT_FLAGS_OFFSET, 0)
}

function writeHead(connection: usize, at: usize, sequence: u32): u32 {
  const bits = load<u32>(connection + RECEIVED_BITS_OFFSET)
  return writeHeader(at, sequence, bits == 0 ? 0xffff : load<u32>(connection + RECEIVED_OFFSET), bits)
}

/** Pings and credits. */
function writeUrgent(connection: usize, entry: usize, nowMs: f64, at: usize, limit: usize): usize {
  if (load<u32>(connection + IS_BARE_OFFSET) != 0) {
    store<f64>(connection + PINGED_AT_OFFSET, nowMs)
    return at
  }
  const lanes = lanesOf(connection)
  for (let index: u32 = 0; index < lanes && at + CREDIT_BYTES <= limit; index++) {
    const lane = checkedLane(connection, index)
    if (lane == 0 || load<u32>(lane + LANE_KIND_OFFSET) != LANE_STREAM || !creditIsDue(lane)) continue
    store<u8>(at, <u8>CREDIT)
    store<u8>(at, <u8>index, 1)
    store<u32>(at, takeCredit(lane), 2)
    store<u16>(entry + SENT_FLAGS_OFFSET, <u16>TELLS_CREDIT)
    at += CREDIT_BYTES
  }
  if (pingAt(connection) <= nowMs) {
    store<u8>(at, <u8>PING)
    store<f64>(connection + PINGED_AT_OFFSET, nowMs)
    count(connection, PINGS_SENT)
    at++
  }
  return at
}

/** It fits: every stretch is cut as if headers were as long as they can be. */
function writeAgain(connection: usize, entry: usize, at: usize, index: u32, from: u64, units: u32): usize {
  const lane = checkedLane(connection, index)
  if (lane == 0) return at
  const end = from + <u64>units * UNIT
  const start = max(from, load<u64>(lane + OUT_HEAD_OFFSET))
  if (end <= start) return at // it has come after all
  count(connection, BYTES_AGAIN, <f64>(end - start))
  return writeStretch(connection, lane, entry, at, index, start, <u32>((end - start) / UNIT))
}

function writeStretch(connection: usize, lane: usize, entry: usize, at: usize, index: u32, from: u64, units: u32): usize {
  store<u8>(at, <u8>STREAM)
  store<u8>(at, <u8>index, 1)
  store<u32>(at, <u32>(from / UNIT), 2)
  store<u16>(at, <u16>units, 6)
  const bytes = units * UNIT
  copyOut(connection + load<u32>(lane + OUT_DATA_OFFSET), load<u32>(lane + OUT_BYTES_OFFSET), from, at + STREAM_HEAD, bytes)
  store<u8>(entry + SENT_LANE_OFFSET, <u8>index)
  store<u64>(entry + SENT_FROM_OFFSET, from)
  store<u16>(entry + SENT_UNITS_OFFSET, <u16>units)
  return at + STREAM_HEAD + bytes
}

function writeLane(connection: usize, entry: usize, at: usize, limit: usize): usize {
  const index = chosenLane(connection)
  const lane = checkedLane(connection, index)
  if (load<u32>(lane + LANE_KIND_OFFSET) == LANE_STREAM) {
    const units = min(streamUnits(lane), <u32>(limit - at - STREAM_HEAD) / UNIT)
    const from = load<u64>(lane + OUT_NEXT_OFFSET)
    store<u64>(lane + OUT_NEXT_OFFSET, from + <u64>units * UNIT)
    return writeStretch(connection, lane, entry, at, index, from, units)
  }
  return index == 0 ? writePacket(connection, lane, at) : writeMessages(connection, lane, index, at, limit)
}

/** One packet of `send`: alone, to the end of the body. */
function writePacket(connection: usize, lane: usize, at: usize): usize {
  const data = connection + load<u32>(lane + OUT_DATA_OFFSET)
  const bytes = load<u32>(lane + OUT_BYTES_OFFSET)
  const next = load<u64>(lane + OUT_NEXT_OFFSET)
  const length = nextLength(connection, lane)
  if (load<u32>(connection + IS_BARE_OFFSET) == 0) at = writeDataHead(at, 0)
  copyOut(data, bytes, next + 4, at, length)
  takeRecord(connection, lane, next + recordBytes(length))
  return at + length
}

@inline function writeDataHead(at: usize, index: u32): usize {
  store<u8>(at, <u8>DATA)
  store<u8>(at, <u8>index, 1)
  return at + DATA_HEAD
}

/** As many messages as there are and fit. */
function writeMessages(connection: usize, lane: usize, index: u32, at: usize, limit: usize): usize {
  const data = connection + load<u32>(lane + OUT_DATA_OFFSET)
  const bytes = load<u32>(lane + OUT_BYTES_OFFSET)
  const tail = load64(lane + OUT_TAIL_OFFSET)
  let next = load<u64>(lane + OUT_NEXT_OFFSET)
  while (next != tail) {
    const length = lengthAt(data, bytes, next)
    if (at + MESSAGE_HEAD + length > limit) break
    store<u8>(at, <u8>MESSAGE)
    store<u8>(at, <u8>index, 1)
    store<u16>(at, <u16>length, 2)
    copyOut(data, bytes, next + 4, at + MESSAGE_HEAD, length)
    at += MESSAGE_HEAD + length
    next += recordBytes(length)
    count(connection, MESSAGES_SENT)
  }
  if (next != load<u64>(lane + OUT_NEXT_OFFSET)) {
    store<u64>(lane + OUT_NEXT_OFFSET, next)
    sendFreed(lane, next)
  }
  return at
}

function takeRecord(connection: usize, lane: usize, next: u64): void {
  store<u64>(lane + OUT_NEXT_OFFSET, next)
  count(connection, MESSAGES_SENT)
  sendFreed(lane, next)
}

/** It is written: what is known of it is noted. */
function sent(connection: usize, entry: usize, nowMs: f64, bytes: u32, isPaced: bool, wantsAck: bool): void {
  next(connection)
  store<f64>(entry + SENT_AT_OFFSET, nowMs)
  store<u32>(entry + SENT_WIRE_BYTES_OFFSET, bytes)
  setSentState(entry, wantsAck ? SENT_UNDER_WAY : SENT_ACK_ONLY)
  if (isPaced) congestionSent(connection, entry, nowMs, bytes)
  else congestionSentAtOnce(connection, entry, nowMs)
  if (wantsAck) fly(connection, nowMs, bytes)
  count(connection, PACKETS_SENT)
  count(connection, BYTES_SENT, bytes)
  if (load<u32>(connection + PARTS_LANE_OFFSET) != 0) {
    store<u32>(connection + PARTS_OTHERS_OFFSET, load<u32>(connection + PARTS_OTHERS_OFFSET) + 1)
  }
}

/** The next sequence. Entries that its window has left behind are nobody's any more. */
function next(connection: usize): void {
  const sequence = (load<u32>(connection + SEQUENCE_OFFSET) + 1) & 0xffff
  store<u32>(connection + SEQUENCE_OFFSET, sequence)
  const window = load<u32>(connection + WINDOW_OFFSET)
  if (behind(sequence, load<u32>(connection + OLDEST_OFFSET)) > window) {
    store<u32>(connection + OLDEST_OFFSET, (sequence - window) & 0xffff)
  }
}

function fly(connection: usize, nowMs: f64, bytes: u32): void {
  store<u32>(connection + FLIGHT_PACKETS_OFFSET, load<u32>(connection + FLIGHT_PACKETS_OFFSET) + 1)
  store<u32>(connection + FLIGHT_BYTES_OFFSET, load<u32>(connection + FLIGHT_BYTES_OFFSET) + bytes)
  if (load<f64>(connection + TIMED_AT_OFFSET) == Infinity) store<f64>(connection + TIMED_AT_OFFSET, nowMs + timeoutMs(connection))
}

// ---- a packet in fragments ---------------------------------------------------------------------------------

/** Whether the next record of the chosen lane is too long to go whole; then its first fragment is next. */
function startParts(connection: usize, sequence: u32, entry: usize): bool {
  const index = chosenLane(connection)
  const lane = checkedLane(connection, index)
  if (load<u32>(lane + LANE_KIND_OFFSET) == LANE_STREAM || load<u32>(connection + PARTS_LANE_OFFSET) != 0) return false
  const length = nextLength(connection, lane)
  const isBare = load<u32>(connection + IS_BARE_OFFSET) != 0
  const head: u32 = isBare ? 0 : index == 0 ? DATA_HEAD : MESSAGE_HEAD
  if (LONGEST_HEADER + head + length <= load<u32>(connection + PACKET_BYTES_OFFSET)) return false
  const body: u32 = length + (isBare ? 0 : DATA_HEAD)
  const fragment = load<u32>(connection + FRAGMENT_BYTES_OFFSET)
  const fragments = (body + fragment - 1) / fragment
  if (fragments > MOST_FRAGMENTS) {
    // Longer than a lane lets in, unless its words were spoilt: there is nothing to be done with it.
    takeRecord(connection, lane, load<u64>(lane + OUT_NEXT_OFFSET) + recordBytes(length))
    return false
  }
  startEntry(entry, sequence)
  store<u32>(entry + SENT_WIRE_BYTES_OFFSET, 0)
  setSentState(entry, SENT_IN_PARTS)
  next(connection)
  store<u32>(connection + PARTS_LANE_OFFSET, index + 1)
  store<u32>(connection + PARTS_SEQUENCE_OFFSET, sequence)
  store<u32>(connection + PARTS_NEXT_OFFSET, 0)
  store<u32>(connection + PARTS_COUNT_OFFSET, fragments)
  store<u32>(connection + PARTS_BYTES_OFFSET, body)
  store<u32>(connection + PARTS_OTHERS_OFFSET, 0)
  store<u32>(connection + FLIGHT_PACKETS_OFFSET, load<u32>(connection + FLIGHT_PACKETS_OFFSET) + 1)
  return true
}

function sendPart(connection: usize, nowMs: f64, out: usize): u32 {
  const index = load<u32>(connection + PARTS_LANE_OFFSET) - 1
  const lane = checkedLane(connection, index)
  if (lane == 0) return 0
  const sequence = load<u32>(connection + PARTS_SEQUENCE_OFFSET)
  const entry = sentAt(connection, sequence)
  if (sentState(entry) != SENT_IN_PARTS) {
    // Acknowledged before it was sent: by a peer that lies. It has what it wants.
    store<u32>(connection + PARTS_LANE_OFFSET, 0)
    takeRecord(connection, lane, load<u64>(lane + OUT_NEXT_OFFSET) + recordBytes(nextLength(connection, lane)))
    return 0
  }
  const part = load<u32>(connection + PARTS_NEXT_OFFSET)
  const parts = load<u32>(connection + PARTS_COUNT_OFFSET)
  writeFragmentHeader(out, sequence, part, parts)
  let at = out + FRAGMENT_HEADER
  if (part == 0) at += writeHead(connection, at, sequence)
  at = writePart(connection, lane, index, part, at)
  const bytes = <u32>(at - out)
  store<f64>(entry + SENT_AT_OFFSET, nowMs) // of the last: with it the packet has been sent
  store<u32>(entry + SENT_WIRE_BYTES_OFFSET, load<u32>(entry + SENT_WIRE_BYTES_OFFSET) + bytes)
  congestionSent(connection, entry, nowMs, bytes)
  store<u32>(connection + FLIGHT_BYTES_OFFSET, load<u32>(connection + FLIGHT_BYTES_OFFSET) + bytes)
  count(connection, FRAGMENTS_SENT)
  count(connection, BYTES_SENT, bytes)
  store<u32>(connection + PARTS_NEXT_OFFSET, part + 1)
  if (part + 1 == parts) endParts(connection, lane, entry, nowMs)
  return bytes
}

/** The bytes of the body that the fragment carries: of the first two of all, the frame's head. */
function writePart(connection: usize, lane: usize, index: u32, part: u32, at: usize): usize {
  const fragment = load<u32>(connection + FRAGMENT_BYTES_OFFSET)
  const head: u32 = load<u32>(connection + IS_BARE_OFFSET) != 0 ? 0 : DATA_HEAD
  let from = part * fragment
  let bytes = min(fragment, load<u32>(connection + PARTS_BYTES_OFFSET) - from)
  if (from == 0 && head != 0) {
    at = writeDataHead(at, index)
    bytes -= head
  } else {
    from -= head
  }
  const position = load<u64>(lane + OUT_NEXT_OFFSET) + 4 + from
  copyOut(connection + load<u32>(lane + OUT_DATA_OFFSET), load<u32>(lane + OUT_BYTES_OFFSET), position, at, bytes)
  return at + bytes
}

function endParts(connection: usize, lane: usize, entry: usize, nowMs: f64): void {
  setSentState(entry, SENT_UNDER_WAY)
  store<u32>(connection + PARTS_LANE_OFFSET, 0)
  takeRecord(connection, lane, load<u64>(lane + OUT_NEXT_OFFSET) + recordBytes(nextLength(connection, lane)))
  count(connection, PACKETS_SENT)
  if (load<f64>(connection + TIMED_AT_OFFSET) == Infinity) store<f64>(connection + TIMED_AT_OFFSET, nowMs + timeoutMs(connection))
}

// ---- when ------------------------------------------------------------------------------------------------

/** When `transmit` is to be asked again, if nothing happens before. */
export function transmitAt(connection: usize): f64 {
  const timedAtMs = load<f64>(connection + TIMED_AT_OFFSET)
  if (!hasPlace(connection)) return timedAtMs
  const atMs = min(min(load<f64>(connection + ACK_AT_OFFSET), pingAt(connection)), timedAtMs)
  if (wouldSend(connection)) {
    const isHeld = load<u32>(connection + PARTS_LANE_OFFSET) == 0 && !congestionHasRoom(connection)
    const waitsForAcks = isHeld || (load<u32>(connection + LOST_OFFSET) == 0 && !hasRoom(connection))
    if (!waitsForAcks) return min(atMs, congestionNextAt(connection))
    congestionPause(connection)
    return atMs
  }
  congestionPause(connection)
  if (load<u32>(connection + STRATEGY_OFFSET) == PACED) pacedIsIdle(connection)
  return atMs
}

function wouldSend(connection: usize): bool {
  if (load<u32>(connection + LOST_OFFSET) != 0 || load<u32>(connection + PARTS_LANE_OFFSET) != 0) return true
  const lanes = lanesOf(connection)
  for (let index: u32 = 0; index < lanes; index++) {
    if (hasSomething(connection, index)) return true
  }
  return false
}
