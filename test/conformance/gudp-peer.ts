/**
 * An independent peer over node:dgram, of docs/wire.md alone: the client's handshake and the server's, in the clear or sealed, with a
 * session from gudp-session.ts behind it.
 *
 * @module
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import {
  type Accepted,
  type Challenge,
  type ChannelKind,
  type ClearDatagram,
  COOKIE_BYTES,
  type Datagram,
  decodeDatagram,
  decodeToken,
  type Hello,
  type Refused,
  type SealedDatagram,
  type SessionType,
} from './gudp-decoder.ts'
import {
  encodeHandshake,
  encodeSession,
  join,
  kindsOf,
  noCookie,
  sealedHead,
  u16,
  u32,
  u64,
} from './gudp-encoder.ts'
import { answerNoise, type Cipher, type Keys, NoiseClient } from './gudp-noise.ts'
import { type PeerChannel, Session } from './gudp-session.ts'

const VERSION = 1
const TICK_MS = 2
const REPLAY_WINDOW = 1024n
const COOKIE_SECONDS = 10
const NONE = new Uint8Array(0)

export const REFUSALS = {
  ...{ room: 1, version: 2, channels: 3, mustBeSealed: 4, mustNotBeSealed: 5, key: 6 },
} as const

export interface PeerOptions {
  channels?: readonly ChannelKind[]
  /** The pre-shared key, of 32 bytes: the session is sealed. */
  psk?: Uint8Array | undefined
  protocolId?: number
}

const randomU64 = () => randomBytes(8).readBigUInt64LE()

/** Bytes 0 to 17 of the RESPONSE with its type as 1. */
function prologueOf(hello: Hello, protocolId: number | undefined): Uint8Array {
  return encodeHandshake({ ...hello, is: 'request' }, protocolId).slice(0, 18)
}

async function boundSocket(port = 0, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(port, host)
  await once(socket, 'listening')
  socket.setRecvBufferSize(4 << 20)
  // Of a peer that is gone, on loopback.
  socket.on('error', () => {})
  return socket
}

// ---- what both sides do with an open session --------------------------------------------------------------

interface Seals {
  readonly out: Cipher
  readonly in: Cipher
}

class Connection {
  readonly session: Session
  readonly id: bigint
  replayed = 0
  unsealed = 0
  readonly #seals: Seals | undefined
  readonly #protocolId: number | undefined
  readonly #send: (bytes: Uint8Array) => void
  #nonce = 0n
  #highest = -1n
  readonly #seen = new Set<bigint>()

