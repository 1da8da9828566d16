import { i32At, setI32, setU64, type U64, u64At } from './bytes.ts'

// docs/wire.md, "GUDP on the wire": what every datagram begins with, and those of a session. A packet's content is the machine's
// (assembly/gudp); those of the handshake are in handshake-datagrams.ts.

export const VERSION = 1

/** "GUDP". */
export const DEFAULT_PROTOCOL_ID = 0x50445547

export const datagramType = {
  request: 1,
  challenge: 2,
  response: 3,
  accepted: 4,
  refused: 5,
  packet: 6,
  close: 7,
  pathChallenge: 8,
  pathResponse: 9,
} as const

export type SessionType = 6 | 7 | 8 | 9

/** Beside the type: the content is encrypted. */
export const SEALED = 0x80

const TYPE_AT = 4

/** Head and session; in the clear the content follows. */
export const SESSION_HEAD_BYTES = 13
const SESSION_AT = 5

/** Sealed, a nonce follows the session. All of this is additional data of the encryption. */
export const SEALED_HEAD_BYTES = 21
export const NONCE_AT = 13
export const TAG_BYTES = 16

/** What a datagram of a session has beside its content. */
export const SEALED_OVERHEAD = SEALED_HEAD_BYTES + TAG_BYTES

/**
 * The type with its bit for sealed, as it stands in the datagram; 0 for one that is not for us or can be none: another protocol, no such
 * type, a handshake that says it is sealed, or one too short to have a session where it should.
 */
export function typeOf(datagram: Uint8Array, protocolId: number): number {
  if (datagram.length < SESSION_HEAD_BYTES || i32At(datagram, 0) !== (protocolId | 0)) return 0
  const byte = datagram[TYPE_AT]!
  const type = byte & ~SEALED
  if (type < datagramType.request || type > datagramType.pathResponse) return 0
  if ((byte & SEALED) === 0) return byte
  return type >= datagramType.packet && datagram.length >= SEALED_OVERHEAD ? byte : 0
}

/** Whether `typeOf` has said that it belongs to a session. */
export const isOfSession = (type: number): boolean => (type & ~SEALED) >= datagramType.packet

/** Without an object for it: see `SessionTable.get`. */
export const sessionLo = (datagram: Uint8Array): number => i32At(datagram, SESSION_AT)
export const sessionHi = (datagram: Uint8Array): number => i32At(datagram, SESSION_AT + 4)

export function writeHead(out: Uint8Array, protocolId: number, type: number): void {
  setI32(out, 0, protocolId)
  out[TYPE_AT] = type
}

export function writeSessionHead(out: Uint8Array, protocolId: number, type: number, session: U64): void {
  writeHead(out, protocolId, type)
  setU64(out, SESSION_AT, session)
}

// ---- what CLOSE and PATH_* have for content ------------------------------------------------------------

export const closeReason = { closed: 0, reset: 1 } as const
export type CloseReason = (typeof closeReason)[keyof typeof closeReason]

export function encodeClose(reason: CloseReason): Uint8Array {
  return Uint8Array.of(reason)
}

export function decodeClose(content: Uint8Array): CloseReason | undefined {
  const reason = content[0]
  return content.length === 1 && (reason === 0 || reason === 1) ? reason : undefined
}

const TOKEN_BYTES = 8

/** Of PATH_CHALLENGE and of PATH_RESPONSE. */
export function encodeToken(token: U64): Uint8Array {
  const content = new Uint8Array(TOKEN_BYTES)
  setU64(content, 0, token)
  return content
}

export function decodeToken(content: Uint8Array): U64 | undefined {
  return content.length === TOKEN_BYTES ? u64At(content, 0) : undefined
}
