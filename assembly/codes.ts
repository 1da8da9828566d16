// What a call answers when it is not a size, an address or a count. All are negative; full and empty are values.

/** Nothing to read now. */
export const EMPTY: i32 = -1
/** Nothing to read, and the writer has left: there will be nothing more unless another one comes. */
export const ENDED: i32 = -2
/** No room under `drop-newest`: the record is counted as dropped. */
export const FULL: i32 = -3
/** Longer than the ring's maximum: the record is counted as oversize. */
export const OVERSIZE: i32 = -4
/** The record does not fit the thread's scratch: it stays in hand, and its place is in the mailbox. */
export const IN_PLACE: i32 = -5
/** The handle names nothing that lives: freed, never made, or of another kind. */
export const STALE: i32 = -6
/** An argument is out of its range. */
export const INVALID: i32 = -7
export const OUT_OF_MEMORY: i32 = -8
export const TOO_MANY_THREADS: i32 = -9
export const TOO_MANY_WRITERS: i32 = -10
export const TOO_MANY_READERS: i32 = -11
/** The role is held by another endpoint whose thread lives. */
export const TAKEN: i32 = -12
export const CLAIM_OPEN: i32 = -13
export const NO_CLAIM: i32 = -14
export const CLAIM_EXCEEDED: i32 = -15
/** The outlet takes nothing more. */
export const CLOSED: i32 = -16
/** The line has a newline inside: it is counted. */
export const RAW_NEWLINE: i32 = -17
