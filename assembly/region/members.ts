// An object that threads share lives as long as one of them is a member. Each has one member word for every thread
// slot (the member's token, or 0) instead of a count, so that a thread that dies can be struck off exactly.
//
// The danger is a thread that joins by handle while the last member leaves: it must not write its member word into
// memory that has become somebody else's. So it first announces the handle in its own slot, then bumps `joins`
// in the granule table (which succeeds only while the object is LIVE with that generation), then writes its word,
// then takes the announcement back. One that leaves reads the table word, then the announcements, then the member
// words, and retires by a CAS from the table word it read:
//   - a bump after that read makes the CAS fail;
//   - a bump before it was announced before it: either the announcement is still seen, or it is already taken back
//     and the member word, written before that, is seen.

import { cas32, cas64, load32, load64, store32, store64 } from '../atomics'
import { INVALID, STALE } from '../codes'
import { KIND_OFFSET, MEMBERS_BYTES, MEMBERS_OFFSET, hasMembers } from '../layout'
import { LIVE, RETIRING, entry, entryOf, generationOf, granuleOf, isKind, isLive, stateOf, whoOf } from './granules'
import { destroy } from './reaper'
import { isAlive, joiningOf, slotOf, threadCount } from './threads'

@inline export function handleOf(address: u32, generation: u32): u64 {
  return <u64>address | (<u64>generation << 32)
}
@inline function memberAt(address: u32, slot: u32): usize {
  return <usize>address + MEMBERS_OFFSET + (<usize>slot << 2)
}

/** The token of the member that has the slot, or 0. */
@inline export function memberOf(address: u32, slot: u32): u32 { return load32(memberAt(address, slot)) }

/** The maker's membership, written before the object is published. */
export function firstMember(address: u32, token: u32): void {
  memory.fill(<usize>address + MEMBERS_OFFSET, 0, MEMBERS_BYTES)
  store<u32>(memberAt(address, slotOf(token)), token)
}

@inline export function isMember(address: u32, token: u32): bool {
  return load32(memberAt(address, slotOf(token))) == token
}

/**
 * Makes the thread `token` a member of an object that the caller is in, which therefore cannot go meanwhile. The caller must look
 * *afterwards* whether that thread is dead, and strike it off again: whoever buried it may have looked before.
 */
export function enlist(address: u32, token: u32): void {
  store32(memberAt(address, slotOf(token)), token)
}

export function strike(address: u32, token: u32): void {
  cas32(memberAt(address, slotOf(token)), token, 0)
}

/** The calling thread becomes a member of an object of that kind; it must not be one yet. */
export function objectJoin(address: u32, generation: u32, kind: u32, token: u32): i32 {
  return hasMembers(kind) && isKind(address, generation, kind) ? memberJoin(address, generation, token) : STALE
}

/** The calling thread stops being a member; the last one frees the object. */
export function objectLeave(address: u32, generation: u32, token: u32): i32 {
  if (!isLive(address, generation) || !hasMembers(load<u32>(<usize>address + KIND_OFFSET))) return STALE
  if (!isAlive(token)) return INVALID
  memberLeave(address, generation, token, token)
  return 0
}

function memberJoin(address: u32, generation: u32, token: u32): i32 {
  if (!isAlive(token)) return INVALID
  if (!isLive(address, generation)) return STALE
  const joining = joiningOf(slotOf(token))
  store64(joining, handleOf(address, generation))
  const at = entryOf(granuleOf(address))
  let code = STALE
  while (true) {
    const word = load64(at)
    if (stateOf(word) != LIVE || generationOf(word) != generation) break
    if (cas64(at, word, entry(LIVE, whoOf(word) + 1, generation)) == word) {
      store32(memberAt(address, slotOf(token)), token)
      code = 0
      break
    }
  }
  store64(joining, 0)
  return code
}

/** Strikes a member off; the last one out frees the object. */
export function memberLeave(address: u32, generation: u32, token: u32, by: u32): void {
  strike(address, token)
  retireIfEmpty(address, generation, by)
}

export function retireIfEmpty(address: u32, generation: u32, by: u32): void {
  const at = entryOf(granuleOf(address))
  while (true) {
    const word = load64(at)
    if (stateOf(word) != LIVE || generationOf(word) != generation) return
    if (someoneJoins(address, generation) || someoneIsIn(address)) return
    if (cas64(at, word, entry(RETIRING, by, generation)) == word) {
      destroy(address, generation, by)
      return
    }
  }
}

/** Read before `someoneIsIn`: who has taken its announcement back has written its member word before. */
function someoneJoins(address: u32, generation: u32): bool {
  const handle = handleOf(address, generation)
  const count = threadCount()
  for (let slot: u32 = 0; slot < count; slot++) {
    if (load64(joiningOf(slot)) == handle) return true
  }
  return false
}

function someoneIsIn(address: u32): bool {
  const count = threadCount()
  for (let slot: u32 = 0; slot < count; slot++) {
    if (load32(memberAt(address, slot)) != 0) return true
  }
  return false
}
