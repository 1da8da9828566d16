// Bytes, paced: the rate is the most that was seen to arrive in the last ten round trips, so that loss alone does not slow it down (a link that loses
// a twentieth carries nineteen twentieths), and what is under way is bounded by twice what the link holds at that rate. After BBR (Cardwell
// et al. 2016), without its probing for the RTT: the queue is emptied in every eighth round trip anyway.
//
//   STARTUP  2.77 × the rate, until it has not grown by a quarter for three round trips
//   DRAIN    0.35 ×, until what is under way is what the link holds
//   PROBE    in turn 1.25, 0.75, and six times 1 ×, a round trip each

import { GOOD_RATE_OFFSET, PACKET_BYTES_OFFSET, STATUS_OFFSET } from './descriptor'
import {
  APP_LIMITED, SENT_AT_OFFSET, SENT_DELIVERED_AT_OFFSET, SENT_DELIVERED_OFFSET, SENT_FIRST_AT_OFFSET, SENT_FLAGS_OFFSET,
  SENT_WIRE_BYTES_OFFSET,
} from './sent'
import { setWorking } from '../sync/status'
import { ALLOWED_RATE, CONGESTION_END, CONGESTION_OFFSET, FLIGHT_BYTES_OFFSET, MIN_RTT } from './state'

const NEXT_AT_OFFSET: usize = CONGESTION_OFFSET // congestion.ts
const MODE_OFFSET: usize = CONGESTION_OFFSET + 8 //           u32
const PHASE_OFFSET: usize = CONGESTION_OFFSET + 12 //         u32
const PHASE_AT_OFFSET: usize = CONGESTION_OFFSET + 16 //      f64
const DELIVERED_OFFSET: usize = CONGESTION_OFFSET + 24 //     f64 bytes that are known to have arrived
const DELIVERED_AT_OFFSET: usize = CONGESTION_OFFSET + 32 //  f64
const FIRST_AT_OFFSET: usize = CONGESTION_OFFSET + 40 //      f64 when the packet was sent that was acknowledged last
const ROUND_OFFSET: usize = CONGESTION_OFFSET + 48 //         u32
const FULL_ROUNDS_OFFSET: usize = CONGESTION_OFFSET + 52 //   u32 rounds without growth
const ROUND_ENDS_OFFSET: usize = CONGESTION_OFFSET + 56 //    f64 the round ends when what was sent after this is acknowledged
const FULL_RATE_OFFSET: usize = CONGESTION_OFFSET + 64 //     f64
const RATE_OFFSET: usize = CONGESTION_OFFSET + 72 //          f64 bytes a ms: the greatest of the last ten rounds
const LIMITED_UNTIL_OFFSET: usize = CONGESTION_OFFSET + 80 // f64 the program had no more to send up to there
const MIN_RTT_AT_OFFSET: usize = CONGESTION_OFFSET + 88 //    f64
const RATES_OFFSET: usize = CONGESTION_OFFSET + 96 //         f64 × 10
if (RATES_OFFSET + 80 > CONGESTION_END - 8) ERROR('the rates reach into what is common')

const STARTUP: u32 = 0
const DRAIN: u32 = 1
const PROBE: u32 = 2

const STARTUP_GAIN: f64 = 2.77
const DRAIN_GAIN: f64 = 0.35
const ROUNDS: u32 = 10
const PHASES: u32 = 8
const MIN_RTT_MS: f64 = 10000

/** Packets a ms: the least that it ever comes down to, so that it can find out more. Before anything is known it is one. */
const LEAST_PACKETS: f64 = 0.01
/** What may be under way whatever the link seems to hold: acknowledgements come for eight packets, and a timer is late by a millisecond or two. */
const SPARE_PACKETS: f64 = 32
const SPARE_MS: f64 = 4
/** What a late timer kept back may go at once up to this much time's worth. */
const SLACK_MS: f64 = 2

const GOOD: u32 = 0
const BAD: u32 = 1

export function pacedStart(connection: usize, nowMs: f64): void {
  store<f64>(connection + DELIVERED_AT_OFFSET, nowMs)
  store<f64>(connection + FIRST_AT_OFFSET, nowMs)
  store<f64>(connection + MIN_RTT_AT_OFFSET, nowMs)
  store<f64>(connection + RATE_OFFSET, packetBytes(connection))
}

@inline function packetBytes(connection: usize): f64 { return <f64>load<u32>(connection + PACKET_BYTES_OFFSET) }

