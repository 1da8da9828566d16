import type { SecurityPort } from '../../ports.ts'
import { joined } from '../joined.ts'
import { AcceptedSessions, isSameResponse, keyOf } from './accepted-sessions.ts'
import { i32At, type U64, u64At } from './bytes.ts'
import { type ChannelKind, channelBits } from './channels.ts'
import { type Bound, Cookies } from './cookie.ts'
import {
  BOUND_FROM,
  BOUND_TO,
  decodeHandshake,
  encodeAccepted,
  encodeChallenge,
  encodeRefused,
  type Request,
  refusal,
} from './handshake-datagrams.ts'
import { type Limit, Limiter } from './limiter.ts'
import { NoiseHandshake, type SessionKeys } from './noise.ts'
import type { SecureSettings } from './secure-options.ts'
import { DEFAULT_PROTOCOL_ID, datagramType } from './wire.ts'

/** As long as a cookie holds, and the second that it may be rounded by. */
const REMEMBER_MS = 11_000
const NONE = new Uint8Array(0)

/** How many handshakes a server answers, so that a flood of them costs little. */
export interface HandshakeLimits {
  /** REQUEST and RESPONSE from addresses that nothing is known of. Default: 20,000 a second, 40,000 at once. */
  readonly unproven?: Limit
  /** The same from one prefix (loopback excepted). Default: 500 a second, 1000 at once. */
  readonly unprovenPerPrefix?: Limit
  /** RESPONSE whose cookie holds: a key exchange each. Default: 1000 a second, 2000 at once. */
  readonly proven?: Limit
  /** The same from one prefix (loopback excepted). Default: 100 a second, 200 at once. */
  readonly provenPerPrefix?: Limit
  /** What counts as one source. Default: 24 bits of IPv4, 48 of IPv6; 32 and 128 for whole addresses. */
  readonly prefixBits?: { readonly ipv4?: number; readonly ipv6?: number }
  /** Sessions accepted in the last 11 seconds, whose answer is kept. Default: 16,384; more get "no room". */
  readonly remembered?: number
}

export interface ServerHandshakeOptions {
  readonly security: SecurityPort
  readonly channels: readonly ChannelKind[]
  /** As `serverSecurity` made it of the user's options. */
  readonly secure?: SecureSettings | undefined
  readonly protocolId?: number | undefined
  readonly limits?: HandshakeLimits | undefined
  readonly nowMs: number
  /** Whether another session has room; asked before its keys are computed. */
  hasRoom(): boolean
  /** A session of that number, or of the same low word, is there already. */
  isTaken(session: U64): boolean
  /** The live session of the peer at that address, if there is one. */
  sessionAt(address: string, port: number): U64 | undefined
}

export interface Acceptance {
  readonly type: 'accept'
  /** To be sent once the session is there. */
  readonly reply: Uint8Array
  readonly session: U64
  readonly keys: SessionKeys | undefined
  readonly clientSalt: U64
  /**
   * The session that the same address and port had: its peer has started anew. Where there are keys keep it until a datagram of the new session
   * has been opened: only that proves that the peer is there, and not somebody who has recorded its RESPONSE.
   */
  readonly replaces: U64 | undefined
}

export type Dropped = 'malformed' | 'limited' | 'expired' | 'forged'

export type ServerReceived =
  | { readonly type: 'reply'; readonly reply: Uint8Array }
  | Acceptance
  | { readonly type: 'dropped'; readonly why: Dropped }

/** The server's side. Until an address is proven it keeps nothing, and sends less than it got. */
export class ServerHandshake {
  readonly #options: ServerHandshakeOptions
  readonly #protocolId: number
  readonly #channels: number
  readonly #kinds: number
  readonly #cookies: Cookies
  readonly #unproven: Limiter
  readonly #proven: Limiter
  readonly #accepted: AcceptedSessions
  /** For `stats()`. */
  readonly counts = {
    challenged: 0,
    accepted: 0,
    repeated: 0,
    refused: 0,
    malformed: 0,
    limited: 0,
    expired: 0,
    forged: 0,
  }

