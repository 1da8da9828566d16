// The reading side of one-to-many. A poller takes nothing out of the ring: it copies the record at its own position
// and then makes sure that the writer had not begun to overwrite it.
//
// Why a copy that is kept is whole. The writer announces in `wipe`, before it writes a byte there, that what lies below
// may be overwritten; the poller copies, and then finds `wipe` still at or below its position. Were one byte of
// the copy newer, the announcement would have come before it, and the poller would see it. (On ARM the copy's loads are
// kept before the look at `wipe` by the store to the poller's own word in between: see atomics.ts.)
// The slack makes this cheap: a record that was in the ring when the copy began stays whole for at least half
// the slack after it was let go, so that a retry means that much was written meanwhile.
//
// A poller writes only to its own slot. Under drop-oldest the writer never looks at it. Under drop-newest the writer,
// when full, waits for nobody either: it looks how far the slowest poller is, and refuses the record. One that
// has stopped (its thread is known to be dead, or it stood in the way for longer than the ring's patience while records
// were refused) loses its hold: it no longer counts, and is told what it missed when it comes back.

import { cas64, load32, load64, store32, store64 } from '../atomics'
import { EMPTY, ENDED, INVALID, IN_PLACE, STALE, TOO_MANY_READERS } from '../codes'
import {
  KIND_ONE_TO_MANY, MAILBOX_ADDRESS_OFFSET, MAILBOX_LENGTH_OFFSET, MAILBOX_MISSED_OFFSET, SCRATCH_BYTES,
  SCRATCH_DATA_OFFSET,
} from '../layout'
import { isKind } from '../region/granules'
import { isAlive, scratchOf } from '../region/threads'
import {
  HEADER_BYTES, HEAD_OFFSET, INDEX_OFFSET, LENGTH_OFFSET, MAX_POLLERS, POLLERS_OFFSET, POLLER_BYTES,
  POLLER_HOLDS_OFFSET, POLLER_NEXT_INDEX_OFFSET, POLLER_OWNER_OFFSET, POLLER_POSITION_OFFSET, POLLER_READ_OFFSET,
  POLLER_START_OFFSET, POLLER_STUCK_AT_OFFSET, POLLER_STUCK_SINCE_OFFSET, TAIL_OFFSET, WIPE_OFFSET, WRITER_ROLE_OFFSET,
  after, capacityBytesOf, footprint, headOf, recordAt,
} from './descriptor'
import { holder, isLeft } from './roles'

@inline export function pollerAt(ring: usize, slot: u32): usize {
  return ring + POLLERS_OFFSET + <usize>slot * POLLER_BYTES
}

/** A slot for a new reader, which begins with the oldest record that the ring has. */
export function pollerJoin(address: u32, generation: u32, token: u32, endpoint: u32): i32 {
  if (!isKind(address, generation, KIND_ONE_TO_MANY)) return STALE
  if (!isAlive(token)) return INVALID
  const ring = <usize>address
  for (let slot: u32 = 0; slot < MAX_POLLERS; slot++) {
    const poller = pollerAt(ring, slot)
    const owner = load64(poller + POLLER_OWNER_OFFSET)
    if (isAlive(<u32>owner)) continue
    if (cas64(poller + POLLER_OWNER_OFFSET, owner, holder(token, endpoint)) != owner) continue
    store32(poller + POLLER_HOLDS_OFFSET, 0)
    store<u64>(poller + POLLER_READ_OFFSET, 0)
    store<u64>(poller + POLLER_STUCK_AT_OFFSET, U64.MAX_VALUE)
    let head: u64
    let index: u64
    do {
      head = load64(ring + HEAD_OFFSET)
      index = load<u64>(recordAt(ring, head) + INDEX_OFFSET)
      store64(poller + POLLER_POSITION_OFFSET, head)
    } while (!stillThere(ring, head))
    store<u64>(poller + POLLER_START_OFFSET, index)
    store<u64>(poller + POLLER_NEXT_INDEX_OFFSET, index)
    store32(poller + POLLER_HOLDS_OFFSET, 1) // last: now the position is a position
    return slot
  }
  return TOO_MANY_READERS
}

export function pollerLeave(address: u32, generation: u32, slot: u32, token: u32, endpoint: u32): i32 {
  const poller = own(address, generation, slot, token)
  if (poller == 0) return STALE
  store32(poller + POLLER_HOLDS_OFFSET, 0)
  cas64(poller + POLLER_OWNER_OFFSET, holder(token, endpoint), 0)
  return 0
}

/** The poller's slot, or 0 when it is not this thread's. */
function own(address: u32, generation: u32, slot: u32, token: u32): usize {
  if (!isKind(address, generation, KIND_ONE_TO_MANY) || slot >= MAX_POLLERS) return 0
  const poller = pollerAt(address, slot)
  return token != 0 && <u32>load64(poller + POLLER_OWNER_OFFSET) == token ? poller : 0
}

/** What was read at `position` before the caller's last atomic store is what the writer wrote there. */
@inline function stillThere(ring: usize, position: u64): bool {
  return load64(ring + WIPE_OFFSET) <= position // pairs with the store in `announce`
}

