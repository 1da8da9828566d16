import type { Clock, UdpPort } from '../../ports.ts'
import { FNV_START, fnvBytes, fnvDouble, fnvText, fnvWord } from './hash.ts'
import { Host, type SimulatedSocket } from './host.ts'
import { type Fate, Link, type LinkCounters, type LinkOptions, noCounters } from './link.ts'
import { Nat, type NatOptions } from './nat.ts'
import { NetworkError } from './network-error.ts'
import { familyOf, isAny, isLoopback, type Place, textOf } from './place.ts'
import { type Random, seeded } from './random.ts'

/** Beside what a link decides: a datagram has come to its socket, or to where nobody takes it. */
export type TracedFate = Fate | 'taken' | 'unheard'

/** A datagram, and what became of it. */
export interface TraceEvent {
  readonly atMs: number
  /** As the datagram says: behind a NAT, the NAT's. */
  readonly from: Place
  readonly to: Place
  /** Good during the call. */
  readonly bytes: Uint8Array
  readonly fate: TracedFate
}

/** What a network is made with; the same seed makes the same one. */
export interface NetworkOptions {
  readonly seed: number
  readonly clock: Clock
  /** What links are that are not told otherwise. Default: nothing is lost, and nothing takes time. */
  readonly link?: LinkOptions
  /** Connected sockets hear `ECONNREFUSED` when nobody listens at their peer's. Default false. */
  readonly refuses?: boolean
  /** Ports that hosts choose themselves. Default 49152 to 65535. */
  readonly ephemeralPorts?: readonly [first: number, last: number]
  readonly trace?: (event: TraceEvent) => void
}

/** What became of all datagrams. */
export interface NetworkCounters extends LinkCounters {
  readonly inFlight: number
  /** Of those delivered: given to a socket. */
  readonly taken: number
  /** Of those delivered: nobody there, another peer's socket, or a NAT that lets nobody in. */
  readonly unheard: number
}

interface Datagram {
  readonly origin: SimulatedSocket
  readonly from: Place
  readonly to: Place
  readonly bytes: Uint8Array
  /** Of the bytes. */
  readonly hash: number
}

/**
 * Hosts, and links between them, each direction with its own settings and its own randomness. Whatever happens follows from the seed, the
 * settings and what is sent when: the same run has the same `traceHash`, in Node and in a browser.
 */
export class SimulatedNetwork {
  readonly clock: Clock
  readonly #random: Random
  readonly #refuses: boolean
  readonly #ephemeralPorts: readonly [number, number]
  readonly #trace: ((event: TraceEvent) => void) | undefined
  readonly #hosts = new Map<string, Host>()
  readonly #links = new Map<string, Link>()
  readonly #nats = new Map<string, Nat>()
  /** By the address of the host behind it. */
  readonly #natOf = new Map<string, Nat>()
  #linkOptions: LinkOptions
  #hash = FNV_START
  #taken = 0
  #unheard = 0

