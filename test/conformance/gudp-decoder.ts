/**
 * What a GUDP datagram says, read as docs/wire.md has it and by nothing else: it shares no line with what it checks. Each function returns
 * `undefined` for what is not as the document says, and throws for no bytes whatever.
 *
 * @module
 */

export const GUDP_ID = 0x50445547
export const HELLO_BYTES = 1200
export const COOKIE_BYTES = 36
export const TAG_BYTES = 16
/** In a session, and in bare mode; unless both sides have agreed on another number. */
export const SESSION_FRAGMENT_BYTES = 1100
export const BARE_FRAGMENT_BYTES = 1024

/** A REQUEST, and a RESPONSE. */
export interface Hello {
  readonly is: 'request' | 'response'
  readonly version: number
  /** The session is to be sealed. */
  readonly wantsSeal: boolean
  readonly channels: number
  readonly salt: bigint
  /** Bit n: channel n is reliable. */
  readonly kinds: number
  readonly cookie: Uint8Array
  /** The first message of the key exchange. */
  readonly exchange: Uint8Array
}

export interface Challenge {
  readonly is: 'challenge'
  readonly version: number
  readonly salt: bigint
  readonly cookie: Uint8Array
}

export interface Accepted {
  readonly is: 'accepted'
  readonly version: number
  readonly salt: bigint
  readonly session: bigint
  /** The second message of the key exchange. */
  readonly exchange: Uint8Array
}

export interface Refused {
  readonly is: 'refused'
  readonly version: number
  readonly salt: bigint
  readonly reason: number
}

export type SessionType = 'packet' | 'close' | 'path-challenge' | 'path-response'

export interface ClearDatagram {
  readonly is: SessionType
  readonly sealed: false
  readonly session: bigint
  readonly content: Uint8Array
}

export interface SealedDatagram {
  readonly is: SessionType
  readonly sealed: true
  readonly session: bigint
  readonly nonce: bigint
  /** What stands in front of the box. */
  readonly additional: Uint8Array
  /** The content encrypted, and its tag. */
  readonly box: Uint8Array
}

export type Handshake = Hello | Challenge | Accepted | Refused
export type Datagram = Handshake | ClearDatagram | SealedDatagram

export interface PacketHeader {
  readonly sequence: number
  readonly ack: number
  readonly bits: number
}

export interface Packet {
  readonly is: 'packet'
  readonly header: PacketHeader
  readonly body: Uint8Array
}

export interface Fragment {
  readonly is: 'fragment'
  readonly sequence: number
  readonly index: number
  readonly count: number
  /** Fragment 0 alone has it. */
  readonly header: PacketHeader | undefined
  readonly bytes: Uint8Array
}

export type Frame =
  | { readonly is: 'data'; readonly lane: number; readonly bytes: Uint8Array }
  | { readonly is: 'stream'; readonly lane: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly is: 'credit'; readonly lane: number; readonly limit: number }
  | { readonly is: 'ping' }
  | { readonly is: 'message'; readonly lane: number; readonly bytes: Uint8Array }

export type ChannelKind = 'reliable' | 'unreliable'

/** `a` is newer than `b`, over the wrap at 65535. */
export function isNewer(a: number, b: number): boolean {
  return (a > b && a - b <= 32768) || (a < b && b - a > 32768)
}

// ---- a reader that ends where the bytes end ------------------------------------------------------------

class TooShort extends Error {}

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), true)
  }

  take(length: number): Uint8Array {
    const from = this.#step(length)
    return this.#bytes.slice(from, from + length)
  }

  rest(): Uint8Array {
    return this.take(this.left)
  }

  #step(length: number): number {
    if (length > this.left) throw new TooShort()
    const from = this.at
    this.at += length
    return from
  }
}

function read<T>(bytes: Uint8Array, body: (reader: Reader) => T | undefined): T | undefined {
  try {
    return body(new Reader(bytes))
  } catch (error) {
    if (error instanceof TooShort) return undefined
    throw error
  }
}

// ---- datagrams -----------------------------------------------------------------------------------------

const sessionTypes = new Map<number, SessionType>([
  [6, 'packet'],
  [7, 'close'],
  [8, 'path-challenge'],
  [9, 'path-response'],
])

export function decodeDatagram(bytes: Uint8Array, protocolId: number = GUDP_ID): Datagram | undefined {
  return read(bytes, (reader) => {
    if (reader.u32() !== protocolId) return undefined
    const type = reader.u8()
    const sessionType = sessionTypes.get(type & 0x7f)
    if (sessionType !== undefined) {
      if ((type & 0x80) === 0) return clear(sessionType, reader)
      return sealed(sessionType, bytes, reader)
    }
    if (type === 1) return hello('request', reader)
    if (type === 2) return challenge(reader)
    if (type === 3) return hello('response', reader)
    if (type === 4) return accepted(reader)
    if (type === 5) return refused(reader)
    return undefined
  })
}

function hello(is: 'request' | 'response', reader: Reader): Hello | undefined {
  if (reader.at + reader.left !== HELLO_BYTES) return undefined
  const version = reader.u8()
  const wantsSeal = (reader.u8() & 1) === 1
  const channels = reader.u8()
  const salt = reader.u64()
  const kinds = reader.u16()
  const cookie = reader.take(COOKIE_BYTES)
  const exchange = reader.take(reader.u16())
  if (channels > 15) return undefined
  return { is, version, wantsSeal, channels, salt, kinds, cookie, exchange }
}

