import type { DatagramSocket } from '../ports.ts'

/** One socket of an exporter and what went over it: a receiver knows it by its source address. See docs/wire.md. */
export class Flow {
  readonly socket: DatagramSocket
  /** No other socket of the exporter has it, nor had it. */
  readonly number: number
  readonly openedMs: number
  lastUsedMs: number
  /** Datagrams that the kernel has not answered for yet. */
  inFlight = 0
  /** Sent: events and metadata, not heartbeats nor sequence lines. */
  lines = 0
  datagrams = 0
  bytes = 0
  /** The next heartbeat's number, and the next sequence line's. */
  heartbeats = 0
  sequence = 0
  /** `datagrams` when the last heartbeat went. */
  told = -1
  /** A heartbeat is due, once everything that is in flight has been answered for. */
  owesHeartbeat = false
  /** Its socket is closed, or about to be: nothing more goes over it. */
  isBroken = false

  constructor(socket: DatagramSocket, number: number, nowMs: number) {
    this.socket = socket
    this.number = number
    this.openedMs = nowMs
    this.lastUsedMs = nowMs
  }

  /** Something has been sent that no heartbeat has told of. */
  hasNews(): boolean {
    return this.datagrams !== this.told
  }
}
