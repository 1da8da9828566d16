import { SpillwayError } from '../../core/errors.ts'
import type { Endpoint, Sent, UdpPort, UdpSocket } from '../../ports.ts'
import type { DaemonCounts } from './daemon-counts.ts'
import type { Place } from './path.ts'

/** A socket of the daemon: shared by all the connections that came to one port, or of one that went out. */
export interface DaemonSocket {
  readonly socket: UdpSocket
  readonly local: Endpoint
  /** Where it is connected to: datagrams to there need no address. */
  readonly peer: Place | undefined
  isClosed: boolean
}

export interface DaemonSocketOptions {
  readonly local: Endpoint
  /** Of the kernel, for each direction; 0: as the system has it. */
  readonly bufferBytes: number
  onDatagram(socket: DaemonSocket, bytes: Uint8Array, address: string, port: number): void
  onError(code: string): void
}

/** Every socket of a daemon, and what goes through them, counted. */
export class DaemonSockets {
  readonly #udp: UdpPort
  readonly #counts: DaemonCounts
  readonly #open = new Set<DaemonSocket>()
  #isOver = false

  constructor(udp: UdpPort, counts: DaemonCounts) {
    this.#udp = udp
    this.#counts = counts
  }

  async open({ local, bufferBytes, onDatagram, onError }: DaemonSocketOptions): Promise<DaemonSocket> {
    if (this.#isOver) throw stopped()
    let socket: DaemonSocket | undefined
    const udp = await this.#udp.open({
      family: local.family,
      host: local.address,
      port: local.port,
      settings: bufferBytes > 0 ? { SO_RCVBUF: bufferBytes, SO_SNDBUF: bufferBytes } : {},
      onDatagram: (bytes, address, port) => {
        this.#counts.received++
        this.#counts.bytesReceived += bytes.length
        if (socket !== undefined && !socket.isClosed) onDatagram(socket, bytes, address, port)
      },
      onError,
    })
    if (this.#isOver) {
      udp.close()
      throw stopped()
    }
    socket = { socket: udp, local: udp.local, peer: undefined, isClosed: false }
    this.#open.add(socket)
    return socket
  }

  /** The bytes must stay as they are until `sent` is called. */
  send(socket: DaemonSocket, bytes: Uint8Array, place: Place, sent: Sent): void {
    this.#counts.sent++
    this.#counts.bytesSent += bytes.length
    socket.socket.send(bytes, addressFor(socket, place), sent)
  }

  close(socket: DaemonSocket): void {
    if (socket.isClosed) return
    socket.isClosed = true
    this.#open.delete(socket)
    socket.socket.close()
  }

  /** No more, and none of those that are being opened: what is open stays so, to say goodbye through. */
  refuse(): void {
    this.#isOver = true
  }

  closeAll(): void {
    this.refuse()
    for (const socket of this.#open) this.close(socket)
  }
}

function stopped(): SpillwayError {
  return new SpillwayError('ECONNABORTED', 'the daemon was stopped before the socket was open')
}

/** `undefined`: to the peer. */
function addressFor(
  { peer }: DaemonSocket,
  { address, port }: Place,
): { host: string; port: number } | undefined {
  if (peer !== undefined && peer.address === address && peer.port === port) return undefined
  return { host: address, port }
}
