// Events: how one side of a channel tells the other that there is something, and is told only when it wants to know.
//
// Each side has a word of its own in the channel: what it waits for. To wait is
//
//   block    set bits in one's own word, then look whether it is there already
//   unblock  take bits back (the wait was given up)
//
// and to tell is, after publishing,
//
//   notify   look at the other's word; if the bit is set, take it away, and only whoever took it away wakes the other
//
// No wake-up is lost: blocking and publishing are atomic writes, each followed by an atomic load of what the other wrote, so at
// least one of the two sees the other. It does not matter when the other drains, or how often: a bit says what a side
// waits for, never that something is there, so there is nothing to acknowledge too early, and taking back one bit leaves the
// others as they were. Wake-ups are coalesced: a side that does not wait is told nothing (one load), and one that does is told once.
//
// A client is woken at the bell of its thread. The server has thousands of channels, so before its bell is rung the channel's
// bit is set in the hub: see hub.ts.

import { and32, load32, or32 } from '../atomics'

@inline export function block(waits: usize, bits: u32): void { or32(waits, bits) }
@inline export function unblock(waits: usize, bits: u32): void { and32(waits, ~bits) }

/** Whether the caller is to wake the other: it waited for one of these, and nobody else has told it. */
@inline export function notify(waits: usize, bits: u32): bool {
  return (load32(waits) & bits) != 0 && (and32(waits, ~bits) & bits) != 0 // pairs with the `or` in block
}
