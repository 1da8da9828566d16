import { checkHandle, type DiodeHandle } from './handle.ts'
import { LaneDiode } from './lane-diode.ts'
import { type Alert, checkAlert, checkOptions, type DiodeOptions } from './options.ts'
import { defaultRegion } from './region.ts'
import { Ring } from './ring.ts'

const MAX_WRITERS = 256

/**
 * A lossy ring from many writers to one reader. Each writer has a lane of its own, so that none ever waits for another,
 * not even for one that is stopped in the middle of a record. `capacity` is what one writer may have waiting.
 *
 * Order is kept per writer. A writer may come and go at any time; what it had written is still delivered.
 */
export class ManyToOne extends LaneDiode {
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
    const { abi } = ring.region
    super(
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

  protected override takeWriter(): { lane: number; generation: number } {
    const { region, address, generation, endpoint } = this.ring
    const lane = region.abi.manyToOneJoin(address, generation, region.token, endpoint)
    if (lane < 0) throw region.failure(lane)
    return { lane, generation: region.generationOf(lane) }
  }
}