function gainOf(connection: usize): f64 {
  const mode = load<u32>(connection + MODE_OFFSET)
  if (mode == STARTUP) return STARTUP_GAIN
  if (mode == DRAIN) return DRAIN_GAIN
  const phase = load<u32>(connection + PHASE_OFFSET)
  return phase == 0 ? 1.25 : phase == 1 ? 0.75 : 1
}

/** Bytes a ms. */
function pace(connection: usize): f64 {
  const rate = max(load<f64>(connection + RATE_OFFSET), packetBytes(connection) * LEAST_PACKETS) * gainOf(connection)
  const most = load<f64>(connection + GOOD_RATE_OFFSET) / 1000
  return most > 0 ? min(rate, most) : rate
}

/** What the link holds. */
@inline function linkBytes(connection: usize): f64 { return load<f64>(connection + RATE_OFFSET) * load<f64>(connection + MIN_RTT) }

export function pacedRoom(connection: usize): bool {
  const gain: f64 = load<u32>(connection + MODE_OFFSET) == PROBE ? 2 : STARTUP_GAIN
  const spare = max(SPARE_PACKETS * packetBytes(connection), load<f64>(connection + RATE_OFFSET) * SPARE_MS)
  return <f64>load<u32>(connection + FLIGHT_BYTES_OFFSET) < gain * linkBytes(connection) + spare
}

/** Of a packet that was sent, which is not among those under way yet. */
export function pacedSent(connection: usize, entry: usize, nowMs: f64, bytes: u32): void {
  note(connection, entry, nowMs)
  const rate = pace(connection)
  store<f64>(connection + ALLOWED_RATE, rate * 1000)
  store<f64>(connection + NEXT_AT_OFFSET, max(load<f64>(connection + NEXT_AT_OFFSET), nowMs - SLACK_MS) + <f64>bytes / rate)
}

/** One that did not wait for its turn: when it arrives says nothing of the link. */
export function pacedSentAtOnce(connection: usize, entry: usize, nowMs: f64): void {
  note(connection, entry, nowMs)
  store<u16>(entry + SENT_FLAGS_OFFSET, <u16>(<u32>load<u16>(entry + SENT_FLAGS_OFFSET) | APP_LIMITED))
}

function note(connection: usize, entry: usize, nowMs: f64): void {
  const delivered = load<f64>(connection + DELIVERED_OFFSET)
  if (load<u32>(connection + FLIGHT_BYTES_OFFSET) == 0) {
    store<f64>(connection + FIRST_AT_OFFSET, nowMs)
    store<f64>(connection + DELIVERED_AT_OFFSET, nowMs)
  }
  store<f64>(entry + SENT_DELIVERED_OFFSET, delivered)
  store<f64>(entry + SENT_DELIVERED_AT_OFFSET, load<f64>(connection + DELIVERED_AT_OFFSET))
  store<f64>(entry + SENT_FIRST_AT_OFFSET, load<f64>(connection + FIRST_AT_OFFSET))
  if (load<f64>(connection + LIMITED_UNTIL_OFFSET) >= delivered) {
    store<u16>(entry + SENT_FLAGS_OFFSET, <u16>(<u32>load<u16>(entry + SENT_FLAGS_OFFSET) | APP_LIMITED))
  }
}

/** The program has nothing more to send: what arrives until then says nothing of the link. */
export function pacedIsIdle(connection: usize): void {
  const until = load<f64>(connection + DELIVERED_OFFSET) + <f64>load<u32>(connection + FLIGHT_BYTES_OFFSET)
  store<f64>(connection + LIMITED_UNTIL_OFFSET, max<f64>(until, 1))
}

export function pacedAcked(connection: usize, entry: usize, nowMs: f64): void {
  const sentAtMs = load<f64>(entry + SENT_AT_OFFSET)
  const delivered = load<f64>(connection + DELIVERED_OFFSET) + <f64>load<u32>(entry + SENT_WIRE_BYTES_OFFSET)
  store<f64>(connection + DELIVERED_OFFSET, delivered)
  store<f64>(connection + DELIVERED_AT_OFFSET, nowMs)
  store<f64>(connection + FIRST_AT_OFFSET, max(load<f64>(connection + FIRST_AT_OFFSET), sentAtMs))
  updateMinRtt(connection, nowMs, nowMs - sentAtMs)
  const before = load<f64>(entry + SENT_DELIVERED_OFFSET)
  const isNewRound = before >= load<f64>(connection + ROUND_ENDS_OFFSET)
  if (isNewRound) startRound(connection, delivered)
  // By the longer of the two: acknowledgements that come in a bunch do not make the link quicker, nor packets that went in one.
  const sendingMs = sentAtMs - load<f64>(entry + SENT_FIRST_AT_OFFSET)
  const arrivingMs = nowMs - load<f64>(entry + SENT_DELIVERED_AT_OFFSET)
  const tookMs = max(sendingMs, arrivingMs)
  if (tookMs > 0) sample(connection, (delivered - before) / tookMs, (load<u16>(entry + SENT_FLAGS_OFFSET) & APP_LIMITED) != 0)
  advance(connection, nowMs, isNewRound)
}

