import { setU16, setU64, type U64, u16At, u64At } from './bytes.ts'
import { datagramType, typeOf, VERSION, writeHead } from './wire.ts'

// docs/wire.md, "The handshake", to the byte.

/** REQUEST and RESPONSE are long so that no answer to an unproven address is longer. */
export const REQUEST_BYTES = 1200
const CHALLENGE_BYTES = 56
const REFUSED_BYTES = 17

export const COOKIE_BYTES = 36
export const MAX_CHANNELS = 15

const VERSION_AT = 5
const FLAGS_AT = 6
const CHANNELS_AT = 7
const SALT_AT = 8
const KINDS_AT = 16
const REQUEST_COOKIE_AT = 18
const HELLO_LENGTH_AT = 54
const HELLO_AT = 56
const CHALLENGE_COOKIE_AT = 16
const CHALLENGE_REST_AT = 52
const SESSION_AT = 16
const ANSWER_LENGTH_AT = 24
const ANSWER_AT = 26
const REASON_AT = 16

/** What the cookie is bound to, and, from 0 on, the prologue of the key exchange. */
export const BOUND_FROM = VERSION_AT
export const BOUND_TO = REQUEST_COOKIE_AT

const FLAG_SEALED = 1

export const refusal = {
  noRoom: 1,
  otherVersion: 2,
  otherChannels: 3,
  mustBeSealed: 4,
  mustNotBeSealed: 5,
  wrongKey: 6,
} as const

/** What a client asks for. */
export interface Asked {
  readonly sealed: boolean
  readonly channels: number
  /** Bit n: channel n is reliable. */
  readonly kinds: number
}

interface Salted {
  readonly clientSalt: U64
}

/** The views in them are good as long as the datagram is. */
export interface Request extends Asked, Salted {
  readonly type: 'request' | 'response'
  readonly cookie: Uint8Array
  /** The first message of the key exchange. */
  readonly hello: Uint8Array
}

export interface Challenge extends Salted {
  readonly type: 'challenge'
  readonly cookie: Uint8Array
}

export interface Accepted extends Salted {
  readonly type: 'accepted'
  readonly session: U64
  /** The second message of the key exchange. */
  readonly answer: Uint8Array
}

/** The same in all versions, so that a peer of another can be told. */
export interface Refused extends Salted {
  readonly type: 'refused'
  readonly version: number
  readonly reason: number
}

/** Of a version that is not ours: nothing but the salt may be read. */
export interface OtherVersion extends Salted {
  readonly type: 'otherVersion'
  /** As in `datagramType`. */
  readonly of: number
  readonly version: number
}

export type HandshakeDatagram = Request | Challenge | Accepted | Refused | OtherVersion

// ---- out -----------------------------------------------------------------------------------------------

export function encodeRequest(
  protocolId: number,
  { sealed, channels, kinds, clientSalt }: Asked & Salted,
  hello: Uint8Array,
): Uint8Array {
  const out = begin(REQUEST_BYTES, protocolId, datagramType.request, clientSalt)
  out[FLAGS_AT] = sealed ? FLAG_SEALED : 0
  out[CHANNELS_AT] = channels
  setU16(out, KINDS_AT, kinds)
  if (sealed) setHello(out, hello)
  return out
}

/** The prologue is cut from the request, so the key exchange's first message can only come after. */
export function setHello(request: Uint8Array, hello: Uint8Array): void {
  setU16(request, HELLO_LENGTH_AT, hello.length)
  request.set(hello, HELLO_AT)
}

/** The same request, with the cookie that came for it. */
export function encodeResponse(request: Uint8Array, cookie: Uint8Array): Uint8Array {
  const out = request.slice()
  out[4] = datagramType.response
  out.set(cookie, REQUEST_COOKIE_AT)
  return out
}

export function encodeChallenge(protocolId: number, clientSalt: U64, cookie: Uint8Array): Uint8Array {
  const out = begin(CHALLENGE_BYTES, protocolId, datagramType.challenge, clientSalt)
  out.set(cookie, CHALLENGE_COOKIE_AT)
  return out
}

export function encodeAccepted(
  protocolId: number,
  clientSalt: U64,
  session: U64,
  answer: Uint8Array,
): Uint8Array {
  const out = begin(ANSWER_AT + answer.length, protocolId, datagramType.accepted, clientSalt)
  setU64(out, SESSION_AT, session)
  setU16(out, ANSWER_LENGTH_AT, answer.length)
  out.set(answer, ANSWER_AT)
  return out
}

