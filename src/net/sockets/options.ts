/**
 * What can be set on a socket, by the names that POSIX and Linux have for it.
 *
 * @module
 */
import type { AddressFamily } from '../../ports.ts'
import { socketError } from './codes.ts'
import type { Membership, Setting, Settings } from './questions.ts'

/** Options that can be set, by their POSIX names. */
export interface SocketOptions {
  /** Bytes of the ring in shared memory that is received into, and for UDP of the kernel's buffer, too. Before the first use. */
  SO_RCVBUF: number
  SO_SNDBUF: number
  /** Milliseconds that a call may wait which has no `timeoutMs`; 0: for ever. It ends with EWOULDBLOCK then. */
  SO_RCVTIMEO: number
  SO_SNDTIMEO: number
  /** Seconds that `close()` waits for what is still to be sent; 0: the connection is reset. `false`: it is sent behind the scenes. */
  SO_LINGER: number | false
  SO_REUSEADDR: boolean
  SO_REUSEPORT: boolean
  SO_BROADCAST: boolean
  SO_KEEPALIVE: boolean
  /** Seconds. */
  TCP_KEEPIDLE: number
  TCP_NODELAY: boolean
  IP_TTL: number
  IP_MULTICAST_TTL: number
  IP_MULTICAST_LOOP: boolean
  /** The address of an interface; for IPv6 `::%eth0`. */
  IP_MULTICAST_IF: string
  IPV6_V6ONLY: boolean
  IP_ADD_MEMBERSHIP: Membership
  IP_DROP_MEMBERSHIP: Membership
}

/** The name of an option that can be set. */
export type OptionName = keyof SocketOptions

/** What can be asked for only. */
export interface SocketFacts {
  /** The code that the socket has failed with, which it has not from then on; 0 where it has not. */
  SO_ERROR: string | 0
  SO_TYPE: 'dgram' | 'stream'
  SO_DOMAIN: AddressFamily
  SO_ACCEPTCONN: boolean
  /** Datagrams that came when the ring was full. */
  SO_RXQ_OVFL: number
}

interface Rule {
  readonly on: 'udp' | 'tcp' | 'both'
  /** `here`: the client's own. `before`: only until the socket is in use. `live`: at any time. */
  readonly when: 'here' | 'before' | 'live'
  readonly initial: Setting | undefined
  readonly check: (value: unknown) => boolean
  readonly is: string
}

