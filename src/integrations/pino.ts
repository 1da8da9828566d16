/**
 * `spillway/pino`: pino's lines to an exporter. The default export is a transport, for a worker of pino's; `destination` writes from the thread that logs straight to
 * the ring, and needs no worker.
 *
 * @module
 */
import process from 'node:process'
import { Writable } from 'node:stream'
import { invalid } from '../core/check.ts'
import { LineCutter } from '../node/line-cutter.ts'
import { patientFlush } from '../node/patient-flush.ts'
import { RingPace } from '../node/ring-pace.ts'
import { UdpExporter, type UdpExporterOptions } from '../node/udp.ts'
import { tellMainThread } from './pino/main-thread.ts'

/**
 * At the end of a program pino waits ten seconds for the chunk in hand, then ten for the transport's end; what takes longer becomes an error. So long may a chunk wait for
 * room in the ring, all that is left after the end wait for it, and the exporter take to close; it needs a second more for its sockets.
 */
const LONGEST_PACE_MS = 5000
const LONGEST_LAST_PACE_MS = 2000
const LONGEST_CLOSE_MS = 6000

/** A collector that does not answer must not hold the program again at every `logger.fatal`. */
const PATIENT_AGAIN_MS = 10_000

/** Those of `UdpExporter.open` that can be handed to a worker. */
export interface PinoTransportOptions
  extends Omit<
    UdpExporterOptions,
    'onAlert' | 'serialize' | 'validate' | 'logger' | 'pool' | 'ioThread' | 'handleSignals'
  > {
  /**
   * When lines come faster than they can be sent: `true`, the ring loses some, and counts them. Default `false`: they wait with pino, in memory without a
   * bound, as with any transport of pino's.
   */
  drop?: boolean
}

/** What `pino(options, destination)` takes. */
export interface PinoDestination extends AsyncDisposable {
  /** One line, into the ring. Never waits, never throws: `false`, it was dropped, and counted by the exporter, or is one of `refused`. */
  write(line: string): boolean
  /** Calls back when all lines before are with the kernel (or dropped and counted). */
  flush(callback?: (error?: Error) => void): void
  /**
   * pino calls it after `logger.fatal`: blocks until all lines before are with the kernel, two seconds at most; and not again for ten when that was not
   * enough.
   */
  flushSync(): void
  /** Takes no line any more, sends what there is, and closes the exporter if `destination` has opened it. Never rejects. */
  close(): Promise<void>
  /** The same, as a stream has it. */
  end(callback?: () => void): void
  /** Lines that came after the end, of this or of the exporter: lost, and not in the exporter's ledger. */
  readonly refused: number
  readonly exporter: UdpExporter
  /** By which pino knows a destination from options. */
  readonly writable: true
}

/** For `pino.transport({ target: 'spillway/pino', options })`. */
export default async function transport(options: PinoTransportOptions): Promise<Writable> {
  const { drop = false, ...rest } = options ?? {}
  if (typeof drop !== 'boolean') throw invalid(`drop must be a boolean, not ${String(drop)}`)
  checkForWorker(rest)
  const exporter = await UdpExporter.open({ ...(rest as UdpExporterOptions), onAlert: tellMainThread })
  return new LineStream(exporter, drop)
}

function checkForWorker({ closeTimeoutMs = 0, handleSignals }: Partial<UdpExporterOptions>): void {
  if (handleSignals)
    throw invalid(
      "handleSignals does nothing in pino's worker, where no signal comes: leave it out, or use destination()",
    )
  if (closeTimeoutMs > LONGEST_CLOSE_MS)
    throw invalid(
      `closeTimeoutMs must be at most ${LONGEST_CLOSE_MS} in pino's worker, not ${closeTimeoutMs}: pino waits ten seconds for its end`,
    )
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
  #refused = 0
  #end: Promise<void> | undefined
  #gaveUpMs = Number.NEGATIVE_INFINITY

  constructor(exporter: UdpExporter, isOwn: boolean) {
    this.exporter = exporter
    this.#isOwn = isOwn
  }

  get refused(): number {
    return this.#refused
  }

  write(line: string): boolean {
    if (this.#end === undefined) {
      try {
        return this.exporter.write(line)
      } catch {
        // Closed: a program that logs its own end must not be stopped by that.
      }
    }
    this.#refused++
    return false
  }

  flush(callback: (error?: Error) => void = () => {}): void {
    // In a turn of its own: what a callback throws is the program's, and no rejection of ours.
    this.exporter.flush().then(
      () => process.nextTick(callback),
      (error: Error) => process.nextTick(callback, error),
    )
  }

  flushSync(): void {
    const isPatient = performance.now() - this.#gaveUpMs > PATIENT_AGAIN_MS
    if (this.exporter.flushSync(isPatient ? {} : { timeoutMs: 0 })) this.#gaveUpMs = Number.NEGATIVE_INFINITY
    else if (isPatient) this.#gaveUpMs = performance.now()
  }

  end(callback: () => void = () => {}): void {
    void this.close().then(() => process.nextTick(callback))
  }

  close(): Promise<void> {
    this.#end ??= this.#isOwn ? this.exporter.close() : this.exporter.flush().catch(() => {})
    return this.#end
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Chunks of lines to an exporter. What cannot be sent is counted there; an error here would end pino's worker, and with it all that comes later. */
class LineStream extends Writable {
  readonly #exporter: UdpExporter
  readonly #cutter = new LineCutter()
  readonly #pace: RingPace | undefined
  #pacedUntilMs = 0
  /** Ends the wait for room that is under way. */
  #goOn: () => void = () => {}

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

  /** Behind the end: an error would take with it what still waits, and the worker. */
  override write(...given: unknown[]): boolean {
    if (!this.writableEnded && !this.destroyed) return super.write(...(given as [unknown, BufferEncoding]))
    const callback = given.at(-1)
    if (typeof callback === 'function') process.nextTick(callback as () => void)
    return true
  }

  override end(...given: unknown[]): this {
    this.#pacedUntilMs = performance.now() + LONGEST_LAST_PACE_MS
    // What waits at this moment may have begun with more.
    setTimeout(() => this.#goOn(), LONGEST_LAST_PACE_MS).unref()
    return super.end(...(given as []))
  }

  override _write(chunk: Buffer, _: string, callback: () => void): void {
    if (!this.writableEnded) this.#pacedUntilMs = performance.now() + LONGEST_PACE_MS
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
      const leftMs = this.#pacedUntilMs - performance.now()
      if (leftMs > 0 && this.#pace?.hasRoomFor(line.length) === false) {
        const goOn = () => {
          this.#put(line)
          this.#take(lines, callback)
        }
        void this.#roomFor(line.length, leftMs).then(goOn)
        return
      }
      this.#put(line)
    }
    callback()
  }

  /** At a standstill, or when it takes too long, the lines go on nevertheless: the ring loses then, and counts. */
  async #roomFor(bytes: number, leftMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      this.#goOn = resolve
      timer = setTimeout(resolve, leftMs)
    })
    await Promise.race([this.#pace!.turn(bytes).catch(() => {}), late])
    clearTimeout(timer)
  }

  #put(line: Uint8Array): void {
    try {
      this.#exporter.write(line)
    } catch {
      // Its I/O thread could not be started again, which an alert has told.
    }
  }
}
