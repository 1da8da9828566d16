// What a packet carries, as docs/wire.md has it: as much as a picture needs.

export type PacketKind = 'ack' | 'ping' | 'credit' | 'packet' | 'message' | 'stream' | 'fragment'

export interface PacketContent {
  readonly kind: PacketKind
  readonly sequence: number
  /** Whose content it is; `undefined`: nobody's. */
  readonly lane: number | undefined
  /** Of a stream: where the stretch begins and ends, in bytes. */
  readonly from?: number
  readonly to?: number
  /** Of a fragment: whether more follow. */
  readonly hasMore?: boolean
}

const IS_FRAGMENT = 1
const ACK_IS_SHORT = 32
const FRAGMENT_HEAD = 5
const UNIT = 8
const DATA = 1
const STREAM = 2
const CREDIT = 3
const CREDIT_BYTES = 6
const PING = 4

export function contentOf(packet: Uint8Array): PacketContent {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const prefix = packet[0]!
  const sequence = view.getUint16(1, true)
  if ((prefix & IS_FRAGMENT) !== 0) {
    const [part, last] = [packet[3]!, packet[4]!]
    const lane = part === 0 ? packet[FRAGMENT_HEAD + headerBytes(packet[FRAGMENT_HEAD]!) + 1] : undefined
    return { kind: 'fragment', sequence, lane, hasMore: part < last }
  }
  let at = headerBytes(prefix)
  let kind: PacketKind = 'ack'
  // Credits and pings go before what a lane has to say.
  for (; at < packet.length; at += packet[at] === CREDIT ? CREDIT_BYTES : 1) {
    if (packet[at] !== CREDIT && packet[at] !== PING) break
    kind = packet[at] === CREDIT ? 'credit' : kind === 'credit' ? kind : 'ping'
  }
  if (at >= packet.length) return { kind, sequence, lane: undefined }
  const lane = packet[at + 1]
  if (packet[at] !== STREAM) return { kind: packet[at] === DATA ? 'packet' : 'message', sequence, lane }
  const from = view.getUint32(at + 2, true) * UNIT
  return { kind: 'stream', sequence, lane, from, to: from + view.getUint16(at + 6, true) * UNIT }
}

/** By its first byte: of the four bytes of ack bits, those are there that are not all ones. */
function headerBytes(prefix: number): number {
  let bytes = (prefix & ACK_IS_SHORT) !== 0 ? 4 : 5
  for (let bit = 2; bit <= 16; bit <<= 1) if ((prefix & bit) !== 0) bytes++
  return bytes
}
