import { SpillwayError } from '../../core/errors.ts'
import type { Endpoint } from '../../ports.ts'
import { type SocketAddress, takeAddress } from './address.ts'
import type { ClientSocket } from './client-socket.ts'
import { codeOf, socketError } from './codes.ts'
import { accept, bind, close, connect, listen } from './connection-calls.ts'
import {
  peekDatagram,
  type Received,
  receiveDatagram,
  releaseDatagram,
  sendDatagram,
  trySendDatagram,
} from './datagram-calls.ts'
import type { OptionName, SocketFacts, SocketOptions } from './options.ts'
import type { SocketHandle, SocketKind } from './socket-handle.ts'
import { peekStream, receiveChunk, receiveStream, sendStream } from './stream-calls.ts'
import type { Limits, Steps } from './waits.ts'

export interface CallOptions {
  /** How long the call may wait: ETIMEDOUT then. Default: `SO_RCVTIMEO` or `SO_SNDTIMEO`, which are for ever. */
  timeoutMs?: number | undefined
  /** `MSG_DONTWAIT`: EWOULDBLOCK instead of waiting. */
  dontWait?: boolean | undefined
}

export interface AsyncCallOptions extends CallOptions {
  /** Gives the call up: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface RecvOptions {
  /** `MSG_PEEK`: what is received stays there. */
  peek?: boolean | undefined
  /** `MSG_WAITALL`, of a connection: not before the buffer is full, or the end. */
  waitAll?: boolean | undefined
}

export type Data = Uint8Array | string
/** A buffer to receive into, or how many bytes at most. */
export type Room = Uint8Array | number

/** `struct msghdr`: several buffers that are one datagram, or one after the other in a stream. */
export interface Message {
  readonly buffers: readonly Data[]
  readonly to?: SocketAddress | undefined
}

export type ShutdownHow = 'read' | 'write' | 'both'

type Lane = 'sending' | 'receiving' | 'asking' | 'closing'

/** How `poll` gets at what a socket is; not part of the API. */
export const socketState: unique symbol = Symbol('spillway.socket')

/** A call that has begun. */
interface Turn {
  over: Promise<void> | undefined
}

const encoder = new TextEncoder()
/** Where nothing is said: as much as any datagram has, or a good piece of a stream. */
const DEFAULT_ROOM = 65536
const DEFAULT_BACKLOG = 511

/**
 * A BSD socket on shared memory: the real one is the server's. Each call that may wait is there twice: `name()` gives a promise,
 * `nameSync()` blocks the thread. Errors carry POSIX codes. docs/sockets.md has a table, call by call.
 */
export class Socket {
  readonly kind: SocketKind
  readonly #inner: ClientSocket
  /** Calls of one kind that wait, one after the other. */
  readonly #lanes: Partial<Record<Lane, Turn>> = {}

  /** Made by `SocketClient.socket()` and `accept()`. */
  constructor(inner: ClientSocket) {
    this.kind = inner.kind
    this.#inner = inner
  }

  // ---- addresses and connections -----------------------------------------------------------------------

  /** `bind({ host, port })` or `bind(port, host)`; port 0: any that is free. A TCP socket binds when it listens or connects. */
  bind(address?: SocketAddress, options?: AsyncCallOptions): Promise<void>
  bind(port: number, host?: string, options?: AsyncCallOptions): Promise<void>
  bind(...args: unknown[]): Promise<void> {
    const { address, options } = takeAddress<AsyncCallOptions>(args)
    return this.#run('asking', 'bind', options, () => bind(this.#inner, address))
  }

  bindSync(address?: SocketAddress, options?: CallOptions): void
  bindSync(port: number, host?: string, options?: CallOptions): void
  bindSync(...args: unknown[]): void {
    const { address, options } = takeAddress<CallOptions>(args)
    this.#runSync('asking', 'bind', options, bind(this.#inner, address))
  }

