import type { Endpoint } from '../../ports.ts'
import { type SocketAddress, takeAddress } from './address.ts'
import { type AsyncCallOptions, type CallOptions, Calls } from './calls.ts'
import type { ClientSocket } from './client-socket.ts'
import { codeOf, socketError } from './codes.ts'
import { accept, bind, close, connect, listen } from './connection-calls.ts'
import { type Received, releaseDatagram, sendDatagram, trySendDatagram } from './datagram-calls.ts'
import type { OptionName, SocketFacts, SocketOptions } from './options.ts'
import { isNow, peek, type RecvOptions, type Room, recv, recvFrom, recvMsg } from './receive-calls.ts'
import type { SocketHandle, SocketKind } from './socket-handle.ts'
import { sendStream } from './stream-calls.ts'
import type { Steps } from './waits.ts'

/** What can be sent; a string goes as UTF-8. */
export type Data = Uint8Array | string

/** `struct msghdr`: several buffers that are one datagram, or one after the other in a stream. */
export interface Message {
  readonly buffers: readonly Data[]
  readonly to?: SocketAddress | undefined
}

/** Which direction ends. */
export type ShutdownHow = 'read' | 'write' | 'both'

/** How `poll` gets at what a socket is; not part of the API. */
export const socketState: unique symbol = Symbol('spillway.socket')

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
  readonly #calls: Calls

  /** Made by `SocketClient.socket()` and `accept()`. */
  constructor(inner: ClientSocket) {
    this.kind = inner.kind
    this.#inner = inner
    this.#calls = new Calls(inner)
  }

  // ---- addresses and connections -----------------------------------------------------------------------

  /** `bind({ host, port })` or `bind(port, host)`; port 0: any that is free. A TCP socket binds when it listens or connects. */
  bind(address?: SocketAddress, options?: AsyncCallOptions): Promise<void>
  bind(port: number, host?: string, options?: AsyncCallOptions): Promise<void>
  bind(...args: unknown[]): Promise<void> {
    const { address, options } = takeAddress<AsyncCallOptions>(args)
    return this.#calls.run('asking', 'bind', options, () => bind(this.#inner, address))
  }

  bindSync(address?: SocketAddress, options?: CallOptions): void
  bindSync(port: number, host?: string, options?: CallOptions): void
  bindSync(...args: unknown[]): void {
    const { address, options } = takeAddress<CallOptions>(args)
    this.#calls.runSync('asking', 'bind', options, bind(this.#inner, address))
  }

  /** `connect({ host, port })` or `connect(port, host)`. Of a UDP socket: its one peer; `null` takes it away again. */
  connect(address: SocketAddress | null, options?: AsyncCallOptions): Promise<void>
  connect(port: number, host?: string, options?: AsyncCallOptions): Promise<void>
  connect(...args: unknown[]): Promise<void> {
    const { address, options } = takeAddress<AsyncCallOptions>(args)
    return this.#calls.run('asking', 'connect', options, () => connect(this.#inner, address, isNow(options)))
  }

  connectSync(address: SocketAddress | null, options?: CallOptions): void
  connectSync(port: number, host?: string, options?: CallOptions): void
  connectSync(...args: unknown[]): void {
    const { address, options } = takeAddress<CallOptions>(args)
    this.#calls.runSync('asking', 'connect', options, connect(this.#inner, address, isNow(options)))
  }

  /** At most `backlog` connections wait to be accepted; more are reset. */
  listen(backlog: number = DEFAULT_BACKLOG, options?: AsyncCallOptions): Promise<void> {
    return this.#calls.run('asking', 'listen', options, () => listen(this.#inner, backlog))
  }

  listenSync(backlog: number = DEFAULT_BACKLOG, options?: CallOptions): void {
    this.#calls.runSync('asking', 'listen', options, listen(this.#inner, backlog))
  }

  /** The next connection. */
  async accept(options?: AsyncCallOptions): Promise<Socket> {
    const inner = await this.#calls.run('receiving', 'accept', options, () =>
      accept(this.#inner, isNow(options)),
    )
    return new Socket(inner)
  }

  acceptSync(options?: CallOptions): Socket {
    this.#inner.context.waits.checkMayBlock('accept') // before a connection is taken that nobody could be given
    return new Socket(
      this.#calls.runSync('receiving', 'accept', options, accept(this.#inner, isNow(options))),
    )
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
    return this.#calls.run('receiving', 'recv', options, () => recv(this.#inner, room, options, 'recv'))
  }

  recvSync(buffer: Uint8Array, options?: CallOptions & RecvOptions): number
  recvSync(most?: number, options?: CallOptions & RecvOptions): Uint8Array
  recvSync(room: Room = DEFAULT_ROOM, options?: CallOptions & RecvOptions): number | Uint8Array {
    return this.#calls.runSync('receiving', 'recv', options, recv(this.#inner, room, options, 'recv'))
  }

  /** One datagram, from whom it is, and whether there was room for all of it. */
  recvFrom(room: Room = DEFAULT_ROOM, options?: AsyncCallOptions & RecvOptions): Promise<Received> {
    return this.#calls.run('receiving', 'recvFrom', options, () =>
      recvFrom(this.#inner, room, options, 'recvFrom'),
    )
  }

  recvFromSync(room: Room = DEFAULT_ROOM, options?: CallOptions & RecvOptions): Received {
    return this.#calls.runSync(
      'receiving',
      'recvFrom',
      options,
      recvFrom(this.#inner, room, options, 'recvFrom'),
    )
  }

  /** Into several buffers, one after the other. */
  recvMsg(
    buffers: readonly Uint8Array[] | { readonly buffers: readonly Uint8Array[] },
    options?: AsyncCallOptions & RecvOptions,
  ): Promise<Received> {
    return this.#calls.run('receiving', 'recvMsg', options, () => recvMsg(this.#inner, buffers, options))
  }

  recvMsgSync(
    buffers: readonly Uint8Array[] | { readonly buffers: readonly Uint8Array[] },
    options?: CallOptions & RecvOptions,
  ): Received {
    return this.#calls.runSync('receiving', 'recvMsg', options, recvMsg(this.#inner, buffers, options))
  }

  /**
   * What is next, where it lies in shared memory: no copy. It stays until `release`, which must come before anything else is received;
   * `data` is good until then.
   */
  peek(options?: AsyncCallOptions): Promise<Received> {
    return this.#calls.run('receiving', 'peek', options, () => peek(this.#inner, options))
  }

  peekSync(options?: CallOptions): Received {
    return this.#calls.runSync('receiving', 'peek', options, peek(this.#inner, options))
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
    return this.#calls.run('closing', 'close', this.#lingering(options), () => close(this.#inner))
  }

  closeSync(options?: CallOptions): void {
    this.#calls.runSync('closing', 'close', this.#lingering(options), close(this.#inner))
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
      this.#calls.areUnderWay
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
    await this.#calls.run('asking', `option ${name}`, options, () => this.#tellServer(own, value))
  }

  setOptionSync<Name extends OptionName>(name: Name, value: SocketOptions[Name], options?: CallOptions): void
  setOptionSync(name: string, value: unknown, options?: CallOptions): void
  setOptionSync(name: string, value: unknown, options?: CallOptions): void {
    const own = this.#setHere(name, value)
    if (own !== undefined)
      this.#calls.runSync('asking', `option ${name}`, options, this.#tellServer(own, value))
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
    return this.#calls.run('sending', call, options, () => this.#sendSteps(parts, to, call, options))
  }

  #sendSync(
    parts: readonly Uint8Array[],
    to: SocketAddress | undefined,
    call: string,
    options: CallOptions | undefined,
  ): number {
    const inner = this.#inner
    if (!inner.isStream && inner.state !== 'closed' && this.#calls.isFree('sending')) {
      const sent = trySendDatagram(inner, parts, lengthOf(parts), to, call)
      if (sent >= 0) return sent
    }
    return this.#calls.runSync('sending', call, options, this.#sendSteps(parts, to, call, options))
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
