/**
 * What protocol code asks of the runtime it finds itself in: types only. `src/node` has the adapters.
 *
 * @module
 */

export type AddressFamily = 4 | 6

export interface Endpoint {
  /** An IP address, never a name. */
  readonly address: string
  readonly port: number
  readonly family: AddressFamily
}

export interface Clock {
  /** Milliseconds that only go forward. */
  now(): number
  /** Calls once, after `ms`. It keeps the thread's loop going until then. */
  after(ms: number, call: () => void): Cancel
  /** Calls once, when what has already happened (sockets, messages) has been dealt with. */
  soon(call: () => void): void
}

export type Cancel = () => void

/** Called once for each `send`: with nothing when the kernel has taken the datagram, else with why it has not. */
export type Sent = (error?: { readonly code?: string | undefined } | null) => void

/** A socket connected to one peer, to send with. */
export interface DatagramSocket {
  /**
   * The bytes must stay as they are until `sent` is called, which is never before `send` returns. `lines`: how many lines there are
   * that somebody has written, for a socket that counts what it sends again; 0 for what is not worth sending again later.
   */
  send(bytes: Uint8Array, sent: Sent, lines?: number): void
  /** Everything is sent, and as far as is known nothing more comes: what it has open at the peer it may close. It opens it again when needed. */
  rest?(): void
  /** Of a connection: whether there is one now. */
  readonly isOpen?: boolean
  /** Bytes of the kernel's send buffer, as it answers; 0 where it does not say. */
  readonly sendBufferBytes: number
  /** Our own address, as `address:port`; the receiver knows this socket by it. */
  readonly localAddress: string
  close(): void
}

export interface DatagramSocketOptions {
  readonly peer: Endpoint
  /** 0: as the system has it. */
  readonly sendBufferBytes: number
  /** What the kernel says apart from any `send`: `ECONNREFUSED` for a datagram sent before, for instance. */
  onError(code: string): void
  /** The send buffer could not be set: a warning, and on with it. */
  onWarning(message: string): void
  /** Of a socket that is a connection: it was lost, and there is another. */
  onResumed?(): void
  /** So many events went again to a peer that cannot tell whether they had come: they may be there twice. */
  onResent?(lines: number): void
}

/** Where sockets to send with come from. */
export interface DatagramPort {
  /** Throws what `connect` would reject with where the runtime does not let the program send there. Left out: nothing forbids it. */
  permit?(peer: Endpoint): void
  connect(options: DatagramSocketOptions): Promise<DatagramSocket>
  /** Whether several datagrams may be under way at once without overtaking one another (in Deno they do). */
  readonly keepsOrder: boolean
  /** How much may be under way, where `sent` waits for the peer and not for the kernel alone. */
  readonly memoryBytes?: number
}

/** A socket bound to an address of ours, to receive with. */
export interface ReceivingSocket {
  readonly address: Endpoint
  /** Bytes of the kernel's receive buffer, as it answers; 0 where it does not say. */
  readonly recvBufferBytes: number
  close(): void
}

export interface ReceivingSocketOptions {
  readonly local: Endpoint
  readonly recvBufferBytes: number
  /** Several sockets share the port, and the kernel spreads the sources over them. */
  readonly reusePort: boolean
  /** `bytes` are good only during the call. */
  onDatagram(bytes: Uint8Array, address: string, port: number): void
  onError(code: string): void
  onWarning(message: string): void
}

export interface ReceivingPort {
  bind(options: ReceivingSocketOptions): Promise<ReceivingSocket>
}

// ---- sockets that belong to a client on another thread -------------------------------------------------

/** By the names that POSIX has for them: `SO_BROADCAST`, `TCP_NODELAY`. */
export type SocketSettings = Readonly<Record<string, unknown>>

/** A datagram socket that both sends and receives. */
export interface UdpSocket {
  readonly local: Endpoint
  /** Without an address: to the peer. The bytes must stay as they are until `sent` is called, which is never before this returns. */
  send(bytes: Uint8Array, to: { host: string; port: number } | undefined, sent: Sent): void
  /** Takes datagrams of that one peer only. Rejects with a `code`. */
  connect(peer: { host: string; port: number }): Promise<Endpoint>
  disconnect(): void
  /** Throws with a `code`. */
  set(settings: SocketSettings): void
  close(): void
}

export interface UdpSocketOptions {
  readonly family: AddressFamily
  readonly host: string
  readonly port: number
  readonly settings: SocketSettings
  /** `bytes` are good only during the call. */
  onDatagram(bytes: Uint8Array, address: string, port: number): void
  onError(code: string): void
}

