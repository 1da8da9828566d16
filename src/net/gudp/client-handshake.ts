import { invalid } from '../../core/check.ts'
import { SpillwayError } from '../../core/errors.ts'
import type { SecurityPort } from '../../ports.ts'
import { isSame, type U64, u64At } from './bytes.ts'
import { type ChannelKind, channelBits } from './channels.ts'
import {
  BOUND_TO,
  type Challenge,
  decodeHandshake,
  encodeRequest,
  encodeResponse,
  refusal,
  setHello,
} from './handshake-datagrams.ts'
import { NoiseHandshake, type SessionKeys } from './noise.ts'
import type { SecureSettings } from './secure-options.ts'
import { DEFAULT_PROTOCOL_ID } from './wire.ts'

const FIRST_RETRY_MS = 250
const LONGEST_RETRY_MS = 2000
const DEFAULT_TIMEOUT_MS = 5000
/** A cookie that was not answered for so long is asked for anew: its server may have been restarted, and another secret made. */
const RENEW_COOKIE_MS = 3000

const NONE = new Uint8Array(0)

export interface ClientHandshakeOptions {
  readonly security: SecurityPort
  readonly channels: readonly ChannelKind[]
  /** As `clientSecurity` made it of the user's options. */
  readonly secure?: SecureSettings | undefined
  readonly protocolId?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly nowMs: number
}

export interface ClientNext {
  readonly send?: Uint8Array
  /** When to ask again. */
  readonly atMs: number
  readonly failed?: 'ETIMEDOUT'
}

export type ClientReceived =
  /** Not for us, or nothing new. */
  | { readonly type: 'ignored' }
  /** Ask `next` at once. */
  | { readonly type: 'progress' }
  | { readonly type: 'established'; readonly session: U64; readonly keys: SessionKeys | undefined }
  /** See `refusalError`. */
  | { readonly type: 'refused'; readonly reason: number }

/** The client's side until there is a session: bytes and time in, bytes and a time out. */
export class ClientHandshake {
  readonly #protocolId: number
  readonly #clientSalt: U64
  readonly #request: Uint8Array
  readonly #noise: NoiseHandshake | undefined
  readonly #giveUpMs: number
  #response: Uint8Array | undefined
  #renewMs = 0
  #retryMs = FIRST_RETRY_MS
  #dueMs: number
  #isOver = false
  #forged = 0

  constructor({
    security,
    channels,
    secure,
    protocolId = DEFAULT_PROTOCOL_ID,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    nowMs,
  }: ClientHandshakeOptions) {
    this.#protocolId = protocolId
    this.#clientSalt = u64At(security.randomBytes(8), 0)
    const asked = { ...channelBits(channels), sealed: secure !== undefined, clientSalt: this.#clientSalt }
    this.#request = encodeRequest(protocolId, asked, NONE)
    this.#dueMs = nowMs
    this.#giveUpMs = nowMs + timeoutMs
    if (secure === undefined) return
    const prologue = this.#request.slice(0, BOUND_TO)
    this.#noise = new NoiseHandshake({ security, isInitiator: true, prologue, ...secure })
    const hello = this.#noise.write()
    if (hello === undefined) throw invalid('secure.publicKey is no key')
    setHello(this.#request, hello)
  }

  /** ACCEPTED that were for us, and not by the server whose key or secret we have. */
  get forged(): number {
    return this.#forged
  }

  next(nowMs: number): ClientNext {
    if (this.#isOver) return { atMs: Number.POSITIVE_INFINITY }
    if (nowMs >= this.#giveUpMs) {
      this.#isOver = true
      return { atMs: Number.POSITIVE_INFINITY, failed: 'ETIMEDOUT' }
    }
    if (nowMs < this.#dueMs) return { atMs: Math.min(this.#dueMs, this.#giveUpMs) }
    if (this.#response !== undefined && nowMs >= this.#renewMs) this.#response = undefined
    this.#dueMs = nowMs + this.#retryMs
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS)
    return { send: this.#response ?? this.#request, atMs: Math.min(this.#dueMs, this.#giveUpMs) }
  }

  receive(bytes: Uint8Array, nowMs: number): ClientReceived {
    const datagram = this.#isOver ? undefined : decodeHandshake(bytes, this.#protocolId)
    // The salt is what we alone have sent to the server: who repeats it has seen it.
    if (datagram === undefined || !isSame(datagram.clientSalt, this.#clientSalt)) return ignored
    if (datagram.type === 'challenge') return this.#challenged(datagram, nowMs)
    if (datagram.type === 'refused') {
      this.#isOver = true
      return { type: 'refused', reason: datagram.reason }
    }
    if (datagram.type !== 'accepted') return ignored
    if (!this.#isGenuine(datagram.answer)) {
      // Not the end: the genuine one may still come, and if not there is the timeout.
      this.#forged++
      return ignored
    }
    this.#isOver = true
    return { type: 'established', session: datagram.session, keys: this.#noise?.split() }
  }

  /** A payload would be none that this version knows. */
  #isGenuine(answer: Uint8Array): boolean {
    return (this.#noise === undefined ? answer : this.#noise.read(answer))?.length === 0
  }

  /** While a cookie is on its way a second one is of no use. */
  #challenged({ cookie }: Challenge, nowMs: number): ClientReceived {
    if (this.#response !== undefined) return ignored
    this.#response = encodeResponse(this.#request, cookie)
    this.#renewMs = nowMs + RENEW_COOKIE_MS
    this.#retryMs = FIRST_RETRY_MS
    this.#dueMs = nowMs
    return { type: 'progress' }
  }
}

const ignored: ClientReceived = { type: 'ignored' }

/** What a user is told of a refusal. */
export function refusalError(reason: number): SpillwayError {
  switch (reason) {
    case refusal.noRoom:
      return new SpillwayError('ECONNREFUSED', 'the server has no room for another connection; try later')
    case refusal.otherVersion:
      return new SpillwayError(
        'EPROTONOSUPPORT',
        'the server speaks another version of GUDP; use the same spillway',
      )
    case refusal.otherChannels:
      return new SpillwayError(
        'EPROTO',
        'the server has other channels; give both sides the same list of channels',
      )
    case refusal.mustBeSealed:
      return new SpillwayError(
        'EACCES',
        'the server takes encrypted sessions only; connect with secure: { ... }',
      )
    case refusal.mustNotBeSealed:
      return new SpillwayError(
        'EPROTO',
        'the server takes no encrypted session; give it secure, or connect without',
      )
    case refusal.wrongKey:
      return new SpillwayError(
        'EACCES',
        'the server has another key or secret; compare secure.secret, and secure.publicKey with its keyPair',
      )
    default:
      return new SpillwayError(
        'ECONNREFUSED',
        `the server refused, for a reason that is not known here (${reason})`,
      )
  }
}
