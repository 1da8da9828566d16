/**
 * `spillway/winston`: a transport of winston's to an exporter.
 *
 * @module
 */
import TransportStream, { type TransportStreamOptions } from 'winston-transport'
import { invalid } from '../core/check.ts'
import { UdpExporter, type UdpExporterOptions } from '../node/udp.ts'

/** winston's own options, and the exporter to write to. */
export interface SpillwayTransportOptions extends TransportStreamOptions {
  /** Open; it stays so when the logger ends. */
  exporter: UdpExporter
}

/** Under which a format leaves the line that it has made. */
const MESSAGE = Symbol.for('message')

/** Each `info` is a line in the ring when the logger's call returns; one that is dropped is counted by the exporter, and is no error. */
export class SpillwayTransport extends TransportStream {
  readonly exporter: UdpExporter
  #isOwn = false

  constructor(options: SpillwayTransportOptions) {
    const { exporter, ...rest } = options ?? {}
    if (typeof exporter?.write !== 'function')
      throw invalid(
        'give an open exporter: new SpillwayTransport({ exporter }), or await SpillwayTransport.open({ host, port })',
      )
    super(rest)
    this.exporter = exporter
  }

  /** With an exporter of its own, which is closed when the logger ends. */
  static async open(
    options: UdpExporterOptions,
    rest: TransportStreamOptions = {},
  ): Promise<SpillwayTransport> {
    const transport = new SpillwayTransport({ ...rest, exporter: await UdpExporter.open(options) })
    transport.#isOwn = true
    return transport
  }

  override log(info: Record<string | symbol, unknown>, next: () => void): void {
    try {
      const line = info[MESSAGE]
      if (typeof line === 'string') this.exporter.write(line)
      else this.exporter.encode(info)
    } catch {
      // Closed, or no JSON: a logger must not fail for that.
    }
    // Where nobody listens the infos of a burst would all be kept until its turn of the event loop is over.
    if (this.listenerCount('logged') > 0) setImmediate(() => this.emit('logged', info))
    next()
  }

  /** `logger.end()`: `finish` comes when all is with the kernel (or dropped and counted). */
  override _final(callback: () => void): void {
    const ended = this.#isOwn ? this.exporter.close() : this.exporter.flush()
    ended.then(callback, () => callback())
  }

  /** `logger.remove(transport)`, `logger.close()`. */
  override close(): void {
    if (this.#isOwn) void this.exporter.close()
  }
}
