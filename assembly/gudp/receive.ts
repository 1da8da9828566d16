// A packet comes in. Taken once, and acknowledged only if taken.

import { IS_BARE_OFFSET, LONGEST_OFFSET, FRAGMENT_BYTES_OFFSET, RESET, checkedLane, recordBytes } from './descriptor'
import { acknowledge } from './acks'
import { connectionFinish } from './connection'
import { BODY_BAD, BODY_BREAKS, BODY_REFUSED, BODY_TAKEN, PING, takeBody } from './frames'
import { FRAGMENT_HEADER, HEADER_ACK_OFFSET, HEADER_BITS_OFFSET, HEADER_SEQUENCE_OFFSET, isFragment, readHeader } from './header'
import { ACK_DELAY_MS, ACK_EVERY } from './pace-of-acks'
import { readPut, readRoom } from './read-buffer'
import {
  FRAGMENT_BAD, FRAGMENT_COMPLETE, FRAGMENT_REFUSED, FRAGMENT_TWICE, assemble, assemblyAt, assemblyIndex, bodyBytes, bodyOf, dropAssembly,
} from './reassembly'
import { behind, isNewer } from './sequence'
import {
  ACK_AT_OFFSET, BYTES_RECEIVED, FRAGMENTS_RECEIVED, HEADER_OFFSET, HEARD_AT_OFFSET, MESSAGES_RECEIVED, PACKETS_BAD, PACKETS_LATE,
  PACKETS_RECEIVED, PACKETS_REFUSED, PACKETS_TWICE, RECEIVED_BITS_OFFSET, RECEIVED_OFFSET, UNACKED_OFFSET, count,
} from './state'

/** What became of a packet. */
export const TAKEN: i32 = 0
export const PART_TAKEN: i32 = 1 // a fragment, and more are to come
export const TWICE: i32 = 2
export const TOO_LATE: i32 = 3 //   it could not be acknowledged any more
export const NO_ROOM: i32 = 4 //    not taken, so not acknowledged
export const BAD: i32 = 5
export const BREAKS: i32 = 6 //     and the connection is reset

/** How far back a packet can still be acknowledged: the ack and the 31 below. */
const WINDOW: u32 = 32

export function receive(connection: usize, generation: u32, token: u32, nowMs: f64, from: usize, bytes: u32): i32 {
  const code = bytes > 0 && isFragment(from)
    ? receiveFragment(connection, generation, token, nowMs, from, bytes)
    : receiveWhole(connection, generation, nowMs, from, bytes)
  if (code != BAD) {
    store<f64>(connection + HEARD_AT_OFFSET, nowMs)
    count(connection, BYTES_RECEIVED, bytes)
  }
  if (code == TAKEN) count(connection, PACKETS_RECEIVED)
  else if (code == TWICE) count(connection, PACKETS_TWICE)
  else if (code == TOO_LATE) count(connection, PACKETS_LATE)
  else if (code == NO_ROOM) count(connection, PACKETS_REFUSED)
  else if (code >= BAD) count(connection, PACKETS_BAD)
  return code
}

/** TAKEN: it may be; else why not. */
function judge(connection: usize, sequence: u32): i32 {
  const bits = load<u32>(connection + RECEIVED_BITS_OFFSET)
  if (bits == 0) return TAKEN // the first of all
  const newest = load<u32>(connection + RECEIVED_OFFSET)
  if (sequence != newest && isNewer(sequence, newest)) return TAKEN
  const distance = behind(newest, sequence)
  if (distance >= WINDOW) return TOO_LATE
  return (bits >> distance & 1) != 0 ? TWICE : TAKEN
}

function mark(connection: usize, sequence: u32): void {
  const bits = load<u32>(connection + RECEIVED_BITS_OFFSET)
  const newest = load<u32>(connection + RECEIVED_OFFSET)
  if (bits == 0 || (sequence != newest && isNewer(sequence, newest))) {
    const distance = behind(sequence, newest)
    store<u32>(connection + RECEIVED_OFFSET, sequence)
    store<u32>(connection + RECEIVED_BITS_OFFSET, (distance >= WINDOW ? 0 : bits << distance) | 1)
  } else {
    store<u32>(connection + RECEIVED_BITS_OFFSET, bits | (<u32>1 << behind(newest, sequence)))
  }
}

