// What the peer has taken, and what is given up.

import { FIRST_LANE_OFFSET, IN_CREDIT_DUE_OFFSET, IS_BARE_OFFSET, LANE_BYTES, LANE_KIND_OFFSET, LANE_STREAM, checkedLane, lanesOf } from './descriptor'
import { congestionAcked, congestionBackOff } from './congestion'
import { ACK_DELAY_MS } from './pace-of-acks'
import {
  NO_LANE, SENT_AT_OFFSET, SENT_DONE, SENT_FLAGS_OFFSET, SENT_FROM_OFFSET, SENT_GIVEN_UP, SENT_LANE_OFFSET, SENT_LOST, SENT_UNDER_WAY,
  SENT_ACK_ONLY, SENT_IN_PARTS, SENT_UNITS_OFFSET, SENT_WIRE_BYTES_OFFSET, TELLS_CREDIT, isFree, sentAt, sentSequence, sentState, setSentState,
} from './sent'
import { behind, isNewer } from './sequence'
import {
  ACKED_SENT_AT_OFFSET, ACKS_FORGED, ACKS_LATE, BACKOFF_OFFSET, BYTES_ACKED, FLIGHT_BYTES_OFFSET, FLIGHT_PACKETS_OFFSET,
  LAST_ACK_BITS_OFFSET, LAST_ACK_OFFSET, LEAST_RTT, LOST_OFFSET, OLDEST_OFFSET, PACKETS_ACKED, PACKETS_LOST, PROGRESS_AT_OFFSET, RTT_OFFSET, RTT_SPREAD_OFFSET,
  SEQUENCE_OFFSET, TIMED_AT_OFFSET, count,
} from './state'
import { streamAcked } from './streams'

const RTT_SHARE: f64 = 0.1
/** Before anything is known, and the bounds: not acknowledged in this time is lost. */
const FIRST_TIMEOUT_MS: f64 = 500
const LEAST_TIMEOUT_MS: f64 = 25
const MOST_TIMEOUT_MS: f64 = 1000
const MOST_BACKOFF: u32 = 3
/** One that a later one has overtaken is given so much of a RTT, or as much as RTTs differ: packets change places on the way. */
const PATIENCE: f64 = 0.25
const LEAST_PATIENCE_MS: f64 = 1
const ACK_BITS: u32 = 32

/** The ack and bits of a packet that may be taken. */
export function acknowledge(connection: usize, nowMs: f64, ack: u32, bits: u32): void {
  if (bits == 0) return // it has received nothing
  const sent = load<u32>(connection + SEQUENCE_OFFSET)
  const newest = (sent - 1) & 0xffff
  if (isNewer(ack, newest)) {
    count(connection, ACKS_FORGED)
    return
  }
  const last = load<u32>(connection + LAST_ACK_OFFSET)
  const lastBits = load<u32>(connection + LAST_ACK_BITS_OFFSET)
  let news = bits
  if (ack == last || isNewer(ack, last)) {
    const distance = behind(ack, last)
    if (distance < ACK_BITS) news = bits & ~(lastBits << distance)
    store<u32>(connection + LAST_ACK_OFFSET, ack)
    store<u32>(connection + LAST_ACK_BITS_OFFSET, distance < ACK_BITS ? bits | (lastBits << distance) : bits)
  }
  while (news != 0) {
    const bit = ctz(news)
    news &= news - 1
    acked(connection, nowMs, (ack - bit) & 0xffff)
  }
  giveUp(connection, nowMs)
}

function acked(connection: usize, nowMs: f64, sequence: u32): void {
  const entry = sentAt(connection, sequence)
  const state = sentState(entry)
  if (sentSequence(entry) != sequence || state == SENT_DONE) return
  setSentState(entry, SENT_DONE)
  if (state == SENT_ACK_ONLY) return
  store<u32>(connection + BACKOFF_OFFSET, 0)
  store<f64>(connection + PROGRESS_AT_OFFSET, nowMs)
  if (state == SENT_UNDER_WAY || state == SENT_IN_PARTS) {
    land(connection, entry)
    count(connection, PACKETS_ACKED)
    count(connection, BYTES_ACKED, load<u32>(entry + SENT_WIRE_BYTES_OFFSET))
    sampleRtt(connection, nowMs - load<f64>(entry + SENT_AT_OFFSET))
    congestionAcked(connection, entry, nowMs)
  } else {
    count(connection, ACKS_LATE)
    if (state == SENT_LOST) store<u32>(connection + LOST_OFFSET, load<u32>(connection + LOST_OFFSET) - 1)
  }
  const sentAtMs = load<f64>(entry + SENT_AT_OFFSET)
  if (sentAtMs > load<f64>(connection + ACKED_SENT_AT_OFFSET)) store<f64>(connection + ACKED_SENT_AT_OFFSET, sentAtMs)
  const index = <u32>load<u8>(entry + SENT_LANE_OFFSET)
  if (index == NO_LANE) return
  const lane = checkedLane(connection, index)
  if (lane != 0) streamAcked(connection, lane, load<u64>(entry + SENT_FROM_OFFSET), load<u16>(entry + SENT_UNITS_OFFSET))
}

