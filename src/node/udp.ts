/**
 * `spillway/udp`: events leave the program over UDP, and the program never waits.
 *
 * @module
 */
// First: before it is there nobody knows which thread this is.
import './thread-host.ts'
import { checkTimeout } from '../core/check.ts'
import { messageOf, reportCallbackError, SpillwayError } from '../core/errors.ts'
import { LineRing } from '../core/line-ring.ts'
import { OneToMany, type OneToManyReader } from '../core/one-to-many.ts'
import { Waiter } from '../core/waiting.ts'
import { AlertInbox } from '../net/alert-inbox.ts'
import { dropMessage } from '../net/alert-messages.ts'
import type { Alert } from '../net/alerts.ts'
import { readLedger } from '../net/exporter-ledger.ts'
import type { ExporterMessage } from '../net/exporter-service.ts'
import { type ExporterStats, readExporterStats } from '../net/exporter-stats.ts'
import { isExiting } from './exit.ts'
import { ExporterHome } from './exporter-home.ts'
import { makeLog, publishDiagnostics } from './logging.ts'
import { served, waitUntilServed } from './served.ts'
import { checkHandle, handleOf, type UdpExporterHandle } from './udp-handle.ts'
import { checkUdpOptions, type UdpExporterOptions } from './udp-options.ts'

export { type ErrorCode, SpillwayError } from '../core/errors.ts'
export type { AlertThresholds } from '../net/alert-levels.ts'
export type { Alert } from '../net/alerts.ts'
export type { ExporterStats } from '../net/exporter-stats.ts'
export type { Flow } from '../net/flow.ts'
export type { SecureOptions } from '../net/gudp/secure-options.ts'
export type { ExporterGudpOptions } from '../net/gudp/transport-options.ts'
export type { PresetName } from '../net/presets.ts'
export type { PoolContext, PoolCounts, PoolFactory, SocketPool } from '../net/socket-pool.ts'
export type { DatagramSocket } from '../ports.ts'
export { IoThread, type IoThreadOptions } from './io-thread.ts'
export type { Logger } from './logging.ts'
export type { UdpExporterHandle } from './udp-handle.ts'
export type { UdpExporterOptions } from './udp-options.ts'

/** What an endpoint in another thread may decide for itself. */
export type UdpEndpointOptions = Pick<UdpExporterOptions, 'onAlert' | 'serialize' | 'validate'>

/** Alerts that may wait for a thread that is busy; their totals tell what was missed. */
const ALERTS_WAITING = 64
const FLUSH_MS = 5000
/** As long as all exporters together may hold the end of a program. */
const FLUSH_SYNC_MS = 2000
const SEND_METADATA: ExporterMessage = { kind: 'send-metadata' }

/**
 * Takes events from any thread and sends them from another. `encode` and `write` return at once: the event is in shared memory,
 * or it is dropped and counted.
 */
export class UdpExporter implements AsyncDisposable {
  readonly handle: UdpExporterHandle
  readonly #ring: LineRing
  readonly #alerts: OneToMany
  readonly #serialize: (event: unknown) => string | Uint8Array
  readonly #isOwnSerialize: boolean
  readonly #validate: ((event: unknown) => boolean) | undefined
  readonly #onAlert: ((alert: Alert) => void) | undefined
  /** Only where it was opened. */
  readonly #home: ExporterHome | undefined
  #reader: OneToManyReader | undefined
  #inbox = new AlertInbox()
  #isClosed = false
  #closing: Promise<void> | undefined
  #final: ExporterStats | undefined

  private constructor(
    handle: UdpExporterHandle,
    ring: LineRing,
    alerts: OneToMany,
    options: UdpEndpointOptions,
    home?: ExporterHome,
  ) {
    this.handle = handle
    this.#ring = ring
    this.#alerts = alerts
    this.#isOwnSerialize = options.serialize !== undefined
    this.#serialize = options.serialize ?? JSON.stringify
    this.#validate = options.validate
    this.#onAlert = options.onAlert
    this.#home = home
  }

