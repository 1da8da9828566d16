/**
 * `spillway/pino`: pino's lines to an exporter. The default export is a transport, for a worker of pino's; `destination` writes from the thread that logs straight to
 * the ring, and needs no worker.
 *
 * @module
 */
import { Writable } from 'node:stream'
import { SpillwayError } from '../core/errors.ts'
import { LineCutter } from '../node/line-cutter.ts'
import { patientFlush } from '../node/patient-flush.ts'
import { RingPace } from '../node/ring-pace.ts'
import { UdpExporter, type UdpExporterOptions } from '../node/udp.ts'

/** Those of `UdpExporter.open` that can be handed to a worker. */
export interface PinoTransportOptions
  extends Omit<UdpExporterOptions, 'onAlert' | 'serialize' | 'validate' | 'logger' | 'pool'> {
  /**
   * When lines come faster than they can be sent: `true`, the ring loses some, and counts them. Default `false`: they wait with pino, in memory without a
   * bound, as with any transport of pino's.
   */
  drop?: boolean
}

/** What `pino(options, destination)` takes. */
export interface PinoDestination extends AsyncDisposable {
  /** One line, into the ring. Never waits, never throws: `false`, it was dropped, and counted by the exporter. */
  write(line: string): boolean
  /** Calls back when all lines before are with the kernel (or dropped and counted). */
  flush(callback?: (error?: Error) => void): void
  /** Nothing to wait for: what is in the ring is sent by another thread, at the latest when the process exits. */
  flushSync(): void
  /** Closes the exporter if `destination` has opened it. */
  end(callback?: () => void): void
  readonly exporter: UdpExporter
  /** By which pino knows a destination from options. */
  readonly writable: true
}

/** For `pino.transport({ target: 'spillway/pino', options })`. */
export default async function transport(options: PinoTransportOptions): Promise<Writable> {
  const { drop = false, ...rest } = options ?? {}
  if (typeof drop !== 'boolean')
    throw new SpillwayError('ERR_INVALID_ARGUMENT', `drop must be a boolean, not ${String(drop)}`)
  const exporter = await UdpExporter.open(rest as UdpExporterOptions)
  return new LineStream(exporter, drop)
}

/** A destination over an exporter that is open already, and stays so. */
export function destination(exporter: UdpExporter): PinoDestination
/** A destination with an exporter of its own. */
export function destination(options: UdpExporterOptions): Promise<PinoDestination>
export function destination(
  given: UdpExporter | UdpExporterOptions,
): PinoDestination | Promise<PinoDestination> {
  if (given instanceof UdpExporter) return new Destination(given, false)
  return UdpExporter.open(given).then((exporter) => new Destination(exporter, true))
}

class Destination implements PinoDestination {
  readonly exporter: UdpExporter
  readonly writable = true
  readonly #isOwn: boolean

  constructor(exporter: UdpExporter, isOwn: boolean) {
    this.exporter = exporter
    this.#isOwn = isOwn
  }

  write(line: string): boolean {
    try {
      return this.exporter.write(line)
    } catch {
      return false // closed: a program that logs its own end must not be stopped by that
    }
  }

  flush(callback?: (error?: Error) => void): void {
    this.exporter.flush().then(
      () => callback?.(),
      (error) => callback?.(error),
    )
  }

  flushSync(): void {}

  end(callback?: () => void): void {
    void this[Symbol.asyncDispose]().then(() => callback?.())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOwn) await this.exporter.close()
  }
}

/** Chunks of lines to an exporter. What cannot be sent is counted there; an error here would end pino's worker, and with it all that comes later. */
class LineStream extends Writable {
  readonly #exporter: UdpExporter
  readonly #cutter = new LineCutter()
  readonly #pace: RingPace | undefined

  constructor(exporter: UdpExporter, drops: boolean) {
    super({ decodeStrings: true })
    this.#exporter = exporter
    const { capacity, capacityBytes } = exporter.stats().queue
    const patient = { flush: () => patientFlush(exporter) }
    this.#pace = drops ? undefined : new RingPace(patient, { lines: capacity, bytes: capacityBytes })
  }

  /** thread-stream asks for it when a program calls `logger.flush`. */
  flush(callback: (error?: Error) => void): void {
    // Behind all that was written before.
    this.write('', () => {
      patientFlush(this.#exporter).then(
        () => callback(),
        () => callback(), // what is not sent is told by the exporter's ledger, and is no reason to end the worker
      )
    })
  }

  override _write(chunk: Buffer, _: string, callback: () => void): void {
    this.#take(this.#cutter.cut(chunk), callback)
  }

  override _final(callback: () => void): void {
    this.#take(this.#cutter.rest(), callback)
  }

  override _destroy(_: Error | null, callback: (error?: Error | null) => void): void {
    void this.#exporter.close().then(() => callback(null))
  }

  #take(lines: Iterator<Uint8Array>, callback: () => void): void {
    for (let next = lines.next(); !next.done; next = lines.next()) {
      const line = next.value
      if (this.#pace?.hasRoomFor(line.length) === false) {
        const goOn = () => {
          this.#exporter.write(line)
          this.#take(lines, callback)
        }
        // At a standstill it goes on nevertheless: the ring loses then, and counts.
        this.#pace.turn(line.length).then(goOn, goOn)
        return
      }
      this.#exporter.write(line)
    }
    callback()
  }
}