const isFlag = (value: unknown) => typeof value === 'boolean'
const whole = (from: number, to: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= from && (value as number) <= to
const isMembership = (value: unknown) =>
  typeof value === 'object' && value !== null && typeof (value as Membership).group === 'string'

const flag = (on: Rule['on'], when: Rule['when'], initial = false): Rule => ({
  on,
  when,
  initial,
  check: isFlag,
  is: 'true or false',
})
const number = (on: Rule['on'], when: Rule['when'], from: number, to: number, initial: number): Rule => ({
  on,
  when,
  initial,
  check: whole(from, to),
  is: `an integer from ${from} to ${to}`,
})

/** Of a ring: 128 KiB each way, and for datagrams the longest one more. */
const RING_BYTES = 131072
const SMALLEST_RING = 4096
const LARGEST_RING = 2 ** 26
const LONGEST_MS = 2 ** 31 - 1
const MEMBERSHIP: Rule = {
  on: 'udp',
  when: 'live',
  initial: undefined,
  check: isMembership,
  is: '{ group, interface?, source? }',
}

const rules: Readonly<Record<OptionName, Rule>> = {
  SO_RCVBUF: number('both', 'before', 1, LARGEST_RING, RING_BYTES),
  SO_SNDBUF: number('both', 'before', 1, LARGEST_RING, RING_BYTES),
  SO_RCVTIMEO: number('both', 'here', 0, LONGEST_MS, 0),
  SO_SNDTIMEO: number('both', 'here', 0, LONGEST_MS, 0),
  SO_LINGER: {
    on: 'tcp',
    when: 'here',
    initial: false,
    check: (value) => value === false || whole(0, 65535)(value),
    is: 'false, or seconds from 0 to 65535',
  },
  SO_REUSEADDR: flag('both', 'before'),
  SO_REUSEPORT: flag('both', 'before'),
  SO_BROADCAST: flag('udp', 'live'),
  SO_KEEPALIVE: flag('tcp', 'live'),
  TCP_KEEPIDLE: number('tcp', 'live', 1, 32767, 7200),
  TCP_NODELAY: flag('tcp', 'live'),
  IP_TTL: number('udp', 'live', 1, 255, 64),
  IP_MULTICAST_TTL: number('udp', 'live', 0, 255, 1),
  IP_MULTICAST_LOOP: flag('udp', 'live', true),
  IP_MULTICAST_IF: {
    on: 'udp',
    when: 'live',
    initial: undefined,
    check: (value) => typeof value === 'string' && value !== '',
    is: 'the address of an interface',
  },
  IPV6_V6ONLY: flag('both', 'before'),
  IP_ADD_MEMBERSHIP: MEMBERSHIP,
  IP_DROP_MEMBERSHIP: MEMBERSHIP,
}

/** IPv6 has names of its own for the same. */
const aliases: Readonly<Record<string, OptionName>> = {
  IPV6_ADD_MEMBERSHIP: 'IP_ADD_MEMBERSHIP',
  IPV6_JOIN_GROUP: 'IP_ADD_MEMBERSHIP',
  IPV6_DROP_MEMBERSHIP: 'IP_DROP_MEMBERSHIP',
  IPV6_LEAVE_GROUP: 'IP_DROP_MEMBERSHIP',
  IPV6_MULTICAST_HOPS: 'IP_MULTICAST_TTL',
  IPV6_MULTICAST_LOOP: 'IP_MULTICAST_LOOP',
  IPV6_MULTICAST_IF: 'IP_MULTICAST_IF',
  IPV6_UNICAST_HOPS: 'IP_TTL',
}

/** The options of one socket, at its client. */
export class OptionTable {
  readonly #isStream: boolean
  readonly #values = new Map<OptionName, Setting>()
  /** Groups to join, in their order, once there is a socket. */
  #memberships: Settings[] = []

  constructor(isStream: boolean) {
    this.#isStream = isStream
  }

  get<Name extends OptionName>(name: Name): SocketOptions[Name] {
    return (this.#values.get(name) ?? rules[name].initial) as SocketOptions[Name]
  }

  /** The option's own name, whatever the user called it. */
  named(name: string): OptionName {
    const own = (aliases[name] ?? name) as OptionName
    const rule = rules[own]
    if (rule === undefined || rule.on === (this.#isStream ? 'udp' : 'tcp')) {
      const there = Object.keys(rules).filter(
        (one) => rules[one as OptionName].on !== (this.#isStream ? 'udp' : 'tcp'),
      )
      throw socketError('ENOPROTOOPT', `option ${name}`, `this socket has ${there.join(', ')}`)
    }
    return own
  }

  /** Keeps the value. Answers whether the server has to be told. */
  set(name: OptionName, value: unknown, isInUse: boolean): boolean {
    const rule = rules[name]
    if (!rule.check(value))
      throw socketError('EINVAL', `option ${name}`, `it must be ${rule.is}, not ${show(value)}`)
    // The ring stays as it was made; the kernel's buffer of a UDP socket can change.
    const isBuffer = (name === 'SO_RCVBUF' || name === 'SO_SNDBUF') && !this.#isStream
    if (rule.when === 'before' && isInUse && !isBuffer)
      throw socketError('ENOPROTOOPT', `option ${name}`, 'it can be set only before the socket is in use')
    if (rule !== MEMBERSHIP) this.#values.set(name, value as Setting)
    else if (!isInUse) this.#memberships.push({ [name]: value as Setting })
    return rule.when !== 'here' && isInUse
  }

  /** A listener's are those that a connection of it begins with. */
  copyFrom(other: OptionTable): void {
    for (const [name, value] of other.#values) this.#values.set(name, value)
  }

  /** What was set, for another thread to go on with. */
  get all(): Settings {
    return Object.fromEntries(this.#values)
  }

  /** As another thread has set them; what makes no sense is left out. */
  takeOver(settings: Settings | undefined): void {
    for (const [name, value] of Object.entries(settings ?? {})) {
      const rule = Object.hasOwn(rules, name) ? rules[name as OptionName] : undefined
      if (rule?.check(value)) this.#values.set(name as OptionName, value)
    }
  }

  /** What the server needs to know when it makes the socket. */
  toSettings(): Settings {
    const settings: Record<string, Setting> = {}
    for (const [name, value] of this.#values) if (rules[name].when !== 'here') settings[name] = value
    return settings
  }

  takeMemberships(): readonly Settings[] {
    return this.#memberships.splice(0)
  }

  /** Bytes of the two rings: the next power of two. */
  get sendRing(): number {
    return ringOf(this.get('SO_SNDBUF'))
  }

  get recvRing(): number {
    return ringOf(this.get('SO_RCVBUF'))
  }
}

function ringOf(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(bytes, SMALLEST_RING)))
}

function show(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
