// Good and bad, after Gaffer: while the RTT is below a limit the connection is good, and sends at one rate; else it is bad, and sends at a lower one. It
// is good again when the RTT has been good for `penalty`. The penalty doubles when a good time was short, and halves with every ten good seconds,
// so that a connection which swings is held down longer and longer.

import { BAD_RATE_OFFSET, GOOD_RATE_OFFSET, RTT_LIMIT_MS_OFFSET, STATUS_OFFSET } from './descriptor'
import { setWorking } from '../sync/status'
import { ALLOWED_RATE, CONGESTION_OFFSET, RTT_OFFSET } from './state'

const NEXT_AT_OFFSET: usize = CONGESTION_OFFSET // congestion.ts
const IS_GOOD_OFFSET: usize = CONGESTION_OFFSET + 8 //      u32
const PENALTY_OFFSET: usize = CONGESTION_OFFSET + 16 //     f64 ms
const SINCE_OFFSET: usize = CONGESTION_OFFSET + 24 //       f64 when it became good; of a bad one, since when the RTT has been good
const REWARDED_AT_OFFSET: usize = CONGESTION_OFFSET + 32 // f64 when the penalty was last halved

const FIRST_PENALTY_MS: f64 = 4000
const LEAST_PENALTY_MS: f64 = 1000
const MOST_PENALTY_MS: f64 = 60000
const REWARD_MS: f64 = 10000

/** The status's working bits. */
const GOOD: u32 = 0
const BAD: u32 = 1

export function goodBadStart(connection: usize, nowMs: f64): void {
  store<f64>(connection + PENALTY_OFFSET, FIRST_PENALTY_MS)
  enter(connection, false, nowMs)
}

function enter(connection: usize, isGood: bool, nowMs: f64): void {
  store<u32>(connection + IS_GOOD_OFFSET, u32(isGood))
  store<f64>(connection + SINCE_OFFSET, nowMs)
  store<f64>(connection + REWARDED_AT_OFFSET, nowMs)
  store<f64>(connection + ALLOWED_RATE, rateOf(connection))
  setWorking(connection + STATUS_OFFSET, isGood ? GOOD : BAD)
}

@inline function rateOf(connection: usize): f64 {
  return load<f64>(connection + (load<u32>(connection + IS_GOOD_OFFSET) != 0 ? GOOD_RATE_OFFSET : BAD_RATE_OFFSET))
}

export function goodBadTick(connection: usize, nowMs: f64): void {
  const rttMs = load<f64>(connection + RTT_OFFSET)
  const hasGoodRtt = rttMs >= 0 && rttMs <= load<f64>(connection + RTT_LIMIT_MS_OFFSET)
  if (load<u32>(connection + IS_GOOD_OFFSET) == 0) {
    if (!hasGoodRtt) store<f64>(connection + SINCE_OFFSET, nowMs)
    else if (nowMs - load<f64>(connection + SINCE_OFFSET) > load<f64>(connection + PENALTY_OFFSET)) enter(connection, true, nowMs)
    return
  }
  const penaltyMs = load<f64>(connection + PENALTY_OFFSET)
  if (!hasGoodRtt) {
    const wasShort = nowMs - load<f64>(connection + SINCE_OFFSET) < REWARD_MS
    if (wasShort) store<f64>(connection + PENALTY_OFFSET, min(MOST_PENALTY_MS, penaltyMs * 2))
    enter(connection, false, nowMs)
    return
  }
  // As often as ten seconds have passed: the machine may not have been called for a while.
  while (nowMs - load<f64>(connection + REWARDED_AT_OFFSET) >= REWARD_MS) {
    store<f64>(connection + REWARDED_AT_OFFSET, load<f64>(connection + REWARDED_AT_OFFSET) + REWARD_MS)
    store<f64>(connection + PENALTY_OFFSET, max(LEAST_PENALTY_MS, load<f64>(connection + PENALTY_OFFSET) / 2))
  }
}

/** Spread evenly: one that goes late moves the next by at most one interval. */
export function goodBadSent(connection: usize, nowMs: f64): void {
  const intervalMs = 1000 / rateOf(connection)
  store<f64>(connection + NEXT_AT_OFFSET, max(load<f64>(connection + NEXT_AT_OFFSET), nowMs - intervalMs) + intervalMs)
}
