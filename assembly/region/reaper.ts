// Giving back: an object whose last member has left, and all that a thread held that leaves or has died.
//
// A thread that dies in here leaves words that name *it* (RETIRING, or a member word not yet struck off), which the next
// one finishes: no step needs an earlier one to be undone.

import { cas64, load32, load64, store64 } from '../atomics'
import { LANES_OFFSET, LANE_RING_OFFSET, LANE_SLOT_OFFSET, MAX_WRITERS_OFFSET } from '../diode/descriptor'
import { releaseRoles } from '../diode/roles'
import {
  FIRST_GRANULE_OFFSET, KIND_LANE, KIND_MANY_TO_ONE, KIND_OFFSET, KIND_SCRATCH, SCRATCH_OWNER_OFFSET,
  TOP_GRANULE_OFFSET, hasMembers, isRingKind,
} from '../layout'
import {
  BUILDING, LIVE, RETIRING, addressOf, entry, entryOf, freeRunOf, generationOf, granuleOf, isKind, isLive, stateOf, whoOf,
} from './granules'
import { handleOf, isMember, memberLeave, retireIfEmpty } from './members'
import { joiningOf, slotOf } from './threads'

/** Frees what is RETIRING by thread `by`. A many-to-one ring takes its lanes with it. */
export function destroy(address: u32, generation: u32, by: u32): void {
  if (load<u32>(<usize>address + KIND_OFFSET) == KIND_MANY_TO_ONE) {
    const lanes = load<u32>(<usize>address + MAX_WRITERS_OFFSET)
    for (let slot: u32 = 0; slot < lanes; slot++) {
      const lane = load64(<usize>address + LANES_OFFSET + (<usize>slot << 3))
      if (lane == 0) break
      retire(<u32>lane, <u32>(lane >> 32), by)
    }
  }
  freeRunOf(granuleOf(address), generation)
}

/** Frees an object that has no members; harmless when it is already gone. */
function retire(address: u32, generation: u32, by: u32): void {
  const at = entryOf(granuleOf(address))
  const word = load64(at)
  const state = stateOf(word)
  if (generationOf(word) != generation || (state != LIVE && state != BUILDING && state != RETIRING)) return
  if (cas64(at, word, entry(RETIRING, by, generation)) == word) freeRunOf(granuleOf(address), generation)
}

/** Gives back all that `token` held. The caller owns its slot: it is the thread itself, or the one that buries it. */
export function giveBack(token: u32, by: u32): void {
  const top = load32(TOP_GRANULE_OFFSET)
  for (let granule = load<u32>(FIRST_GRANULE_OFFSET); granule < top; granule++) {
    const word = load64(entryOf(granule))
    const state = stateOf(word)
    const address = addressOf(granule)
    if (state == LIVE) giveBackLive(address, generationOf(word), token, by)
    else if (whoOf(word) != token) continue
    else if (state == BUILDING) giveBackBuilding(address, word, by)
    else if (state == RETIRING) giveBackRetiring(address, word, by)
  }
  const joining = load64(joiningOf(slotOf(token)))
  if (joining == 0) return
  // It died while joining: the ring may be waiting for it to become the member who leaves last.
  store64(joiningOf(slotOf(token)), 0)
  retireIfEmpty(<u32>joining, <u32>(joining >> 32), by)
}

function giveBackLive(address: u32, generation: u32, token: u32, by: u32): void {
  const kind = load<u32>(<usize>address + KIND_OFFSET)
  if (hasMembers(kind)) {
    // Looked at last: since no generation comes again, what was read above was the object's own, and not of what has come in its place.
    if (isMember(address, token) && isLive(address, generation)) {
      // While it is still a member the object cannot go away under us.
      if (isRingKind(kind)) releaseRoles(address, token)
      memberLeave(address, generation, token, by)
    } else {
      retireIfEmpty(address, generation, by) // it may have died between striking itself off and freeing the object
    }
  } else if (kind == KIND_SCRATCH && load<u32>(<usize>address + SCRATCH_OWNER_OFFSET) == token) {
    retire(address, generation, by)
  }
}

/** A lane that stands in its ring's table is finished; anything else half-made is undone. */
function giveBackBuilding(address: u32, word: u64, by: u32): void {
  const generation = generationOf(word)
  if (load<u32>(<usize>address + KIND_OFFSET) == KIND_LANE) {
    const ring = load<u64>(<usize>address + LANE_RING_OFFSET)
    const slot = load<u32>(<usize>address + LANE_SLOT_OFFSET)
    if (
      isKind(<u32>ring, <u32>(ring >> 32), KIND_MANY_TO_ONE) &&
      slot < load<u32>(<usize>(<u32>ring) + MAX_WRITERS_OFFSET) &&
      load64(<usize>(<u32>ring) + LANES_OFFSET + (<usize>slot << 3)) == handleOf(address, generation)
    ) {
      cas64(entryOf(granuleOf(address)), word, entry(LIVE, 0, generation))
      return
    }
  }
  retire(address, generation, by)
}

function giveBackRetiring(address: u32, word: u64, by: u32): void {
  const mine = entry(RETIRING, by, generationOf(word))
  if (cas64(entryOf(granuleOf(address)), word, mine) == word) destroy(address, generationOf(word), by)
}
