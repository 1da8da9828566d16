import { Diode } from './diode.ts'
import { LaneReader, type LaneSource } from './lane-reader.ts'
import type { Alert } from './options.ts'
import { readerPort } from './reader.ts'
import type { Ring } from './ring.ts'

/** The reading side of the diodes with one reader, which takes records out of the ring. */
export abstract class LaneDiode extends Diode {
  readonly #reader: LaneReader

  protected constructor(ring: Ring, source: LaneSource, alert: Alert | null) {
    super(ring)
    this.#reader = new LaneReader(ring, source, alert)
  }

  /**
   * The oldest record (of the writer whose turn it is), as a copy of the caller's own; `undefined` when there is none. Alerts
   * first if records were lost before it.
   */
  tryNext(): Uint8Array<ArrayBuffer> | undefined {
    return this.#reader.next()
  }

  /**
   * Reads all that is there, up to `limit` records, with no copy: a record is good only during the call of `fn`.
   * Answers how many. If `fn` throws, its record counts as read and the rest stays.
   */
  drain(fn: (record: Uint8Array) => void, limit?: number): number {
    return this.#reader.drain(fn, limit)
  }

  /** @internal */
  get [readerPort](): LaneReader {
    return this.#reader
  }

  protected override stopReading(): void {
    this.#reader.stop()
  }
}