function receiveWhole(connection: usize, generation: u32, nowMs: f64, from: usize, bytes: u32): i32 {
  const header = connection + HEADER_OFFSET
  const length = readHeader(from, bytes, header)
  if (length == 0) return BAD
  const sequence = load<u32>(header + HEADER_SEQUENCE_OFFSET)
  const verdict = judge(connection, sequence)
  if (verdict != TAKEN) return verdict
  acknowledge(connection, nowMs, load<u32>(header + HEADER_ACK_OFFSET), load<u32>(header + HEADER_BITS_OFFSET))
  return take(connection, generation, nowMs, sequence, from + length, bytes - length)
}

function take(connection: usize, generation: u32, nowMs: f64, sequence: u32, body: usize, bytes: u32): i32 {
  if (bytes > 0) {
    const code = load<u32>(connection + IS_BARE_OFFSET) != 0 ? takeBare(connection, body, bytes) : takeBody(connection, body, bytes)
    if (code == BODY_BAD) return BAD
    if (code == BODY_REFUSED) return NO_ROOM
    if (code == BODY_BREAKS) {
      connectionFinish(<u32>connection, generation, RESET)
      return BREAKS
    }
    const unacked = load<u32>(connection + UNACKED_OFFSET) + 1
    store<u32>(connection + UNACKED_OFFSET, unacked)
    if (unacked == 1) store<f64>(connection + ACK_AT_OFFSET, nowMs + ACK_DELAY_MS)
    // A ping alone wants to know how long it takes.
    const isPing = bytes == 1 && <u32>load<u8>(body) == PING
    if (unacked >= ACK_EVERY || isPing) store<f64>(connection + ACK_AT_OFFSET, nowMs)
  }
  mark(connection, sequence)
  return TAKEN
}

function takeBare(connection: usize, body: usize, bytes: u32): u32 {
  const lane = checkedLane(connection, 0)
  if (lane == 0 || bytes > load<u32>(lane + LONGEST_OFFSET)) return BODY_BAD
  if (readRoom(lane) < recordBytes(bytes)) return BODY_REFUSED
  readPut(connection, lane, body, bytes)
  count(connection, MESSAGES_RECEIVED)
  return BODY_TAKEN
}

function receiveFragment(connection: usize, generation: u32, token: u32, nowMs: f64, from: usize, bytes: u32): i32 {
  if (bytes <= FRAGMENT_HEADER || load<u8>(from) != 1) return BAD
  const sequence = <u32>load<u16>(from, 1)
  const index = <u32>load<u8>(from, 3)
  const fragments = <u32>load<u8>(from, 4) + 1
  if (index >= fragments) return BAD
  const header = connection + HEADER_OFFSET
  let head = FRAGMENT_HEADER
  if (index == 0) {
    const length = readHeader(from + head, bytes - head, header)
    if (length == 0 || load<u32>(header + HEADER_SEQUENCE_OFFSET) != sequence) return BAD
    head += length
  }
  const content = bytes - head
  const whole = load<u32>(connection + FRAGMENT_BYTES_OFFSET)
  if (content == 0 || content > whole || (index < fragments - 1 && content != whole)) return BAD
  const verdict = judge(connection, sequence)
  if (verdict != TAKEN) return verdict
  const code = assemble(connection, token, nowMs, sequence, index, fragments, from + head, content)
  if (code == FRAGMENT_BAD) return BAD
  if (code == FRAGMENT_TWICE) return TWICE
  if (code == FRAGMENT_REFUSED) return NO_ROOM
  count(connection, FRAGMENTS_RECEIVED)
  if (index == 0) acknowledge(connection, nowMs, load<u32>(header + HEADER_ACK_OFFSET), load<u32>(header + HEADER_BITS_OFFSET))
  return code == FRAGMENT_COMPLETE ? takeAssembled(connection, generation, nowMs, sequence) : PART_TAKEN
}

function takeAssembled(connection: usize, generation: u32, nowMs: f64, sequence: u32): i32 {
  const place = assemblyIndex(connection, sequence)
  const assembly = assemblyAt(connection, place)
  const code = take(connection, generation, nowMs, sequence, bodyOf(assembly), bodyBytes(connection, assembly))
  dropAssembly(connection, place)
  return code
}
