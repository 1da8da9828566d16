/**
 * `spillway/collector`: receives NDJSON over UDP, tells what was lost and where, and hands lines on to sinks.
 *
 * @module
 */
import './thread-host.ts'
import process from 'node:process'
import { reportCallbackError } from '../core/errors.ts'
import { gudpModule } from '../core/gudp-core.ts'
import { isLoopback } from '../net/address-ranges.ts'
import { AlertGate, type CollectorAlert } from '../net/collector-alerts.ts'
import {
  type CheckedCollectorOptions,
  type CollectorOptions as CollectorSettings,
  checkCollectorOptions,
} from '../net/collector-options.ts'
import type { CollectorMessage, CollectorServiceOptions } from '../net/collector-service.ts'
import type { GudpReceivingStats } from '../net/gudp/gudp-receiving.ts'
import type { ServiceHost, ServiceLink } from '../net/io-service.ts'
import { general, LedgerTables } from '../net/ledger-tables.ts'
import { placeOf } from '../net/place.ts'
import { RunningSink } from '../net/running-sink.ts'
import type { SinkStats } from '../net/sink-pump.ts'
import { type LedgerStats, lookUpSource, readLedgerTables } from '../net/source-stats.ts'
import type { Endpoint } from '../ports.ts'
import { clock } from './clock.ts'
import { sharedIoThread } from './io-thread.ts'
import { kernelDrops } from './kernel-drops.ts'
import { type Log, type Logger, makeLog } from './logging.ts'
import { security } from './security.ts'

export { type ErrorCode, SpillwayError } from '../core/errors.ts'
export type { CollectorAlert, CollectorAlertKind } from '../net/collector-alerts.ts'
export type { SinkFunction } from '../net/collector-options.ts'
export type { GudpReceivingStats } from '../net/gudp/gudp-receiving.ts'
export type { SecureOptions } from '../net/gudp/secure-options.ts'
export type { CollectorGudpOptions } from '../net/gudp/transport-options.ts'
export { type LineSource, Lines, type LinesPart } from '../net/lines.ts'
export { PartlyWritten, type Sink, type SinkContext } from '../net/sink.ts'
export type { SinkStats } from '../net/sink-pump.ts'
export type { FlowCounts, FlowStats, LedgerStats, SourceCounts, SourceStats } from '../net/source-stats.ts'
export { IoThread, type IoThreadOptions } from './io-thread.ts'
export type { Logger } from './logging.ts'
export { type FileSinkOptions, fileSink } from './sinks/file.ts'
export { type StdoutSinkOptions, stdoutSink } from './sinks/stdout.ts'

/** Where to listen, whom to hear, and what becomes of the lines. */
export interface CollectorOptions extends CollectorSettings {
  /** Gets what is said for debugging, and the alerts. pino, console, or anything with such methods. */
  logger?: Logger
  /** Instead of the I/O thread that everything shares. */
  ioThread?: ServiceHost
}

/** The ledger, the sinks, and what there was beside them. */
export interface CollectorStats extends LedgerStats {
  /** Lines that each sink was offered: `offered = handed + failed + dropped + inHand + waiting`. */
  readonly offered: number
  readonly sinks: readonly SinkStats[]
  /** Flows that are remembered, and how many were forgotten to make room. */
  readonly flows: number
  readonly flowsForgotten: number
  /** Datagrams from addresses that `allow` does not have. */
  readonly refused: number
  /** Datagrams thrown away because of `loseForTest`. */
  readonly madeToLose: number
  readonly receiveErrors: number
  /** Datagrams that the kernel had no room for. `undefined` where the system does not say (it is Linux that does). */
  readonly kernelDrops: number | undefined
  /** As the kernel answers; 0 where it does not say. */
  readonly recvBufferBytes: number
  readonly transport: 'udp' | 'gudp'
  /** With `transport: 'gudp'`. */
  readonly gudp: GudpReceivingStats | undefined
}

interface Bound {
  readonly address: Endpoint
  readonly recvBufferBytes: number
}

const LONGEST_TIMER_MS = 0x7fffffff

/**
 * Receives on the I/O thread and writes to a diode for each sink; on this thread the sinks read them. An open collector keeps the
 * process alive, as a listening socket does, until `close()`, or `unref()`.
 */
export class Collector implements AsyncDisposable {
  readonly #options: CheckedCollectorOptions
  readonly #tables: LedgerTables
  readonly #log: Log
  readonly #alerts: AlertGate
  readonly #closing = new AbortController()
  readonly #sinks: RunningSink[] = []
  readonly #alive: ReturnType<typeof setInterval>
  #whenBound: (bound: Bound) => void = () => {}
  #link: ServiceLink | undefined
  #bound: Bound | undefined
  /** Of a collector that is closed. */
  #finalDrops: number | undefined
  #closed: Promise<void> | undefined

  private constructor(options: CheckedCollectorOptions, log: Log) {
    this.#options = options
    this.#log = log
    this.#tables = LedgerTables.create(options.maxSources)
    this.#alerts = new AlertGate(clock, options.alertIntervalMs, (alert) => this.#deliver(alert))
    this.#alive = setInterval(() => {}, LONGEST_TIMER_MS)
  }

