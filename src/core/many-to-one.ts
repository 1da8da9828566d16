import { Diode } from './diode.ts'
import { checkHandle, type DiodeHandle } from './handle.ts'
import { LaneReader } from './lane-reader.ts'
import { type Alert, checkAlert, checkOptions, type DiodeOptions } from './options.ts'
import { readerPort } from './reader.ts'
import { defaultRegion } from './region.ts'
import { Ring } from './ring.ts'

const MAX_WRITERS = 256

/**
 * A lossy ring from many writers to one reader. Each writer has a lane of its own, so that none ever waits for another,
 * not even for one that is stopped in the middle of a record. `capacity` is what one writer may have waiting.
 *
 * Order is kept per writer. A writer may come and go at any time; what it had written is still delivered.
 */
export class ManyToOne extends Diode {
  readonly #reader: LaneReader

  /**
   * @param capacity how many records one writer may have waiting
   * @param alert called on the reader's side with exactly how many records were lost
   */
  constructor(capacity: number, alert?: Alert | null, options?: DiodeOptions)
  /** @internal */
  constructor(ring: Ring, alert?: Alert | null)
  constructor(capacity: number | Ring, alert?: Alert | null, options?: DiodeOptions) {
    const checked = checkAlert(alert)
    const ring =
      capacity instanceof Ring
        ? capacity
        : Ring.create(defaultRegion(), 'ManyToOne', checkOptions(capacity, options))
    super(ring)
    const { abi } = ring.region
    this.#reader = new LaneReader(
      ring,
      { next: abi.manyToOneNext, batch: abi.manyToOneBatch, holds: ring.capacity * MAX_WRITERS },
      checked,
    )
  }

  /** Joins from another thread (or the same), to write or to read. */
  static from(handle: DiodeHandle, alert?: Alert | null): ManyToOne {
    checkAlert(alert)
    return new ManyToOne(Ring.join('ManyToOne', checkHandle(handle, 'ManyToOne')), alert)
  }

  /** The oldest record of the writer whose turn it is, as a copy of the caller's own; `undefined` when there is none. */
  tryNext(): Uint8Array | undefined {
    return this.#reader.next()
  }

  /** As `OneToOne.drain`, writer by writer. */
  drain(fn: (record: Uint8Array) => void, limit?: number): number {
    return this.#reader.drain(fn, limit)
  }

  /** @internal */
  get [readerPort](): LaneReader {
    return this.#reader
  }

  protected override takeWriter(): { lane: number; generation: number } {
    const { region, address, generation, endpoint } = this.ring
    const lane = region.abi.manyToOneJoin(address, generation, region.token, endpoint)
    if (lane < 0) throw region.failure(lane)
    return { lane, generation: region.generationOf(lane) }
  }

  protected override stopReading(): void {
    this.#reader.stop()
  }
}
