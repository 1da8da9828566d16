import type { SpillwayError } from '../../core/errors.ts'
import { type GudpHub, gudpCoreOf, useGudpModule } from '../../core/gudp-core.ts'
import { bellOf, Hub, type HubHandle } from '../../core/hub.ts'
import type { Endpoint, Ports } from '../../ports.ts'
import type { Service, ServiceContext } from '../io-service.ts'
import { type ConnectionName, connectionName } from './connection-handle.ts'
import { Daemon } from './daemon.ts'
import type { DaemonCounts } from './daemon-counts.ts'
import type { DialOptions } from './dial.ts'
import type { GudpListener, ListenOptions } from './listener.ts'
import type { Session } from './session.ts'

export interface GudpServiceOptions {
  readonly hub: HubHandle
  readonly places: number
  readonly maxDatagramBytes: number
  /** As the opener has compiled it. */
  readonly module: WebAssembly.Module
}

export type ToGudpService =
  | { readonly kind: 'listen'; readonly id: number; readonly options: Omit<ListenOptions, 'onSession'> }
  | { readonly kind: 'unlisten'; readonly id: number }
  | { readonly kind: 'connect'; readonly id: number; readonly options: DialOptions }
  /** The opener is a member of the connection now, or does not want it. */
  | { readonly kind: 'joined'; readonly key: number }
  | { readonly kind: 'stats'; readonly id: number }

export type FromGudpService =
  | { readonly kind: 'listening'; readonly id: number; readonly address: Endpoint }
  | {
      readonly kind: 'connected'
      readonly id: number
      readonly key: number
      readonly name: ConnectionName
    }
  /** One that came in, at listener `id`. */
  | {
      readonly kind: 'connection'
      readonly id: number
      readonly key: number
      readonly name: ConnectionName
    }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly message: string }
  | {
      readonly kind: 'stats'
      readonly id: number
      readonly counts: DaemonCounts
      readonly connections: number
    }

/** Connections that are served before the sockets of the system get their turn. */
const TURN = 256
/** Who says that it is about to go does so at once, unless its thread is kept from it. */
const LONGEST_LEAVE_MS = 1024

/** The daemon on the I/O thread: does what its opener asks, and what users of connections on any thread want. */
export class GudpService implements Service {
  readonly #daemon: Daemon
  readonly #hub: GudpHub
  readonly #ports: Ports
  readonly #post: (message: FromGudpService) => void
  readonly #listeners = new Map<number, GudpListener>()
  readonly #held = new Map<number, Session>()
  #keys = 0
  #departures: number
  readonly #done: Promise<void>