  /** `connect({ host, port })` or `connect(port, host)`. Of a UDP socket: its one peer; `null` takes it away again. */
  connect(address: SocketAddress | null, options?: AsyncCallOptions): Promise<void>
  connect(port: number, host?: string, options?: AsyncCallOptions): Promise<void>
  connect(...args: unknown[]): Promise<void> {
    const { address, options } = takeAddress<AsyncCallOptions>(args)
    return this.#run('asking', 'connect', options, () => connect(this.#inner, address, isNow(options)))
  }

  connectSync(address: SocketAddress | null, options?: CallOptions): void
  connectSync(port: number, host?: string, options?: CallOptions): void
  connectSync(...args: unknown[]): void {
    const { address, options } = takeAddress<CallOptions>(args)
    this.#runSync('asking', 'connect', options, connect(this.#inner, address, isNow(options)))
  }

  /** At most `backlog` connections wait to be accepted; more are reset. */
  listen(backlog: number = DEFAULT_BACKLOG, options?: AsyncCallOptions): Promise<void> {
    return this.#run('asking', 'listen', options, () => listen(this.#inner, backlog))
  }

  listenSync(backlog: number = DEFAULT_BACKLOG, options?: CallOptions): void {
    this.#runSync('asking', 'listen', options, listen(this.#inner, backlog))
  }

  /** The next connection. */
  async accept(options?: AsyncCallOptions): Promise<Socket> {
    const inner = await this.#run('receiving', 'accept', options, () => accept(this.#inner, isNow(options)))
    return new Socket(inner)
  }

