// What only a connection's calls answer, beside the codes of the core and of the sockets.

/** Another thread has the lock: wait. */
export const BUSY: i32 = -30
