import type {
  AddressFamily,
  Clock,
  Endpoint,
  Sent,
  SocketSettings,
  UdpPort,
  UdpSocket,
  UdpSocketOptions,
} from '../../ports.ts'
import { NetworkError } from './network-error.ts'
import { checkPort, familyOf, isAny, isLoopback, isSame, type Place } from './place.ts'

/** What a host is given to send with. `bytes` are to be copied. */
export interface Wire {
  readonly clock: Clock
  /** The first and the last port that the system chooses itself. */
  readonly ephemeralPorts: readonly [number, number]
  carry(socket: SimulatedSocket, from: Place, to: Place, bytes: Uint8Array): void
}

const LONGEST_DATAGRAM = 65_507
/** What the bytes of a datagram are after the call for which they are good. */
const GONE = 0xdb

/** The sockets of one host. It is a `UdpPort` for what runs there. */
export class Host implements UdpPort {
  readonly keepsOrder = true
  readonly address: string
  readonly family: AddressFamily
  readonly #wire: Wire
  readonly #sockets = new Map<number, SimulatedSocket[]>()
  #nextPort: number

  constructor(address: string, wire: Wire) {
    this.address = address
    this.family = familyOf(address)!
    this.#wire = wire
    this.#nextPort = wire.ephemeralPorts[0]
  }

  get loopback(): string {
    return this.family === 6 ? '::1' : '127.0.0.1'
  }

  async open(options: UdpSocketOptions): Promise<UdpSocket> {
    const { host, family } = options
    if (family !== this.family || familyOf(host) !== family)
      throw new NetworkError('EADDRNOTAVAIL', `${host} is not an address of ${this.address}`)
    if (!isAny(host) && !isLoopback(host) && host !== this.address)
      throw new NetworkError('EADDRNOTAVAIL', `${host} is not an address of ${this.address}`)
    checkPort(options.port, 0)
    const port = options.port === 0 ? this.#choosePort(host) : options.port
    if (this.#isTaken(host, port)) throw new NetworkError('EADDRINUSE', `${host}:${port} is in use`)
    const socket = new SimulatedSocket(this, this.#wire, { ...options, port }, () => this.#forget(socket))
    this.#sockets.set(port, [...(this.#sockets.get(port) ?? []), socket])
    return socket
  }

  /** Who takes what is sent to there. */
  find({ address, port }: Place): SimulatedSocket | undefined {
    return this.#sockets.get(port)?.find(({ bound }) => bound === address || isAny(bound))
  }

  #choosePort(host: string): number {
    const [first, last] = this.#wire.ephemeralPorts
    for (let tries = first; tries <= last; tries++) {
      const port = this.#nextPort
      this.#nextPort = port >= last ? first : port + 1
      if (!this.#isTaken(host, port)) return port
    }
    throw new NetworkError('EADDRINUSE', `${this.address} has no port left`)
  }

  #isTaken(host: string, port: number): boolean {
    const there = this.#sockets.get(port)
    return there?.some(({ bound }) => bound === host || isAny(bound) || isAny(host)) === true
  }

  #forget(socket: SimulatedSocket): void {
    const { port } = socket.local
    const others = this.#sockets.get(port)!.filter((other) => other !== socket)
    if (others.length > 0) this.#sockets.set(port, others)
    else this.#sockets.delete(port)
  }
}

export class SimulatedSocket implements UdpSocket {
  /** As it was asked for: an address, or any. */
  readonly bound: string
  readonly host: Host
  readonly #wire: Wire
  readonly #options: UdpSocketOptions
  readonly #forget: () => void
  #peer: Place | undefined
  #isClosed = false

  constructor(host: Host, wire: Wire, options: UdpSocketOptions, forget: () => void) {
    this.host = host
    this.bound = options.host
    this.#wire = wire
    this.#options = options
    this.#forget = forget
  }

  get local(): Endpoint {
    const { family, port } = this.#options
    const isKnown = this.#peer !== undefined && isAny(this.bound)
    return { address: isKnown ? this.#sourceFor(this.#peer!.address) : this.bound, port, family }
  }

  /** The bytes are read when `sent` is called, the latest that the port allows: who writes over them sooner finds out here. */
  send(bytes: Uint8Array, to: { host: string; port: number } | undefined, sent: Sent): void {
    const refusal = this.#refusalOf(bytes, to)
    const target = to === undefined ? this.#peer : { address: to.host, port: to.port }
    const { port } = this.#options
    this.#wire.clock.soon(() => {
      if (refusal === undefined) {
        const from = { address: this.#sourceFor(target!.address), port }
        this.#wire.carry(this, from, target!, bytes)
      }
      sent(refusal === undefined ? undefined : { code: refusal })
    })
  }

  async connect({ host, port }: { host: string; port: number }): Promise<Endpoint> {
    if (this.#isClosed) throw new NetworkError('EBADF', 'the socket is closed')
    const refusal = this.#refusalOfPlace(host, port)
    if (refusal !== undefined) throw new NetworkError(refusal, `cannot connect to ${host}:${port}`)
    this.#peer = { address: host, port }
    return { address: host, port, family: this.#options.family }
  }

  disconnect(): void {
    this.#peer = undefined
  }

  /** There is nothing here to set: no hops, no buffers, no groups. */
  set(_settings: SocketSettings): void {}

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#forget()
  }

  /** Answers whether it is for it: a connected one takes its peer's only. Who keeps the bytes, or writes to them, harms nobody else. */
  take(bytes: Uint8Array, from: Place): boolean {
    if (this.#isClosed || (this.#peer !== undefined && !isSame(this.#peer, from))) return false
    const copy = new Uint8Array(bytes)
    try {
      this.#options.onDatagram(copy, from.address, from.port)
    } finally {
      copy.fill(GONE)
    }
    return true
  }

  /** Nobody listens where it has sent to. Only a connected socket hears of that. */
  refused(by: Place): void {
    if (this.#isClosed || this.#peer === undefined || !isSame(this.#peer, by)) return
    this.#options.onError('ECONNREFUSED')
  }

  #sourceFor(address: string): string {
    if (!isAny(this.bound)) return this.bound
    return isLoopback(address) ? this.host.loopback : this.host.address
  }

  #refusalOf(bytes: Uint8Array, to: { host: string; port: number } | undefined): string | undefined {
    if (this.#isClosed) return 'ECANCELED'
    if (to === undefined && this.#peer === undefined) return 'EDESTADDRREQ'
    if (to !== undefined && this.#peer !== undefined) return 'EISCONN'
    if (bytes.length > LONGEST_DATAGRAM) return 'EMSGSIZE'
    return to === undefined ? undefined : this.#refusalOfPlace(to.host, to.port)
  }

  #refusalOfPlace(host: string, port: number): string | undefined {
    const family = familyOf(host)
    if (family === undefined) return 'ENOTFOUND'
    const isReachable = family === this.#options.family && !isAny(host)
    if (!isReachable || !(Number.isInteger(port) && port > 0 && port <= 65_535)) return 'EINVAL'
    // From a loopback address nothing leaves the host.
    return isLoopback(this.bound) && !isLoopback(host) ? 'EINVAL' : undefined
  }
}