  acceptSync(options?: CallOptions): Socket {
    this.#inner.context.waits.checkMayBlock('accept') // before a connection is taken that nobody could be given
    return new Socket(this.#runSync('receiving', 'accept', options, accept(this.#inner, isNow(options))))
  }

  // ---- sending -----------------------------------------------------------------------------------------

  /** To the peer. Of a connection: all of it, unless `dontWait` or the time allows for less. Answers the bytes. */
  send(data: Data, options?: AsyncCallOptions): Promise<number> {
    return this.#send([bytesOf(data)], undefined, 'send', options)
  }

  sendSync(data: Data, options?: CallOptions): number {
    return this.#sendSync([bytesOf(data)], undefined, 'send', options)
  }

  /** One datagram. The address is an IP address: names are looked up by `connect` only. */
  sendTo(data: Data, to: SocketAddress | undefined, options?: AsyncCallOptions): Promise<number> {
    return this.#send([bytesOf(data)], to, 'sendTo', options)
  }

  sendToSync(data: Data, to: SocketAddress | undefined, options?: CallOptions): number {
    return this.#sendSync([bytesOf(data)], to, 'sendTo', options)
  }

  /** Several buffers, which are one datagram. */
  sendMsg(message: Message | readonly Data[], options?: AsyncCallOptions): Promise<number> {
    const { parts, to } = partsOf(message)
    return this.#send(parts, to, 'sendMsg', options)
  }

  sendMsgSync(message: Message | readonly Data[], options?: CallOptions): number {
    const { parts, to } = partsOf(message)
    return this.#sendSync(parts, to, 'sendMsg', options)
  }

  // ---- receiving ---------------------------------------------------------------------------------------

  /** Into the buffer: how many bytes. Of a connection 0 is the end. A datagram that is longer is cut: `recvFrom` tells. */
  recv(buffer: Uint8Array, options?: AsyncCallOptions & RecvOptions): Promise<number>
  /** A copy, of `most` bytes at most; an empty one is the end. */
  recv(most?: number, options?: AsyncCallOptions & RecvOptions): Promise<Uint8Array>
  recv(room: Room = DEFAULT_ROOM, options?: AsyncCallOptions & RecvOptions): Promise<number | Uint8Array> {
    return this.#run('receiving', 'recv', options, () => this.#recvSteps(room, options, 'recv'))
  }

  recvSync(buffer: Uint8Array, options?: CallOptions & RecvOptions): number
  recvSync(most?: number, options?: CallOptions & RecvOptions): Uint8Array
  recvSync(room: Room = DEFAULT_ROOM, options?: CallOptions & RecvOptions): number | Uint8Array {
    return this.#runSync('receiving', 'recv', options, this.#recvSteps(room, options, 'recv'))
  }

  /** One datagram, from whom it is, and whether there was room for all of it. */
  recvFrom(room: Room = DEFAULT_ROOM, options?: AsyncCallOptions & RecvOptions): Promise<Received> {
    return this.#run('receiving', 'recvFrom', options, () => this.#recvFromSteps(room, options, 'recvFrom'))
  }

  recvFromSync(room: Room = DEFAULT_ROOM, options?: CallOptions & RecvOptions): Received {
    return this.#runSync('receiving', 'recvFrom', options, this.#recvFromSteps(room, options, 'recvFrom'))
  }

  /** Into several buffers, one after the other. */
  recvMsg(
    buffers: readonly Uint8Array[] | { readonly buffers: readonly Uint8Array[] },
    options?: AsyncCallOptions & RecvOptions,
  ): Promise<Received> {
    return this.#run('receiving', 'recvMsg', options, () => this.#recvMsgSteps(buffers, options))
  }

  recvMsgSync(
    buffers: readonly Uint8Array[] | { readonly buffers: readonly Uint8Array[] },
    options?: CallOptions & RecvOptions,
  ): Received {
    return this.#runSync('receiving', 'recvMsg', options, this.#recvMsgSteps(buffers, options))
  }

  /**
   * What is next, where it lies in shared memory: no copy. It stays until `release`, which must come before anything else is received;
   * `data` is good until then.
   */
  peek(options?: AsyncCallOptions): Promise<Received> {
    return this.#run('receiving', 'peek', options, () => this.#peekSteps(options))
  }

  peekSync(options?: CallOptions): Received {
    return this.#runSync('receiving', 'peek', options, this.#peekSteps(options))
  }

  /** Done with what `peek` gave: with the datagram, or the first `bytes` of a connection. */
  release(bytes?: number): void {
    const channel = this.#inner.inUse('release')
    if (!this.#inner.isStream) {
      if (!releaseDatagram(channel))
        throw socketError('EINVAL', 'release', 'there is nothing to release: peek first')
      return
    }
    const waiting = Math.max(0, channel.waiting())
    if (bytes === undefined || !Number.isInteger(bytes) || bytes < 0 || bytes > waiting)
      throw socketError('EINVAL', 'release', `say how many of the ${waiting} bytes you are done with`)
    channel.done(bytes)
  }

  // ---- ends --------------------------------------------------------------------------------------------

  /** `'write'`: the peer finds the end after what was sent. `'read'`: what comes from here on is thrown away. */
  async shutdown(how: ShutdownHow = 'both'): Promise<void> {
    this.shutdownSync(how)
  }

  shutdownSync(how: ShutdownHow = 'both'): void {
    const inner = this.#inner
    const channel = inner.inUse('shutdown')
    if (inner.state !== 'connected') throw socketError('ENOTCONN', 'shutdown')
    if (how !== 'read' && how !== 'write' && how !== 'both')
      throw socketError('EINVAL', 'shutdown', `'read', 'write' or 'both', not ${String(how)}`)
    const { CLIENT_SHUT_READ, CLIENT_SHUT_WRITE } = channel.layout
    if (how !== 'write') inner.isShutForReading = true
    if (how !== 'read') inner.isShutForWriting = true
    channel.clientSays((how === 'write' ? 0 : CLIENT_SHUT_READ) | (how === 'read' ? 0 : CLIENT_SHUT_WRITE))
    inner.context.waits.kick()
  }

  /** What was sent is delivered behind the scenes, unless `SO_LINGER` says otherwise. Idempotent. */
  close(options?: AsyncCallOptions): Promise<void> {
    return this.#run('closing', 'close', this.#lingering(options), () => close(this.#inner))
  }

  closeSync(options?: CallOptions): void {
    this.#runSync('closing', 'close', this.#lingering(options), close(this.#inner))
  }

  get closed(): boolean {
    return this.#inner.state === 'closed'
  }

  [Symbol.dispose](): void {
    this.closeSync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Lets the socket go to another thread: `SocketClient.adopt(handle)` there. Here it is closed, but the connection stays. The
   * thread must stay until it is adopted.
   */
  detach(): SocketHandle {
    const inner = this.#inner
    const channel = inner.inUse('detach')
    if (
      !inner.settle('detach') ||
      inner.state === 'connecting' ||
      inner.state === 'new' ||
      Object.values(this.#lanes).some(Boolean)
    )
      throw socketError('EBUSY', 'detach', 'a call is under way: wait for it')
    return inner.context.detach(inner, channel)
  }

  // ---- names and options -------------------------------------------------------------------------------

  /** Our own address. */
  getSockName(): Endpoint {
    const inner = this.#inner
    inner.checkOpen('getSockName')
    if (inner.channel !== undefined) inner.settle('getSockName')
    if (inner.local !== undefined) return inner.local
    const { host, port } = inner.wanted ?? { host: inner.family === 6 ? '::' : '0.0.0.0', port: 0 }
    return { address: host, port, family: inner.family }
  }

  getPeerName(): Endpoint {
    this.#inner.checkOpen('getPeerName')
    if (this.#inner.channel !== undefined) this.#inner.settle('getPeerName')
    if (this.#inner.state !== 'connected' || this.#inner.peer === undefined)
      throw socketError('ENOTCONN', 'getPeerName')
    return this.#inner.peer
  }

  getOption<Name extends keyof SocketFacts>(name: Name): SocketFacts[Name]
  getOption<Name extends OptionName>(name: Name): SocketOptions[Name]
  getOption(name: string): unknown
  getOption(name: string): unknown {
    const inner = this.#inner
    inner.checkOpen('getOption')
    switch (name) {
      case 'SO_ERROR':
        return this.#takeError()
      case 'SO_TYPE':
        return inner.isStream ? 'stream' : 'dgram'
      case 'SO_DOMAIN':
        return inner.family
      case 'SO_ACCEPTCONN':
        return inner.state === 'listening'
      case 'SO_RXQ_OVFL':
        return inner.channel?.drops ?? 0
      default:
        return inner.options.get(inner.options.named(name))
    }
  }

  /** What can be said here and now is: a value that makes no sense throws at once, even from the call that gives a promise. */
  setOption<Name extends OptionName>(
    name: Name,
    value: SocketOptions[Name],
    options?: AsyncCallOptions,
  ): Promise<void>
  setOption(name: string, value: unknown, options?: AsyncCallOptions): Promise<void>
  async setOption(name: string, value: unknown, options?: AsyncCallOptions): Promise<void> {
    const own = this.#setHere(name, value)
    if (own === undefined) return
    await this.#run('asking', `option ${name}`, options, () => this.#tellServer(own, value))
  }

  setOptionSync<Name extends OptionName>(name: Name, value: SocketOptions[Name], options?: CallOptions): void
  setOptionSync(name: string, value: unknown, options?: CallOptions): void
  setOptionSync(name: string, value: unknown, options?: CallOptions): void {
    const own = this.#setHere(name, value)
    if (own !== undefined) this.#runSync('asking', `option ${name}`, options, this.#tellServer(own, value))
  }

  // ------------------------------------------------------------------------------------------------------

  get [socketState](): ClientSocket {
    return this.#inner
  }

  #setHere(name: string, value: unknown): OptionName | undefined {
    const inner = this.#inner
    inner.checkOpen(`option ${name}`)
    const own = inner.options.named(name)
    return inner.options.set(own, value, inner.channel !== undefined) ? own : undefined
  }

  *#tellServer(name: OptionName, value: unknown): Steps<void> {
    yield* this.#inner.request({ op: 'set', options: { [name]: value as never } }, `option ${name}`)
  }

  #takeError(): string | 0 {
    const inner = this.#inner
    if (inner.channel !== undefined) inner.settle('getOption')
    const errno = inner.channel?.takeError() ?? 0
    const code = inner.failure ?? (errno === 0 ? 0 : codeOf(errno))
    inner.failure = undefined
    return code
  }

  #lingering<Options extends CallOptions>(options: Options | undefined): Options | undefined {
    const seconds = this.#inner.isStream ? this.#inner.options.get('SO_LINGER') : false
    if (options?.timeoutMs !== undefined || typeof seconds !== 'number') return options
    return { ...options, timeoutMs: seconds * 1000 } as Options
  }

  #send(
    parts: readonly Uint8Array[],
    to: SocketAddress | undefined,
    call: string,
    options: AsyncCallOptions | undefined,
  ): Promise<number> {
    return this.#run('sending', call, options, () => this.#sendSteps(parts, to, call, options))
  }