/** It is not under way any more. */
function land(connection: usize, entry: usize): void {
  store<u32>(connection + FLIGHT_PACKETS_OFFSET, load<u32>(connection + FLIGHT_PACKETS_OFFSET) - 1)
  store<u32>(
    connection + FLIGHT_BYTES_OFFSET, load<u32>(connection + FLIGHT_BYTES_OFFSET) - load<u32>(entry + SENT_WIRE_BYTES_OFFSET),
  )
}

function sampleRtt(connection: usize, sampleMs: f64): void {
  const leastMs = load<f64>(connection + LEAST_RTT)
  if (leastMs == 0 || sampleMs < leastMs) store<f64>(connection + LEAST_RTT, sampleMs)
  const rttMs = load<f64>(connection + RTT_OFFSET)
  if (rttMs < 0) {
    store<f64>(connection + RTT_OFFSET, sampleMs)
    store<f64>(connection + RTT_SPREAD_OFFSET, sampleMs / 2)
    return
  }
  const spreadMs = load<f64>(connection + RTT_SPREAD_OFFSET)
  store<f64>(connection + RTT_SPREAD_OFFSET, spreadMs + (Math.abs(sampleMs - rttMs) - spreadMs) * 0.25)
  store<f64>(connection + RTT_OFFSET, rttMs + (sampleMs - rttMs) * RTT_SHARE)
}

/** A packet that is not acknowledged in this time is lost. */
export function timeoutMs(connection: usize): f64 {
  if (load<u32>(connection + IS_BARE_OFFSET) != 0) return MOST_TIMEOUT_MS // its peer says so when it has something to say
  const rttMs = load<f64>(connection + RTT_OFFSET)
  const spreadMs = load<f64>(connection + RTT_SPREAD_OFFSET)
  // Longer than it takes to see that a later one has overtaken it: that tells more.
  const once = rttMs < 0 ? FIRST_TIMEOUT_MS : rttMs + max(4 * spreadMs, rttMs / 2) + ACK_DELAY_MS
  const doubled = <f64>(<u32>1 << min(load<u32>(connection + BACKOFF_OFFSET), MOST_BACKOFF))
  return min(max(once, LEAST_TIMEOUT_MS) * doubled, MOST_TIMEOUT_MS)
}

/**
 * Gives up what is lost: what the ack bits do not reach any more, what was overtaken too long ago, what was sent too long ago. What they carried of a
 * stream is to be sent again.
 */
export function giveUp(connection: usize, nowMs: f64): void {
  const end = load<u32>(connection + SEQUENCE_OFFSET)
  const lastAck = load<u32>(connection + LAST_ACK_OFFSET)
  const rttMs = load<f64>(connection + RTT_OFFSET)
  const patienceMs = max(max(rttMs * PATIENCE, LEAST_PATIENCE_MS), load<f64>(connection + RTT_SPREAD_OFFSET))
  const overtaken = load<f64>(connection + ACKED_SENT_AT_OFFSET) - patienceMs
  const timeout = timeoutMs(connection)
  let oldest = load<u32>(connection + OLDEST_OFFSET)
  let isFirst = true
  let wasTimed = false
  let nextAtMs: f64 = Infinity
  for (let sequence = oldest; sequence != end; sequence = (sequence + 1) & 0xffff) {
    const entry = sentAt(connection, sequence)
    if (sentState(entry) == SENT_UNDER_WAY) {
      const sentAtMs = load<f64>(entry + SENT_AT_OFFSET)
      const isOutOfReach = lastAck != sequence && isNewer(lastAck, sequence) && behind(lastAck, sequence) >= ACK_BITS
      if (isOutOfReach || sentAtMs < overtaken || sentAtMs + timeout <= nowMs) {
        wasTimed = wasTimed || !(isOutOfReach || sentAtMs < overtaken)
        lose(connection, entry)
      } else {
        nextAtMs = min(nextAtMs, sentAtMs)
      }
    }
    if (isFirst && isFree(entry)) oldest = (sequence + 1) & 0xffff
    else isFirst = false
  }
  store<u32>(connection + OLDEST_OFFSET, oldest)
  if (wasTimed && load<f64>(connection + PROGRESS_AT_OFFSET) + timeout <= nowMs) {
    store<u32>(connection + BACKOFF_OFFSET, load<u32>(connection + BACKOFF_OFFSET) + 1)
    congestionBackOff(connection)
  }
  store<f64>(connection + TIMED_AT_OFFSET, nextAtMs + timeoutMs(connection))
}

function lose(connection: usize, entry: usize): void {
  land(connection, entry)
  count(connection, PACKETS_LOST)
  if ((<u32>load<u16>(entry + SENT_FLAGS_OFFSET) & TELLS_CREDIT) != 0) tellCreditsAgain(connection)
  if (<u32>load<u8>(entry + SENT_LANE_OFFSET) == NO_LANE) {
    setSentState(entry, SENT_GIVEN_UP)
  } else {
    setSentState(entry, SENT_LOST)
    store<u32>(connection + LOST_OFFSET, load<u32>(connection + LOST_OFFSET) + 1)
  }
}

function tellCreditsAgain(connection: usize): void {
  const lanes = lanesOf(connection)
  for (let index: u32 = 0; index < lanes; index++) {
    const lane = connection + FIRST_LANE_OFFSET + <usize>index * LANE_BYTES
    if (load<u32>(lane + LANE_KIND_OFFSET) == LANE_STREAM) store<u32>(lane + IN_CREDIT_DUE_OFFSET, 1)
  }
}