  constructor(
    id: bigint,
    seals: Seals | undefined,
    { channels = [], protocolId }: PeerOptions,
    send: (bytes: Uint8Array) => void,
  ) {
    this.id = id
    this.#seals = seals
    this.#protocolId = protocolId
    this.#send = send
    this.session = new Session({ channels, emit: (is, content) => this.#send(this.seal(is, content)) })
  }

  seal(is: SessionType, content: Uint8Array): Uint8Array {
    if (this.#seals === undefined) return encodeSession(is, this.id, content, this.#protocolId)
    const nonce = this.#nonce++
    const front = sealedHead(is, this.id, nonce, this.#protocolId)
    return join(front, this.#seals.out.encrypt(nonce, front, content))
  }

  /** The content, if it is of this session, good, and not a copy of an earlier one. */
  open(datagram: ClearDatagram | SealedDatagram): Uint8Array | undefined {
    if (datagram.session !== this.id) return undefined
    if (datagram.sealed !== (this.#seals !== undefined)) return this.#isBad()
    if (!datagram.sealed) return datagram.content
    const { nonce, additional, box } = datagram
    if (nonce + REPLAY_WINDOW <= this.#highest || this.#seen.has(nonce)) {
      this.replayed++
      return undefined
    }
    const content = this.#seals!.in.decrypt(nonce, additional, box)
    if (content === undefined) return this.#isBad()
    this.#seen.add(nonce)
    if (nonce > this.#highest) this.#highest = nonce
    return content
  }

  #isBad(): undefined {
    this.unsealed++
    return undefined
  }
}

/** What a test does with either side. */
export class PeerSession {
  readonly #connection: Connection
  readonly #end: () => void

  constructor(connection: Connection, end: () => void) {
    this.#connection = connection
    this.#end = end
  }

  get session(): Session {
    return this.#connection.session
  }

  get state(): Session['state'] {
    return this.session.state
  }

  get replayed(): number {
    return this.#connection.replayed
  }

  get unsealed(): number {
    return this.#connection.unsealed
  }

  send(bytes: Uint8Array): void {
    this.session.send(bytes)
  }

  recv(timeoutMs?: number): Promise<Uint8Array | undefined> {
    return this.session.recv(timeoutMs)
  }

  channel(n: number): PeerChannel {
    return this.session.channels[n]!
  }

  async until(condition: (session: Session) => boolean, timeoutMs = 10_000): Promise<void> {
    const end = performance.now() + timeoutMs
    while (!condition(this.session)) {
      if (performance.now() > end) throw new Error(`not in ${timeoutMs} ms: ${condition}`)
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    }
  }

  /** Until the other side has answered, or has been told five times. */
  async close(reason = 0): Promise<void> {
    this.session.close(reason)
    await this.until(({ state }) => state !== 'closing' && state !== 'open')
  }

  /** The socket, without a word. */
  dispose(): void {
    this.#end()
  }
}

// ---- the client ------------------------------------------------------------------------------------------

export interface ConnectOptions extends PeerOptions {
  port: number
  host?: string
  /** How long to try. */
  timeoutMs?: number
}

export class RefusedError extends Error {
  readonly reason: number

  constructor(reason: number) {
    super(`refused: ${reason}`)
    this.reason = reason
  }
}

export async function connectPeer(options: ConnectOptions): Promise<PeerSession> {
  const { port, host = '127.0.0.1', timeoutMs = 10_000 } = options
  const socket = await boundSocket()
  const client = new Client(options, (bytes) => socket.send(bytes, port, host))
  socket.on('message', (bytes, from) => {
    if (from.port === port && from.address === host) client.receive(new Uint8Array(bytes))
  })
  const ticking = setInterval(() => client.tick(), TICK_MS)
  const giveUp = setTimeout(() => client.fail(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
  const end = () => {
    clearInterval(ticking)
    socket.close()
  }
  try {
    return new PeerSession(await client.connected, end)
  } catch (error) {
    end()
    throw error
  } finally {
    clearTimeout(giveUp)
  }
}

class Client {
  readonly connected: Promise<Connection>
  readonly #options: PeerOptions
  readonly #send: (bytes: Uint8Array) => void
  readonly #noise: NoiseClient | undefined
  #hello: Hello
  #connection: Connection | undefined
  #sentAt = -Infinity
  #waitMs = 250
  #resolve!: (connection: Connection) => void
  #reject!: (error: Error) => void

  constructor(options: PeerOptions, send: (bytes: Uint8Array) => void) {
    const { channels = [], psk, protocolId } = options
    this.#options = options
    this.#send = send
    const front = {
      version: VERSION,
      wantsSeal: psk !== undefined,
      channels: channels.length,
      salt: randomU64(),
    }
    const hello: Hello = {
      is: 'request',
      ...front,
      kinds: kindsOf(channels),
      cookie: noCookie(),
      exchange: NONE,
    }
    this.#noise = psk && new NoiseClient({ prologue: prologueOf(hello, protocolId), psk })
    this.#hello = { ...hello, exchange: this.#noise?.first ?? NONE }
    this.connected = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  receive(bytes: Uint8Array): void {
    const datagram = decodeDatagram(bytes, this.#options.protocolId)
    if (datagram === undefined) return
    if (this.#connection === undefined) return void this.#onAnswer(datagram)
    if ('sealed' in datagram) {
      const content = this.#connection.open(datagram)
      if (content) this.#connection.session.receive(datagram.is, content)
    }
  }

  tick(): void {
    if (this.#connection) return void this.#connection.session.tick()
    const now = performance.now()
    if (now - this.#sentAt < this.#waitMs) return
    if (this.#sentAt > 0) this.#waitMs = Math.min(2 * this.#waitMs, 2000)
    this.#sayHello(now)
  }

  fail(error: Error): void {
    this.#reject(error)
  }

  #sayHello(now: number): void {
    this.#sentAt = now
    this.#send(encodeHandshake(this.#hello, this.#options.protocolId))
  }

  #onAnswer(datagram: Datagram): void {
    if (!('salt' in datagram) || datagram.salt !== this.#hello.salt) return
    if (datagram.is === 'refused') this.#reject(new RefusedError(datagram.reason))
    else if (datagram.is === 'challenge') this.#onChallenge(datagram)
    else if (datagram.is === 'accepted') this.#onAccepted(datagram)
  }

  #onChallenge({ cookie }: Challenge): void {
    if (this.#hello.is === 'response') return
    this.#hello = { ...this.#hello, is: 'response', cookie }
    this.#waitMs = 250
    this.#sayHello(performance.now())
  }

  #onAccepted({ session, exchange }: Accepted): void {
    if (this.#hello.is !== 'response') return
    let seals: Seals | undefined
    if (this.#noise) {
      const keys = this.#noise.finish(exchange)
      if (keys === undefined) return void this.#reject(new Error('the server has another key'))
      seals = { out: keys.toServer, in: keys.toClient }
    }
    this.#connection = new Connection(session, seals, this.#options, this.#send)
    this.#resolve(this.#connection)
  }
}

// ---- the server -------------------------------------------------------------------------------------------

interface Guest {
  readonly connection: Connection
  readonly accepted: Uint8Array
  address: { readonly address: string; readonly port: number }
  challenged: { readonly token: bigint; readonly port: number; readonly at: number } | undefined
}

export class PeerServer {
  readonly #options: PeerOptions
  readonly #socket: Socket
  readonly #secret = randomBytes(32)
  readonly #bySession = new Map<bigint, Guest>()
  readonly #bySalt = new Map<bigint, Guest>()
  readonly #waiting: ((session: PeerSession) => void)[] = []
  readonly #ticking: ReturnType<typeof setInterval>
  readonly #accepted: PeerSession[] = []
  migrations = 0

  private constructor(socket: Socket, options: PeerOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('message', (bytes, from) => this.#receive(new Uint8Array(bytes), from))
    this.#ticking = setInterval(() => {
      for (const { connection } of this.#bySession.values()) connection.session.tick()
    }, TICK_MS)
  }

  static async open(options: PeerOptions & { port?: number } = {}): Promise<PeerServer> {
    return new PeerServer(await boundSocket(options.port), options)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Each client once, in order. */
  next(): Promise<PeerSession> {
    const ready = this.#accepted.shift()
    return ready ? Promise.resolve(ready) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    clearInterval(this.#ticking)
    this.#socket.close()
  }

  #receive(bytes: Uint8Array, from: Address): void {
    const datagram = decodeDatagram(bytes, this.#options.protocolId)
    if (datagram === undefined) return
    if (datagram.is === 'request') this.#onRequest(datagram, from)
    else if (datagram.is === 'response') this.#onResponse(datagram, from)
    else if ('sealed' in datagram) this.#onSession(datagram, from)
  }

  #send(bytes: Uint8Array, { port, address }: Address): void {
    this.#socket.send(bytes, port, address)
  }

  #cookie(seconds: number, hello: Hello, { address, port }: Address): Uint8Array {
    const bytes = encodeHandshake({ ...hello, is: 'request' }, this.#options.protocolId).slice(5, 18)
    const mac = createHmac('sha256', this.#secret)
      .update(join(u32(seconds), u16(port), bytes, hello.exchange))
      .update(address)
    return join(u32(seconds), mac.digest())
  }

  #isCookieGood(hello: Hello, from: Address): boolean {
    const { cookie } = hello
    const seconds = new DataView(cookie.buffer, cookie.byteOffset).getUint32(0, true)
    const age = Math.floor(performance.now() / 1000) - seconds
    if (age < 0 || age > COOKIE_SECONDS || cookie.length !== COOKIE_BYTES) return false
    return timingSafeEqual(this.#cookie(seconds, hello, from), cookie)
  }

  #onRequest(hello: Hello, from: Address): void {
    if (hello.version !== VERSION) return void this.#refuse(hello, REFUSALS.version, from)
    const cookie = this.#cookie(Math.floor(performance.now() / 1000), hello, from)
    const answer: Challenge = { is: 'challenge', version: VERSION, salt: hello.salt, cookie }
    this.#send(encodeHandshake(answer, this.#options.protocolId), from)
  }

  #refuse({ salt }: Hello, reason: number, from: Address): void {
    const answer: Refused = { is: 'refused', version: VERSION, salt, reason }
    this.#send(encodeHandshake(answer, this.#options.protocolId), from)
  }

  #onResponse(hello: Hello, from: Address): void {
    if (!this.#isCookieGood(hello, from)) return
    const known = this.#bySalt.get(hello.salt)
    if (known) return void this.#send(known.accepted, from)
    const { channels = [], psk, protocolId } = this.#options
    if (hello.channels !== channels.length || hello.kinds !== kindsOf(channels))
      return void this.#refuse(hello, REFUSALS.channels, from)
    if (hello.wantsSeal !== (psk !== undefined))
      return void this.#refuse(hello, psk ? REFUSALS.mustBeSealed : REFUSALS.mustNotBeSealed, from)
    const keys = psk && answerNoise({ prologue: prologueOf(hello, protocolId), psk }, hello.exchange)
    if (psk && !keys) return void this.#refuse(hello, REFUSALS.key, from)
    this.#accept(hello, from, keys)
  }

  #accept(hello: Hello, from: Address, keys: (Keys & { second: Uint8Array }) | undefined): void {
    const id = randomU64() || 1n
    const seals = keys && { out: keys.toClient, in: keys.toServer }
    const connection = new Connection(id, seals, this.#options, (bytes) => this.#send(bytes, client.address))
    const answer: Accepted = {
      ...{ is: 'accepted', version: VERSION, salt: hello.salt, session: id, exchange: keys?.second ?? NONE },
    }
    const accepted = encodeHandshake(answer, this.#options.protocolId)
    const client: Guest = { connection, accepted, address: from, challenged: undefined }
    this.#bySession.set(id, client)
    this.#bySalt.set(hello.salt, client)
    this.#send(accepted, from)
    const session = new PeerSession(connection, () => void this.#bySession.delete(id))
    const waiting = this.#waiting.shift()
    if (waiting) waiting(session)
    else this.#accepted.push(session)
  }

  #onSession(datagram: ClearDatagram | SealedDatagram, from: Address): void {
    const client = this.#bySession.get(datagram.session)
    const content = client?.connection.open(datagram)
    if (client === undefined || content === undefined) return
    if (datagram.is === 'path-response') this.#onPathResponse(client, decodeToken(content), from)
    else client.connection.session.receive(datagram.is, content)
    if (client.address.port !== from.port || client.address.address !== from.address)
      this.#challengePath(client, from)
  }

  #challengePath(client: Guest, from: Address): void {
    const now = performance.now()
    if (client.challenged && client.challenged.port === from.port && now - client.challenged.at < 100) return
    const token = randomU64()
    client.challenged = { token, port: from.port, at: now }
    this.#send(client.connection.seal('path-challenge', u64(token)), from)
  }

  #onPathResponse(client: Guest, token: bigint | undefined, from: Address): void {
    if (token === undefined || client.challenged?.token !== token || client.challenged.port !== from.port)
      return
    client.challenged = undefined
    client.address = from
    this.migrations++
  }
}

interface Address {
  readonly address: string
  readonly port: number
}
