import { type ErrorCode, SpillwayError } from '../core/errors.ts'
import type { DiodeHandle } from '../core/handle.ts'
import { LineSplitter } from '../core/line-splitter.ts'
import type { Endpoint, ReceivingSocket } from '../ports.ts'
import { AddressRanges } from './address-ranges.ts'
import { AlertGate, type CollectorAlert } from './collector-alerts.ts'
import { Feeds } from './feed.ts'
import { type CollectorGudp, GudpReceiving, type GudpReceivingStats } from './gudp/gudp-receiving.ts'
import { Intake } from './intake.ts'
import type { Service, ServiceContext } from './io-service.ts'
import { general, type LedgerHandle, LedgerTables } from './ledger-tables.ts'
import { type LossOptions, makeLoss } from './made-to-lose.ts'
import { placeOf } from './place.ts'
import { SourceLedger } from './source-ledger.ts'

/** What a collector's opener tells the I/O thread: settings and handles. */
export interface CollectorServiceOptions {
  readonly host: string
  readonly port: number
  readonly recvBufferBytes: number
  readonly sockets: number
  readonly allow: readonly string[] | undefined
  readonly keepsHeartbeats: boolean
  readonly madeToLose: LossOptions | undefined
  readonly alertIntervalMs: number
  readonly ledger: LedgerHandle
  /** The sinks' diodes. */
  readonly feeds: readonly DiodeHandle[]
  /** Streams that are remembered, for gudp. */
  readonly maxSources: number
  /** `undefined`: over UDP as it is. */
  readonly gudp: CollectorGudp | undefined
}

/** To the opener. */
export type CollectorMessage =
  | { readonly kind: 'bound'; readonly address: Endpoint; readonly recvBufferBytes: number }
  | { readonly kind: 'alert'; readonly alert: CollectorAlert }

/**
 * What had come before `close` is still in the kernel's buffer: read on until nothing comes for so long,
 */
const QUIET_MS = 10
/** but no longer than this. */
const LONGEST_SETTLE_MS = 500
/** Of gudp nothing is lost by closing: what was not acknowledged the exporter still has. */
const LONGEST_GUDP_SETTLE_MS = 200

/** The receiving side of a collector: sockets, ledger, and the writing ends of the sinks' diodes. Resolves when it is bound. */
export async function openCollectorService(
  options: CollectorServiceOptions,
  context: ServiceContext,
): Promise<Service> {
  const service = new CollectorService(options, context)
  try {
    await service.bind()
  } catch (error) {
    await service.close()
    throw error
  }
  return service
}

class CollectorService implements Service {
  readonly #options: CollectorServiceOptions
  readonly #context: ServiceContext
  readonly #general: Float64Array
  readonly #alerts: AlertGate
  readonly #feeds: Feeds
  readonly #splitter: LineSplitter
  readonly #intake: Intake
  readonly #sockets: ReceivingSocket[] = []
  #gudp: GudpReceiving | undefined
  #received = 0
  #closing: Promise<void> | undefined

