// The machine's own state, in the connection's memory: the daemon's thread reads and writes it, and nobody else does. Counters are read by
// anybody, and are good at any moment: each is one aligned f64.

export const SEQUENCE_OFFSET: usize = 256 //         u32 of the next packet
export const OLDEST_OFFSET: usize = 260 //           u32 nothing before it is under way or to be sent again
export const LAST_ACK_OFFSET: usize = 264 //         u32 the newest that the peer has acknowledged
export const LAST_ACK_BITS_OFFSET: usize = 268 //    u32
export const RECEIVED_OFFSET: usize = 272 //         u32 the newest that was taken
export const RECEIVED_BITS_OFFSET: usize = 276 //    u32 bit n: RECEIVED - n was
export const UNACKED_OFFSET: usize = 280 //          u32 packets taken that want an acknowledgement
export const LOST_OFFSET: usize = 284 //             u32 packets whose content is to be sent again
export const FLIGHT_PACKETS_OFFSET: usize = 288 //   u32
export const FLIGHT_BYTES_OFFSET: usize = 292 //     u32
export const BACKOFF_OFFSET: usize = 296 //          u32 how often in a row nothing was heard in time
export const LANE_OFFSET: usize = 300 //             u32 whose turn it is
export const ACK_AT_OFFSET: usize = 304 //           f64 when the acknowledgement is due
export const HEARD_AT_OFFSET: usize = 312 //         f64 when the peer was last heard
export const PINGED_AT_OFFSET: usize = 320 //        f64
export const RTT_OFFSET: usize = 328 //              f64 moves a tenth of the way to each sample; negative: none yet
export const RTT_SPREAD_OFFSET: usize = 336 //       f64
export const ACKED_SENT_AT_OFFSET: usize = 344 //    f64 when the latest-sent packet that is acknowledged was sent
export const RATES_AT_OFFSET: usize = 352 //         f64 when the bandwidths were last reckoned
export const TIMED_AT_OFFSET: usize = 360 //         f64 the earliest that a packet under way can be given up

/** A packet on its way in fragments. */
export const PARTS_LANE_OFFSET: usize = 368 //       u32 its lane, plus one; 0: none
export const PARTS_SEQUENCE_OFFSET: usize = 372 //   u32
export const PARTS_NEXT_OFFSET: usize = 376 //       u32 the next fragment
export const PARTS_COUNT_OFFSET: usize = 380 //      u32
export const PARTS_BYTES_OFFSET: usize = 384 //      u32 of the body
export const PARTS_OTHERS_OFFSET: usize = 388 //     u32 packets sent between its fragments

/** Packets that come in fragments: as many as can still be acknowledged. Their places lie behind the counters. */
export const MOST_ASSEMBLIES: u32 = 32
export const ASSEMBLY_BYTES_OFFSET: usize = 424 //   u32 of all
/** Read by header.ts. */
export const HEADER_OFFSET: usize = 428 //           16 bytes
export const PROGRESS_AT_OFFSET: usize = 448 //      f64 when something was last acknowledged that had not been

/** The strategy's own: congestion.ts. */
export const CONGESTION_OFFSET: usize = 456
export const CONGESTION_END: usize = 640

// ---- counters ----------------------------------------------------------------------------------------

export const PACKETS_SENT: usize = 1152
export const PACKETS_RECEIVED: usize = 1160 //  taken
export const PACKETS_ACKED: usize = 1168
export const PACKETS_LOST: usize = 1176 //      given up; what they carried of a stream was sent again
export const PACKETS_LATE: usize = 1184 //      came too late to be acknowledged
export const PACKETS_TWICE: usize = 1192
export const PACKETS_REFUSED: usize = 1200 //   there was no room for their content
export const PACKETS_BAD: usize = 1208 //       cannot be what the peer wanted to say
export const ACKS_FORGED: usize = 1216 //       of packets that were never sent
export const ACKS_LATE: usize = 1224 //         of packets that had been given up
export const BYTES_SENT: usize = 1232
export const BYTES_RECEIVED: usize = 1240
export const BYTES_ACKED: usize = 1248
export const BYTES_AGAIN: usize = 1256 //       of streams, sent again
export const FRAGMENTS_SENT: usize = 1264
export const FRAGMENTS_RECEIVED: usize = 1272
export const ASSEMBLIES_EXPIRED: usize = 1280 //packets of which not all fragments came in time
export const ASSEMBLIES_REFUSED: usize = 1288
export const SENT_RATE: usize = 1296 //         bytes a second
export const RECEIVED_RATE: usize = 1304
export const ACKED_RATE: usize = 1312
export const ALLOWED_RATE: usize = 1320 //      what the strategy lets go: packets (good-bad) or bytes (paced) a second
export const PINGS_SENT: usize = 1328
export const MESSAGES_SENT: usize = 1336 //     of unreliable lanes
export const MESSAGES_RECEIVED: usize = 1344
export const SENT_RATE_BASE: usize = 1352 //    bytes when the rates were last reckoned
export const RECEIVED_RATE_BASE: usize = 1360
export const ACKED_RATE_BASE: usize = 1368
export const LEAST_RTT: usize = 1376 //         ms of all; 0: none yet
export const MIN_RTT: usize = 1384 //           ms of about the last ten seconds: the paced strategy's

/** Addresses of where packets that come in fragments are put together, see reassembly.ts. */
export const ASSEMBLIES_OFFSET: usize = 1400 //      u32 × 32
if (ASSEMBLIES_OFFSET + 4 * <usize>MOST_ASSEMBLIES > 1536) ERROR('the assemblies reach into the lanes')

@inline export function count(connection: usize, counter: usize, by: f64 = 1): void {
  store<f64>(connection + counter, load<f64>(connection + counter) + by)
}
