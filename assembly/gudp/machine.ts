// The machine of a connection: packets and the time in, packets and the time of the next call out. No clock, no socket: the daemon has those.

import { load32 } from '../atomics'
import { EMPTY, ENDED, INVALID, STALE } from '../codes'
import { MAILBOX_STATS_OFFSET } from '../layout'
import { BUFFER_DATA_OFFSET, bufferLength, isBuffer } from '../region/buffer'
import { isAlive, scratchOf } from '../region/threads'
import { isFinal } from '../sync/status'
import { congestionStart, congestionTick } from './congestion'
import { connectionFinish } from './connection'
import {
  DAEMON_OFFSET, IS_BARE_OFFSET, PACKET_BYTES_OFFSET, STATUS_OFFSET, TIMED_OUT, TIMEOUT_MS_OFFSET, FRAGMENT_BYTES_OFFSET, isConnection,
} from './descriptor'
import { FRAGMENT_HEADER, LONGEST_HEADER } from './header'
import { dropAssemblies, expireAssemblies } from './reassembly'
import { receive } from './receive'
import {
  ACKED_RATE, ACKED_RATE_BASE, ACKED_SENT_AT_OFFSET, ACK_AT_OFFSET, BYTES_ACKED, BYTES_RECEIVED, BYTES_SENT, HEARD_AT_OFFSET,
  LAST_ACK_OFFSET, PINGED_AT_OFFSET, PROGRESS_AT_OFFSET, RATES_AT_OFFSET, RECEIVED_OFFSET, RECEIVED_RATE, RECEIVED_RATE_BASE,
  RTT_OFFSET, SENT_RATE, SENT_RATE_BASE, TIMED_AT_OFFSET,
} from './state'
import { transmit, transmitAt } from './transmit'

/** Bandwidths are of about so long, and move by a tenth of the way with each. */
const RATES_MS: f64 = 250
const RATE_SHARE: f64 = 0.1
const NONE_YET: u32 = 0xffff

export function machineStart(connection: usize, nowMs: f64): void {
  store<u32>(connection + LAST_ACK_OFFSET, NONE_YET)
  store<u32>(connection + RECEIVED_OFFSET, NONE_YET)
  store<f64>(connection + ACK_AT_OFFSET, Infinity)
  store<f64>(connection + TIMED_AT_OFFSET, Infinity)
  store<f64>(connection + HEARD_AT_OFFSET, nowMs)
  store<f64>(connection + PROGRESS_AT_OFFSET, nowMs)
  store<f64>(connection + PINGED_AT_OFFSET, load<u32>(connection + IS_BARE_OFFSET) != 0 ? nowMs : -Infinity)
  store<f64>(connection + ACKED_SENT_AT_OFFSET, -Infinity)
  store<f64>(connection + RTT_OFFSET, -1)
  store<f64>(connection + RATES_AT_OFFSET, nowMs)
  congestionStart(connection, nowMs)
}

@inline function isDaemon(connection: usize, token: u32): bool {
  return isAlive(token) && load<u32>(connection + DAEMON_OFFSET) == token
}

/** Where `bytes` of a buffer from `offset` on lie, or 0. */
function within(buffer: u32, bufferGeneration: u32, offset: u32, bytes: u32): usize {
  if (!isBuffer(buffer, bufferGeneration) || <u64>offset + bytes > <u64>bufferLength(buffer)) return 0
  return <usize>buffer + BUFFER_DATA_OFFSET + offset
}

/** A packet has come: `bytes` of the buffer from `offset` on. What became of it, see receive.ts; ENDED: the connection takes no more. */
export function connectionReceive(
  address: u32, generation: u32, token: u32, nowMs: f64, buffer: u32, bufferGeneration: u32, offset: u32, bytes: u32,
): i32 {
  if (!isConnection(address, generation)) return STALE
  const from = within(buffer, bufferGeneration, offset, bytes)
  const connection = <usize>address
  if (from == 0 || !isDaemon(connection, token)) return INVALID
  if (isFinal(load32(connection + STATUS_OFFSET))) return ENDED
  reckonRates(connection, nowMs)
  congestionTick(connection, nowMs)
  return receive(connection, generation, token, nowMs, from, bytes)
}

/** How many bytes the longest packet or fragment has. */
function longest(connection: usize): u32 {
  const fragment = FRAGMENT_HEADER + LONGEST_HEADER + load<u32>(connection + FRAGMENT_BYTES_OFFSET)
  return max(load<u32>(connection + PACKET_BYTES_OFFSET), fragment)
}

/**
 * The next packet, written to the buffer at `offset`: its bytes; EMPTY: there is none now, and when to ask again is in the mailbox (an f64;
 * infinite: when something happens); ENDED: there never will be.
 */
export function connectionNext(
  address: u32, generation: u32, token: u32, nowMs: f64, buffer: u32, bufferGeneration: u32, offset: u32,
): i32 {
  if (!isConnection(address, generation)) return STALE
  const connection = <usize>address
  const out = within(buffer, bufferGeneration, offset, longest(connection))
  if (out == 0 || !isDaemon(connection, token)) return INVALID
  const deadlineMs = load<f64>(connection + HEARD_AT_OFFSET) + load<f64>(connection + TIMEOUT_MS_OFFSET)
  if (deadlineMs <= nowMs) connectionFinish(address, generation, TIMED_OUT)
  if (isFinal(load32(connection + STATUS_OFFSET))) {
    dropAssemblies(connection)
    return ENDED
  }
  congestionTick(connection, nowMs)
  const bytes = transmit(connection, nowMs, out)
  if (bytes != 0) return bytes
  const atMs = min(min(transmitAt(connection), expireAssemblies(connection, nowMs)), deadlineMs)
  store<f64>(scratchOf(token) + MAILBOX_STATS_OFFSET, atMs)
  return EMPTY
}

function reckonRates(connection: usize, nowMs: f64): void {
  const tookMs = nowMs - load<f64>(connection + RATES_AT_OFFSET)
  if (tookMs < RATES_MS) return
  store<f64>(connection + RATES_AT_OFFSET, nowMs)
  reckonRate(connection, BYTES_SENT, SENT_RATE_BASE, SENT_RATE, tookMs)
  reckonRate(connection, BYTES_RECEIVED, RECEIVED_RATE_BASE, RECEIVED_RATE, tookMs)
  reckonRate(connection, BYTES_ACKED, ACKED_RATE_BASE, ACKED_RATE, tookMs)
}

function reckonRate(connection: usize, counter: usize, base: usize, rate: usize, tookMs: f64): void {
  const bytes = load<f64>(connection + counter)
  const sample = (bytes - load<f64>(connection + base)) * 1000 / tookMs
  const before = load<f64>(connection + rate)
  // Over a long pause one sample says it all.
  const share = min<f64>(1, max(RATE_SHARE, tookMs / (RATES_MS * 20)))
  store<f64>(connection + rate, before == 0 ? sample : before + (sample - before) * share)
  store<f64>(connection + base, bytes)
}
