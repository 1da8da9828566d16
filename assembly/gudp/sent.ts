// The packets that were sent: one entry for each of the last `window`, at `sequence % window`.

import { SENT_OFFSET, WINDOW_OFFSET } from './descriptor'

export const SENT_SEQUENCE_OFFSET: usize = 0 //   u16
export const SENT_STATE_OFFSET: usize = 2 //      u8
export const SENT_LANE_OFFSET: usize = 3 //       u8 whose stretch it carries, NO_LANE: of none
export const SENT_UNITS_OFFSET: usize = 4 //      u16
export const SENT_FLAGS_OFFSET: usize = 6 //      u16
export const SENT_FROM_OFFSET: usize = 8 //       u64 where in the stream
export const SENT_AT_OFFSET: usize = 16 //        f64
/** For the strategy: what had been delivered when it was sent, when that was, and when the first of its flight was sent. */
export const SENT_DELIVERED_OFFSET: usize = 24 //    f64
export const SENT_DELIVERED_AT_OFFSET: usize = 32 // f64
export const SENT_FIRST_AT_OFFSET: usize = 40 //     f64
export const SENT_WIRE_BYTES_OFFSET: usize = 48 //   u32
export const SENT_BYTES: usize = 56

/** Done with: never sent, acknowledged, sent again, or nothing that anybody waits for. Its acknowledgement may still say something. */
export const SENT_DONE: u32 = 0
export const SENT_UNDER_WAY: u32 = 1
/** Given up; its stretch is to be sent again. */
export const SENT_LOST: u32 = 2
/** Given up; its acknowledgement may still come, and is good for its stretch. */
export const SENT_GIVEN_UP: u32 = 3
/** Its fragments are not all sent. */
export const SENT_IN_PARTS: u32 = 4
/** It wants no acknowledgement. */
export const SENT_ACK_ONLY: u32 = 5

export const NO_LANE: u32 = 255

/** Flags: it told the peer a credit; the program had nothing more to send. */
export const TELLS_CREDIT: u32 = 1
export const APP_LIMITED: u32 = 2

@inline export function sentAt(connection: usize, sequence: u32): usize {
  const index = sequence & (load<u32>(connection + WINDOW_OFFSET) - 1)
  return connection + load<u32>(connection + SENT_OFFSET) + <usize>index * SENT_BYTES
}
@inline export function sentState(entry: usize): u32 { return load<u8>(entry + SENT_STATE_OFFSET) }
@inline export function setSentState(entry: usize, state: u32): void { store<u8>(entry + SENT_STATE_OFFSET, <u8>state) }
@inline export function sentSequence(entry: usize): u32 { return load<u16>(entry + SENT_SEQUENCE_OFFSET) }

/** Whether the next packet's entry is free. (One that is to be sent again is sent before anything new.) */
@inline export function isFree(entry: usize): bool {
  const state = sentState(entry)
  return state == SENT_DONE || state == SENT_GIVEN_UP || state == SENT_ACK_ONLY
}
