// How much may be sent, and when: one interface, three strategies behind it. All are asked the same questions, with the time as an argument.
//
//   GOOD_BAD  packets a second, by RTT: the default; made for small steady traffic            good-bad.ts
//   PACED     bytes a second, by what is seen to arrive: for bulk                             paced.ts
//   NONE      as fast as acknowledgements come: for a link that nobody else uses, and for tests
//
// Each leaves in NEXT_AT when the next packet may go, so that a packet that goes late by a timer's tick does not make the next ones go in a burst:
// what was not used is kept for no longer than SLACK_MS.

import { STRATEGY_OFFSET } from './descriptor'
import { goodBadSent, goodBadStart, goodBadTick } from './good-bad'
import { pacedAcked, pacedBackOff, pacedRoom, pacedSent, pacedSentAtOnce, pacedStart } from './paced'
import { CONGESTION_END, CONGESTION_OFFSET } from './state'

export const GOOD_BAD: u32 = 0
export const PACED: u32 = 1
export const NONE: u32 = 2
export const LAST_STRATEGY: u32 = NONE

/** f64 the earliest that the next packet may be sent. */
export const NEXT_AT_OFFSET: usize = CONGESTION_OFFSET
/** u32, behind what the strategies have for themselves. */
const IS_PAUSED_OFFSET: usize = CONGESTION_END - 8

@inline function strategyOf(connection: usize): u32 { return load<u32>(connection + STRATEGY_OFFSET) }

export function congestionStart(connection: usize, nowMs: f64): void {
  store<f64>(connection + NEXT_AT_OFFSET, nowMs)
  if (strategyOf(connection) == GOOD_BAD) goodBadStart(connection, nowMs)
  else if (strategyOf(connection) == PACED) pacedStart(connection, nowMs)
}

/** Whether so much may be under way; if not, only acknowledgements make room. */
export function congestionHasRoom(connection: usize): bool {
  return strategyOf(connection) != PACED || pacedRoom(connection)
}

/** When the next packet may be sent, if there is room for it. */
@inline export function congestionNextAt(connection: usize): f64 { return load<f64>(connection + NEXT_AT_OFFSET) }

/** It is not for the pace that nothing is sent now: what is not used until the next packet is not saved up. */
export function congestionPause(connection: usize): void { store<u32>(connection + IS_PAUSED_OFFSET, 1) }

/** A packet was sent; `entry` is its own. */
export function congestionSent(connection: usize, entry: usize, nowMs: f64, bytes: u32): void {
  if (load<u32>(connection + IS_PAUSED_OFFSET) != 0) {
    store<u32>(connection + IS_PAUSED_OFFSET, 0)
    store<f64>(connection + NEXT_AT_OFFSET, max(load<f64>(connection + NEXT_AT_OFFSET), nowMs))
  }
  const strategy = strategyOf(connection)
  if (strategy == GOOD_BAD) goodBadSent(connection, nowMs)
  else if (strategy == PACED) pacedSent(connection, entry, nowMs, bytes)
}

/** A packet that waits for nobody was sent. */
export function congestionSentAtOnce(connection: usize, entry: usize, nowMs: f64): void {
  if (strategyOf(connection) == PACED) pacedSentAtOnce(connection, entry, nowMs)
}

/** It has arrived. */
export function congestionAcked(connection: usize, entry: usize, nowMs: f64): void {
  if (strategyOf(connection) == PACED) pacedAcked(connection, entry, nowMs)
}

/** Nothing was heard for as long as an answer takes. */
export function congestionBackOff(connection: usize): void {
  if (strategyOf(connection) == PACED) pacedBackOff(connection)
}

/** Time has passed. */
export function congestionTick(connection: usize, nowMs: f64): void {
  if (strategyOf(connection) == GOOD_BAD) goodBadTick(connection, nowMs)
}