function challenge(reader: Reader): Challenge | undefined {
  const version = reader.u8()
  reader.u16()
  const salt = reader.u64()
  const cookie = reader.take(COOKIE_BYTES)
  reader.u32()
  return reader.left === 0 ? { is: 'challenge', version, salt, cookie } : undefined
}

function accepted(reader: Reader): Accepted | undefined {
  const version = reader.u8()
  reader.u16()
  const salt = reader.u64()
  const session = reader.u64()
  const exchange = reader.take(reader.u16())
  if (session === 0n || reader.left > 0) return undefined
  return { is: 'accepted', version, salt, session, exchange }
}

function refused(reader: Reader): Refused | undefined {
  const version = reader.u8()
  reader.u16()
  const salt = reader.u64()
  const reason = reader.u8()
  return reader.left === 0 ? { is: 'refused', version, salt, reason } : undefined
}

function clear(is: SessionType, reader: Reader): ClearDatagram {
  return { is, sealed: false, session: reader.u64(), content: reader.rest() }
}

function sealed(is: SessionType, bytes: Uint8Array, reader: Reader): SealedDatagram | undefined {
  const session = reader.u64()
  const nonce = reader.u64()
  const additional = bytes.slice(0, reader.at)
  const box = reader.rest()
  return box.length < TAG_BYTES ? undefined : { is, sealed: true, session, nonce, additional, box }
}

/** The content of CLOSE. */
export function decodeReason(content: Uint8Array): number | undefined {
  return content.length === 1 ? content[0] : undefined
}

/** The content of PATH_CHALLENGE and PATH_RESPONSE. */
export function decodeToken(content: Uint8Array): bigint | undefined {
  return content.length === 8 ? read(content, (reader) => reader.u64()) : undefined
}

// ---- packets -------------------------------------------------------------------------------------------

/** The content of PACKET, and all of a datagram in bare mode. */
export function decodePacket(
  bytes: Uint8Array,
  fragmentBytes: number = BARE_FRAGMENT_BYTES,
): Packet | Fragment | undefined {
  return read(bytes, (reader) => {
    if ((bytes[0]! & 1) === 1) return fragment(reader, fragmentBytes)
    const header = packetHeader(reader)
    return header && { is: 'packet', header, body: reader.rest() }
  })
}

function packetHeader(reader: Reader): PacketHeader | undefined {
  const prefix = reader.u8()
  if ((prefix & 0b1100_0001) !== 0) return undefined
  const sequence = reader.u16()
  const ack = prefix & 0b10_0000 ? (sequence - reader.u8()) & 0xffff : reader.u16()
  let bits = 0
  for (let i = 0; i < 4; i++) {
    const byte = (prefix >> (1 + i)) & 1 ? reader.u8() : 0xff
    bits |= byte << (8 * i)
  }
  return { sequence, ack, bits: bits >>> 0 }
}

function fragment(reader: Reader, fragmentBytes: number): Fragment | undefined {
  if (reader.u8() !== 1) return undefined
  const sequence = reader.u16()
  const index = reader.u8()
  const count = reader.u8() + 1
  if (index >= count) return undefined
  const header = index === 0 ? packetHeader(reader) : undefined
  if (index === 0 && header?.sequence !== sequence) return undefined
  const bytes = reader.rest()
  const isLast = index === count - 1
  if (bytes.length > fragmentBytes || bytes.length < (isLast ? 1 : fragmentBytes)) return undefined
  return { is: 'fragment', sequence, index, count, header, bytes }
}

// ---- frames --------------------------------------------------------------------------------------------

/** The body of a packet, where these are the message channels; `undefined` if any of its frames makes the packet bad. */
export function decodeFrames(body: Uint8Array, channels: readonly ChannelKind[]): Frame[] | undefined {
  return read(body, (reader) => {
    const frames: Frame[] = []
    while (reader.left > 0) {
      const frame = decodeFrame(reader)
      if (frame === undefined || !isOnItsLane(frame, channels)) return undefined
      frames.push(frame)
    }
    return frames
  })
}

function decodeFrame(reader: Reader): Frame | undefined {
  const type = reader.u8()
  if (type === 4) return { is: 'ping' }
  if (type < 1 || type > 5) return undefined
  const lane = reader.u8()
  if (type === 1) return { is: 'data', lane, bytes: reader.rest() }
  if (type === 2) {
    const offset = reader.u32()
    return { is: 'stream', lane, offset, bytes: reader.take(8 * reader.u16()) }
  }
  if (type === 3) return { is: 'credit', lane, limit: reader.u32() }
  return { is: 'message', lane, bytes: reader.take(reader.u16()) }
}

function isOnItsLane(frame: Frame, channels: readonly ChannelKind[]): boolean {
  if (frame.is === 'ping') return true
  if (frame.lane === 0) return frame.is === 'data'
  const wants = frame.is === 'data' || frame.is === 'message' ? 'unreliable' : 'reliable'
  return channels[frame.lane - 1] === wants
}
