// What a call of the sockets answers, beside the codes of the core.

/** What the other side has written into the channel cannot be. */
export const CORRUPT: i32 = -32
/** The socket has failed; the reason is in the channel. */
export const FAILED: i32 = -33
/** The server has been stopped, or its thread has ended. */
export const GONE: i32 = -34
/** The hub has as many channels as it was made for. */
export const TOO_MANY_CHANNELS: i32 = -35
/** The other side is of another version. */
export const OTHER_VERSION: i32 = -36
/** There is no more to come: the peer has ended, or this side wants no more. */
export const ENDED_STREAM: i32 = -37
