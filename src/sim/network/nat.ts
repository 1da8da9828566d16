import type { Clock } from '../../ports.ts'
import { NetworkError } from './network-error.ts'
import { type Place, textOf } from './place.ts'
import type { Random } from './random.ts'

/** Whom a NAT lets in, and how long it remembers. */
export interface NatOptions {
  /** Who may send in: those who were sent to through the mapping (default), or anybody who hits its port. */
  readonly lets?: 'peers' | 'anybody'
  /** A mapping that nothing went out through for so long is forgotten. 0 (default): never. */
  readonly idleMs?: number
}

interface Mapping {
  readonly inside: Place
  readonly publicPort: number
  /** Who was sent to. */
  readonly peers: Set<string>
  lastOutMs: number
}

const LOWEST_PORT = 1024
const HIGHEST_PORT = 65_535
/** Of one mapping. The one that has been there for longest goes. */
const MOST_PEERS = 4096

/** A home router: hosts behind it have its address, and each of their ports one of its ports. */
export class Nat {
  readonly #clock: Clock
  readonly #random: Random
  readonly #lets: 'peers' | 'anybody'
  readonly #idleMs: number
  readonly #moved: (from: string, to: string) => void
  readonly #byInside = new Map<string, Mapping>()
  readonly #byPort = new Map<number, Mapping>()
  /** Ports of mappings that were thrown away: a new one is another one. */
  readonly #formerPorts = new Set<number>()
  #address: string

  /** Made by `SimulatedNetwork.nat`. `moved` throws when the new address is taken. */
  constructor(
    address: string,
    clock: Clock,
    random: Random,
    { lets = 'peers', idleMs = 0 }: NatOptions,
    moved: (from: string, to: string) => void,
  ) {
    this.#address = address
    this.#clock = clock
    this.#random = random
    this.#lets = lets
    this.#idleMs = idleMs
    this.#moved = moved
  }

  get address(): string {
    return this.#address
  }

  get mappings(): number {
    return this.#byPort.size
  }

  /** All mappings die: what hosts send from now on has new ports (and the new address), and what is sent to the old ones is lost. */
  rebind(address: string = this.#address): void {
    if (address !== this.#address) this.#moved(this.#address, address)
    this.#address = address
    this.#formerPorts.clear()
    for (const port of this.#byPort.keys()) this.#formerPorts.add(port)
    this.#byInside.clear()
    this.#byPort.clear()
  }

  /** As what a datagram goes out that comes from there. */
  outgoing(inside: Place, to: Place): Place {
    const mapping = this.#live(this.#byInside.get(textOf(inside))) ?? this.#map(inside)
    mapping.lastOutMs = this.#clock.now()
    const peer = textOf(to)
    if (!mapping.peers.has(peer) && mapping.peers.size === MOST_PEERS)
      mapping.peers.delete(mapping.peers.values().next().value!)
    mapping.peers.add(peer)
    return { address: this.#address, port: mapping.publicPort }
  }

  /** Whose a port is. */
  behind(port: number): Place | undefined {
    return this.#live(this.#byPort.get(port))?.inside
  }

  /** Where a datagram goes that comes in: nowhere, if it is not let in. */
  incoming(port: number, from: Place): Place | undefined {
    const mapping = this.#live(this.#byPort.get(port))
    if (mapping === undefined) return undefined
    return this.#lets === 'anybody' || mapping.peers.has(textOf(from)) ? mapping.inside : undefined
  }

  #map(inside: Place): Mapping {
    const mapping: Mapping = { inside, publicPort: this.#freePort(), peers: new Set(), lastOutMs: 0 }
    this.#byInside.set(textOf(inside), mapping)
    this.#byPort.set(mapping.publicPort, mapping)
    return mapping
  }

  #freePort(): number {
    const first = this.#random.between(LOWEST_PORT, HIGHEST_PORT)
    for (let port = first; ; ) {
      if (!this.#byPort.has(port) && !this.#formerPorts.has(port)) return port
      port = port === HIGHEST_PORT ? LOWEST_PORT : port + 1
      if (port === first) throw new NetworkError('ENOBUFS', `${this.#address} has no port left for a mapping`)
    }
  }

  #live(mapping: Mapping | undefined): Mapping | undefined {
    if (mapping === undefined || this.#idleMs === 0) return mapping
    if (this.#clock.now() - mapping.lastOutMs <= this.#idleMs) return mapping
    this.#byInside.delete(textOf(mapping.inside))
    this.#byPort.delete(mapping.publicPort)
    return undefined
  }
}
