import type { GudpCore } from '../../core/gudp-core.ts'
import type { ConnectionHandle } from '../../core/packet-machine.ts'
import type { Region } from '../../core/region.ts'

/** The counters of a connection: packets are those of the packet layer, whatever they carry. */
export interface GudpConnectionStats {
  readonly packetsSent: number
  /** Taken: each once. */
  readonly packetsReceived: number
  readonly packetsAcked: number
  /** Given up. What they carried of a reliable channel was sent again. */
  readonly packetsLost: number
  /** Dropped: they came too late to be acknowledged, */
  readonly packetsLate: number
  /** had come before, */
  readonly packetsTwice: number
  /** found no room (and were not acknowledged), */
  readonly packetsRefused: number
  /** or made no sense. */
  readonly packetsBad: number
  /** Acknowledgements of packets that were never sent, and of those that had been given up. */
  readonly acksForged: number
  readonly acksLate: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly bytesAcked: number
  /** Of reliable channels, sent again. */
  readonly bytesAgain: number
  readonly fragmentsSent: number
  readonly fragmentsReceived: number
  /** Packets that came in fragments, and not all of them, or found no room to be put together. */
  readonly assembliesExpired: number
  readonly assembliesRefused: number
  readonly pingsSent: number
  /** Packets of `send`, and messages of unreliable channels. */
  readonly unreliableSent: number
  readonly unreliableReceived: number
  /** Smoothed; `undefined` until the first is known. */
  readonly rttMs: number | undefined
  readonly minRttMs: number | undefined
  /** Of about the last seconds, in bytes a second. */
  readonly sentRate: number
  readonly receivedRate: number
  readonly ackedRate: number
  /** What the congestion strategy lets go: packets a second (`good-bad`), bytes a second (`paced`), 0: no limit. */
  readonly allowedRate: number
  /** Packets that are under way, and the share of those sent that was given up. */
  readonly inFlight: number
  readonly loss: number
}

export function readStats(
  region: Region,
  { layout }: GudpCore,
  { address }: ConnectionHandle,
): GudpConnectionStats {
  const at = (offset: number): number => region.f64[(address + offset) >> 3]!
  const sent = at(layout.PACKETS_SENT)
  const lost = at(layout.PACKETS_LOST)
  const rttMs = at(layout.RTT_OFFSET)
  const minRttMs = at(layout.LEAST_RTT)
  return {
    packetsSent: sent,
    packetsReceived: at(layout.PACKETS_RECEIVED),
    packetsAcked: at(layout.PACKETS_ACKED),
    packetsLost: lost,
    packetsLate: at(layout.PACKETS_LATE),
    packetsTwice: at(layout.PACKETS_TWICE),
    packetsRefused: at(layout.PACKETS_REFUSED),
    packetsBad: at(layout.PACKETS_BAD),
    acksForged: at(layout.ACKS_FORGED),
    acksLate: at(layout.ACKS_LATE),
    bytesSent: at(layout.BYTES_SENT),
    bytesReceived: at(layout.BYTES_RECEIVED),
    bytesAcked: at(layout.BYTES_ACKED),
    bytesAgain: at(layout.BYTES_AGAIN),
    fragmentsSent: at(layout.FRAGMENTS_SENT),
    fragmentsReceived: at(layout.FRAGMENTS_RECEIVED),
    assembliesExpired: at(layout.ASSEMBLIES_EXPIRED),
    assembliesRefused: at(layout.ASSEMBLIES_REFUSED),
    pingsSent: at(layout.PINGS_SENT),
    unreliableSent: at(layout.MESSAGES_SENT),
    unreliableReceived: at(layout.MESSAGES_RECEIVED),
    rttMs: rttMs < 0 ? undefined : rttMs,
    minRttMs: minRttMs === 0 ? undefined : minRttMs,
    sentRate: at(layout.SENT_RATE),
    receivedRate: at(layout.RECEIVED_RATE),
    ackedRate: at(layout.ACKED_RATE),
    allowedRate: at(layout.ALLOWED_RATE),
    inFlight: region.i32[(address + layout.FLIGHT_PACKETS_OFFSET) >> 2]!,
    loss: sent === 0 ? 0 : lost / sent,
  }
}