function updateMinRtt(connection: usize, nowMs: f64, rttMs: f64): void {
  const least = load<f64>(connection + MIN_RTT)
  if (least > 0 && rttMs > least && nowMs - load<f64>(connection + MIN_RTT_AT_OFFSET) < MIN_RTT_MS) return
  store<f64>(connection + MIN_RTT, rttMs)
  store<f64>(connection + MIN_RTT_AT_OFFSET, nowMs)
}

function startRound(connection: usize, delivered: f64): void {
  const round = load<u32>(connection + ROUND_OFFSET) + 1
  store<u32>(connection + ROUND_OFFSET, round)
  store<f64>(connection + ROUND_ENDS_OFFSET, delivered)
  store<f64>(connection + RATES_OFFSET + (<usize>(round % ROUNDS) << 3), 0)
}

function sample(connection: usize, rate: f64, isLimited: bool): void {
  if (isLimited && rate <= load<f64>(connection + RATE_OFFSET)) return
  const at = connection + RATES_OFFSET + (<usize>(load<u32>(connection + ROUND_OFFSET) % ROUNDS) << 3)
  if (rate > load<f64>(at)) store<f64>(at, rate)
  let most: f64 = 0
  for (let round: u32 = 0; round < ROUNDS; round++) most = max(most, load<f64>(connection + RATES_OFFSET + (<usize>round << 3)))
  store<f64>(connection + RATE_OFFSET, most)
}

function advance(connection: usize, nowMs: f64, isNewRound: bool): void {
  const mode = load<u32>(connection + MODE_OFFSET)
  if (mode == STARTUP) {
    if (isNewRound && isFull(connection)) store<u32>(connection + MODE_OFFSET, DRAIN)
  } else if (mode == DRAIN) {
    if (<f64>load<u32>(connection + FLIGHT_BYTES_OFFSET) <= linkBytes(connection)) {
      store<u32>(connection + MODE_OFFSET, PROBE)
      store<u32>(connection + PHASE_OFFSET, 2)
      store<f64>(connection + PHASE_AT_OFFSET, nowMs)
    }
  } else if (nowMs - load<f64>(connection + PHASE_AT_OFFSET) > max(load<f64>(connection + MIN_RTT), 1)) {
    store<u32>(connection + PHASE_OFFSET, (load<u32>(connection + PHASE_OFFSET) + 1) % PHASES)
    store<f64>(connection + PHASE_AT_OFFSET, nowMs)
  }
  setWorking(connection + STATUS_OFFSET, GOOD)
}

/** The rate has not grown by a quarter in three round trips: that is what the link carries. */
function isFull(connection: usize): bool {
  const rate = load<f64>(connection + RATE_OFFSET)
  if (load<f64>(connection + LIMITED_UNTIL_OFFSET) >= load<f64>(connection + DELIVERED_OFFSET)) return false
  if (rate >= load<f64>(connection + FULL_RATE_OFFSET) * 1.25) {
    store<f64>(connection + FULL_RATE_OFFSET, rate)
    store<u32>(connection + FULL_ROUNDS_OFFSET, 0)
    return false
  }
  const rounds = load<u32>(connection + FULL_ROUNDS_OFFSET) + 1
  store<u32>(connection + FULL_ROUNDS_OFFSET, rounds)
  return rounds >= 3
}

/** The link may be another one now, or gone: half as fast, and what was seen of it before is forgotten. */
export function pacedBackOff(connection: usize): void {
  const rate = load<f64>(connection + RATE_OFFSET) / 2
  for (let round: u32 = 0; round < ROUNDS; round++) store<f64>(connection + RATES_OFFSET + (<usize>round << 3), 0)
  store<f64>(connection + RATES_OFFSET + (<usize>(load<u32>(connection + ROUND_OFFSET) % ROUNDS) << 3), rate)
  store<f64>(connection + RATE_OFFSET, rate)
  setWorking(connection + STATUS_OFFSET, BAD)
}
