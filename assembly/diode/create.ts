import { INVALID, OUT_OF_MEMORY } from '../codes'
import {
  GRANULE_BYTES, GRANULE_SHIFT, KIND_LANE, KIND_MANY_TO_ONE, KIND_OFFSET, KIND_ONE_TO_MANY, KIND_ONE_TO_ONE,
  MAX_THREADS,
} from '../layout'
import { allocate, publish } from '../region/granules'
import { firstMember } from '../region/members'
import { isAlive } from '../region/threads'
import {
  BATCH_BYTES_OFFSET, BELL_ADDRESS_OFFSET, BELL_OFFSET, CAPACITY_BYTES_OFFSET, CAPACITY_OFFSET, DATA_OFFSET,
  DROP_NEWEST, HEADER_BYTES, LANES_OFFSET, LANE_DATA_OFFSET, LANE_RING_OFFSET, LANE_SLOT_OFFSET, MASK_OFFSET, MAX_POLLERS,
  MAX_WRITERS_OFFSET, POLICY_OFFSET, POLLER_BYTES, RECORD_BYTES_OFFSET, RING_DATA_OFFSET, capacityOf,
  policyOf,
} from './descriptor'

/** Longest data of one lane. */
const MAX_DATA_BYTES: u64 = 1 << 28
/** A record's header and the padding it may need. */
const OVERHEAD_BYTES: u64 = 24
/** The slack is made for records up to this: see `dataBytes`. */
const LONG_RECORD_BYTES: u64 = 65536

/** What the records of a full ring take up at most, and the next header. */
@inline function filledBytes(capacity: u32, recordBytes: u32): u64 {
  return <u64>capacity * recordBytes + <u64>capacity * OVERHEAD_BYTES + HEADER_BYTES
}

/**
 * The length of the data: room for a full ring and slack, as a power of two. Half of the slack is for what a reader has in
 * hand, half for what the writer leaves unused before it; each holds the longest record, up to 64 KiB. So neither a
 * claim nor a batch in hand costs the ring any of its capacity. (A longer record in hand may, while it is.)
 */
function dataBytes(capacity: u32, recordBytes: u32): u64 {
  const filled = filledBytes(capacity, recordBytes)
  const longest = min<u64>(<u64>capacity * recordBytes, LONG_RECORD_BYTES) + 3 * HEADER_BYTES
  const needed = filled + max<u64>(filled >> 3, 2 * longest)
  let bytes: u64 = 64
  while (bytes < needed) bytes <<= 1
  return bytes
}

/** Room behind the data for the longest record, and for a header that begins just before the end. */
@inline function overhangBytes(capacity: u32, recordBytes: u32): u64 {
  return <u64>capacity * recordBytes + 4 * HEADER_BYTES
}

function isShape(capacity: u32, recordBytes: u32, policy: u32): bool {
  if (capacity == 0 || recordBytes == 0 || policy > DROP_NEWEST) return false
  // Each checked by itself first, so that the product cannot overflow.
  return capacity <= MAX_DATA_BYTES / OVERHEAD_BYTES && recordBytes <= MAX_DATA_BYTES &&
    dataBytes(capacity, recordBytes) <= MAX_DATA_BYTES
}

@inline function granulesFor(bytes: u64): u32 { return <u32>((bytes + GRANULE_BYTES - 1) >> GRANULE_SHIFT) }

/** Fills in a lane whose data begins `offset` bytes into the object; nobody else has it yet. */
function initLane(lane: usize, offset: u32, capacity: u32, recordBytes: u32, policy: u32, bell: usize): void {
  memory.fill(lane + 8, 0, offset - 8)
  const data = dataBytes(capacity, recordBytes)
  store<u32>(lane + POLICY_OFFSET, policy)
  store<u32>(lane + CAPACITY_OFFSET, capacity)
  store<u32>(lane + CAPACITY_BYTES_OFFSET, capacity * recordBytes)
  store<u32>(lane + MASK_OFFSET, <u32>data - 1)
  store<u32>(lane + BATCH_BYTES_OFFSET, <u32>((data - filledBytes(capacity, recordBytes)) >> 1) & ~7)
  store<u32>(lane + DATA_OFFSET, <u32>lane + offset)
  store<u32>(lane + BELL_ADDRESS_OFFSET, <u32>bell)
  store<u32>(lane + RECORD_BYTES_OFFSET, recordBytes)
  memory.fill(lane + offset, 0, HEADER_BYTES) // the first record's header: index 0, sum 0
}

