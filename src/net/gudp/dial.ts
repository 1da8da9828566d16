import { checkHost, checkInteger, invalid } from '../../core/check.ts'
import { SpillwayError } from '../../core/errors.ts'
import type { AddressFamily, Cancel, Endpoint } from '../../ports.ts'
import { ClientHandshake, refusalError } from './client-handshake.ts'
import { type ConnectionOptions, type ConnectionSettings, connectionSettings } from './connection-options.ts'
import type { Daemon } from './daemon.ts'
import type { DaemonSocket } from './daemon-sockets.ts'
import { bindError, checkPlace, resolve, resolveLocal } from './endpoints.ts'
import { noPlace } from './hub-places.ts'
import { clientSecurity, type SecureOptions, type SecureSettings } from './secure-options.ts'
import type { Session } from './session.ts'
import { isOfSession, sessionHi, sessionLo } from './wire.ts'

export interface DialOptions extends ConnectionOptions {
  readonly host: string
  readonly port: number
  readonly secure?: boolean | SecureOptions | undefined
  /** The peer uses `reliable` alone: no handshake, no channels. Each side is told where the other is. */
  readonly bare?: boolean | undefined
  /** Where to send from. Default: any address, any port. */
  readonly localHost?: string | undefined
  readonly localPort?: number | undefined
  readonly family?: AddressFamily | undefined
  /** How long until it is established. Default 5000. */
  readonly connectTimeoutMs?: number | undefined
  readonly socketBufferBytes?: number | undefined
}

const DEFAULT_TIMEOUT_MS = 5000
const DEFAULT_BUFFER_BYTES = 1 << 20
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A connection that goes out: a socket of its own, and the handshake on it. */
export class Dial {
  readonly established: Promise<Session>
  readonly #daemon: Daemon
  readonly #options: DialOptions
  readonly #settings: ConnectionSettings
  readonly #secure: SecureSettings | undefined
  #socket: DaemonSocket | undefined
  #peer!: { address: string; port: number; family: AddressFamily }
  #handshake: ClientHandshake | undefined
  #session: Session | undefined
  #cancel: Cancel | undefined
  #settle!: (error: unknown) => void
  #resolve!: (session: Session) => void
  #isOver = false

