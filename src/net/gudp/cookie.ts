import type { SecurityPort } from '../../ports.ts'
import { i32At, setI32, setU16 } from './bytes.ts'
import { COOKIE_BYTES } from './handshake-datagrams.ts'

const SECRET_BYTES = 32
const ISSUED_BYTES = 4
const VALID_SECONDS = 10
/** So long is a secret used to make cookies; as long again it is still known. */
const ROTATE_MS = 60_000

export type CookieVerdict = 'holds' | 'expired' | 'forged'

/** What a cookie says: whoever is at that address has asked for that. */
export interface Bound {
  readonly address: string
  readonly port: number
  /** Bytes 5 to 17 of the request. */
  readonly asked: Uint8Array
  /** The first message of the key exchange. */
  readonly hello: Uint8Array
}

/** Cookies instead of memory: what a server would have to remember of an unproven address, the client remembers for it. */
export class Cookies {
  readonly #security: SecurityPort
  #secret: Uint8Array
  #previous: Uint8Array | undefined
  #rotatedMs: number

  constructor(security: SecurityPort, nowMs: number) {
    this.#security = security
    this.#secret = security.randomBytes(SECRET_BYTES)
    this.#rotatedMs = nowMs
  }

  issue(bound: Bound, nowMs: number): Uint8Array {
    this.#rotate(nowMs)
    const cookie = new Uint8Array(COOKIE_BYTES)
    setI32(cookie, 0, secondOf(nowMs))
    cookie.set(this.#mac(this.#secret, cookie.subarray(0, ISSUED_BYTES), bound), ISSUED_BYTES)
    return cookie
  }

  verify(cookie: Uint8Array, bound: Bound, nowMs: number): CookieVerdict {
    if (cookie.length !== COOKIE_BYTES) return 'forged'
    // Before the dear part, though it can be forged: what is too old need not be looked into.
    const age = (secondOf(nowMs) - i32At(cookie, 0)) >>> 0
    if (age > VALID_SECONDS) return 'expired'
    this.#rotate(nowMs)
    const issued = cookie.subarray(0, ISSUED_BYTES)
    const mac = cookie.subarray(ISSUED_BYTES)
    const isBy = (secret: Uint8Array | undefined): boolean =>
      secret !== undefined && this.#security.timingSafeEqual(this.#mac(secret, issued, bound), mac)
    return isBy(this.#secret) || isBy(this.#previous) ? 'holds' : 'forged'
  }

  #rotate(nowMs: number): void {
    const age = nowMs - this.#rotatedMs
    if (age < ROTATE_MS) return
    // After a long silence no cookie of the secret's can hold, and it goes at once.
    this.#previous = age < 2 * ROTATE_MS ? this.#secret : undefined
    this.#secret = this.#security.randomBytes(SECRET_BYTES)
    this.#rotatedMs = nowMs
  }

  /** Lengths stand before what varies in length, so that no two bounds give the same bytes. */
  #mac(secret: Uint8Array, issued: Uint8Array, { address, port, asked, hello }: Bound): Uint8Array {
    const from = encoder.encode(address)
    const numbers = new Uint8Array(4)
    setU16(numbers, 0, from.length)
    setU16(numbers, 2, port)
    return this.#security.hmacSha256(secret, issued, numbers, from, asked, hello)
  }
}

const encoder = new TextEncoder()
const secondOf = (nowMs: number): number => Math.floor(nowMs / 1000) % 2 ** 32
