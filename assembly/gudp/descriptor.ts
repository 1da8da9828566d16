// The memory of one connection: what its users and the daemon share, and the machine's own state. docs/gudp.md draws it.
//
//   0     ┌ constant ─────────────────────────────────────────────────┐ written once, by the daemon
//         │ kind · generation · bytes · lanes · hub · sizes · rates     │
//   128   ├ status · what users want of the daemon ─────────────────────┤ anybody
//   256   ├ machine: sequences, acks, RTT, congestion, due times ───────┤ the daemon only
//   640   ├ members (128 × 4) ────────────────────────────────────────┤
//   1152  ├ counters (f64) ─────────────────────────────────────────────┤ the daemon only; anybody reads
//   1536  ├ lanes, 512 bytes each ──────────────────────────────────────┤
//         ├ sent packets, 56 bytes each ────────────────────────────────┤ the daemon only
//         ├ for each lane: in data, out data; of a stream a bit for each unit of both
//         └───────────────────────────────────────────────────────────┘
//
//   lane
//   0     ┌ in, the daemon's ──────────────┐ tail · received · credit
//   128   ├ in, the consumers' ────────────┤ head · mutex · who waits
//   256   ├ out, the senders' ─────────────┤ tail · mutex · who waits
//   384   ├ out, the daemon's ─────────────┤ head · sent · limit · whom to tell
//   448   ├ constant ──────────────────────┤ kind · where the data lie
//   512   └────────────────────────────────┘
//
// Positions are 64-bit byte counts, multiples of 8, that never wrap; a position's place is `data + position % bytes`. A record is its length
// (u32), its bytes, and padding to 8; it may run over the end of the data to its start.

import { load64 } from '../atomics'
import { CACHE_LINE, GRANULES_OFFSET, KIND_CONNECTION, MEMBERS_BYTES, MEMBERS_OFFSET } from '../layout'
import { TAIL, entryOf, generationOf, granuleOf, isKind, stateOf } from '../region/granules'

// ---- constant ----------------------------------------------------------------------------------------

export const BYTES_OFFSET: usize = 8 //             u32 of the whole object
export const LANES_OFFSET: usize = 12 //            u32 how many
export const HUB_ADDRESS_OFFSET: usize = 16 //      u32
export const HUB_GENERATION_OFFSET: usize = 20 //   u32
export const INDEX_OFFSET: usize = 24 //            u32 its place in the hub's table
export const DAEMON_OFFSET: usize = 28 //           u32 token
export const WINDOW_OFFSET: usize = 32 //           u32 how many packets may be under way, a power of two
export const IS_BARE_OFFSET: usize = 36 //          u32
export const FRAGMENT_BYTES_OFFSET: usize = 40 //   u32
export const PACKET_BYTES_OFFSET: usize = 44 //     u32 the longest packet, header and all, that is sent whole
export const REASSEMBLY_BYTES_OFFSET: usize = 48 // u32 for packets that come in fragments
export const STRATEGY_OFFSET: usize = 52 //         u32 see congestion.ts
export const SENT_OFFSET: usize = 56 //             u32 where the sent packets lie, from the object's start
export const TIMEOUT_MS_OFFSET: usize = 64 //       f64
export const HEARTBEAT_MS_OFFSET: usize = 72 //     f64
export const GOOD_RATE_OFFSET: usize = 80 //        f64 good-bad: packets a second; paced: the most bytes a second, or 0
export const BAD_RATE_OFFSET: usize = 88 //         f64
export const RTT_LIMIT_MS_OFFSET: usize = 96 //     f64 a greater RTT is bad

// ---- shared ------------------------------------------------------------------------------------------

export const STATUS_OFFSET: usize = 128 //          u32 sync/status.ts
export const WANTS_OFFSET: usize = 132 //           u32 what users want of the daemon

export const WANTS_SEND: u32 = 1 //   something to send
export const WANTS_CREDIT: u32 = 2 // room has been made for what is received
export const WANTS_CLOSE: u32 = 4 //  the connection is to end
export const WANTS_LEAVE: u32 = 8 //  a user is about to go: it may be the last

/** Final bits of the status. */
export const CLOSED: u32 = 0 //    by one of its two sides
export const TIMED_OUT: u32 = 1 // the peer is silent
export const RESET: u32 = 2 //     the peer has started again, or breaks the rules
export const REFUSED: u32 = 3
export const IO_ERROR: u32 = 4 //  the socket fails
export const LOST: u32 = 5 //      the daemon is gone

// ---- lanes -------------------------------------------------------------------------------------------

export const FIRST_LANE_OFFSET: usize = 1536
export const LANE_BYTES: usize = 512
export const MAX_LANES: u32 = 16

