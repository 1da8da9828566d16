/**
 * `spillway/otel`: OpenTelemetry's log records to an exporter, and the figures of exporters and collectors to its meters.
 *
 * @module
 */
import type { LogRecordExporter, LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { invalid } from '../core/check.ts'
import { reportOnce, SpillwayError } from '../core/errors.ts'
import type { UdpExporter } from '../node/udp.ts'
import { eventOf, lineOf } from './otel/log-event.ts'

export type { LogEvent } from './otel/log-event.ts'
export { type Labelled, type Measured, meterMetrics, type ReadOptions, type Things } from './otel-meters.ts'

/** What records become, and whose the exporter is. */
export interface OtelOptions {
  /** What becomes of a record: what `JSON.stringify` takes. Default: a `LogEvent`. */
  toEvent?: (record: ReadableLogRecord) => unknown
  /** `shutdown()` closes the exporter, as the end of the pipeline that it is. Default true. */
  closes?: boolean
}

/** What an exporter of OpenTelemetry calls back with. */
type ExportResult = Parameters<Parameters<LogRecordExporter['export']>[1]>[0]

/** As `ExportResultCode` of `@opentelemetry/core`. */
const SUCCESS = 0
const FAILED = 1

const NOT_WRITTEN = 'a log record could not be written as JSON'

class RecordWriter {
  readonly exporter: UdpExporter
  refused = 0
  readonly #toEvent: (record: ReadableLogRecord) => unknown
  readonly #closes: boolean
  #end: Promise<void> | undefined

  constructor(exporter: UdpExporter, { toEvent = eventOf, closes = true }: OtelOptions = {}) {
    if (typeof exporter?.write !== 'function') throw invalid('the first argument is an open UdpExporter')
    if (typeof toEvent !== 'function') throw invalid(`toEvent must be a function, not ${String(toEvent)}`)
    this.exporter = exporter
    this.#toEvent = toEvent
    this.#closes = closes
  }

  get isOver(): boolean {
    return this.#end !== undefined
  }

  /** `false`: dropped, and counted by the exporter; or refused, and counted here. */
  write(record: ReadableLogRecord): boolean {
    const line = this.isOver ? undefined : this.#lineOf(record)
    if (line !== undefined) {
      try {
        return this.exporter.write(line)
      } catch {
        // Closed by somebody else.
      }
    }
    this.refused++
    return false
  }

  #lineOf(record: ReadableLogRecord): string | undefined {
    let what = this.#toEvent === eventOf ? NOT_WRITTEN : 'the toEvent callback threw'
    try {
      const event = this.#toEvent(record)
      what = NOT_WRITTEN
      return lineOf(event)
    } catch (error) {
      reportOnce(this, `${what}; the record is left out`, error)
      return undefined
    }
  }

  flush(): Promise<void> {
    return this.isOver ? Promise.resolve() : this.exporter.flush()
  }

  shutdown(): Promise<void> {
    this.#end ??= this.#closes ? this.exporter.close() : this.exporter.flush().catch(() => {})
    return this.#end
  }
}

/**
 * Writes each record to the ring as it is emitted: nothing waits, and nothing is dropped before the exporter counts it. Between the SDK and an exporter of records
 * stands a queue of the SDK's, which drops what is beyond 2048, and says nothing.
 */
export class SpillwayLogRecordProcessor implements LogRecordProcessor {
  readonly #writer: RecordWriter

  constructor(exporter: UdpExporter, options?: OtelOptions) {
    this.#writer = new RecordWriter(exporter, options)
  }

  /** Records that are in no ledger of the exporter's: `toEvent` threw, they have no JSON, or they came after the end. */
  get refused(): number {
    return this.#writer.refused
  }

  onEmit(record: ReadableLogRecord): void {
    this.#writer.write(record)
  }

  /** Resolves when all that was emitted is with the kernel (or dropped and counted). */
  forceFlush(): Promise<void> {
    return this.#writer.flush()
  }

  shutdown(): Promise<void> {
    return this.#writer.shutdown()
  }
}

/** For a processor of the SDK's, a `BatchLogRecordProcessor` for instance. */
export class SpillwayLogRecordExporter implements LogRecordExporter {
  readonly #writer: RecordWriter

  constructor(exporter: UdpExporter, options?: OtelOptions) {
    this.#writer = new RecordWriter(exporter, options)
  }

  /** Records that are in no ledger of the exporter's: `toEvent` threw, they have no JSON, or they came after the end. */
  get refused(): number {
    return this.#writer.refused
  }

  /** Calls back at once: each record is in the ring, or was dropped or refused, and counted, which is told as a failure. */
  export(records: ReadableLogRecord[], callback: (result: ExportResult) => void): void {
    let dropped = 0
    for (const record of records) if (!this.#writer.write(record)) dropped++
    if (dropped === 0) callback({ code: SUCCESS })
    else callback({ code: FAILED, error: this.#reason(dropped, records.length) })
  }

  #reason(dropped: number, records: number): Error {
    if (this.#writer.isOver)
      return new SpillwayError('ERR_CLOSED', 'the exporter has been shut down: make a new one')
    return new Error(
      `${dropped} of ${records} records were dropped: the exporter's stats() say why, or 'refused' here`,
    )
  }

  /** Never rejects: the SDK's batching would export nothing any more. What is late goes on, and is in the exporter's ledger. */
  forceFlush(): Promise<void> {
    return this.#writer.flush().catch(() => {})
  }

  shutdown(): Promise<void> {
    return this.#writer.shutdown()
  }
}
