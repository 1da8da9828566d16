// A connection comes and goes: made by the daemon, joined by its users, freed by the last one out.

import { load32, load64, or32, swap32, wakeAll } from '../atomics'
import { INVALID, OUT_OF_MEMORY, STALE } from '../codes'
import { KIND_CONNECTION, KIND_OFFSET, SCRATCH_DATA_OFFSET } from '../layout'
import { allocate, publish } from '../region/granules'
import { firstMember, memberOf } from '../region/members'
import { isAlive, isGone, scratchOf, slotOf, threadCount } from '../region/threads'
import { granulesFor, isHub } from '../sockets/descriptor'
import { mark } from '../sockets/hub'
import { isFinal, setFinal } from '../sync/status'
import { signalOne, waitSetLeave } from '../sync/wait-set'
import {
  BAD_RATE_OFFSET, BYTES_OFFSET, DAEMON_OFFSET, FIRST_LANE_OFFSET, FRAGMENT_BYTES_OFFSET, GOOD_RATE_OFFSET, HEARTBEAT_MS_OFFSET,
  HUB_ADDRESS_OFFSET, HUB_GENERATION_OFFSET, INDEX_OFFSET, IN_BITS_OFFSET, IN_BYTES_OFFSET, IN_CREDIT_OFFSET, IN_DATA_OFFSET,
  IN_TELL_OFFSET, IN_WAITERS_OFFSET, IS_BARE_OFFSET, LANES_OFFSET, LANE_BYTES, LANE_KIND_OFFSET, LANE_PACKETS, LANE_STREAM, LONGEST_OFFSET, MAX_LANES,
  OUT_BITS_OFFSET, OUT_BYTES_OFFSET, OUT_DATA_OFFSET, OUT_HEAD_OFFSET, OUT_LIMIT_OFFSET, OUT_LOCKERS_OFFSET, OUT_TAIL_OFFSET, PACKET_BYTES_OFFSET, REASSEMBLY_BYTES_OFFSET,
  RTT_LIMIT_MS_OFFSET, SENT_OFFSET, STATUS_OFFSET, STRATEGY_OFFSET, TIMEOUT_MS_OFFSET, UNIT, WANTS_OFFSET, WINDOW_OFFSET,
  isConnection, laneAt, lanesOf, recordBytes,
} from './descriptor'
import { machineStart } from './machine'
import { LAST_STRATEGY } from './congestion'
import { readEnd } from './read-buffer'
import { sendEnd } from './send-buffer'
import { SENT_BYTES } from './sent'

/** What is taken before the peer has said anything: both sides know it. */
export const FIRST_CREDIT: u32 = 8192

// ---- the configuration, as the maker leaves it in its scratch ----------------------------------------------

export const CONFIG_HUB_OFFSET: usize = 0 //       u32 address, u32 generation
export const CONFIG_INDEX_OFFSET: usize = 8 //     u32
export const CONFIG_WINDOW_OFFSET: usize = 12 //   u32
export const CONFIG_BARE_OFFSET: usize = 16 //     u32
export const CONFIG_FRAGMENT_OFFSET: usize = 20 // u32
export const CONFIG_PACKET_OFFSET: usize = 24 //   u32
export const CONFIG_REASSEMBLY_OFFSET: usize = 28 // u32
export const CONFIG_STRATEGY_OFFSET: usize = 32 // u32
export const CONFIG_LANES_OFFSET: usize = 36 //    u32
export const CONFIG_TIMES_OFFSET: usize = 40 //    f64 × 5: timeout, heartbeat, good rate, bad rate, RTT limit
export const CONFIG_LANE_OFFSET: usize = 80 //     u32 × 4 for each lane: kind, bytes in, bytes out, longest
const CONFIG_LANE_BYTES: usize = 16

const LONGEST_RING: u32 = 1 << 26
const FEWEST_PACKETS: u32 = 32
const MOST_PACKETS: u32 = 4096
const SHORTEST_PACKET: u32 = 128
const LONGEST_PACKET: u32 = 65000

