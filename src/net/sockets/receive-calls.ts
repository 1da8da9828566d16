/**
 * Receiving, from whatever kind of socket it is, as steps: see waits.ts.
 *
 * @module
 */
import type { CallOptions } from './calls.ts'
import type { ClientSocket } from './client-socket.ts'
import { socketError } from './codes.ts'
import { peekDatagram, type Received, receiveDatagram } from './datagram-calls.ts'
import { peekStream, receiveChunk, receiveStream } from './stream-calls.ts'
import type { Steps } from './waits.ts'

/** What a receiving call leaves, or waits for. */
export interface RecvOptions {
  /** `MSG_PEEK`: what is received stays there. */
  peek?: boolean | undefined
  /** `MSG_WAITALL`, of a connection: not before the buffer is full, or the end. */
  waitAll?: boolean | undefined
}

/** A buffer to receive into, or how many bytes at most. */
export type Room = Uint8Array | number

export function* recv(
  socket: ClientSocket,
  room: Room,
  options: (CallOptions & RecvOptions) | undefined,
  call: string,
): Steps<number | Uint8Array> {
  if (!socket.isStream) {
    const { bytes, data } = yield* recvFrom(socket, room, options, call)
    return typeof room === 'number' ? data : bytes
  }
  checkRoom(room, call)
  const limits = limitsOf(options)
  if (typeof room === 'number') return yield* receiveChunk(socket, room, limits, call)
  return yield* receiveStream(socket, [room], limits, call)
}

export function* recvFrom(
  socket: ClientSocket,
  room: Room,
  options: (CallOptions & RecvOptions) | undefined,
  call: string,
): Steps<Received> {
  checkRoom(room, call)
  if (socket.isStream) {
    const received = yield* recv(socket, room, options, call)
    const data = typeof received === 'number' ? (room as Uint8Array).subarray(0, received) : received
    return fromPeer(socket, data)
  }
  const into = typeof room === 'number' ? room : [room]
  return yield* receiveDatagram(socket, into, options?.peek === true, isNow(options), call)
}

export function* recvMsg(
  socket: ClientSocket,
  given: readonly Uint8Array[] | { readonly buffers: readonly Uint8Array[] },
  options: (CallOptions & RecvOptions) | undefined,
): Steps<Received> {
  const call = 'recvMsg'
  const buffers = 'buffers' in given ? given.buffers : given
  for (const buffer of buffers) checkRoom(buffer, call)
  if (!socket.isStream)
    return yield* receiveDatagram(socket, buffers, options?.peek === true, isNow(options), call)
  const received = yield* receiveStream(socket, buffers, limitsOf(options), call)
  const [first = new Uint8Array(0)] = buffers
  return {
    ...fromPeer(socket, first.subarray(0, Math.min(received, first.length))),
    bytes: received,
    length: received,
  }
}

export function* peek(socket: ClientSocket, options: CallOptions | undefined): Steps<Received> {
  if (!socket.isStream) return yield* peekDatagram(socket, isNow(options), 'peek')
  return fromPeer(socket, yield* peekStream(socket, isNow(options), 'peek'))
}

function fromPeer({ peer, family }: ClientSocket, data: Uint8Array): Received {
  const from = peer ?? { address: '', port: 0, family }
  return { ...from, bytes: data.length, data, length: data.length, truncated: false }
}

export function isNow(options: CallOptions | undefined): boolean {
  return options?.dontWait === true
}

function limitsOf(options: (CallOptions & RecvOptions) | undefined) {
  return { dontWait: isNow(options), stays: options?.peek === true, waitAll: options?.waitAll === true }
}

function checkRoom(room: Room, call: string): void {
  if (room instanceof Uint8Array || (Number.isInteger(room) && room >= 0)) return
  throw socketError('EINVAL', call, 'give a Uint8Array to receive into, or how many bytes at most')
}
