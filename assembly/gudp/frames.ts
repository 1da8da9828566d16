// What the body of a packet is made of. docs/wire.md has the bytes.

import { LANE_KIND_OFFSET, LANE_PACKETS, LANE_STREAM, LONGEST_OFFSET, UNIT, checkedLane, lanesOf, recordBytes } from './descriptor'
import { readPut, readRoom } from './read-buffer'
import { STREAM_BROKEN, STREAM_REFUSED, streamCredit, streamReceive } from './streams'
import { MESSAGES_RECEIVED, count } from './state'

export const DATA: u32 = 1
export const STREAM: u32 = 2
export const CREDIT: u32 = 3
export const PING: u32 = 4
export const MESSAGE: u32 = 5

export const DATA_HEAD: u32 = 2
export const STREAM_HEAD: u32 = 8
export const CREDIT_BYTES: u32 = 6
export const MESSAGE_HEAD: u32 = 4

/** What became of a body. */
export const BODY_TAKEN: u32 = 0
export const BODY_REFUSED: u32 = 1 // no room for all of it
export const BODY_BAD: u32 = 2
export const BODY_BREAKS: u32 = 3 //  what is in it breaks what was agreed

/** Bytes of the frame that begins at `at`, or 0: it is none, or runs over the end. */
function frameBytes(at: usize, left: u32): u32 {
  const type = <u32>load<u8>(at)
  let bytes: u32 = 0
  if (type == DATA) bytes = left >= DATA_HEAD ? left : 0
  else if (type == STREAM) bytes = left >= STREAM_HEAD ? STREAM_HEAD + <u32>load<u16>(at, 6) * UNIT : 0
  else if (type == CREDIT) bytes = CREDIT_BYTES
  else if (type == PING) bytes = 1
  else if (type == MESSAGE) bytes = left >= MESSAGE_HEAD ? MESSAGE_HEAD + <u32>load<u16>(at, 2) : 0
  return bytes <= left ? bytes : 0
}

/** The lane of a frame, or 0 where there is none of the kind that the frame is for. */
function laneOf(connection: usize, at: usize): usize {
  const index = <u32>load<u8>(at, 1)
  if (index >= lanesOf(connection)) return 0
  const type = <u32>load<u8>(at)
  if (type == MESSAGE && index == 0) return 0 // a packet of `send` goes alone
  const lane = checkedLane(connection, index)
  if (lane == 0) return 0
  const kind: u32 = type == DATA || type == MESSAGE ? LANE_PACKETS : LANE_STREAM
  return load<u32>(lane + LANE_KIND_OFFSET) == kind ? lane : 0
}

@inline function contentBytes(at: usize, bytes: u32): u32 {
  return <u32>load<u8>(at) == DATA ? bytes - DATA_HEAD : bytes - MESSAGE_HEAD
}

/**
 * All of it or nothing: messages are put into their lane only when every one of them has room and everything else was taken, for a packet
 * that is not acknowledged may come again. (Stretches and credits may be taken twice.) So all messages of a packet are of one lane.
 */
export function takeBody(connection: usize, body: usize, bytes: u32): u32 {
  let messages: usize = 0
  let room: u32 = 0
  for (let at: u32 = 0; at < bytes;) {
    const frame = frameBytes(body + at, bytes - at)
    if (frame == 0) return BODY_BAD
    const type = <u32>load<u8>(body + at)
    if (type != PING) {
      const lane = laneOf(connection, body + at)
      if (lane == 0) return BODY_BAD
      if (type == DATA || type == MESSAGE) {
        const content = contentBytes(body + at, frame)
        if ((messages != 0 && messages != lane) || content > load<u32>(lane + LONGEST_OFFSET)) return BODY_BAD
        messages = lane
        room += recordBytes(content)
      }
    }
    at += frame
  }
  const code = takeStretches(connection, body, bytes)
  if (code != BODY_TAKEN || messages == 0) return code
  if (readRoom(messages) < room) return BODY_REFUSED
  takeMessages(connection, messages, body, bytes)
  return BODY_TAKEN
}

function takeStretches(connection: usize, body: usize, bytes: u32): u32 {
  let code = BODY_TAKEN
  for (let at: u32 = 0; at < bytes;) {
    const frame = frameBytes(body + at, bytes - at)
    const type = <u32>load<u8>(body + at)
    if (type == CREDIT) streamCredit(laneOf(connection, body + at), load<u32>(body + at, 2))
    else if (type == STREAM) {
      const units = <u32>load<u16>(body + at, 6)
      const taken = streamReceive(connection, laneOf(connection, body + at), load<u32>(body + at, 2), body + at + STREAM_HEAD, units)
      if (taken == STREAM_BROKEN) return BODY_BREAKS
      if (taken == STREAM_REFUSED) code = BODY_REFUSED
    }
    at += frame
  }
  return code
}

function takeMessages(connection: usize, lane: usize, body: usize, bytes: u32): void {
  for (let at: u32 = 0; at < bytes;) {
    const frame = frameBytes(body + at, bytes - at)
    const type = <u32>load<u8>(body + at)
    if (type == DATA || type == MESSAGE) {
      const content = contentBytes(body + at, frame)
      readPut(connection, lane, body + at + (frame - content), content)
      count(connection, MESSAGES_RECEIVED)
    }
    at += frame
  }
}
