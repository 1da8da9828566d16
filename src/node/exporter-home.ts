import { gudpModule } from '../core/gudp-core.ts'
import type { LineRing } from '../core/line-ring.ts'
import type { OneToMany } from '../core/one-to-many.ts'
import type { Alert } from '../net/alerts.ts'
import { counter } from '../net/counters.ts'
import { countLost } from '../net/exporter-ledger.ts'
import {
  type ExporterMessage,
  type ExporterServiceOptions,
  openExporterService,
  type ServiceMetadata,
} from '../net/exporter-service.ts'
import type { ServiceHost, ServiceLink } from '../net/io-service.ts'
import { type DrainWait, drainAtExit, drainAtSignals } from './exit.ts'
import { InlineHost } from './inline-host.ts'
import { type IoThread, sharedIoThread } from './io-thread.ts'
import type { Log } from './logging.ts'
import { type MetadataEntry, metadataCache } from './metadata-cache.ts'
import { waitUntilServed } from './served.ts'
import type { CheckedUdpOptions } from './udp-options.ts'

/** An I/O thread that keeps dying is not started for ever. */
const RESTARTS = 3

/** What only the thread that opened the exporter has: the service, the metadata, the end. */
export class ExporterHome {
  readonly options: CheckedUdpOptions
  readonly log: Log
  readonly source = makeSource()
  readonly #ring: LineRing
  readonly #alerts: OneToMany
  readonly #startedAt = new Date().toISOString()
  #link: ServiceLink | undefined
  #metadata: MetadataEntry | undefined
  #removals: (() => void)[] = []
  #restarts = 0
  #isStopping = false
  #onAlerts: () => void = () => {}
  #tell: (alert: Alert) => void = () => {}

  constructor(options: CheckedUdpOptions, log: Log, ring: LineRing, alerts: OneToMany) {
    this.options = options
    this.log = log
    this.#ring = ring
    this.#alerts = alerts
  }

  async start(onAlerts: () => void, tell: (alert: Alert) => void): Promise<void> {
    this.#onAlerts = onAlerts
    this.#tell = tell
    if (this.options.metadata !== false) this.#makeMetadata(this.options.metadata ?? {})
    try {
      await this.#open()
    } catch (error) {
      this.#metadata?.release()
      throw error
    }
    if (this.options.pool === undefined) this.#removals.push(drainAtExit(this))
    if (this.options.handleSignals) this.#removals.push(drainAtSignals())
  }

  post(message: ExporterMessage): void {
    this.#link?.post(message)
  }

  changeMetadata(fields: Record<string, unknown>): void {
    this.post({ kind: 'metadata', metadata: serviceMetadata(this.#makeMetadata(fields)) })
  }

  /** The process is ending: the answer blocks. */
  startDrain(isLast: boolean): DrainWait {
    if (this.#isStopping || this.#link === undefined) return () => true
    const { outlet } = this.#ring
    if (isLast) outlet.shut()
    const ticket = outlet.askFlush()
    this.#ring.wake()
    return (deadlineMs) => waitUntilServed(outlet, ticket, deadlineMs)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const remove of this.#removals) remove()
    await this.#link?.close()
    this.#link = undefined
    this.#metadata?.release()
  }

  async #open(): Promise<void> {
    const metadata = this.#metadata
    const link = await this.#host().open('exporter', this.#serviceOptions(), {
      onMessage: () => this.#onAlerts(),
      onDebug: this.log.listens ? (text) => this.log.debug(text) : undefined,
      onLost: (error) => void this.#lost(error),
    })
    if (this.#isStopping) return link.close() // while it was started again
    this.#link = link
    if (this.#metadata !== metadata)
      link.post({ kind: 'metadata', metadata: serviceMetadata(this.#metadata!) })
  }

  #host(): ServiceHost {
    const { pool, ioThread } = this.options
    if (pool !== undefined) {
      return new InlineHost((options, context) =>
        openExporterService(options as ExporterServiceOptions, context, pool),
      )
    }
    return ioThread?.isRunning ? (ioThread as IoThread) : sharedIoThread()
  }

  /** The I/O thread is dead: what it had in hand is lost, and counted; what is in the ring goes with the next one. */
  async #lost(error: Error): Promise<void> {
    this.#link = undefined
    if (this.#isStopping) return
    const events = countLost(this.#ring)
    const again = this.#restarts++ < RESTARTS
    this.#tell({
      kind: 'io-thread',
      events,
      message: `the I/O thread has ended (${error.message}); ${again ? 'it is started again' : 'nothing is sent any more: open a new exporter'}`,
    })
    if (!again) {
      this.#ring.outlet.shut()
      this.#ring.outlet.serveForGood()
      return
    }
    this.#ring.outlet.add(counter.ioRestarts, 1)
    try {
      await this.#open()
    } catch (failure) {
      await this.#lost(failure as Error)
    }
  }

  #makeMetadata(fields: Record<string, unknown>): MetadataEntry {
    const { options } = this
    const made = metadataCache.get({
      destination: destinationOf(options.host, options.port),
      bufferBytes: options.sendBufferBytes,
      fields,
      ...(options.metadataCompression ? { compression: options.metadataCompression } : {}),
      ...(options.metadataCacheFile === undefined ? {} : { file: options.metadataCacheFile }),
    })
    this.#metadata?.release()
    this.#metadata = made
    const { outlet } = this.#ring
    outlet.add(counter.metadataHits, made.hits)
    outlet.add(counter.metadataMisses, made.misses)
    outlet.add(counter.metadataMicros, Math.round(made.ms * 1000))
    return made
  }

  #serviceOptions(): ExporterServiceOptions {
    const { options } = this
    return {
      ring: this.#ring.handle,
      alerts: this.#alerts.handle,
      source: this.source,
      startedAt: this.#startedAt,
      host: options.host,
      port: options.port,
      family: options.family,
      resolveRefreshMs: options.resolveRefreshMs,
      sendBufferBytes: options.sendBufferBytes,
      poolSize: options.poolSize,
      maxDatagramBytes: options.maxDatagramBytes,
      maxDelayMs: options.maxDelayMs,
      oneEventPerDatagram: options.oneEventPerDatagram,
      sequence: options.sequence,
      heartbeatMs: options.heartbeatMs,
      metadata: this.#metadata === undefined ? undefined : serviceMetadata(this.#metadata),
      metadataIntervalMs: options.metadataIntervalMs,
      alertIntervalMs: options.alertIntervalMs,
      thresholds: options.thresholds,
      gudp: options.gudp && { ...options.gudp, module: gudpModule() },
    }
  }
}

function serviceMetadata(entry: MetadataEntry): ServiceMetadata {
  return entry.handle === undefined ? { bytes: entry.bytes! } : { handle: entry.handle, length: entry.length }
}

function makeSource(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function destinationOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
