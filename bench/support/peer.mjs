import { startHelper } from './helper.mjs'

/** A peer on plain Node in a process of its own: one of peer-entry.mjs. `port` is where it listens; `result()` ends it. */
export function startPeer(kind, options = {}) {
  return startHelper('./peer-entry.mjs', { kind, ...options })
}
