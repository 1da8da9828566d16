import { parseAddress } from '../address-ranges.ts'

export interface Limit {
  readonly perSecond: number
  /** At once, after a silence. */
  readonly burst: number
}

export interface LimiterOptions {
  readonly inAll: Limit
  readonly perPrefix: Limit
  /** How much of an address counts as one source: 24 of IPv4, 48 of IPv6 by default. */
  readonly prefixBits?: { readonly ipv4?: number; readonly ipv6?: number } | undefined
  /** Prefixes share so many buckets, 4096 by default; a power of two. */
  readonly buckets?: number | undefined
  /** Any number: it decides which prefixes share a bucket, so that nobody outside can. */
  readonly seed: number
  readonly nowMs: number
}

const DEFAULT_BUCKETS = 4096

/**
 * Token buckets: one for all, and one for each prefix. Those of the prefixes are a table of fixed size that is looked up by a hash:
 * nothing is kept for a source, so forged ones fill nothing and push nobody out. Loopback has no prefix: nobody can forge it from outside.
 */
export class Limiter {
  readonly #inAll: Limit
  readonly #perPrefix: Limit
  readonly #ipv4Bits: number
  readonly #ipv6Bits: number
  readonly #seed: number
  readonly #mask: number
  // Place 0 is the one for all.
  readonly #tokens: Float64Array
  readonly #filledMs: Float64Array

  constructor({ inAll, perPrefix, prefixBits, buckets = DEFAULT_BUCKETS, seed, nowMs }: LimiterOptions) {
    this.#inAll = inAll
    this.#perPrefix = perPrefix
    this.#ipv4Bits = prefixBits?.ipv4 ?? 24
    this.#ipv6Bits = prefixBits?.ipv6 ?? 48
    this.#seed = seed
    this.#mask = buckets - 1
    this.#tokens = new Float64Array(1 + buckets).fill(perPrefix.burst)
    this.#tokens[0] = inAll.burst
    this.#filledMs = new Float64Array(1 + buckets).fill(nowMs)
  }

  /** Takes a token of both, or of neither. */
  take(address: string, nowMs: number): boolean {
    const place = this.#placeOf(address)
    const isLeft = this.#fill(0, this.#inAll, nowMs) >= 1
    const isLeftOfPrefix = place === 0 || this.#fill(place, this.#perPrefix, nowMs) >= 1
    if (!isLeft || !isLeftOfPrefix) return false
    this.#tokens[0]!--
    if (place !== 0) this.#tokens[place]!--
    return true
  }

  #fill(place: number, { perSecond, burst }: Limit, nowMs: number): number {
    const elapsedMs = nowMs - this.#filledMs[place]!
    if (elapsedMs > 0) {
      this.#filledMs[place] = nowMs
      this.#tokens[place] = Math.min(burst, this.#tokens[place]! + (elapsedMs * perSecond) / 1000)
    }
    return this.#tokens[place]!
  }

  /** 0 for loopback. What is no address, if there is such a thing, is one source. */
  #placeOf(address: string): number {
    const bytes = parseAddress(address) ?? new Uint8Array(4)
    if (isLoopbackBytes(bytes)) return 0
    const bits = bytes.length === 4 ? this.#ipv4Bits : this.#ipv6Bits
    let hash = this.#seed ^ bytes.length
    for (let i = 0; i * 8 < bits; i++) {
      const left = bits - i * 8
      const byte = left >= 8 ? bytes[i]! : bytes[i]! & (0xff00 >> left)
      hash = Math.imul(hash ^ byte, 0x01000193)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
    return 1 + ((hash ^ (hash >>> 16)) & this.#mask)
  }
}

const isLoopbackBytes = (bytes: Uint8Array): boolean =>
  bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0))