export interface UdpPort {
  open(options: UdpSocketOptions): Promise<UdpSocket>
  /** Whether several datagrams may be under way at once without overtaking one another (in Deno they do). */
  readonly keepsOrder: boolean
}

/** One end of a connection. Nothing is read before `resume`. */
export interface StreamSocket {
  readonly local: Endpoint
  readonly peer: Endpoint
  /** What happens to it from here on. */
  handle(handlers: StreamHandlers): void
  /** The bytes must stay as they are until `written` is called, which is never before this returns. */
  write(bytes: Uint8Array, written: Sent): void
  /** After what was written: the peer finds the end. */
  end(): void
  /** The same, and then it is closed. */
  endAndClose(): void
  pause(): void
  resume(): void
  set(settings: SocketSettings): void
  /** The connection is reset: what is not sent is not to be. */
  reset(): void
  close(): void
}

export interface StreamHandlers {
  /** `bytes` are good only during the call. */
  onBytes(bytes: Uint8Array): void
  /** It was paused because `took` said so. */
  onFull(): void
  /** The peer sends no more. */
  onEnd(): void
  onError(code: string): void
  /** There is no connection any more. */
  onClose(): void
}

export interface StreamConnectOptions {
  readonly family: AddressFamily
  readonly host: string
  readonly port: number
  readonly local: { readonly host: string; readonly port: number } | undefined
  readonly settings: SocketSettings
  /** Gives up. */
  readonly signal: AbortSignal
  /** Where bytes are to be read to, in a runtime that can; in others `onBytes` gets them. */
  readonly into: ReadInto
}

export interface ReadInto {
  /** Where the next bytes go. */
  room(): Uint8Array
  /** So many have been read to there. Answers whether to go on; if not, the socket is paused. */
  took(bytes: number): boolean
}

export interface StreamListenOptions {
  readonly family: AddressFamily
  readonly host: string
  readonly port: number
  readonly backlog: number
  readonly settings: SocketSettings
  onConnection(socket: StreamSocket): void
  onError(code: string): void
}

export interface StreamListener {
  readonly local: Endpoint
  close(): void
}

export interface StreamPort {
  connect(options: StreamConnectOptions): Promise<StreamSocket>
  listen(options: StreamListenOptions): Promise<StreamListener>
}

export interface Resolver {
  /** The addresses of a host; an IP address is its own. Rejects with a `code`. */
  resolve(
    host: string,
    family?: AddressFamily,
  ): Promise<readonly { address: string; family: AddressFamily }[]>
}

// ---- cryptography ----------------------------------------------------------------------------------------

/** 32 bytes each. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array
}

/** AES-256-GCM by one key: nonces of 12 bytes, tags of 16 behind what is encrypted. Shared memory may be given for all bytes. */
export interface Aead {
  /** Writes to `out` from `at` on, and answers how many bytes: those of `content` and the tag. */
  seal(nonce: Uint8Array, additional: Uint8Array, content: Uint8Array, out: Uint8Array, at: number): number
  /**
   * The content, in memory that is the caller's; `undefined` when it was not sealed by this key, nonce and additional data. `sealed` must
   * not change under the call.
   */
  open(nonce: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
}

/** Nothing of it is our own: the runtime's. All of it answers at once. The bytes of a private key must stay as they are. */
export interface SecurityPort {
  randomBytes(length: number): Uint8Array
  sha256(...parts: readonly Uint8Array[]): Uint8Array
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array
  x25519KeyPair(): KeyPair
  x25519PublicKey(privateKey: Uint8Array): Uint8Array
  /** `undefined` for a public key of low order: with it the secret would be zero, and known to everyone. */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined
  aes256gcm(key: Uint8Array): Aead
  /** Of equal lengths; unequal ones are not equal. */
  timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}

/** Inflates; `undefined` when the bytes are damaged, or would come to more than `limit`. */
export type Inflate = (
  codec: 'deflate' | 'brotli',
  bytes: Uint8Array,
  limit: number,
) => Uint8Array | undefined

/** Everything that a service on the I/O thread is given. */
export interface Ports {
  readonly clock: Clock
  readonly datagrams: DatagramPort
  readonly receiving: ReceivingPort
  readonly udp: UdpPort
  readonly streams: StreamPort
  readonly resolver: Resolver
  readonly security: SecurityPort
  readonly inflate: Inflate
  /** Waits until the 32-bit word is no longer `value`: at once, or when it is woken. It keeps no thread alive. */
  changed(words: Int32Array, index: number, value: number): Promise<void> | undefined
  /** `NODE_DEBUG=spillway` and the user's logger. Cheap when nobody listens. */
  debug(message: string): void
}