  /** Resolves when the address is known and the I/O thread is ready. Rejects with what is wrong, and what to do. */
  static async open(options: UdpExporterOptions): Promise<UdpExporter> {
    const checked = checkUdpOptions(options)
    const log = makeLog(checked.logger)
    const ring = LineRing.create(checked)
    let alerts: OneToMany | undefined
    try {
      alerts = new OneToMany(ALERTS_WAITING, null, { recordBytes: 1024 })
      const home = new ExporterHome(checked, log, ring, alerts)
      const exporter = new UdpExporter(
        handleOf(home.source, ring, alerts, checked.poolSize),
        ring,
        alerts,
        checked,
        home,
      )
      exporter.#reader = alerts.poller()
      await home.start(
        () => exporter.#readAlerts(),
        (alert) => exporter.#deliver(alert),
      )
      return exporter
    } catch (error) {
      alerts?.close()
      ring.close()
      throw error
    }
  }

  /** Joins from another thread (or the same), to write. Its `close` leaves; the exporter goes on. */
  static from(handle: unknown, options: UdpEndpointOptions = {}): UdpExporter {
    const given = checkHandle(handle)
    const ring = LineRing.from(given.ring)
    let alerts: OneToMany | undefined
    try {
      alerts = OneToMany.from(given.alerts)
      const exporter = new UdpExporter(given, ring, alerts, options)
      if (options.onAlert !== undefined) void exporter.#listen(alerts.poller())
      return exporter
    } catch (error) {
      alerts?.close()
      ring.close()
      throw error
    }
  }

