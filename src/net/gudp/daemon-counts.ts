/** What did not belong to any connection, and what became of connections. */
export interface DaemonCounts {
  received: number
  sent: number
  bytesReceived: number
  bytesSent: number
  /** Of no type that there is, or of another protocol. */
  malformed: number
  /** Of a session that is not there. */
  strange: number
  /** Of a session, and did not open: forged, or had come before. */
  unopened: number
  sendErrors: number
  opened: number
  ended: number
  moved: number
}

export function noCounts(): DaemonCounts {
  return {
    received: 0,
    sent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    malformed: 0,
    strange: 0,
    unopened: 0,
    sendErrors: 0,
    opened: 0,
    ended: 0,
    moved: 0,
  }
}