function isConfig(config: usize): bool {
  const window = load<u32>(config + CONFIG_WINDOW_OFFSET)
  if (window < FEWEST_PACKETS || window > MOST_PACKETS || (window & (window - 1)) != 0) return false
  const packet = load<u32>(config + CONFIG_PACKET_OFFSET)
  const fragment = load<u32>(config + CONFIG_FRAGMENT_OFFSET)
  if (packet < SHORTEST_PACKET || packet > LONGEST_PACKET || fragment < 16 || fragment > LONGEST_PACKET) return false
  if (load<u32>(config + CONFIG_STRATEGY_OFFSET) > LAST_STRATEGY) return false
  const lanes = load<u32>(config + CONFIG_LANES_OFFSET)
  if (lanes == 0 || lanes > MAX_LANES) return false
  for (let lane: u32 = 0; lane < lanes; lane++) {
    if (!isLaneConfig(config + CONFIG_LANE_OFFSET + <usize>lane * CONFIG_LANE_BYTES)) return false
  }
  return true
}

function isLaneConfig(at: usize): bool {
  const kind = load<u32>(at)
  const inBytes = load<u32>(at, 4)
  const outBytes = load<u32>(at, 8)
  const longest = load<u32>(at, 12)
  if (kind != LANE_PACKETS && kind != LANE_STREAM) return false
  if (inBytes > LONGEST_RING || outBytes > LONGEST_RING || longest > LONGEST_RING) return false
  if (((inBytes | outBytes) & (UNIT - 1)) != 0) return false
  const least = kind == LANE_STREAM ? FIRST_CREDIT : UNIT
  return min(inBytes, outBytes) >= max(least, recordBytes(longest))
}

/** Of a stream: a bit for each unit, and a word more, so that 64 bits may be read at any of them. */
@inline function bitsBytes(kind: u32, bytes: u32): u32 { return kind == LANE_STREAM ? ((bytes >> 6) + 16) & ~7 : 0 }

/** Bytes of the whole object, or more than a u32 where they would not fit. */
function sizeOf(config: usize): u64 {
  const lanes = load<u32>(config + CONFIG_LANES_OFFSET)
  let bytes = <u64>FIRST_LANE_OFFSET + <u64>lanes * LANE_BYTES + <u64>load<u32>(config + CONFIG_WINDOW_OFFSET) * SENT_BYTES
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const at = config + CONFIG_LANE_OFFSET + <usize>lane * CONFIG_LANE_BYTES
    const kind = load<u32>(at)
    bytes += <u64>load<u32>(at, 4) + load<u32>(at, 8) + bitsBytes(kind, load<u32>(at, 4)) + bitsBytes(kind, load<u32>(at, 8))
  }
  return bytes
}

/**
 * A connection as the configuration in the caller's scratch has it; the caller is its daemon, and its first member. Its address, or
 * why not.
 */
export function connectionCreate(token: u32, nowMs: f64): i32 {
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const config = scratch + SCRATCH_DATA_OFFSET
  if (!isConfig(config)) return INVALID
  const bytes = sizeOf(config)
  if (bytes > 0x7fffffff) return INVALID
  const address = allocate(granulesFor(<u32>bytes), token)
  if (address == 0) return OUT_OF_MEMORY
  const connection = <usize>address
  const lanes = load<u32>(config + CONFIG_LANES_OFFSET)
  const sent = FIRST_LANE_OFFSET + <usize>lanes * LANE_BYTES
  memory.fill(connection + 8, 0, sent - 8)
  store<u32>(connection + BYTES_OFFSET, <u32>bytes)
  store<u32>(connection + LANES_OFFSET, lanes)
  store<u32>(connection + DAEMON_OFFSET, token)
  copyConfig(connection, config)
  store<u32>(connection + SENT_OFFSET, <u32>sent)
  const window = load<u32>(config + CONFIG_WINDOW_OFFSET)
  memory.fill(connection + sent, 0, window * <u32>SENT_BYTES)
  makeLanes(connection, config, <u32>sent + window * <u32>SENT_BYTES)
  machineStart(connection, nowMs)
  store<u32>(connection + KIND_OFFSET, KIND_CONNECTION)
  firstMember(address, token)
  publish(address)
  return address
}