  /** Resolves when it listens. Rejects with what is wrong, and what to do. */
  static async open(options: CollectorOptions): Promise<Collector> {
    const checked = checkCollectorOptions(options, security)
    const collector = new Collector(checked, makeLog(options.logger))
    try {
      for (const sink of checked.sinks) await collector.#addSink(sink)
      await collector.#listen(options.ioThread ?? sharedIoThread())
    } catch (error) {
      await collector.#discard()
      throw error
    }
    for (const sink of collector.#sinks) sink.start()
    collector.#warnIfExposed(options)
    return collector
  }

  /** Where it listens: the port, if it was left to the system. */
  address(): Endpoint {
    return this.#bound!.address
  }

  /** As of now, in any state; exact whenever nothing is under way. */
  stats(): CollectorStats {
    const counts = this.#tables.general
    const offered = counts[general.linesOffered]!
    return {
      ...readLedgerTables(this.#tables),
      offered,
      sinks: this.#sinks.map((sink) => sink.stats(offered)),
      flows: counts[general.flows]!,
      flowsForgotten: counts[general.flowsForgotten]!,
      refused: counts[general.refused]!,
      madeToLose: counts[general.madeToLose]!,
      receiveErrors: counts[general.receiveErrors]!,
      kernelDrops: this.#closed === undefined ? kernelDrops(this.address().port) : this.#finalDrops,
      recvBufferBytes: this.#bound!.recvBufferBytes,
      transport: this.#options.gudp === undefined ? 'udp' : 'gudp',
      gudp: this.#options.gudp && gudpStats(counts),
    }
  }

  /** Receives no more, hands on what waits, for `timeoutMs` at most, and closes the sinks. Idempotent. */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(options.timeoutMs ?? this.#options.closeTimeoutMs)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** An open collector keeps the process alive. This is the default. */
  ref(): this {
    this.#alive.ref()
    return this
  }

  unref(): this {
    this.#alive.unref()
    return this
  }

  async #addSink(sink: CheckedCollectorOptions['sinks'][number]): Promise<void> {
    const running = new RunningSink({
      ...this.#options,
      sink,
      name: sink.name,
      clock,
      alerts: this.#alerts,
      closing: this.#closing.signal,
      lookUp: (row, flow) => lookUpSource(this.#tables, row, flow),
    })
    this.#sinks.push(running)
    await running.open()
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#finalDrops = kernelDrops(this.address().port)
    await this.#link?.close()
    this.#closing.abort()
    const deadlineMs = clock.now() + timeoutMs
    const counts = this.#tables.general
    const [lines, bytes] = [counts[general.linesOffered]!, counts[general.bytesOffered]!]
    await Promise.all(this.#sinks.map((sink) => sink.finish(deadlineMs, lines, bytes)))
    this.#alerts.close()
    clearInterval(this.#alive)
  }

  async #discard(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.discard()))
    this.#alerts.close()
    clearInterval(this.#alive)
  }

  // ---- the service on the I/O thread -----------------------------------------------------------------

  async #listen(host: ServiceHost): Promise<void> {
    const bound = new Promise<Bound>((resolve) => {
      this.#whenBound = resolve
    })
    this.#link = await host.open('collector', this.#serviceOptions(), {
      onMessage: (message) => this.#receive(message as CollectorMessage),
      onDebug: this.#log.listens ? (text) => this.#log.debug(text) : undefined,
      onLost: (error) => this.#lost(error),
    })
    this.#bound = await bound
    const { address, recvBufferBytes } = this.#bound
    this.#log.debug(`collector listens on ${placeOf(address)}, receive buffer ${recvBufferBytes} bytes`)
  }

  #serviceOptions(): CollectorServiceOptions {
    const {
      host,
      port,
      recvBufferBytes,
      sockets,
      allow,
      keepsHeartbeats,
      alertIntervalMs,
      maxSources,
      gudp,
    } = this.#options
    return {
      host,
      port,
      recvBufferBytes,
      sockets,
      allow,
      keepsHeartbeats,
      alertIntervalMs,
      madeToLose: this.#options.loseForTest,
      ledger: this.#tables.handle,
      feeds: this.#sinks.map((sink) => sink.handle),
      maxSources,
      gudp: gudp && { ...gudp, module: gudpModule() },
    }
  }

  #receive(message: CollectorMessage): void {
    if (message.kind === 'bound') this.#whenBound(message)
    else this.#deliver(message.alert)
  }

  #lost(error: Error): void {
    const message = `the I/O thread has ended, nothing is received any more: open a new Collector (${error.message})`
    this.#alerts.note('io-thread', 1, { message })
  }

  // ---- telling ---------------------------------------------------------------------------------------

  #deliver(alert: CollectorAlert): void {
    this.#log.alert(alert)
    const { onAlert } = this.#options
    if (onAlert === undefined) return
    try {
      onAlert(alert)
    } catch (error) {
      reportCallbackError('onAlert', onAlert, error)
    }
  }

  /** Whoever can reach the port can write to the sinks. */
  #warnIfExposed({ logger }: CollectorOptions): void {
    const { allow, onAlert } = this.#options
    const { address } = this.address()
    if (allow !== undefined || isLoopback(address)) return
    const message = `the collector takes lines from everybody who can reach ${address}: name who may send with \`allow\``
    this.#alerts.note('warning', 1, { message })
    if (onAlert === undefined && logger === undefined) process.emitWarning(message, 'SpillwayWarning')
  }
}

function gudpStats(counts: Float64Array): GudpReceivingStats {
  return {
    sessions: counts[general.sessions]!,
    opened: counts[general.sessionsOpened]!,
    resumed: counts[general.streamsResumed]!,
    unknown: counts[general.streamsUnknown]!,
    refused: counts[general.handshakesRefused]!,
    malformed: counts[general.malformed]!,
    strange: counts[general.strange]!,
    unopened: counts[general.unopened]!,
  }
}