  constructor(options: ServerHandshakeOptions) {
    const { security, channels, protocolId = DEFAULT_PROTOCOL_ID, limits = {}, nowMs } = options
    this.#options = options
    this.#protocolId = protocolId
    const bits = channelBits(channels)
    this.#channels = bits.channels
    this.#kinds = bits.kinds
    this.#cookies = new Cookies(security, nowMs)
    const limiter = (inAll: Limit, perPrefix: Limit) =>
      new Limiter({
        inAll,
        perPrefix,
        prefixBits: limits.prefixBits,
        seed: i32At(security.randomBytes(4), 0),
        nowMs,
      })
    this.#unproven = limiter(
      limits.unproven ?? { perSecond: 20_000, burst: 40_000 },
      limits.unprovenPerPrefix ?? { perSecond: 500, burst: 1000 },
    )
    this.#proven = limiter(
      limits.proven ?? { perSecond: 1000, burst: 2000 },
      limits.provenPerPrefix ?? { perSecond: 100, burst: 200 },
    )
    this.#accepted = new AcceptedSessions(limits.remembered ?? 16_384)
  }

  /** How many answers are kept. */
  get remembered(): number {
    return this.#accepted.size
  }

  receive(bytes: Uint8Array, address: string, port: number, nowMs: number): ServerReceived {
    const datagram = decodeHandshake(bytes, this.#protocolId)
    if (datagram === undefined) return this.#drop('malformed')
    if (datagram.type === 'otherVersion') {
      if (datagram.of !== datagramType.request) return this.#drop('malformed')
      if (!this.#unproven.take(address, nowMs)) return this.#drop('limited')
      return this.#refuse(datagram.clientSalt, refusal.otherVersion)
    }
    if (datagram.type !== 'request' && datagram.type !== 'response') return this.#drop('malformed')
    if (!this.#unproven.take(address, nowMs)) return this.#drop('limited')
    const bound = { address, port, asked: bytes.subarray(BOUND_FROM, BOUND_TO), hello: datagram.hello }
    if (datagram.type === 'response') return this.#respond(bytes, datagram, bound, nowMs)
    this.counts.challenged++
    const cookie = this.#cookies.issue(bound, nowMs)
    return { type: 'reply', reply: encodeChallenge(this.#protocolId, datagram.clientSalt, cookie) }
  }

  #respond(bytes: Uint8Array, asked: Request, bound: Bound, nowMs: number): ServerReceived {
    const verdict = this.#cookies.verify(asked.cookie, bound, nowMs)
    if (verdict !== 'holds') return this.#drop(verdict)
    // From here on the address is proven: it can only use up what is its own.
    const key = keyOf(bound.address, bound.port, asked.clientSalt)
    const response = joined([bytes.subarray(0, BOUND_TO), asked.hello])
    const before = this.#accepted.get(key, nowMs)
    if (before !== undefined) {
      if (!isSameResponse(before, response)) return this.#drop('forged')
      this.counts.repeated++
      return { type: 'reply', reply: before.reply }
    }
    if (!this.#proven.take(bound.address, nowMs)) return this.#drop('limited')
    const reason = this.#objection(asked, nowMs)
    if (reason !== undefined) return this.#refuse(asked.clientSalt, reason)
    const exchanged = this.#exchange(bytes, asked.hello)
    if (exchanged === undefined) return this.#refuse(asked.clientSalt, refusal.wrongKey)
    return this.#accept(asked, bound, response, exchanged, nowMs)
  }

  #objection({ channels, kinds, sealed }: Request, nowMs: number): number | undefined {
    const { secure, hasRoom } = this.#options
    if (sealed !== (secure !== undefined)) return sealed ? refusal.mustNotBeSealed : refusal.mustBeSealed
    if (channels !== this.#channels || kinds !== this.#kinds) return refusal.otherChannels
    return hasRoom() && this.#accepted.hasRoom(nowMs) ? undefined : refusal.noRoom
  }

  /** `undefined`: the client has another key, or other hands have been at its hello. */
  #exchange(
    bytes: Uint8Array,
    hello: Uint8Array,
  ): { answer: Uint8Array; keys: SessionKeys | undefined } | undefined {
    const { secure, security } = this.#options
    if (secure === undefined) return { answer: NONE, keys: undefined }
    const prologue = bytes.slice(0, BOUND_TO)
    // As it was in REQUEST, when the client computed it.
    prologue[4] = datagramType.request
    const noise = new NoiseHandshake({ security, isInitiator: false, prologue, ...secure })
    const payload = noise.read(hello)
    if (payload === undefined || payload.length > 0) return undefined
    const answer = noise.write()
    return answer && { answer, keys: noise.split() }
  }

  #accept(
    { clientSalt }: Request,
    { address, port }: Bound,
    response: Uint8Array,
    { answer, keys }: { answer: Uint8Array; keys: SessionKeys | undefined },
    nowMs: number,
  ): Acceptance {
    const session = this.#newSession()
    const reply = encodeAccepted(this.#protocolId, clientSalt, session, answer)
    this.#accepted.add(keyOf(address, port, clientSalt), {
      session,
      reply,
      response,
      untilMs: nowMs + REMEMBER_MS,
    })
    this.counts.accepted++
    const replaces = this.#options.sessionAt(address, port)
    return { type: 'accept', reply, session, keys, clientSalt, replaces }
  }

  #newSession(): U64 {
    for (;;) {
      const session = u64At(this.#options.security.randomBytes(8), 0)
      if ((session.lo !== 0 || session.hi !== 0) && !this.#options.isTaken(session)) return session
    }
  }

  #refuse(clientSalt: U64, reason: number): ServerReceived {
    this.counts.refused++
    return { type: 'reply', reply: encodeRefused(this.#protocolId, clientSalt, reason) }
  }

  #drop(why: Dropped): ServerReceived {
    this.counts[why]++
    return { type: 'dropped', why }
  }
}