export function encodeRefused(protocolId: number, clientSalt: U64, reason: number): Uint8Array {
  const out = begin(REFUSED_BYTES, protocolId, datagramType.refused, clientSalt)
  out[REASON_AT] = reason
  return out
}

function begin(length: number, protocolId: number, type: number, clientSalt: U64): Uint8Array {
  const out = new Uint8Array(length)
  writeHead(out, protocolId, type)
  out[VERSION_AT] = VERSION
  setU64(out, SALT_AT, clientSalt)
  return out
}

// ---- in ------------------------------------------------------------------------------------------------

/** `undefined`: nothing that the handshake knows, to the last byte of its length. */
export function decodeHandshake(bytes: Uint8Array, protocolId: number): HandshakeDatagram | undefined {
  const type = typeOf(bytes, protocolId)
  if (type === 0 || type > datagramType.refused || bytes.length < REFUSED_BYTES) return undefined
  const clientSalt = u64At(bytes, SALT_AT)
  const version = bytes[VERSION_AT]!
  if (type === datagramType.refused) return refusedOf(bytes, clientSalt, version)
  if (version !== VERSION) {
    const isRequest = type === datagramType.request || type === datagramType.response
    // Whatever the version, what is shorter than a request gets no answer.
    if (isRequest && bytes.length !== REQUEST_BYTES) return undefined
    return { type: 'otherVersion', of: type, version, clientSalt }
  }
  if (type === datagramType.challenge) return challengeOf(bytes, clientSalt)
  if (type === datagramType.accepted) return acceptedOf(bytes, clientSalt)
  return requestOf(bytes, clientSalt, type === datagramType.request)
}

/** The zeros up to the end are not looked at: they are there to be long, and nothing is bound to them. */
function requestOf(bytes: Uint8Array, clientSalt: U64, isRequest: boolean): Request | undefined {
  if (bytes.length !== REQUEST_BYTES) return undefined
  const flags = bytes[FLAGS_AT]!
  const channels = bytes[CHANNELS_AT]!
  const kinds = u16At(bytes, KINDS_AT)
  const length = u16At(bytes, HELLO_LENGTH_AT)
  const sealed = flags === FLAG_SEALED
  if ((flags & ~FLAG_SEALED) !== 0 || channels > MAX_CHANNELS || kinds >> channels !== 0) return undefined
  if (length > REQUEST_BYTES - HELLO_AT || sealed !== length > 0) return undefined
  const cookie = bytes.subarray(REQUEST_COOKIE_AT, REQUEST_COOKIE_AT + COOKIE_BYTES)
  if (isRequest && cookie.some((byte) => byte !== 0)) return undefined
  const hello = bytes.subarray(HELLO_AT, HELLO_AT + length)
  return { type: isRequest ? 'request' : 'response', sealed, channels, kinds, clientSalt, cookie, hello }
}

function challengeOf(bytes: Uint8Array, clientSalt: U64): Challenge | undefined {
  if (bytes.length !== CHALLENGE_BYTES || !isReserved(bytes)) return undefined
  if (u16At(bytes, CHALLENGE_REST_AT) !== 0 || u16At(bytes, CHALLENGE_REST_AT + 2) !== 0) return undefined
  return { type: 'challenge', clientSalt, cookie: bytes.subarray(CHALLENGE_COOKIE_AT, CHALLENGE_REST_AT) }
}

function acceptedOf(bytes: Uint8Array, clientSalt: U64): Accepted | undefined {
  if (bytes.length < ANSWER_AT || !isReserved(bytes)) return undefined
  if (bytes.length !== ANSWER_AT + u16At(bytes, ANSWER_LENGTH_AT)) return undefined
  const session = u64At(bytes, SESSION_AT)
  if (session.lo === 0 && session.hi === 0) return undefined
  return { type: 'accepted', clientSalt, session, answer: bytes.subarray(ANSWER_AT) }
}

function refusedOf(bytes: Uint8Array, clientSalt: U64, version: number): Refused | undefined {
  const reason = bytes[REASON_AT]!
  if (bytes.length !== REFUSED_BYTES || !isReserved(bytes) || reason === 0) return undefined
  return { type: 'refused', clientSalt, version, reason }
}

/** The u16 after the version. */
const isReserved = (bytes: Uint8Array): boolean => u16At(bytes, VERSION_AT + 1) === 0
