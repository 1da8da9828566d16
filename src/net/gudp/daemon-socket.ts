import type { Endpoint, UdpSocket } from '../../ports.ts'
import type { Place } from './path.ts'

/** A socket of the daemon: shared by all the connections that came to one port, or of one that went out. */
export interface DaemonSocket {
  readonly socket: UdpSocket
  readonly local: Endpoint
  /** Where it is connected to: datagrams to there need no address. */
  readonly peer: Place | undefined
  isClosed: boolean
}

/** `undefined`: to the peer. */
export function addressFor(
  { peer }: DaemonSocket,
  { address, port }: Place,
): { host: string; port: number } | undefined {
  if (peer !== undefined && peer.address === address && peer.port === port) return undefined
  return { host: address, port }
}
