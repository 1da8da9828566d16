/**
 * The counters of an outlet, by their place in shared memory (`assembly/outlet/outlet.ts` has room for 64). Each only ever
 * grows; whoever causes a thing counts it, in whatever thread.
 */
export const counter = {
  /** By the writers, before the ring. */
  oversize: 0,
  rawNewline: 1,
  /** By the I/O thread. What left the ring, */
  packedEvents: 2,
  packedBytes: 3,
  /** and what the kernel has taken of that. Bytes are payload: lines with their newlines. */
  sentEvents: 4,
  sentBytes: 5,
  sentDatagrams: 6,
  /** Lines that are nobody's event: metadata, heartbeats, sequence lines; their datagrams are in `sentDatagrams`. */
  sentMetadata: 7,
  sentHeartbeats: 8,
  sentSequences: 9,
  /** Most records that were ever seen waiting. */
  highWater: 10,
  poolHits: 11,
  poolMisses: 12,
  poolOpened: 13,
  poolReplaced: 14,
  poolClosed: 15,
  retries: 16,
  resolves: 17,
  resolveFailures: 18,
  addressChanges: 19,
  metadataHits: 20,
  metadataMisses: 21,
  metadataMicros: 22,
  alerts: 23,
  ioRestarts: 24,
  /** Events that were given up because the I/O thread died with them in hand. */
  lostEvents: 25,
  /** Connections (gudp) that were lost and resumed, and events that went again although they may have come. */
  resumed: 26,
  resentEvents: 27,
  /** From here to the last: for each of `wireErrors` two: how often, and events dropped by it. */
  errors: 28,
} as const

/** What the kernel or the resolver can say. The last stands for all others. */
export const wireErrors = [
  'EMSGSIZE',
  'ENOBUFS',
  'EAGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EPERM',
  'EACCES',
  'EINVAL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ENETDOWN',
  'EMFILE',
  'ECANCELED',
  'ECONNRESET',
  'EPROTO',
  'EOTHER',
] as const

export type WireError = (typeof wireErrors)[number]

export function wireErrorOf(code: string | undefined): WireError {
  return (wireErrors as readonly (string | undefined)[]).includes(code) ? (code as WireError) : 'EOTHER'
}

/** Where the two counters of an error lie. */
export function errorCounters(code: WireError): { times: number; events: number } {
  const at = counter.errors + 2 * wireErrors.indexOf(code)
  return { times: at, events: at + 1 }
}