/** As `oneToOneNext`; a record longer than the scratch answers IN_PLACE and goes on with `pollerKeep`. */
export function pollerNext(address: u32, generation: u32, slot: u32, token: u32): i32 {
  const poller = own(address, generation, slot, token)
  const scratch = scratchOf(token)
  if (poller == 0 || scratch == 0) return STALE
  const ring = <usize>address
  store<f64>(scratch + MAILBOX_MISSED_OFFSET, 0)
  if (load32(poller + POLLER_HOLDS_OFFSET) == 0) store32(poller + POLLER_HOLDS_OFFSET, 1)
  while (true) {
    const tail = load64(ring + TAIL_OFFSET) // before the head, or a writer that laps us between shows head > tail
    const head = load64(ring + HEAD_OFFSET) // pairs with the CAS in `dropOldest`
    let position = load<u64>(poller + POLLER_POSITION_OFFSET)
    if (position < head) position = head // overtaken: the oldest there is
    if (position > tail) {
      if (load64(ring + TAIL_OFFSET) == tail) return EMPTY // spoiled memory: see `take`
      continue
    }
    if (position == tail) return isLeft(ring + WRITER_ROLE_OFFSET) && load64(ring + TAIL_OFFSET) == tail ? ENDED : EMPTY
    const record = recordAt(ring, position)
    const index = load<u64>(record + INDEX_OFFSET)
    const length = load<u32>(record + LENGTH_OFFSET)
    const sane = length <= capacityBytesOf(ring)
    if (sane && length <= SCRATCH_BYTES) {
      memory.copy(scratch + SCRATCH_DATA_OFFSET, record + HEADER_BYTES, length)
    }
    store64(poller + POLLER_POSITION_OFFSET, position) // orders the copy before the look at `wipe`
    if (!stillThere(ring, position)) continue
    if (!sane) return EMPTY // spoiled memory
    store<f64>(scratch + MAILBOX_MISSED_OFFSET, <f64>(index - load<u64>(poller + POLLER_NEXT_INDEX_OFFSET)))
    store<u64>(poller + POLLER_NEXT_INDEX_OFFSET, index)
    if (length > SCRATCH_BYTES) {
      store<u32>(scratch + MAILBOX_ADDRESS_OFFSET, <u32>record + HEADER_BYTES)
      store<u32>(scratch + MAILBOX_LENGTH_OFFSET, length)
      return IN_PLACE
    }
    advance(ring, poller, position, length)
    return length
  }
}

function advance(ring: usize, poller: usize, position: u64, length: u32): void {
  store<u64>(poller + POLLER_NEXT_INDEX_OFFSET, load<u64>(poller + POLLER_NEXT_INDEX_OFFSET) + 1)
  store<u64>(poller + POLLER_READ_OFFSET, load<u64>(poller + POLLER_READ_OFFSET) + 1)
  store64(poller + POLLER_POSITION_OFFSET, after(ring, position, footprint(length))) // pairs with `slowestHead`
}

/** After IN_PLACE: the record was copied by the caller. 1 when the copy is whole, 0 when it must ask again. */
export function pollerKeep(address: u32, generation: u32, slot: u32, token: u32): i32 {
  const poller = own(address, generation, slot, token)
  if (poller == 0) return STALE
  const position = load<u64>(poller + POLLER_POSITION_OFFSET)
  const length = load<u32>(recordAt(address, position) + LENGTH_OFFSET)
  store64(poller + POLLER_POSITION_OFFSET, position) // orders the copy before the look at `wipe`
  if (!stillThere(address, position)) return 0
  advance(address, poller, position, length)
  return 1
}

/**
 * Whether the poller would find something, or the end. What it was to read next may be gone with nothing in its place yet: a writer that has
 * dropped all there was, to make room, and stands still or has died before it published. So the head counts, as in `pollerNext`.
 */
export function pollerHasNews(ring: usize, poller: usize): bool {
  const next = max(load<u64>(poller + POLLER_POSITION_OFFSET), headOf(ring))
  return load64(ring + TAIL_OFFSET) != next || isLeft(ring + WRITER_ROLE_OFFSET)
}

/** Under drop-newest: how far the head may go, which is to the slowest poller that holds. With none it stays. */
export function slowestHead(ring: usize, head: u64): u64 {
  let slowest: u64 = U64.MAX_VALUE
  for (let slot: u32 = 0; slot < MAX_POLLERS; slot++) {
    const poller = pollerAt(ring, slot)
    if (load32(poller + POLLER_HOLDS_OFFSET) == 0) continue
    if (!isAlive(<u32>load64(poller + POLLER_OWNER_OFFSET))) continue
    const position = load64(poller + POLLER_POSITION_OFFSET)
    if (position < slowest) slowest = position
  }
  if (slowest == U64.MAX_VALUE) return head
  return slowest > head ? slowest : head
}

/**
 * Under drop-newest, after a refusal: pollers of other threads that have stood in the writer's way, unmoved, for
 * `patienceMs` lose their hold. Answers how many did. The writer calls this; time is its caller's.
 */
export function pollersExpire(address: u32, generation: u32, token: u32, nowMs: f64, patienceMs: f64): i32 {
  if (!isKind(address, generation, KIND_ONE_TO_MANY)) return STALE
  const ring = <usize>address
  const head = load64(ring + HEAD_OFFSET)
  let expired = 0
  for (let slot: u32 = 0; slot < MAX_POLLERS; slot++) {
    const poller = pollerAt(ring, slot)
    if (load32(poller + POLLER_HOLDS_OFFSET) == 0 || <u32>load64(poller + POLLER_OWNER_OFFSET) == token) continue
    const position = load64(poller + POLLER_POSITION_OFFSET)
    if (position > head) continue
    if (load<u64>(poller + POLLER_STUCK_AT_OFFSET) != position) {
      store<u64>(poller + POLLER_STUCK_AT_OFFSET, position)
      store<f64>(poller + POLLER_STUCK_SINCE_OFFSET, nowMs)
    } else if (nowMs - load<f64>(poller + POLLER_STUCK_SINCE_OFFSET) >= patienceMs) {
      store32(poller + POLLER_HOLDS_OFFSET, 0)
      expired++
    }
  }
  return expired
}
