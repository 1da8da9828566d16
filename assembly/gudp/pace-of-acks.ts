// When an acknowledgement is due: each says what became of 32 packets, so one for every eighth is said four times over.

/** For so many an acknowledgement goes at once; for fewer within so long. */
export const ACK_EVERY: u32 = 8
export const ACK_DELAY_MS: f64 = 5
