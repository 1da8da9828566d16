/**
 * Sending and receiving datagrams, as steps: see waits.ts. What can be done at once is done by plain functions, which are on the
 * caller's hot path.
 *
 * @module
 */
import type { Channel } from '../../core/channel.ts'
import type { Endpoint } from '../../ports.ts'
import { headBytes, NO_TEXT, putHead, type SocketAddress } from './address.ts'
import type { ClientSocket } from './client-socket.ts'
import { socketError } from './codes.ts'
import type { Steps } from './waits.ts'

/** The longest payloads of UDP over IPv4 and IPv6. */
const LONGEST_PAYLOAD = { 4: 65507, 6: 65527 } as const

/** A datagram, and who sent it. */
export interface Received extends Endpoint {
  /** Bytes that were received: of the datagram, as many as there was room for. */
  readonly bytes: number
  /** They themselves: the caller's own buffer, up to there, or a copy. */
  readonly data: Uint8Array
  /** Bytes of the whole datagram. */
  readonly length: number
  /** It was longer than the room for it: `MSG_TRUNC`. */
  readonly truncated: boolean
}

/** Answers the bytes, or -1 when there is no room now. `bytes` of `parts` in all. */
export function trySendDatagram(
  socket: ClientSocket,
  parts: readonly Uint8Array[],
  bytes: number,
  to: SocketAddress | undefined,
  call: string,
): number {
  socket.checkOpen(call)
  if (bytes > LONGEST_PAYLOAD[socket.family]) throw socketError('EMSGSIZE', call)
  if (socket.isShutForWriting) throw socketError('EPIPE', call)
  const text = to === undefined ? withoutAddress(socket, call) : textOf(socket, to, call)
  const channel = socket.channel ?? socket.datagramChannel(call) // not before the arguments are known to make sense
  const whole = headBytes(text) + bytes
  const at = channel.claim(whole)
  if (at < 0) {
    if (at === channel.layout.FULL) return -1
    throw socket.fault(at, call)
  }
  const memory = channel.region.u8
  putHead(memory, at, text, to === undefined ? 0 : socket.family, to?.port ?? 0, bytes)
  let end = at + whole - bytes
  for (const part of parts) {
    memory.set(part, end)
    end += part.length
  }
  channel.commit(whole)
  return bytes
}

export function* sendDatagram(
  socket: ClientSocket,
  parts: readonly Uint8Array[],
  bytes: number,
  to: SocketAddress | undefined,
  dontWait: boolean,
  call: string,
): Steps<number> {
  for (;;) {
    socket.checkOpen(call)
    const sent = trySendDatagram(socket, parts, bytes, to, call)
    if (sent >= 0) return sent
    if (dontWait) throw socketError('EWOULDBLOCK', call)
    const channel = socket.channel!
    const need = bytes + headBytes(to === undefined ? NO_TEXT : textOf(socket, to, call))
    yield [{ channel, bits: channel.layout.WRITABLE, need }]
  }
}

function withoutAddress(socket: ClientSocket, call: string): Uint8Array {
  if (socket.state !== 'connected') throw socketError('EDESTADDRREQ', call)
  return NO_TEXT
}

function textOf(socket: ClientSocket, to: SocketAddress, call: string): Uint8Array {
  const host = to.host ?? to.address
  const port = to.port
  if (socket.state === 'connected') throw socketError('EISCONN', call)
  if (typeof host !== 'string' || !Number.isInteger(port) || port! < 1 || port! > 65535)
    throw socketError('EINVAL', call, 'give an address: { host, port } with a port from 1 to 65535')
  const text = socket.context.writer.textOf(host)
  if (text === undefined)
    throw socketError(
      'EINVAL',
      call,
      `host must be an IP address, not ${host}: names are looked up by connect() only`,
    )
  if (text.family !== socket.family) throw socketError('EAFNOSUPPORT', call)
  return text.bytes
}

// ---- receiving -----------------------------------------------------------------------------------------

/** Where a call puts what it receives: buffers of the caller's, one after the other, or as many bytes at most. */
export type Into = readonly Uint8Array[] | number

/** `undefined`: nothing is there now. With `stays` it is left there. */
export function tryReceiveDatagram(
  socket: ClientSocket,
  into: Into,
  stays: boolean,
  call: string,
): Received | undefined {
  const channel = socket.channel ?? socket.datagramChannel(call)
  const { reader } = socket.context
  const at = stays ? channel.peek() : channel.unpack()
  if (at < 0) {
    if (at === channel.layout.EMPTY) return undefined
    throw socket.fault(at, call)
  }
  const memory = channel.region.u8
  if (!reader.read(memory, at, channel.spanBytes)) throw socketError('EPROTO', call)
  const { payload: length, payloadAt } = reader
  const data = copyOut(memory, payloadAt, length, into)
  if (!stays) channel.repack(1)
  const { endpoint } = reader
  return { ...endpoint, bytes: data.bytes, data: data.data, length, truncated: data.bytes < length }
}

export function* receiveDatagram(
  socket: ClientSocket,
  into: Into,
  stays: boolean,
  dontWait: boolean,
  call: string,
): Steps<Received> {
  for (;;) {
    socket.checkOpen(call)
    const received = tryReceiveDatagram(socket, into, stays, call)
    if (received !== undefined) return received
    const channel = socket.channel!
    if (socket.isShutForReading)
      return { ...nobody(socket), bytes: 0, data: new Uint8Array(0), length: 0, truncated: false }
    if (dontWait) throw socketError('EWOULDBLOCK', call)
    yield [{ channel, bits: channel.layout.READABLE, need: 0 }]
  }
}

/** Nobody has sent what is the end. */
function nobody({ family }: ClientSocket): Endpoint {
  return { address: '', port: 0, family }
}

/** The next datagram where it lies, until it is released. */
export function* peekDatagram(socket: ClientSocket, dontWait: boolean, call: string): Steps<Received> {
  for (;;) {
    socket.checkOpen(call)
    const channel: Channel = socket.channel ?? socket.datagramChannel(call)
    const at = channel.peek()
    if (at >= 0) {
      const { reader } = socket.context
      if (!reader.read(channel.region.u8, at, channel.spanBytes)) throw socketError('EPROTO', call)
      const { payloadAt, payload } = reader
      const data = channel.region.u8.subarray(payloadAt, payloadAt + payload)
      return { ...reader.endpoint, bytes: payload, data, length: payload, truncated: false }
    }
    if (at !== channel.layout.EMPTY) throw socket.fault(at, call)
    if (dontWait) throw socketError('EWOULDBLOCK', call)
    yield [{ channel, bits: channel.layout.READABLE, need: 0 }]
  }
}

export function releaseDatagram(channel: Channel): boolean {
  return channel.unpack() > 0 && channel.repack(1) === 0
}

function copyOut(
  memory: Uint8Array,
  from: number,
  length: number,
  into: Into,
): { bytes: number; data: Uint8Array } {
  if (typeof into === 'number') {
    const data = new Uint8Array(Math.min(length, into))
    data.set(memory.subarray(from, from + data.length))
    return { bytes: data.length, data }
  }
  let bytes = 0
  for (const buffer of into) {
    const count = Math.min(buffer.length, length - bytes)
    buffer.set(memory.subarray(from + bytes, from + bytes + count))
    bytes += count
  }
  const [first] = into
  return {
    bytes,
    data: first === undefined ? new Uint8Array(0) : first.subarray(0, Math.min(bytes, first.length)),
  }
}
