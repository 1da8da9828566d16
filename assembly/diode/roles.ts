// Who may write, and who may read: one endpoint each. A role is taken at first use, given back by `close`, and free to
// be taken over when its holder's thread is known to have stopped.

import { cas64, load64 } from '../atomics'
import { TAKEN } from '../codes'
import { isAlive } from '../region/threads'
import { bellWake } from '../sync/bell'
import { READER_ROLE_OFFSET, WRITER_ROLE_OFFSET, bellOf } from './descriptor'

/** Nobody holds it, but somebody did and left on purpose. Its token is 0, so it counts as free. */
const LEFT: u64 = 1 << 32

@inline export function holder(token: u32, endpoint: u32): u64 { return <u64>token | (<u64>endpoint << 32) }

/** 0: it was held already. 1: taken now, so what the holder before left must be put in order. */
export function roleTake(role: usize, who: u64): i32 {
  while (true) {
    const held = load64(role)
    if (held == who) return 0
    if (isAlive(<u32>held)) return TAKEN
    if (cas64(role, held, who) == held) return 1
  }
}

export function roleLeave(role: usize, who: u64): void {
  cas64(role, who, LEFT)
}

/** Somebody has held it and nobody does: for a writer's role, the end of the stream unless another takes it up. */
export function isLeft(role: usize): bool {
  const held = load64(role)
  return held != 0 && !isAlive(<u32>held)
}

/** A thread is leaving, or has died: its roles in this ring become free, and who waits for it must look again. */
export function releaseRoles(ring: usize, token: u32): void {
  releaseRole(ring + WRITER_ROLE_OFFSET, token)
  releaseRole(ring + READER_ROLE_OFFSET, token)
  bellWake(bellOf(ring))
}

function releaseRole(role: usize, token: u32): void {
  const held = load64(role)
  if (<u32>held == token) cas64(role, held, LEFT)
}