  /**
   * Offers an event: as JSON, to be sent soon. `true`: stored. `false`: dropped and counted. Throws `ERR_INVALID_EVENT` for what
   * is no JSON value, `ERR_CLOSED` after `close`.
   */
  encode(event: unknown): boolean {
    if (this.#isClosed) throw closedError()
    return this.#store(this.#lineOf(event), this.#isOwnSerialize)
  }

  /** Offers a line that is ready: bytes or a string, with or without its newline. As `encode` otherwise. */
  write(line: Uint8Array | string): boolean {
    if (this.#isClosed) throw closedError()
    return this.#store(line, true)
  }

  /** `encode` for each. Answers how many were stored. */
  encodeBatch(events: Iterable<unknown>): number {
    let stored = 0
    for (const event of events) if (this.encode(event)) stored++
    return stored
  }

  /** Resolves when everything accepted before, by any thread, is with the kernel (or dropped and counted). */
  async flush(options: { timeoutMs?: number } = {}): Promise<void> {
    if (this.#final !== undefined) return
    const timeoutMs = checkTimeout(options.timeoutMs ?? FLUSH_MS)
    const ticket = this.#askFlush()
    const isInTime = await served(this.#ring.outlet, ticket, timeoutMs, () => this.#final !== undefined)
    if (!isInTime) throw this.#lateError(timeoutMs)
  }

  /**
   * `flush` that blocks the thread, for what must be out before the next line of the program runs. Answers whether it is, at
   * the latest after `timeoutMs` (2000).
   */
  flushSync(options: { timeoutMs?: number } = {}): boolean {
    const timeoutMs = checkTimeout(options.timeoutMs ?? FLUSH_SYNC_MS)
    if (this.#final !== undefined) return true
    const ticket = this.#askFlush()
    // The sockets of a pool of the user's own are on this very thread: nothing goes out while it blocks.
    const waitMs = this.#home?.options.pool === undefined ? timeoutMs : 0
    return waitUntilServed(this.#ring.outlet, ticket, performance.now() + waitMs)
  }

  #askFlush(): number {
    const ticket = this.#ring.outlet.askFlush()
    this.#ring.wake()
    return ticket
  }

  /**
   * The exporter's end (where it was opened): refuses new events in all threads, sends what there is, closes the sockets. An
   * endpoint made by `from` only leaves. Idempotent; never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The ledger, over all threads: `offered = sent + inRing + inFlight + dropped`. */
  stats(): ExporterStats {
    return this.#final ?? readExporterStats(this.#ring, this.handle.source, this.handle.poolSize)
  }

  /** Sends the metadata event once more, from where it lies. Only where the exporter was opened. */
  sendMetadata(): void {
    this.#atHome('sendMetadata').post(SEND_METADATA)
  }

  /** New fields: marshalled anew, once, and sent. Only where the exporter was opened. */
  setMetadata(fields: Record<string, unknown>): void {
    this.#atHome('setMetadata').changeMetadata(fields)
  }

  #atHome(what: string): ExporterHome {
    if (this.#isClosed) throw closedError()
    if (this.#home !== undefined) return this.#home
    throw new SpillwayError('ERR_UNSUPPORTED', `${what}() works only in the thread that opened the exporter`)
  }

  #lineOf(event: unknown): string | Uint8Array {
    let line: string | Uint8Array
    try {
      if (this.#validate !== undefined && !this.#validate(event)) throw new TypeError('validate refused it')
      line = this.#serialize(event)
    } catch (cause) {
      throw new SpillwayError('ERR_INVALID_EVENT', `this is no event to send: ${messageOf(cause)}`, { cause })
    }
    if (typeof line === 'string' || line instanceof Uint8Array) return line
    throw new SpillwayError(
      'ERR_INVALID_EVENT',
      `an event must be a JSON value; this is ${event === undefined ? 'undefined' : `a ${typeof event}`}`,
    )
  }

  #store(line: Uint8Array | string, scan: boolean): boolean {
    const ring = this.#ring
    const code = ring.write(line, scan)
    if (code === 0) return true
    const { codes } = ring
    if (code === codes.CLOSED) return this.#storeNoMore()
    if (code === codes.OVERSIZE || code === codes.RAW_NEWLINE) ring.wake() // so that it is told, even if nothing is sent
    return false
  }

  /** The program's own `exit` handlers may come after ours: an error there would change how the program ends. */
  #storeNoMore(): false {
    if (isExiting()) return false
    throw closedError()
  }

  #lateError(timeoutMs: number): SpillwayError {
    const { inRing, inFlight } = readLedger(this.#ring)
    return new SpillwayError(
      'ERR_TIMEOUT',
      `${inRing + inFlight} events were still to be sent after ${timeoutMs} ms: they go on; wait longer, or look at stats().errors`,
    )
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    if (this.#home !== undefined) {
      this.#ring.outlet.shut()
      await this.flush({ timeoutMs: this.#home.options.closeTimeoutMs }).catch(() => {})
      await this.#home.stop()
      this.#readAlerts()
    }
    this.#reader?.close()
    if (this.#home !== undefined) this.#ring.outlet.end()
    this.#final = this.#lastStats()
    this.#tellOfRest(this.#final.droppedBy.closed ?? 0)
    this.#alerts.close()
    this.#ring.close()
  }

  #tellOfRest(events: number): void {
    if (events === 0) return
    const message = dropMessage('closed', events)
    this.#deliver({ kind: 'drop', reason: 'closed', events, total: events, sinceMs: 0, message })
  }

  /** What another thread put in while the exporter closed, and what could not be sent in time: dropped, by name. */
  #lastStats(): ExporterStats {
    const stats = readExporterStats(this.#ring, this.handle.source, this.handle.poolSize)
    if (this.#home === undefined) return stats
    const left = stats.inRing + stats.inFlight
    return {
      ...stats,
      inRing: 0,
      inFlight: 0,
      dropped: stats.dropped + left,
      droppedBy: { ...stats.droppedBy, closed: left },
    }
  }

  // ---- alerts ----------------------------------------------------------------------------------------

  #readAlerts(): void {
    const reader = this.#reader
    if (reader === undefined) return
    for (let record = reader.tryNext(); record !== undefined; record = reader.tryNext()) {
      this.#deliver(this.#inbox.receive(record))
    }
  }

  #deliver(alert: Alert): void {
    if (isOldNews(alert)) return
    this.#home?.log.alert(alert)
    publishDiagnostics(alert)
    if (this.#onAlert === undefined) return
    try {
      this.#onAlert(alert)
    } catch (error) {
      reportCallbackError('onAlert', this.#onAlert, error)
    }
  }

  /** In threads that joined: asleep until there is an alert, and that keeps nothing alive. */
  async #listen(reader: OneToManyReader): Promise<void> {
    this.#reader = reader
    for await (const record of new Waiter(reader).unref()) this.#deliver(this.#inbox.receive(record))
  }
}

/** An I/O thread that was started again tells once more what the one before has told. */
function isOldNews(alert: Alert): boolean {
  if (alert.kind === 'drop') return alert.events === 0
  return alert.kind === 'error' && alert.times === 0 && alert.events === 0
}

function closedError(): SpillwayError {
  return new SpillwayError('ERR_CLOSED', 'the exporter is closed: open a new one')
}
