import { invalid } from '../core/check.ts'
import type { SpillwayError } from '../core/errors.ts'

interface Range {
  readonly bytes: Uint8Array
  readonly bits: number
}

/**
 * IP addresses and CIDR ranges, and whether an address is in one of them. An IPv4 address that comes in the clothes of IPv6
 * (`::ffff:10.0.0.7`) is the IPv4 address.
 */
export class AddressRanges {
  readonly #ranges: readonly Range[]

  /** Throws at what is neither an address nor a range. */
  constructor(ranges: readonly string[]) {
    this.#ranges = ranges.map(parseRange)
  }

  has(address: string): boolean {
    const bytes = parseAddress(address)
    return bytes !== undefined && this.#ranges.some((range) => isIn(range, bytes))
  }
}

/** The bytes of an address, 4 or 16; `undefined` when it is none. A zone (`fe80::1%eth0`) is left out. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (!text.includes(':')) return parseIpv4(text)
  const zone = text.indexOf('%')
  const bytes = parseIpv6(zone < 0 ? text : text.slice(0, zone))
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes
}

export function isLoopback(address: string): boolean {
  return loopback.has(address)
}

const loopback = new AddressRanges(['127.0.0.0/8', '::1'])

function parseRange(text: string): Range {
  const [address = '', length, rest] = String(text).split('/')
  const bytes = parseAddress(address)
  if (bytes === undefined || rest !== undefined) throw notARange(text)
  if (length === undefined) return { bytes, bits: bytes.length * 8 }
  // A range of mapped addresses is given in the bits of IPv6.
  const skipped = bytes.length === 4 && address.includes(':') ? 96 : 0
  const bits = Number(length) - skipped
  if (!/^\d{1,3}$/.test(length) || bits < 0 || bits > bytes.length * 8) throw notARange(text)
  return { bytes, bits }
}

function notARange(text: unknown): SpillwayError {
  return invalid(
    `allow takes IP addresses and CIDR ranges such as '10.0.0.0/8' or 'fd00::/8', not '${String(text)}'`,
  )
}

function isIn({ bytes, bits }: Range, address: Uint8Array): boolean {
  if (address.length !== bytes.length) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false
  const left = bits & 7
  return left === 0 || (address[whole]! ^ bytes[whole]!) >> (8 - left) === 0
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  const isPart = (part: string) => /^\d{1,3}$/.test(part) && Number(part) <= 255
  return parts.length === 4 && parts.every(isPart) ? Uint8Array.from(parts, Number) : undefined
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail])
}

/** Groups of four hex digits; the last may be an IPv4 address where the whole address ends with it. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [i, group] of groups.entries()) {
    if (group.includes('.')) {
      const ipv4 = isEnd && i === groups.length - 1 ? parseIpv4(group) : undefined
      if (ipv4 === undefined) return undefined
      bytes.push(...ipv4)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    } else return undefined
  }
  return bytes
}

/** `::ffff:a.b.c.d`. */
function isMapped(bytes: Uint8Array): boolean {
  return bytes.every((byte, i) => i >= 12 || byte === (i >= 10 ? 0xff : 0))
}