  constructor(options: CollectorServiceOptions, context: ServiceContext) {
    const { clock, inflate } = context.ports
    const tables = LedgerTables.from(options.ledger)
    this.#options = options
    this.#context = context
    this.#general = tables.general
    this.#general[general.clockOrigin] = Date.now() - clock.now()
    this.#alerts = new AlertGate(clock, options.alertIntervalMs, (alert) =>
      this.#post({ kind: 'alert', alert }),
    )
    this.#feeds = new Feeds(options.feeds, tables.general)
    this.#splitter = new LineSplitter()
    this.#intake = new Intake({
      ledger: this.#openLedger(tables),
      general: tables.general,
      feeds: this.#feeds,
      splitter: this.#splitter,
      inflate,
      alerts: this.#alerts,
      allow: options.allow && new AddressRanges(options.allow),
      keepsHeartbeats: options.keepsHeartbeats,
      isLost: options.madeToLose === undefined ? () => false : makeLoss(options.madeToLose),
    })
  }

  async bind(): Promise<void> {
    const local = await this.#resolve()
    if (this.#options.gudp !== undefined) return this.#bindGudp(local, this.#options.gudp)
    const first = await this.#open(local).catch((error) => {
      throw bindError(error, local)
    })
    for (let more = 1; more < this.#options.sockets; more++) {
      if (!(await this.#openAnother(first.address))) break
    }
    const { address, recvBufferBytes } = first
    this.#post({ kind: 'bound', address, recvBufferBytes })
  }

  async #bindGudp(local: Endpoint, gudp: CollectorGudp): Promise<void> {
    const intake = this.#intake
    this.#gudp = await GudpReceiving.open({
      ports: this.#context.ports,
      gudp,
      local,
      recvBufferBytes: this.#options.recvBufferBytes,
      most: this.#options.maxSources,
      admits: (address, port) => intake.admits(address, port),
      take: (bytes, address, port) => {
        this.#received++
        intake.takeAdmitted(bytes, address, port)
      },
      onCounts: (counts) => this.#countGudp(counts),
    })
    this.#post({ kind: 'bound', address: this.#gudp.address, recvBufferBytes: 0 })
  }

  #countGudp(counts: GudpReceivingStats): void {
    const figures = this.#general
    figures[general.sessions] = counts.sessions
    figures[general.sessionsOpened] = counts.opened
    figures[general.streamsResumed] = counts.resumed
    figures[general.streamsUnknown] = counts.unknown
    figures[general.handshakesRefused] = counts.refused
    figures[general.malformed] = counts.malformed
    figures[general.strange] = counts.strange
    figures[general.unopened] = counts.unopened
  }

  receive(): void {}

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#sockets.length > 0 || this.#gudp !== undefined) await this.#settle()
    await this.#gudp?.close()
    for (const socket of this.#sockets) socket.close()
    this.#alerts.close()
    this.#feeds.close()
    this.#splitter.close()
  }

  async #settle(): Promise<void> {
    const { clock } = this.#context.ports
    const untilMs = clock.now() + (this.#gudp === undefined ? LONGEST_SETTLE_MS : LONGEST_GUDP_SETTLE_MS)
    let before: number
    do {
      before = this.#received
      await new Promise<void>((resolve) => clock.after(QUIET_MS, resolve))
      await new Promise<void>((resolve) => clock.soon(resolve)) // a thread that was late has had a look at its sockets
    } while (this.#received !== before && clock.now() < untilMs)
  }

  // ---- sockets ---------------------------------------------------------------------------------------

  async #resolve(): Promise<Endpoint> {
    const { host, port } = this.#options
    try {
      const [first] = await this.#context.ports.resolver.resolve(host)
      if (first !== undefined) return { ...first, port }
    } catch (cause) {
      throw unresolved(host, (cause as { code?: string }).code ?? String(cause))
    }
    throw unresolved(host, 'no address')
  }

  async #open(local: Endpoint): Promise<ReceivingSocket> {
    const { recvBufferBytes, sockets } = this.#options
    const socket = await this.#context.ports.receiving.bind({
      local,
      recvBufferBytes,
      reusePort: sockets > 1,
      onDatagram: (bytes, address, port) => {
        this.#received++
        this.#intake.take(bytes, address, port)
      },
      onError: (code) => this.#failed(code),
      onWarning: (message) => this.#warn(message),
    })
    this.#sockets.push(socket)
    return socket
  }

  /** Where the port cannot be shared, the sockets that there are must do. */
  async #openAnother(local: Endpoint): Promise<boolean> {
    try {
      await this.#open(local)
      return true
    } catch (error) {
      const { code } = error as { code?: string }
      const there = this.#sockets.length
      this.#warn(
        `no more than ${there} of ${this.#options.sockets} sockets (${code}): this runtime cannot share a port`,
      )
      return false
    }
  }

  #failed(code: string): void {
    this.#general[general.receiveErrors]! += 1
    this.#alerts.note('receive-error', 1, { message: `the socket reports ${code}`, code })
  }

  // ---- telling ---------------------------------------------------------------------------------------

  #openLedger(tables: LedgerTables): SourceLedger {
    return new SourceLedger({
      tables,
      clock: this.#context.ports.clock,
      onLost: (flow, lines) => {
        const source = placeOf(flow)
        this.#alerts.note('lost', lines, { message: `lines of ${source} were lost on the way`, source })
      },
      onDropped: (flow, events) => {
        const source = placeOf(flow)
        const message = `the exporter at ${source} could not send all of its events: its heartbeats say why`
        this.#alerts.note('dropped-at-source', events, { message, source })
      },
    })
  }

  #warn(message: string): void {
    this.#context.ports.debug(message)
    this.#alerts.note('warning', 1, { message })
  }

  #post(message: CollectorMessage): void {
    this.#context.post(message)
  }
}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: stop it, or choose another port (0: the system chooses)',
  EACCES: 'it is not permitted: ports below 1024 need privileges, choose one above',
  EADDRNOTAVAIL: "it is no address of this machine: use one of its own, or '0.0.0.0' or '::' for all of them",
}

function bindError(error: unknown, local: Endpoint): SpillwayError {
  if (error instanceof SpillwayError) return error
  const { code, message } = error as { code?: string; message: string }
  const known = advice[code ?? '']
  return new SpillwayError(
    known === undefined ? 'ERR_BIND' : (code as ErrorCode),
    `the collector cannot listen on ${placeOf(local)} (${code ?? message}): ${known ?? 'check host and port'}`,
    { cause: error },
  )
}

function unresolved(host: string, why: string): SpillwayError {
  return new SpillwayError(
    'ERR_UNRESOLVED',
    `the host '${host}' has no address (${why}): check the name, or give an IP address of this machine`,
  )
}