function copyConfig(connection: usize, config: usize): void {
  store<u32>(connection + HUB_ADDRESS_OFFSET, load<u32>(config + CONFIG_HUB_OFFSET))
  store<u32>(connection + HUB_GENERATION_OFFSET, load<u32>(config + CONFIG_HUB_OFFSET, 4))
  store<u32>(connection + INDEX_OFFSET, load<u32>(config + CONFIG_INDEX_OFFSET))
  store<u32>(connection + WINDOW_OFFSET, load<u32>(config + CONFIG_WINDOW_OFFSET))
  store<u32>(connection + IS_BARE_OFFSET, load<u32>(config + CONFIG_BARE_OFFSET))
  store<u32>(connection + FRAGMENT_BYTES_OFFSET, load<u32>(config + CONFIG_FRAGMENT_OFFSET))
  store<u32>(connection + PACKET_BYTES_OFFSET, load<u32>(config + CONFIG_PACKET_OFFSET))
  store<u32>(connection + REASSEMBLY_BYTES_OFFSET, load<u32>(config + CONFIG_REASSEMBLY_OFFSET))
  store<u32>(connection + STRATEGY_OFFSET, load<u32>(config + CONFIG_STRATEGY_OFFSET))
  store<f64>(connection + TIMEOUT_MS_OFFSET, load<f64>(config + CONFIG_TIMES_OFFSET))
  store<f64>(connection + HEARTBEAT_MS_OFFSET, load<f64>(config + CONFIG_TIMES_OFFSET, 8))
  store<f64>(connection + GOOD_RATE_OFFSET, load<f64>(config + CONFIG_TIMES_OFFSET, 16))
  store<f64>(connection + BAD_RATE_OFFSET, load<f64>(config + CONFIG_TIMES_OFFSET, 24))
  store<f64>(connection + RTT_LIMIT_MS_OFFSET, load<f64>(config + CONFIG_TIMES_OFFSET, 32))
}

function makeLanes(connection: usize, config: usize, from: u32): void {
  const lanes = load<u32>(config + CONFIG_LANES_OFFSET)
  for (let index: u32 = 0; index < lanes; index++) {
    const at = config + CONFIG_LANE_OFFSET + <usize>index * CONFIG_LANE_BYTES
    const lane = connection + FIRST_LANE_OFFSET + <usize>index * LANE_BYTES
    const kind = load<u32>(at)
    const inBytes = load<u32>(at, 4)
    const outBytes = load<u32>(at, 8)
    store<u32>(lane + LANE_KIND_OFFSET, kind)
    store<u32>(lane + IN_BYTES_OFFSET, inBytes)
    store<u32>(lane + OUT_BYTES_OFFSET, outBytes)
    store<u32>(lane + LONGEST_OFFSET, load<u32>(at, 12))
    store<u32>(lane + IN_DATA_OFFSET, from)
    store<u32>(lane + OUT_DATA_OFFSET, from + inBytes)
    from += inBytes + outBytes
    store<u64>(lane + IN_TELL_OFFSET, u64.MAX_VALUE)
    if (kind != LANE_STREAM) continue
    const inBits = bitsBytes(kind, inBytes)
    const outBits = bitsBytes(kind, outBytes)
    store<u32>(lane + IN_BITS_OFFSET, from)
    store<u32>(lane + OUT_BITS_OFFSET, from + inBits)
    memory.fill(connection + from, 0, inBits + outBits)
    from += inBits + outBits
    store<u64>(lane + OUT_LIMIT_OFFSET, FIRST_CREDIT)
    store<u64>(lane + IN_CREDIT_OFFSET, FIRST_CREDIT)
  }
}

/** Where its memory ends. */
export function connectionEnd(address: u32, generation: u32): i32 {
  return isConnection(address, generation) ? address + load<u32>(<usize>address + BYTES_OFFSET) : STALE
}

// ---- users and daemon ------------------------------------------------------------------------------------

/** After the thread has become a member, and before anything else: see sync/wait-set.ts. Whoever waits for room is not told one by one. */
export function connectionEnter(address: u32, generation: u32, token: u32): i32 {
  if (!isConnection(address, generation)) return STALE
  if (!isAlive(token)) return INVALID
  const lanes = lanesOf(address)
  for (let index: u32 = 0; index < lanes; index++) {
    const lane = <usize>address + FIRST_LANE_OFFSET + <usize>index * LANE_BYTES
    waitSetLeave(lane + IN_WAITERS_OFFSET, token)
    signalOne(address, lane + IN_WAITERS_OFFSET)
    waitSetLeave(lane + OUT_LOCKERS_OFFSET, token)
    signalOne(address, lane + OUT_LOCKERS_OFFSET)
  }
  return 0
}

