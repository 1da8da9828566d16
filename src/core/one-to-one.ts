import { SpillwayError } from './errors.ts'
import { checkHandle, type DiodeHandle } from './handle.ts'
import { LaneDiode } from './lane-diode.ts'
import { type Alert, checkAlert, checkOptions, type DiodeOptions } from './options.ts'
import { defaultRegion } from './region.ts'
import { Ring } from './ring.ts'

/**
 * A lossy ring from one writer to one reader, which may be in different threads. Neither ever waits for the other.
 *
 * The endpoint that first calls `set` or `claim` is the writer, the one that first reads is the reader (it may be the
 * same), until it closes or its thread ends.
 */
export class OneToOne extends LaneDiode {
  /**
   * @param capacity how many records it holds
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
        : Ring.create(defaultRegion(), 'OneToOne', checkOptions(capacity, options))
    const { abi } = ring.region
    super(ring, { next: abi.oneToOneNext, batch: abi.oneToOneBatch, holds: ring.capacity }, checked)
  }

  /** Joins from another thread (or the same). */
  static from(handle: DiodeHandle, alert?: Alert | null): OneToOne {
    checkAlert(alert)
    return new OneToOne(Ring.join('OneToOne', checkHandle(handle, 'OneToOne')), alert)
  }

  protected override takeWriter(): { lane: number; generation: number } {
    return takeOnlyWriter(this.ring)
  }
}

/** The writing role of a ring that has one writer. */
export function takeOnlyWriter(ring: Ring): { lane: number; generation: number } {
  const { region, address, generation, endpoint } = ring
  const code = region.abi.writerTake(address, generation, region.token, endpoint)
  if (code === region.layout.TAKEN) {
    throw new SpillwayError(
      'ERR_WRITER_TAKEN',
      'another endpoint writes to this ring: close() it first, or use a ManyToOne',
    )
  }
  if (code < 0) throw region.failure(code)
  return { lane: address, generation }
}
