/**
 * Sending and receiving on a connection, as steps: see waits.ts.
 *
 * @module
 */
import type { Channel } from '../../core/channel.ts'
import type { ClientSocket } from './client-socket.ts'
import { socketError } from './codes.ts'
import type { Steps } from './waits.ts'

/** The channel of a connection that is made; one that is being made is waited for. */
function* connection(socket: ClientSocket, dontWait: boolean, call: string): Steps<Channel> {
  socket.checkOpen(call)
  if (socket.state === 'connecting') {
    if (dontWait && !socket.settle(call)) throw socketError('EWOULDBLOCK', call)
    yield* socket.settled(call)
  }
  if (socket.state !== 'connected') throw socketError('ENOTCONN', call)
  return socket.channel!
}

/** All of `parts`, unless it would have to wait and must not, or the time is up: then what was sent until then. */
export function* sendStream(
  socket: ClientSocket,
  parts: readonly Uint8Array[],
  dontWait: boolean,
  call: string,
): Steps<number> {
  const channel = yield* connection(socket, dontWait, call)
  const gather = new Gather(parts)
  let sent = 0
  for (;;) {
    const count = gather.fill(channel, spaceOf(socket, channel, call)) // of nothing, too: it may have failed
    sent += count
    if (gather.isDone) return sent
    if (count > 0) continue
    if (dontWait) {
      if (sent > 0) return sent
      throw socketError('EWOULDBLOCK', call)
    }
    try {
      yield [{ channel, bits: channel.layout.WRITABLE, need: 0 }]
    } catch (error) {
      if (sent > 0) return sent // what is sent is sent: the caller must know how much
      throw error
    }
    socket.checkOpen(call)
  }
}

/**
 * Several buffers as one: what there is room for is published at once. Piece by piece it could leave as segments of their own, and
 * then Nagle's algorithm holds up the second until the peer, which may delay that, has acknowledged the first.
 */
class Gather {
  readonly #parts: readonly Uint8Array[]
  #part = 0
  #from = 0

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts
    this.#skipEmpty()
  }

  get isDone(): boolean {
    return this.#part === this.#parts.length
  }

  /** Answers the bytes. */
  fill(channel: Channel, room: number): number {
    let filled = 0
    while (filled < room && !this.isDone) {
      const part = this.#parts[this.#part]!
      const count = Math.min(part.length - this.#from, room - filled)
      channel.put(part, this.#from, count, filled)
      filled += count
      this.#from += count
      this.#skipEmpty()
    }
    if (filled > 0) channel.committed(filled)
    return filled
  }

  #skipEmpty(): void {
    while (!this.isDone && this.#from === this.#parts[this.#part]!.length) {
      this.#part++
      this.#from = 0
    }
  }
}

function spaceOf(socket: ClientSocket, channel: Channel, call: string): number {
  if (socket.isShutForWriting) throw socketError('EPIPE', call)
  const room = channel.space()
  if (room < 0) throw socket.fault(room, call)
  return room
}

export interface StreamLimits {
  readonly dontWait: boolean
  /** The bytes stay. */
  readonly stays: boolean
  /** Not before all of it is there, or the end. */
  readonly waitAll: boolean
}

/** Bytes that were received into the buffers; 0: the peer has ended. */
export function* receiveStream(
  socket: ClientSocket,
  into: readonly Uint8Array[],
  limits: StreamLimits,
  call: string,
): Steps<number> {
  checkLimits(limits, call)
  const channel = yield* connection(socket, limits.dontWait, call)
  const wanted = into.reduce((sum, { length }) => sum + length, 0)
  let received = 0
  while (received < wanted) {
    const waiting = waitingIn(socket, channel, call)
    if (waiting === 0) break
    if (waiting > 0) {
      received += take(channel, into, received, Math.min(waiting, wanted - received), limits.stays)
      if (limits.waitAll) continue
      break
    }
    if (limits.dontWait) {
      if (received > 0) break
      throw socketError('EWOULDBLOCK', call)
    }
    try {
      yield [{ channel, bits: channel.layout.READABLE, need: 0 }]
    } catch (error) {
      if (received > 0) break
      throw error
    }
    socket.checkOpen(call)
  }
  return received
}

/** What stays in the ring can be no more than the ring has room for: it would be waited for in vain. */
function checkLimits({ stays, waitAll }: StreamLimits, call: string): void {
  if (stays && waitAll) throw socketError('EINVAL', call, 'peek or waitAll, not both: receive without peek')
}

/** At least one byte in a buffer of its own, `most` at most (none of none); an empty one is the end. */
export function* receiveChunk(
  socket: ClientSocket,
  most: number,
  limits: StreamLimits,
  call: string,
): Steps<Uint8Array> {
  checkLimits(limits, call)
  const channel =
    most === 0
      ? yield* connection(socket, limits.dontWait, call)
      : yield* awaitBytes(socket, limits.dontWait, call)
  const waiting = channel === undefined ? 0 : channel.waiting()
  if (channel === undefined || waiting <= 0) return new Uint8Array(0)
  if (limits.waitAll) {
    const whole = new Uint8Array(most)
    const received = yield* receiveStream(socket, [whole], limits, call)
    return received < most ? whole.slice(0, received) : whole
  }
  const chunk = new Uint8Array(Math.min(waiting, most))
  take(channel, [chunk], 0, chunk.length, limits.stays)
  return chunk
}

/** The bytes that lie there in one stretch, until they are released; none is the end. */
export function* peekStream(socket: ClientSocket, dontWait: boolean, call: string): Steps<Uint8Array> {
  const channel = yield* awaitBytes(socket, dontWait, call)
  const waiting = channel === undefined ? 0 : channel.waiting()
  return channel === undefined || waiting <= 0 ? new Uint8Array(0) : channel.view(waiting)
}

/** Until something is there: the channel, or `undefined` at the end. */
function* awaitBytes(socket: ClientSocket, dontWait: boolean, call: string): Steps<Channel | undefined> {
  const channel = yield* connection(socket, dontWait, call)
  for (;;) {
    const waiting = waitingIn(socket, channel, call)
    if (waiting > 0) return channel
    if (waiting === 0) return undefined
    if (dontWait) throw socketError('EWOULDBLOCK', call)
    yield [{ channel, bits: channel.layout.READABLE, need: 0 }]
    socket.checkOpen(call)
  }
}

/** Bytes that are there; 0 at the end, -1 while nothing is there. */
function waitingIn(socket: ClientSocket, channel: Channel, call: string): number {
  if (socket.isShutForReading) return 0
  const waiting = channel.waiting()
  const { EMPTY, ENDED_STREAM, GONE } = channel.layout
  if (waiting > 0) return waiting
  if (waiting === EMPTY) return -1
  if (waiting === ENDED_STREAM) return 0
  // After the error has been told, a connection that is no more has ended.
  if (waiting === GONE && socket.context.hub.isServed()) return 0
  throw socket.fault(waiting, call)
}

/** Copies `count` bytes behind the first `from` of the buffers. */
function take(
  channel: Channel,
  into: readonly Uint8Array[],
  from: number,
  count: number,
  stays: boolean,
): number {
  let skipped = from
  let copied = 0
  for (const buffer of into) {
    if (skipped >= buffer.length) {
      skipped -= buffer.length
      continue
    }
    const part = Math.min(buffer.length - skipped, count - copied)
    if (part === 0) break
    channel.waiting(stays ? copied : 0)
    channel.copy(buffer, skipped, part)
    if (!stays) channel.done(part)
    copied += part
    skipped = 0
  }
  return copied
}