/** One-to-one and one-to-many: a lane that threads join. Its address, or why not. */
export function ringCreate(kind: u32, capacity: u32, recordBytes: u32, policy: u32, maxWriters: u32, token: u32): i32 {
  if (!isAlive(token) || !isShape(capacity, recordBytes, policy)) return INVALID
  if (kind == KIND_MANY_TO_ONE) return manyToOneCreate(capacity, recordBytes, policy, maxWriters, token)
  if (kind != KIND_ONE_TO_ONE && kind != KIND_ONE_TO_MANY) return INVALID
  const offset = RING_DATA_OFFSET + (kind == KIND_ONE_TO_MANY ? MAX_POLLERS * POLLER_BYTES : 0)
  const bytes = <u64>offset + dataBytes(capacity, recordBytes) + overhangBytes(capacity, recordBytes)
  const address = allocate(granulesFor(bytes), token)
  if (address == 0) return OUT_OF_MEMORY
  const ring = <usize>address
  initLane(ring, offset, capacity, recordBytes, policy, ring + BELL_OFFSET)
  return complete(address, kind, token)
}

/** Many-to-one: no data of its own, a table of lanes. */
function manyToOneCreate(capacity: u32, recordBytes: u32, policy: u32, maxWriters: u32, token: u32): i32 {
  if (maxWriters == 0 || maxWriters > MAX_THREADS * 2) return INVALID
  const bytes = <u32>LANES_OFFSET + maxWriters * 8
  const address = allocate(granulesFor(bytes), token)
  if (address == 0) return OUT_OF_MEMORY
  const ring = <usize>address
  memory.fill(ring + 8, 0, bytes - 8)
  store<u32>(ring + POLICY_OFFSET, policy)
  store<u32>(ring + CAPACITY_OFFSET, capacity)
  store<u32>(ring + CAPACITY_BYTES_OFFSET, capacity * recordBytes)
  store<u32>(ring + RECORD_BYTES_OFFSET, recordBytes)
  store<u32>(ring + MAX_WRITERS_OFFSET, maxWriters)
  store<u32>(ring + BELL_ADDRESS_OFFSET, address + <u32>BELL_OFFSET)
  return complete(address, KIND_MANY_TO_ONE, token)
}

function complete(address: u32, kind: u32, token: u32): i32 {
  store<u32>(<usize>address + KIND_OFFSET, kind)
  firstMember(address, token)
  publish(address)
  return address
}

/** A lane of a many-to-one ring, still BUILDING: it becomes LIVE when it stands in the ring's table. 0: no memory. */
export function makeLane(ring: usize, ringHandle: u64, slot: u32, token: u32): u32 {
  const capacity = capacityOf(ring)
  const recordBytes = load<u32>(ring + RECORD_BYTES_OFFSET)
  const bytes = <u64>LANE_DATA_OFFSET + dataBytes(capacity, recordBytes) + overhangBytes(capacity, recordBytes)
  const address = allocate(granulesFor(bytes), token)
  if (address == 0) return 0
  initLane(address, LANE_DATA_OFFSET, capacity, recordBytes, policyOf(ring), ring + BELL_OFFSET)
  store<u64>(<usize>address + LANE_RING_OFFSET, ringHandle)
  store<u32>(<usize>address + LANE_SLOT_OFFSET, slot)
  store<u32>(<usize>address + KIND_OFFSET, KIND_LANE)
  return address
}