/** Whether a thread other than the daemon is in it. */
export function connectionHasUsers(address: u32, generation: u32): i32 {
  if (!isConnection(address, generation)) return STALE
  const daemon = slotOf(load<u32>(<usize>address + DAEMON_OFFSET))
  const count = threadCount()
  for (let slot: u32 = 0; slot < count; slot++) {
    const member = memberOf(address, slot)
    if (slot != daemon && member != 0 && !isGone(member)) return 1
  }
  return 0
}

/** Whether somebody will do what is wanted. */
export function hasDaemon(connection: usize): bool { return !isGone(load<u32>(connection + DAEMON_OFFSET)) }

/**
 * After what is wanted was written. The hub's bit is set and the daemon's bell rung only by whoever wants it first. One that dies between
 * the two leaves the others untold: so the daemon looks at what *all* its connections want when a thread has gone (`departures`).
 */
export function want(connection: usize, bits: u32): void {
  const before = or32(connection + WANTS_OFFSET, bits)
  if ((before & bits) == bits) return // the daemon has been told, and has not looked yet
  const hub = load<u32>(connection + HUB_ADDRESS_OFFSET)
  if (isHub(hub, load<u32>(connection + HUB_GENERATION_OFFSET))) mark(hub, load<u32>(connection + INDEX_OFFSET))
}

/** Whether every lane has sent all that it has, and of a stream the peer has it. */
export function connectionIsDrained(address: u32, generation: u32): i32 {
  if (!isConnection(address, generation)) return STALE
  const lanes = lanesOf(address)
  for (let index: u32 = 0; index < lanes; index++) {
    const lane = <usize>address + FIRST_LANE_OFFSET + <usize>index * LANE_BYTES
    if (load64(lane + OUT_HEAD_OFFSET) != load64(lane + OUT_TAIL_OFFSET)) return 0
  }
  return 1
}

/** Up to where a lane is freed: what lies below the peer has, if it is a stream. */
export function laneOutHead(address: u32, generation: u32, index: u32): f64 {
  const lane = laneAt(address, generation, index)
  return lane == 0 ? STALE : <f64>load64(lane + OUT_HEAD_OFFSET)
}

/** Up to where it is filled. */
export function laneOutTail(address: u32, generation: u32, index: u32): f64 {
  const lane = laneAt(address, generation, index)
  return lane == 0 ? STALE : <f64>load64(lane + OUT_TAIL_OFFSET)
}

/** A user wants it. */
export function connectionWant(address: u32, generation: u32, bits: u32): i32 {
  if (!isConnection(address, generation)) return STALE
  want(address, bits)
  return 0
}

/** The daemon looks what its users want: taken away before it looks at what they wrote. */
export function connectionWants(address: u32, generation: u32): i32 {
  return isConnection(address, generation) ? swap32(<usize>address + WANTS_OFFSET, 0) : STALE
}

/** For good: whoever waits is woken, takes what is there, and finds the end. */
export function connectionFinish(address: u32, generation: u32, bit: u32): i32 {
  if (!isConnection(address, generation)) return STALE
  if (bit > 11) return INVALID
  const connection = <usize>address
  const isFirst = setFinal(connection + STATUS_OFFSET, bit)
  const lanes = lanesOf(connection)
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const at = connection + FIRST_LANE_OFFSET + <usize>lane * LANE_BYTES
    readEnd(connection, at)
    sendEnd(connection, at)
  }
  wakeAll(connection + STATUS_OFFSET) // whoever has closed it waits there
  return i32(isFirst)
}

/** The same, for a thread that only looks. */
export function connectionIsOver(address: u32, generation: u32): i32 {
  return isConnection(address, generation) ? i32(isOver(address)) : STALE
}

/** No more will come: by the status, or because nobody is there to bring it. */
export function isOver(connection: usize): bool {
  return isFinal(load32(connection + STATUS_OFFSET)) || !hasDaemon(connection)
}
