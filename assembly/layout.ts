// The region: one shared memory, cut into granules, with the tables that say who owns what.
//
//   0      ┌──────────────────────────────────────────────┐
//          │ header: magic, version, size, id, counters   │
//   256    ├──────────────────────────────────────────────┤
//          │ threads: 128 slots of 32 bytes               │  who has joined; see region/threads.ts
//   8192   ├──────────────────────────────────────────────┤
//          │ granule table: 8 bytes a granule             │  who owns each 4 KiB; see region/granules.ts
//          ├──────────────────────────────────────────────┤  (next granule boundary)
//          │ objects: rings, lanes, scratch               │  each starts on a granule
//          └──────────────────────────────────────────────┘
//
// Addresses are offsets into this memory and mean the same in every thread. Address 0 is never an object.

export const LAYOUT_VERSION: u32 = 1
export const REGION_MAGIC: u32 = 0x4c495053 // "SPIL"

/** Two 64-byte lines: processors fetch them in pairs, so that 64 apart still shares. */
export const CACHE_LINE: u32 = 128

export const MAGIC_OFFSET: usize = 0
export const VERSION_OFFSET: usize = 4
export const GRANULES_OFFSET: usize = 8
export const FIRST_GRANULE_OFFSET: usize = 12
export const REGION_ID_OFFSET: usize = 16
/** Counters, on a line of their own: they change with every allocation, what is above never does. */
export const GENERATION_OFFSET: usize = 128
export const SERIAL_OFFSET: usize = 132
export const SEARCH_FROM_OFFSET: usize = 136
export const TOP_GRANULE_OFFSET: usize = 140
export const TOP_THREAD_OFFSET: usize = 144
export const DEPARTURES_OFFSET: usize = 148 // u32 threads that have left, or are known to have ended

export const THREADS_OFFSET: usize = 256
export const THREAD_BYTES: usize = 32
export const MAX_THREADS: u32 = 128
// The first word, u64, is token | key << 32; 0 is free.
export const THREAD_KEY_OFFSET: usize = 4 //     u32  the upper half: what the runtime calls the thread
export const THREAD_JOINING_OFFSET: usize = 8 // u64  handle of the ring that it is about to join
export const THREAD_SCRATCH_OFFSET: usize = 16 // u32 address of its scratch
export const THREAD_BURIED_BY_OFFSET: usize = 20 // u32 token of the thread that buries it
export const THREAD_BELL_OFFSET: usize = 24 //    u32 the bell it sleeps at when it waits for several things
export const THREAD_EXITED_OFFSET: usize = 28 //  u32 its token, once the runtime has said that it ended

export const TABLE_OFFSET: usize = 8192
export const GRANULE_SHIFT: u32 = 12
export const GRANULE_BYTES: u32 = 1 << GRANULE_SHIFT

/** Every object starts with these; the rest is its kind's. */
export const KIND_OFFSET: usize = 0
export const OBJECT_GENERATION_OFFSET: usize = 4

export const KIND_ONE_TO_ONE: u32 = 1
export const KIND_ONE_TO_MANY: u32 = 2
export const KIND_MANY_TO_ONE: u32 = 3
export const KIND_LANE: u32 = 4
export const KIND_SCRATCH: u32 = 5
export const KIND_STATUS: u32 = 6
export const KIND_OUTLET: u32 = 7
export const KIND_BUFFER: u32 = 8
export const KIND_HUB: u32 = 9
export const KIND_CHANNEL: u32 = 10
export const KIND_CONNECTION: u32 = 11
export const KIND_MONITOR: u32 = 12

/** Kinds that threads join as members, and that live until the last one leaves. */
@inline export function hasMembers(kind: u32): bool {
  return isRingKind(kind) || (kind >= KIND_STATUS && kind <= KIND_MONITOR)
}

/** Kinds that have a writer's and a reader's role, and a bell. */
@inline export function isRingKind(kind: u32): bool {
  return kind == KIND_ONE_TO_ONE || kind == KIND_ONE_TO_MANY || kind == KIND_MANY_TO_ONE
}

/** Where the member words of such an object lie: one u32 a thread slot, its token or 0. */
export const MEMBERS_OFFSET: usize = 640
export const MEMBERS_BYTES: usize = <usize>MAX_THREADS * 4
const THREADS_END: usize = THREADS_OFFSET + THREAD_BYTES * <usize>MAX_THREADS
if (TABLE_OFFSET < THREADS_END) ERROR('the thread table reaches into the granule table')

/** A thread's scratch: a mailbox for results that are more than one number, then bytes on their way in or out. */
export const SCRATCH_OWNER_OFFSET: usize = 8
export const MAILBOX_ADDRESS_OFFSET: usize = 64 //    u32
export const MAILBOX_LENGTH_OFFSET: usize = 68 //     u32
export const MAILBOX_LANE_OFFSET: usize = 72 //       u32 address, u32 generation
export const MAILBOX_MISSED_OFFSET: usize = 80 //     f64
export const MAILBOX_PACK_OFFSET: usize = 88 //       u32 × 3, see framing/pack.ts
export const MAILBOX_SPLIT_OFFSET: usize = 100 //     u32 × 5, see framing/split.ts
export const MAILBOX_STATS_OFFSET: usize = 128 //     f64 × 8, see diode/stats.ts
export const MAILBOX_SPAN_OFFSET: usize = 192 //      u32 × 4, see sockets/channel.ts
export const SCRATCH_DATA_OFFSET: usize = 256
export const SCRATCH_GRANULES: u32 = 17
export const SCRATCH_BYTES: u32 = SCRATCH_GRANULES * GRANULE_BYTES - <u32>SCRATCH_DATA_OFFSET