  constructor(options: NetworkOptions) {
    const { seed, clock, link = {}, refuses = false, ephemeralPorts = [49_152, 65_535], trace } = options
    this.clock = clock
    this.#random = seeded(seed)
    this.#linkOptions = link
    this.#refuses = refuses
    this.#ephemeralPorts = ephemeralPorts
    this.#trace = trace
    new Link(clock, this.#random.fork(''), link) // a wrong option is told here, not when something is sent
  }

  /** Over all that has become of all datagrams: when, from where, to where, their bytes. */
  get traceHash(): number {
    return this.#hash
  }

  /** A host's own sockets. The host is there from now on. */
  udpPort(hostAddress: string): UdpPort {
    return this.#host(hostAddress)
  }

  /**
   * One direction, between hosts by their own addresses (behind a NAT, too). With options: these are set.
   * What a host sends to itself has a link as well, which is perfect until it is told otherwise.
   */
  link(from: string, to: string, options?: LinkOptions): Link {
    const name = `${from}>${to}`
    let link = this.#links.get(name)
    if (link === undefined) {
      link = new Link(this.clock, this.#random.fork(name), from === to ? {} : this.#linkOptions)
      this.#links.set(name, link)
    }
    if (options !== undefined) link.set(options)
    return link
  }

  /** Both directions. */
  path(one: string, other: string, options?: LinkOptions): readonly [there: Link, back: Link] {
    return [this.link(one, other, options), this.link(other, one, options)]
  }

  /** All links between hosts, and those to come. */
  setLinks(options: LinkOptions): void {
    for (const [name, link] of this.#links) if (!isToItself(name)) link.set(options)
    this.#linkOptions = { ...this.#linkOptions, ...options }
  }

  /** From now on nothing gets through from one to the other; what is in flight arrives. */
  block(from: string, to: string): void {
    this.link(from, to).isBlocked = true
  }

  unblock(from: string, to: string): void {
    this.link(from, to).isBlocked = false
  }

  /** These hosts are behind a router with that address. They reach one another by their own addresses, and nobody else reaches those. */
  nat(publicAddress: string, hosts: readonly string[], options: NatOptions = {}): Nat {
    this.#checkFree(publicAddress)
    const random = this.#random.fork(`nat ${publicAddress}`)
    const nat = new Nat(publicAddress, this.clock, random, options, (from, to) => {
      this.#checkFree(to)
      this.#nats.delete(from)
      this.#nats.set(to, nat)
    })
    this.#nats.set(publicAddress, nat)
    for (const address of hosts) this.#natOf.set(this.#host(address).address, nat)
    return nat
  }

  /** Over all links. */
  counters(): NetworkCounters {
    const sum = { ...noCounters(), inFlight: 0, taken: this.#taken, unheard: this.#unheard }
    for (const { counters, inFlight } of this.#links.values()) {
      sum.inFlight += inFlight
      for (const name of Object.keys(counters) as (keyof LinkCounters)[]) sum[name] += counters[name]
    }
    return sum
  }

  #host(address: string): Host {
    const known = this.#hosts.get(address)
    if (known !== undefined) return known
    this.#checkFree(address)
    const host = new Host(address, {
      clock: this.clock,
      ephemeralPorts: this.#ephemeralPorts,
      carry: (socket, from, to, bytes) => this.#carry(socket, from, to, bytes),
    })
    this.#hosts.set(address, host)
    return host
  }

  #checkFree(address: string): void {
    if (familyOf(address) === undefined || isAny(address) || isLoopback(address))
      throw new NetworkError('ERR_INVALID_ARGUMENT', `${address} cannot be the address of a host`)
    if (this.#hosts.has(address) || this.#nats.has(address))
      throw new NetworkError('ERR_INVALID_ARGUMENT', `${address} is taken`)
  }

  // ---- a datagram on its way ---------------------------------------------------------------------------

  #carry(origin: SimulatedSocket, inside: Place, to: Place, given: Uint8Array): void {
    const bytes = new Uint8Array(given)
    const source = origin.host.address
    const from = this.#crossesNat(source, to.address) ? this.#natOf.get(source)!.outgoing(inside, to) : inside
    const datagram = { origin, from, to, bytes, hash: fnvBytes(FNV_START, bytes) }
    const link = this.link(source, this.#nextHost(source, to))
    this.#tell(
      datagram,
      link.pass(bytes.length, () => this.#arrive(datagram)),
    )
  }

  #crossesNat(source: string, target: string): boolean {
    const nat = this.#natOf.get(source)
    return nat !== undefined && !isLoopback(target) && nat !== this.#natOf.get(target) && source !== target
  }

  /** Whose link it takes: of a NAT, the host that has the port now. */
  #nextHost(source: string, { address, port }: Place): string {
    if (isLoopback(address)) return source
    return this.#nats.get(address)?.behind(port)?.address ?? address
  }

  #arrive(datagram: Datagram): void {
    const { origin, from, bytes } = datagram
    const target = this.#target(datagram)
    const socket = target && this.#hosts.get(target.host)?.find(target.place)
    const isTaken = socket?.take(bytes, from) === true
    if (isTaken) this.#taken++
    else this.#unheard++
    this.#tell(datagram, isTaken ? 'taken' : 'unheard')
    if (target !== undefined && socket === undefined && this.#refuses)
      this.#refuse(origin, target.host, datagram.to)
  }

  /** The host that it has come to, and where it is for there. */
  #target({ origin, from, to }: Datagram): { host: string; place: Place } | undefined {
    const source = origin.host.address
    if (isLoopback(to.address)) return { host: source, place: to }
    const nat = this.#nats.get(to.address)
    if (nat !== undefined) {
      const place = nat.incoming(to.port, from)
      return place && { host: place.address, place }
    }
    const outer = this.#natOf.get(to.address)
    const isPrivate = outer !== undefined && outer !== this.#natOf.get(source)
    return isPrivate || !this.#hosts.has(to.address) ? undefined : { host: to.address, place: to }
  }

  /** The answer is no datagram: it is never lost, and takes the way back's latency. */
  #refuse(origin: SimulatedSocket, host: string, to: Place): void {
    const { latencyMs } = this.link(host, origin.host.address).options
    this.clock.after(latencyMs, () => origin.refused(to))
  }

  #tell({ from, to, bytes, hash }: Datagram, fate: TracedFate): void {
    const atMs = this.clock.now()
    let h = fnvDouble(this.#hash, atMs)
    h = fnvText(h, `${textOf(from)}>${textOf(to)} ${fate}`)
    this.#hash = fnvWord(fnvWord(h, bytes.length), hash)
    this.#trace?.({ atMs, from, to, bytes, fate })
  }
}

function isToItself(name: string): boolean {
  const [from, to] = name.split('>')
  return from === to
}