  private constructor(options: GudpServiceOptions, { ports, post }: ServiceContext) {
    this.#ports = ports
    this.#post = post
    this.#hub = Hub.from(gudpCoreOf, options.hub)
    this.#departures = this.#hub.departures()
    this.#daemon = new Daemon({
      ports,
      hub: { handle: options.hub, places: options.places },
      maxDatagramBytes: options.maxDatagramBytes,
    })
    this.#hub.serve()
    this.#done = this.#run()
  }

  static async open(options: GudpServiceOptions, context: ServiceContext): Promise<GudpService> {
    useGudpModule(options.module)
    return new GudpService(options, context)
  }

  receive(message: unknown): void {
    const asked = message as ToGudpService
    if (asked.kind === 'listen') void this.#listen(asked.id, asked.options)
    else if (asked.kind === 'connect') void this.#connect(asked.id, asked.options)
    else if (asked.kind === 'joined') this.#joined(asked.key)
    else if (asked.kind === 'stats') this.#tellStats(asked.id)
    else {
      this.#listeners.get(asked.id)?.close()
      this.#listeners.delete(asked.id)
    }
  }

  /** What was sent goes out, for half a second at most; then whoever waits finds the end. */
  close(): Promise<void> {
    this.#hub.stop()
    return this.#done
  }

  // ---- what the opener asks ------------------------------------------------------------------------------

  async #listen(id: number, options: Omit<ListenOptions, 'onSession'>): Promise<void> {
    try {
      const listener = await this.#daemon.listen({
        ...options,
        onSession: (session) => this.#post({ kind: 'connection', id, ...this.#hold(session) }),
      })
      this.#listeners.set(id, listener)
      this.#post({ kind: 'listening', id, address: listener.address })
    } catch (error) {
      this.#fail(id, error)
    }
  }

  async #connect(id: number, options: DialOptions): Promise<void> {
    try {
      const session = await this.#daemon.connect(options)
      this.#post({ kind: 'connected', id, ...this.#hold(session) })
    } catch (error) {
      this.#fail(id, error)
    }
  }

  /** It must not go before the opener has joined it. */
  #hold(session: Session): { key: number; name: ConnectionName } {
    const key = ++this.#keys
    session.isHeld = true
    session.wasHeld = true
    this.#held.set(key, session)
    const { machine, settings, socket, path } = session
    const name = connectionName(machine.handle, {
      channels: settings.channels,
      isBare: settings.machine.isBare,
      local: { address: socket.local.address, port: socket.local.port },
      peer: path.place,
    })
    return { key, name }
  }

  #joined(key: number): void {
    const session = this.#held.get(key)
    if (session === undefined) return
    this.#held.delete(key)
    this.#daemon.release(session)
    this.#closeIfUnused(session)
  }

  #fail(id: number, error: unknown): void {
    const { code, message } = error as SpillwayError
    this.#post({ kind: 'failed', id, code: String(code ?? 'EIO'), message: String(message ?? error) })
  }

  #tellStats(id: number): void {
    this.#post({ kind: 'stats', id, counts: { ...this.#daemon.counts }, connections: this.#daemon.size })
  }

  // ---- what users want ------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    const { clock } = this.#ports
    while (this.#hub.isOpen) {
      const isBusy = this.#serveReady()
      this.#lookForDeparted()
      const word = isBusy ? 0 : this.#hub.ackWait(this.#departures)
      if (word === 0) await new Promise<void>((resolve) => clock.soon(resolve))
      else await this.#sleep(word)
    }
    this.#serveReady()
    for (const key of [...this.#held.keys()]) this.#joined(key)
    await this.#daemon.stop()
    this.#hub.end()
    this.#hub.leave()
  }

  async #sleep(word: number): Promise<void> {
    const { region, core } = this.#hub
    await this.#ports.changed(region.i32, bellOf(region, core), word)
  }

  /** Whether there are more. */
  #serveReady(): boolean {
    for (let turn = 0; turn < TURN; turn++) {
      const name = this.#hub.ack()
      if (name === undefined) return false
      const session = this.#daemon.at(name.index)
      if (session !== undefined) this.#serve(session)
    }
    return true
  }

  #serve(session: Session): void {
    const { layout } = this.#hub.core
    const wants = session.machine.wants()
    if (wants > 0 && (wants & layout.WANTS_CLOSE) !== 0) this.#daemon.close(session)
    else this.#daemon.pump(session)
    if (wants > 0 && (wants & layout.WANTS_LEAVE) !== 0) this.#lookForLeaver(session, 1)
  }

  /** A user said that it is about to go. That it has gone nobody tells, so it is looked for, a few times. */
  #lookForLeaver(session: Session, againMs: number): void {
    if (session.isGone) return
    this.#closeIfUnused(session)
    if (againMs > LONGEST_LEAVE_MS || session.closing !== undefined) return
    this.#ports.clock.after(againMs, () => this.#lookForLeaver(session, 4 * againMs))
  }

  /**
   * Threads have gone: a connection that nobody has any more is closed. And one that died after it had said what it wants of a connection, and before the
   * bit in the hub, has left all others untold: so all are looked at.
   */
  #lookForDeparted(): void {
    const departures = this.#hub.departures()
    if (departures === this.#departures) return
    this.#departures = departures
    for (const session of [...this.#daemon.all()]) {
      this.#serve(session)
      this.#closeIfUnused(session)
    }
  }

  #closeIfUnused(session: Session): void {
    if (!session.isHeld && session.wasHeld && !session.machine.hasUsers()) this.#daemon.close(session)
  }
}
