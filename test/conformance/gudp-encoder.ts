/**
 * GUDP datagrams, written as docs/wire.md has them and by nothing else.
 *
 * @module
 */
import {
  type Accepted,
  BARE_FRAGMENT_BYTES,
  type Challenge,
  type ChannelKind,
  COOKIE_BYTES,
  type Frame,
  GUDP_ID,
  type Handshake,
  HELLO_BYTES,
  type Hello,
  type PacketHeader,
  type Refused,
  type SessionType,
} from './gudp-decoder.ts'

export const u8 = (value: number): Uint8Array => Uint8Array.of(value)

export const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >> 8) & 0xff)

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

export function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value, true)
  return bytes
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

// ---- datagrams -----------------------------------------------------------------------------------------

export const TYPES = {
  request: 1,
  challenge: 2,
  response: 3,
  accepted: 4,
  refused: 5,
  packet: 6,
  close: 7,
  'path-challenge': 8,
  'path-response': 9,
} as const

function head(is: keyof typeof TYPES, protocolId: number, sealed = false): Uint8Array {
  return join(u32(protocolId), u8(TYPES[is] | (sealed ? 0x80 : 0)))
}

export function encodeHandshake(it: Handshake, protocolId: number = GUDP_ID): Uint8Array {
  const front = join(head(it.is, protocolId), u8(it.version))
  if (it.is === 'challenge') return join(front, u16(0), challengeRest(it))
  if (it.is === 'accepted') return join(front, u16(0), acceptedRest(it))
  if (it.is === 'refused') return join(front, u16(0), refusedRest(it))
  return join(front, helloRest(it))
}

function helloRest(it: Hello): Uint8Array {
  const bytes = join(
    ...[u8(it.wantsSeal ? 1 : 0), u8(it.channels), u64(it.salt), u16(it.kinds), it.cookie],
    ...[u16(it.exchange.length), it.exchange],
  )
  return join(bytes, new Uint8Array(HELLO_BYTES - 6 - bytes.length))
}

const challengeRest = (it: Challenge) => join(u64(it.salt), it.cookie, u32(0))
const acceptedRest = (it: Accepted) =>
  join(u64(it.salt), u64(it.session), u16(it.exchange.length), it.exchange)
const refusedRest = (it: Refused) => join(u64(it.salt), u8(it.reason))

export const noCookie = (): Uint8Array => new Uint8Array(COOKIE_BYTES)

export function kindsOf(channels: readonly ChannelKind[]): number {
  return channels.reduce((kinds, kind, n) => kinds | (kind === 'reliable' ? 1 << n : 0), 0)
}

export function encodeSession(
  is: SessionType,
  session: bigint,
  content: Uint8Array,
  protocolId: number = GUDP_ID,
): Uint8Array {
  return join(head(is, protocolId), u64(session), content)
}

/** The 21 bytes in front of a sealed content, which are its additional data too. */
export function sealedHead(
  is: SessionType,
  session: bigint,
  nonce: bigint,
  protocolId: number = GUDP_ID,
): Uint8Array {
  return join(head(is, protocolId, true), u64(session), u64(nonce))
}

// ---- packets -------------------------------------------------------------------------------------------

export function encodeHeader({ sequence, ack, bits }: PacketHeader): Uint8Array {
  const distance = (sequence - ack) & 0xffff
  let prefix = distance <= 255 ? 0b10_0000 : 0
  const bytes: number[] = []
  for (let i = 0; i < 4; i++) {
    const byte = (bits >>> (8 * i)) & 0xff
    if (byte === 0xff) continue
    prefix |= 1 << (1 + i)
    bytes.push(byte)
  }
  return join(u8(prefix), u16(sequence), distance <= 255 ? u8(distance) : u16(ack), Uint8Array.from(bytes))
}

export function encodeFragment(
  header: PacketHeader,
  index: number,
  count: number,
  bytes: Uint8Array,
): Uint8Array {
  const front = join(u8(1), u16(header.sequence), u8(index), u8(count - 1))
  return index === 0 ? join(front, encodeHeader(header), bytes) : join(front, bytes)
}

/** The contents of the datagrams that one packet takes: itself, or its fragments. */
export function encodePacket(
  header: PacketHeader,
  body: Uint8Array,
  fragmentBytes = BARE_FRAGMENT_BYTES,
): Uint8Array[] {
  if (body.length <= fragmentBytes) return [join(encodeHeader(header), body)]
  const count = Math.ceil(body.length / fragmentBytes)
  if (count > 256) throw new RangeError(`${body.length} bytes are more than 256 fragments hold`)
  return Array.from({ length: count }, (_, i) =>
    encodeFragment(header, i, count, body.subarray(i * fragmentBytes, (i + 1) * fragmentBytes)),
  )
}

// ---- frames --------------------------------------------------------------------------------------------

export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.is) {
    case 'data':
      return join(u8(1), u8(frame.lane), frame.bytes)
    case 'stream':
      return join(u8(2), u8(frame.lane), u32(frame.offset), u16(frame.bytes.length / 8), frame.bytes)
    case 'credit':
      return join(u8(3), u8(frame.lane), u32(frame.limit))
    case 'ping':
      return u8(4)
    case 'message':
      return join(u8(5), u8(frame.lane), u16(frame.bytes.length), frame.bytes)
  }
}

/** A message as it stands in the stream of a reliable channel. */
export function encodeMessage(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil((4 + bytes.length) / 8) * 8)
  whole.set(u32(bytes.length))
  whole.set(bytes, 4)
  return whole
}
