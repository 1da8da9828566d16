import { invalid } from '../../core/check.ts'
import type { Endpoint } from '../../ports.ts'
import { type ConnectionOptions, type ConnectionSettings, connectionSettings } from './connection-options.ts'
import type { Daemon } from './daemon.ts'
import type { DaemonSocket } from './daemon-sockets.ts'
import { bindError, checkPlace, resolveLocal } from './endpoints.ts'
import { type SecureOptions, serverSecurity } from './secure-options.ts'
import { type HandshakeLimits, ServerHandshake } from './server-handshake.ts'
import type { Session } from './session.ts'
import { SessionTable } from './session-table.ts'
import { isOfSession, sessionHi, sessionLo } from './wire.ts'

export interface ListenOptions extends ConnectionOptions {
  readonly host: string
  readonly port: number
  readonly secure?: boolean | SecureOptions | undefined
  /** More are refused. Default 256. */
  readonly maxConnections?: number | undefined
  /** Of the kernel, for all connections of the port. Default 4 MiB. */
  readonly socketBufferBytes?: number | undefined
  /** What is taken from addresses that have not proved that they are theirs. */
  readonly limits?: HandshakeLimits | undefined
  /** Of a new connection, once its peer has sent its first packet. */
  onSession(session: Session): void
}

const DEFAULT_CONNECTIONS = 256
const DEFAULT_BUFFER_BYTES = 4 << 20

/** A port at which connections come in. They all have its socket, which is closed after the last of them. */
export class GudpListener {
  readonly #daemon: Daemon
  readonly #options: ListenOptions
  readonly #settings: ConnectionSettings
  readonly #handshake: ServerHandshake
  readonly #sessions = new SessionTable<Session>()
  readonly #places = new Map<string, Session>()
  readonly #placeOf = new Map<Session, string>()
  #socket!: DaemonSocket
  #isClosed = false

  private constructor(daemon: Daemon, options: ListenOptions) {
    const { clock, security } = daemon.ports
    checkPlace(options, 0)
    const secure = serverSecurity(options.secure, security)
    this.#daemon = daemon
    this.#options = options
    this.#settings = connectionSettings(options, { isSealed: secure !== undefined, isBare: false })
    daemon.checkDatagram(this.#settings.maxDatagramBytes)
    const most = options.maxConnections ?? DEFAULT_CONNECTIONS
    if (!Number.isInteger(most) || most < 1) {
      throw invalid(`maxConnections must be an integer from 1, not ${String(most)}`)
    }
    this.#handshake = new ServerHandshake({
      security,
      channels: this.#settings.channels,
      secure,
      protocolId: this.#settings.protocolId,
      limits: options.limits,
      nowMs: clock.now(),
      hasRoom: () => daemon.hasRoom && this.#sessions.size < most,
      isTaken: (session) => this.#sessions.get(session.lo, session.hi) !== undefined,
      sessionAt: (address, port) => this.#places.get(placeKey(address, port))?.id,
    })
  }

  static async open(daemon: Daemon, options: ListenOptions): Promise<GudpListener> {
    const listener = new GudpListener(daemon, options)
    const local = await resolveLocal(daemon.ports.resolver, options.host, options.port)
    try {
      listener.#socket = await daemon.sockets.open({
        local,
        bufferBytes: options.socketBufferBytes ?? DEFAULT_BUFFER_BYTES,
        onDatagram: (socket, bytes, address, port) => listener.#receive(socket, bytes, address, port),
        onError: (code) =>
          daemon.ports.debug(`gudp: the socket of ${local.address}:${local.port} reports ${code}`),
      })
    } catch (error) {
      throw bindError(error, local)
    }
    return listener
  }

  get address(): Endpoint {
    return this.#socket.local
  }

  get connections(): number {
    return this.#sessions.size
  }

  get handshakes(): ServerHandshake['counts'] {
    return this.#handshake.counts
  }

  /** No more come in; those that are there go on. */
  close(): void {
    this.#isClosed = true
    this.#closeIfIdle()
  }

  /** The peer of a session is somewhere else now. */
  moved(session: Session): void {
    if (!this.#placeOf.has(session)) return
    this.#leavePlace(session)
    this.#takePlace(session)
  }

  forget(session: Session): void {
    if (session.id === undefined || this.#sessions.get(session.id.lo, session.id.hi) !== session) return
    this.#sessions.remove(session.id)
    this.#leavePlace(session)
    this.#closeIfIdle()
  }

  #closeIfIdle(): void {
    if (!this.#isClosed || this.#sessions.size > 0) return
    this.#daemon.sockets.close(this.#socket)
    this.#daemon.forgetListener(this)
  }

  #receive(socket: DaemonSocket, bytes: Uint8Array, address: string, port: number): void {
    const type = this.#daemon.typeOf(bytes, this.#settings.protocolId)
    if (type === 0) return
    if (isOfSession(type)) {
      const session = this.#sessions.get(sessionLo(bytes), sessionHi(bytes))
      if (session === undefined) this.#daemon.strange()
      else if (this.#daemon.receive(session, type, bytes, address, port) && !session.isAnnounced)
        this.#announce(session)
      return
    }
    if (this.#isClosed) return
    const answer = this.#handshake.receive(bytes, address, port, this.#daemon.ports.clock.now())
    if (answer.type === 'reply') this.#daemon.send(socket, answer.reply, address, port)
    else if (answer.type === 'accept') {
      const before = this.#places.get(placeKey(address, port))
      let session: Session
      try {
        session = this.#daemon.open(this.#settings, socket, { address, port }, answer.session, answer.keys)
      } catch (error) {
        this.#daemon.ports.debug(
          `gudp: no memory for a connection of ${address}: ${(error as Error).message}`,
        )
        return // it asks again
      }
      this.#sessions.add(answer.session, session)
      if (before !== undefined) {
        if (answer.keys === undefined) this.#daemon.replaced(before)
        else session.replaces = before
        this.#leavePlace(before)
      }
      this.#takePlace(session)
      this.#daemon.send(socket, answer.reply, address, port)
      this.#daemon.pump(session)
    }
  }

  #announce(session: Session): void {
    session.isAnnounced = true
    if (session.end === undefined) this.#options.onSession(session)
  }

  #takePlace(session: Session): void {
    const { address, port } = session.path.place
    const key = placeKey(address, port)
    this.#places.set(key, session)
    this.#placeOf.set(session, key)
  }

  #leavePlace(session: Session): void {
    const key = this.#placeOf.get(session)
    if (key === undefined) return
    this.#placeOf.delete(session)
    if (this.#places.get(key) === session) this.#places.delete(key)
  }
}

const placeKey = (address: string, port: number): string => `${address}|${port}`