  constructor(daemon: Daemon, options: DialOptions) {
    this.#daemon = daemon
    this.#options = options
    checkOptions(options)
    const isBare = options.bare === true
    if (isBare && options.secure !== undefined && options.secure !== false) {
      throw invalid('a bare connection has no encryption: leave out secure, or bare')
    }
    this.#secure = isBare ? undefined : clientSecurity(options.secure, daemon.ports.security)
    this.#settings = connectionSettings(options, { isSealed: this.#secure !== undefined, isBare })
    daemon.checkDatagram(this.#settings.maxDatagramBytes)
    this.established = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#settle = reject
    })
    this.#start().catch((error) => this.#fail(error))
  }

  /** The daemon stops. */
  abandon(): void {
    this.#fail(
      new SpillwayError('ECONNABORTED', 'the daemon was stopped before the connection was established'),
    )
  }

  async #start(): Promise<void> {
    const { ports } = this.#daemon
    const { host, port, family, localHost, localPort = 0 } = this.#options
    const found = await resolve(ports.resolver, host, family)
    this.#peer = { ...found, port }
    const any = found.family === 6 ? '::' : '0.0.0.0'
    const local: Endpoint = await resolveLocal(ports.resolver, localHost ?? any, localPort, found.family)
    await this.#open(local)
    if (this.#isOver) return this.#closeSocket()
    const { clock, security } = ports
    if (!this.#daemon.hasRoom) throw noPlace()
    if (this.#options.bare === true) {
      this.#establish(this.#daemon.open(this.#settings, this.#socket!, this.#peer, undefined, undefined))
      return
    }
    this.#handshake = new ClientHandshake({
      security,
      channels: this.#settings.channels,
      secure: this.#secure,
      protocolId: this.#settings.protocolId,
      timeoutMs: this.#options.connectTimeoutMs ?? DEFAULT_TIMEOUT_MS,
      nowMs: clock.now(),
    })
    this.#next()
  }

  async #open(local: Endpoint): Promise<void> {
    let socket: DaemonSocket
    try {
      socket = await this.#daemon.sockets.open({
        local,
        bufferBytes: this.#options.socketBufferBytes ?? DEFAULT_BUFFER_BYTES,
        onDatagram: (_socket, bytes, address, port) => this.#receive(bytes, address, port),
        onError: (code) => this.#errorOf(code),
      })
    } catch (error) {
      throw bindError(error, local)
    }
    this.#socket = socket
    await socket.socket.connect({ host: this.#peer.address, port: this.#peer.port })
    const { address, port } = this.#peer
    this.#socket = Object.assign(socket, { peer: { address, port }, local: socket.socket.local })
  }

  #errorOf(code: string): void {
    if (code !== 'ECONNREFUSED') return
    if (this.#session !== undefined) this.#daemon.refused(this.#session)
    else if (this.#options.bare !== true) this.#fail(this.#nobodyThere())
  }

  #nobodyThere(): SpillwayError {
    const { host, port } = this.#options
    return new SpillwayError(
      'ECONNREFUSED',
      `nobody listens at ${host} port ${port}: start the other side first, or check host and port`,
    )
  }

  #receive(bytes: Uint8Array, address: string, port: number): void {
    const session = this.#session
    if (this.#options.bare === true) {
      if (session !== undefined) this.#daemon.receiveBare(session, bytes)
      return
    }
    const type = this.#daemon.typeOf(bytes, this.#settings.protocolId)
    if (type === 0) return
    if (isOfSession(type)) {
      const id = session?.id
      if (id === undefined || id.lo !== sessionLo(bytes) || id.hi !== sessionHi(bytes)) this.#daemon.strange()
      else this.#daemon.receive(session!, type, bytes, address, port)
    } else if (session === undefined && this.#handshake !== undefined) this.#answer(bytes)
  }

  #answer(bytes: Uint8Array): void {
    const { clock } = this.#daemon.ports
    const answer = this.#handshake!.receive(bytes, clock.now())
    if (answer.type === 'progress') this.#next()
    else if (answer.type === 'refused') this.#fail(refusalError(answer.reason))
    else if (answer.type === 'established') {
      try {
        this.#establish(
          this.#daemon.open(this.#settings, this.#socket!, this.#peer, answer.session, answer.keys),
        )
      } catch (error) {
        this.#fail(error)
      }
    }
  }

  #next(): void {
    this.#cancel?.()
    if (this.#isOver) return
    const { clock } = this.#daemon.ports
    const { send, atMs, failed } = this.#handshake!.next(clock.now())
    if (failed !== undefined) {
      const { host, port } = this.#options
      this.#fail(
        new SpillwayError(
          'ETIMEDOUT',
          `${host} port ${port} does not answer: is it the right address, does a firewall let UDP pass, have both sides the same protocolId?`,
        ),
      )
      return
    }
    if (send !== undefined) this.#daemon.send(this.#socket!, send, this.#peer.address, this.#peer.port)
    this.#cancel = clock.after(Math.max(1, atMs - clock.now()), () => this.#next())
  }

  #establish(session: Session): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancel?.()
    this.#session = session
    this.#daemon.pump(session)
    this.#resolve(session)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancel?.()
    this.#closeSocket()
    this.#settle(error)
  }

  #closeSocket(): void {
    if (this.#socket !== undefined) this.#daemon.sockets.close(this.#socket)
  }
}

function checkOptions(options: DialOptions): void {
  const { localHost, localPort = 0, family = 4, connectTimeoutMs = DEFAULT_TIMEOUT_MS } = options
  checkPlace(options, 1)
  if (localHost !== undefined) checkHost('localHost', localHost)
  checkInteger('localPort', localPort, 0, 65_535)
  if (family !== 4 && family !== 6) {
    throw invalid(`family must be 4 or 6, not ${String(family)}`)
  }
  if (typeof connectTimeoutMs === 'number' && connectTimeoutMs > 0 && connectTimeoutMs <= LONGEST_TIMER_MS)
    return
  throw invalid(
    `connectTimeoutMs must be a number above 0, at most ${LONGEST_TIMER_MS}, not ${String(connectTimeoutMs)}`,
  )
}