  #sendSync(
    parts: readonly Uint8Array[],
    to: SocketAddress | undefined,
    call: string,
    options: CallOptions | undefined,
  ): number {
    const inner = this.#inner
    if (!inner.isStream && inner.state !== 'closed' && this.#lanes.sending === undefined) {
      const sent = trySendDatagram(inner, parts, lengthOf(parts), to, call)
      if (sent >= 0) return sent
    }
    return this.#runSync('sending', call, options, this.#sendSteps(parts, to, call, options))
  }

  #sendSteps(
    parts: readonly Uint8Array[],
    to: SocketAddress | undefined,
    call: string,
    options: CallOptions | undefined,
  ): Steps<number> {
    const inner = this.#inner
    if (!inner.isStream) return sendDatagram(inner, parts, lengthOf(parts), to, isNow(options), call)
    if (to !== undefined) throw socketError(inner.state === 'connected' ? 'EISCONN' : 'ENOTCONN', call)
    return sendStream(inner, parts, isNow(options), call)
  }

  *#recvSteps(
    room: Room,
    options: (CallOptions & RecvOptions) | undefined,
    call: string,
  ): Steps<number | Uint8Array> {
    if (!this.#inner.isStream) {
      const { bytes, data } = yield* this.#recvFromSteps(room, options, call)
      return typeof room === 'number' ? data : bytes
    }
    checkRoom(room, call)
    const limits = limitsOf(options)
    if (typeof room === 'number') return yield* receiveChunk(this.#inner, room, limits, call)
    return yield* receiveStream(this.#inner, [room], limits, call)
  }

  *#recvFromSteps(
    room: Room,
    options: (CallOptions & RecvOptions) | undefined,
    call: string,
  ): Steps<Received> {
    checkRoom(room, call)
    if (this.#inner.isStream) {
      const received = yield* this.#recvSteps(room, options, call)
      const data = typeof received === 'number' ? (room as Uint8Array).subarray(0, received) : received
      return this.#fromPeer(data)
    }
    const into = typeof room === 'number' ? room : [room]
    return yield* receiveDatagram(this.#inner, into, options?.peek === true, isNow(options), call)
  }

  *#recvMsgSteps(
    given: readonly Uint8Array[] | { readonly buffers: readonly Uint8Array[] },
    options: (CallOptions & RecvOptions) | undefined,
  ): Steps<Received> {
    const call = 'recvMsg'
    const buffers = 'buffers' in given ? given.buffers : given
    for (const buffer of buffers) checkRoom(buffer, call)
    if (!this.#inner.isStream)
      return yield* receiveDatagram(this.#inner, buffers, options?.peek === true, isNow(options), call)
    const received = yield* receiveStream(this.#inner, buffers, limitsOf(options), call)
    const [first = new Uint8Array(0)] = buffers
    return {
      ...this.#fromPeer(first.subarray(0, Math.min(received, first.length))),
      bytes: received,
      length: received,
    }
  }

  *#peekSteps(options: CallOptions | undefined): Steps<Received> {
    if (!this.#inner.isStream) return yield* peekDatagram(this.#inner, isNow(options), 'peek')
    return this.#fromPeer(yield* peekStream(this.#inner, isNow(options), 'peek'))
  }

  #fromPeer(data: Uint8Array): Received {
    const { peer, family } = this.#inner
    const from = peer ?? { address: '', port: 0, family }
    return { ...from, bytes: data.length, data, length: data.length, truncated: false }
  }

  // ---- running -----------------------------------------------------------------------------------------

  #runSync<T>(lane: Lane, call: string, options: CallOptions | undefined, steps: Steps<T>): T {
    if (this.#lanes[lane] !== undefined)
      throw socketError(
        lane === 'asking' ? 'EALREADY' : 'EBUSY',
        call,
        'a call of that kind is under way: await it first',
      )
    return this.#inner.context.waits.runSync(steps, this.#limits(lane, call, options))
  }

  /** Calls of one kind wait for one another, so that what they send and receive keeps its order. */
  #run<T>(lane: Lane, call: string, options: AsyncCallOptions | undefined, make: () => Steps<T>): Promise<T> {
    const before = this.#lanes[lane]
    const turn: Turn = { over: undefined }
    this.#lanes[lane] = turn
    const run = async () => {
      try {
        if (before !== undefined) await before.over
        options?.signal?.throwIfAborted()
        return await this.#inner.context.waits.run(make(), this.#limits(lane, call, options))
      } finally {
        if (this.#lanes[lane] === turn) delete this.#lanes[lane] // before whoever awaits it goes on: a Sync call may be next
      }
    }
    const running = run()
    turn.over = running.then(
      () => {},
      () => {},
    )
    return running
  }

  #limits(lane: Lane, call: string, options: AsyncCallOptions | undefined): Limits {
    const given = options?.timeoutMs
    if (given !== undefined && !(typeof given === 'number' && given >= 0))
      throw new SpillwayError(
        'ERR_INVALID_ARGUMENT',
        `timeoutMs must be a number from 0, not ${String(given)}`,
      )
    const usual = this.#inner.options.get(lane === 'receiving' ? 'SO_RCVTIMEO' : 'SO_SNDTIMEO')
    const timeoutMs = given ?? (usual > 0 ? usual : Number.POSITIVE_INFINITY)
    const code = given === undefined ? 'EWOULDBLOCK' : 'ETIMEDOUT'
    return {
      deadlineMs: performance.now() + timeoutMs,
      signal: options?.signal,
      late: () => socketError(code, call),
    }
  }
}

function isNow(options: CallOptions | undefined): boolean {
  return options?.dontWait === true
}

function limitsOf(options: (CallOptions & RecvOptions) | undefined) {
  return { dontWait: isNow(options), stays: options?.peek === true, waitAll: options?.waitAll === true }
}

function bytesOf(data: Data): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data)
  if (data instanceof Uint8Array) return data
  throw socketError('EINVAL', 'send', 'data must be a Uint8Array or a string')
}

function partsOf(message: Message | readonly Data[]): { parts: Uint8Array[]; to: SocketAddress | undefined } {
  const { buffers, to } = 'buffers' in message ? message : { buffers: message, to: undefined }
  return { parts: buffers.map(bytesOf), to }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

function checkRoom(room: Room, call: string): void {
  if (room instanceof Uint8Array || (Number.isInteger(room) && room >= 0)) return
  throw socketError('EINVAL', call, 'give a Uint8Array to receive into, or how many bytes at most')
}