export const IN_TAIL_OFFSET: usize = 0 //       u64 whole records up to here; publishes
export const IN_RECEIVED_OFFSET: usize = 8 //   u64 of a stream: there is no gap before
export const IN_CREDIT_OFFSET: usize = 16 //    u64 of a stream: the limit that the peer was told last
export const IN_TELL_OFFSET: usize = 24 //      u64 when the head is there, the daemon wants to know
export const IN_CREDIT_DUE_OFFSET: usize = 32 //u32 the peer is to be told
export const IN_HEAD_OFFSET: usize = 128 //     u64 what lies below is taken
export const IN_MUTEX_OFFSET: usize = 136 //    u32
export const IN_WAITERS_OFFSET: usize = 144 //  24 bytes, sync/wait-set.ts
export const OUT_TAIL_OFFSET: usize = 256 //    u64 whole records up to here; publishes
export const OUT_MUTEX_OFFSET: usize = 264 //   u32
export const OUT_WAITERS_OFFSET: usize = 272 // 24 bytes, who waits for room
export const OUT_LOCKERS_OFFSET: usize = 296 // 24 bytes, who waits for the lock
export const OUT_HEAD_OFFSET: usize = 384 //    u64 what lies below may be written again
export const OUT_NEXT_OFFSET: usize = 392 //    u64 what lies below was sent
export const OUT_LIMIT_OFFSET: usize = 400 //   u64 of a stream: what the peer takes
export const OWES_OFFSET: usize = 408 //        u32 whom the daemon has still to tell: tell.ts
export const LANE_KIND_OFFSET: usize = 448 //   u32
export const IN_DATA_OFFSET: usize = 452 //     u32 from the object's start
export const IN_BYTES_OFFSET: usize = 456 //    u32 a multiple of 8
export const IN_BITS_OFFSET: usize = 460 //     u32 from the object's start, of a stream: which units are there
export const OUT_DATA_OFFSET: usize = 464 //    u32
export const OUT_BYTES_OFFSET: usize = 468 //   u32
export const OUT_BITS_OFFSET: usize = 472 //    u32 of a stream: which units are acknowledged
export const LONGEST_OFFSET: usize = 476 //     u32 of a record's content

export const LANE_PACKETS: u32 = 1 //    each record is a packet, or a message of an unreliable channel
export const LANE_STREAM: u32 = 2 //     of a reliable channel

export const UNIT: u32 = 8
/** Length word, bytes, padding. */
@inline export function recordBytes(length: u32): u32 { return (length + 4 + UNIT - 1) & ~(UNIT - 1) }

if (IN_HEAD_OFFSET - IN_TAIL_OFFSET < <usize>CACHE_LINE) ERROR('daemon and consumers share a cache line')
if (FIRST_LANE_OFFSET < MEMBERS_OFFSET + MEMBERS_BYTES) ERROR('the lanes begin among the members')

// ---- handles -----------------------------------------------------------------------------------------

/**
 * Whether the handle names a connection whose memory is its own. A length that another thread has spoilt is caught: the object's last
 * granule must belong to it.
 */
export function isConnection(address: u32, generation: u32): bool {
  if (!isKind(address, generation, KIND_CONNECTION)) return false
  const end = <u64>address + load<u32>(<usize>address + BYTES_OFFSET)
  if (end <= <u64>address + FIRST_LANE_OFFSET || end > 0xffffffff) return false
  const granule = granuleOf(<u32>(end - 1))
  if (granule >= load<u32>(GRANULES_OFFSET)) return false
  if (granule == granuleOf(address)) return true
  const last = load64(entryOf(granule))
  return stateOf(last) == TAIL && generationOf(last) == generation
}

/** As many as the object has room for, at most. */
export function lanesOf(connection: usize): u32 {
  const room = (load<u32>(connection + BYTES_OFFSET) - <u32>FIRST_LANE_OFFSET) / <u32>LANE_BYTES
  return min(min(load<u32>(connection + LANES_OFFSET), MAX_LANES), room)
}

/** The lane of a connection, or 0 where there is none, or where it reaches out of the object. */
export function laneAt(address: u32, generation: u32, index: u32): usize {
  if (!isConnection(address, generation) || index >= lanesOf(address)) return 0
  return checkedLane(address, index)
}

export function checkedLane(connection: usize, index: u32): usize {
  const lane = connection + FIRST_LANE_OFFSET + <usize>index * LANE_BYTES
  const inBytes = load<u32>(lane + IN_BYTES_OFFSET)
  const outBytes = load<u32>(lane + OUT_BYTES_OFFSET)
  if (inBytes < UNIT || outBytes < UNIT || ((inBytes | outBytes) & (UNIT - 1)) != 0) return 0
  const bytes = <u64>load<u32>(connection + BYTES_OFFSET)
  const first = <u32>FIRST_LANE_OFFSET + lanesOf(connection) * <u32>LANE_BYTES
  if (min(load<u32>(lane + IN_DATA_OFFSET), load<u32>(lane + OUT_DATA_OFFSET)) < first) return 0
  if (<u64>load<u32>(lane + IN_DATA_OFFSET) + inBytes > bytes) return 0
  if (<u64>load<u32>(lane + OUT_DATA_OFFSET) + outBytes > bytes) return 0
  if (load<u32>(lane + LANE_KIND_OFFSET) != LANE_STREAM) return lane
  if (<u64>load<u32>(lane + IN_BITS_OFFSET) + (inBytes >> 6) + 8 > bytes) return 0
  if (<u64>load<u32>(lane + OUT_BITS_OFFSET) + (outBytes >> 6) + 8 > bytes) return 0
  return lane
}
