import type { Abi } from './abi.ts'
import { invalid } from './check.ts'
import { Diode } from './diode.ts'
import { checkHandle, type DiodeHandle } from './handle.ts'
import { takeOnlyWriter } from './one-to-one.ts'
import { type Alert, checkAlert, checkLimit, checkOptions, type DiodeOptions } from './options.ts'
import { busyError, callAlert, Leftovers, type ReaderPort, readerPort } from './reader.ts'
import { defaultRegion } from './region.ts'
import { closedError, Ring } from './ring.ts'
import { type DiodeStats, readStats } from './stats.ts'

const DEFAULT_PATIENCE_MS = 1000

/**
 * A lossy ring from one writer to many readers, each of which gets every record, or is told exactly how many it missed.
 * A reader, however slow or dead, never holds up the writer.
 */
export class OneToMany extends Diode {
  readonly #pollers = new Set<OneToManyReader>()
  readonly #alert: Alert | null
  readonly #patienceMs: number

  /**
   * @param capacity how many records it holds
   * @param alert for pollers that are made without one of their own
   */
  constructor(capacity: number, alert?: Alert | null, options?: DiodeOptions)
  /** @internal */
  constructor(ring: Ring, alert?: Alert | null)
  constructor(capacity: number | Ring, alert?: Alert | null, options?: DiodeOptions) {
    const checked = checkAlert(alert)
    super(
      capacity instanceof Ring
        ? capacity
        : Ring.create(defaultRegion(), 'OneToMany', checkOptions(capacity, options)),
    )
    this.#alert = checked
    this.#patienceMs = options?.patienceMs ?? DEFAULT_PATIENCE_MS
  }

  /** Joins from another thread (or the same), to read with pollers or to write. */
  static from(handle: DiodeHandle, alert?: Alert | null): OneToMany {
    checkAlert(alert)
    return new OneToMany(Ring.join('OneToMany', checkHandle(handle, 'OneToMany')), alert)
  }

  /** A new reader with a position of its own. It begins with the oldest record that the ring still has. */
  poller(alert?: Alert | null): OneToManyReader {
    if (!this.ring.open) throw closedError('ring')
    const poller = new OneToManyReader(
      this.ring,
      alert === undefined ? this.#alert : checkAlert(alert),
      (gone) => this.#pollers.delete(gone),
    )
    this.#pollers.add(poller)
    return poller
  }

  protected override takeWriter(): { lane: number; generation: number } {
    return takeOnlyWriter(this.ring)
  }

  /** Under drop-newest a poller whose thread has died must not keep the ring full for ever. */
  protected override refused(code: number): void {
    const { region, address, generation } = this.ring
    if (code !== region.layout.FULL) return
    region.abi.pollersExpire(address, generation, region.token, performance.now(), this.#patienceMs)
  }

  protected override stopReading(): void {
    for (const poller of this.#pollers) poller.close()
  }
}

/** One reader of a `OneToMany`. */
export class OneToManyReader {
  readonly #ring: Ring
  readonly #slot: number
  readonly #alert: Alert | null
  readonly #onClose: (poller: OneToManyReader) => void
  readonly #leftovers = new Leftovers()
  readonly #pollerNext: Abi['pollerNext']
  #open = true
  #ended = false
  #draining = false
  #attached = false
  #final: DiodeStats | undefined

  /** @internal */
  constructor(ring: Ring, alert: Alert | null, onClose: (poller: OneToManyReader) => void) {
    const { region, address, generation, endpoint } = ring
    const slot = region.abi.pollerJoin(address, generation, region.token, endpoint)
    if (slot < 0) throw region.failure(slot)
    this.#ring = ring
    this.#slot = slot
    this.#pollerNext = region.abi.pollerNext
    this.#alert = alert
    this.#onClose = onClose
  }

  /** The oldest record that this poller has not read, as a copy of the caller's own; `undefined` when there is none. */
  tryNext(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.#open) return this.#leftovers.next()
    if (this.#draining) throw busyError()
    return this.#take()
  }

  #take(): Uint8Array<ArrayBuffer> | undefined {
    const { region, address, generation } = this.#ring
    const length = this.#pollerNext(address, generation, this.#slot, region.token)
    if (length >= 0) {
      const missed = region.f64[region.mailMissed]!
      const record = region.copyOut(length)
      callAlert(this.#alert, missed)
      return record
    }
    if (length === region.layout.IN_PLACE) return this.#takeLong()
    this.#ended = length === region.layout.ENDED
    return undefined
  }

  /** Copied from where it lies, and kept only if the writer had not come round to it meanwhile. */
  #takeLong(): Uint8Array<ArrayBuffer> | undefined {
    const { region, address, generation } = this.#ring
    const at = region.i32[region.mailAddress]!
    const length = region.i32[region.mailLength]!
    const missed = region.f64[region.mailMissed]!
    region.reach(at + length)
    const record = new Uint8Array(length)
    record.set(region.u8.subarray(at, at + length))
    const kept = region.abi.pollerKeep(address, generation, this.#slot, region.token) === 1
    callAlert(this.#alert, missed)
    return kept ? record : this.#take()
  }

  /**
   * Reads all that is there, up to `limit` records: a record is good only during the call of `fn`. If `fn`
   * throws, its record counts as read and the rest stays.
   */
  drain(fn: (record: Uint8Array) => void, limit?: number): number {
    if (typeof fn !== 'function') throw invalid('drain takes a function')
    const most = Math.min(checkLimit(limit), this.#ring.capacity)
    if (this.#draining) throw busyError()
    this.#draining = true
    let drained = 0
    try {
      while (drained < most) {
        const record = this.#open ? this.#take() : this.#leftovers.next()
        if (record === undefined) break
        drained++
        fn(record)
      }
    } finally {
      this.#draining = false
    }
    return drained
  }

  /** This poller's own ledger; `written` counts from the record that it began with. */
  stats(): DiodeStats {
    if (this.#final !== undefined) return { ...this.#final }
    const { region, address, generation, capacity, recordBytes } = this.#ring
    region.abi.pollerStats(address, generation, this.#slot, region.token)
    const stats = readStats(region, capacity, recordBytes)
    // What the writer dropped is the ring's, not this poller's: to it these were never offered.
    return { ...stats, offered: stats.written, dropped: 0, oversize: 0 }
  }

  /** Gives the poller's place back. Idempotent. */
  close(): void {
    if (!this.#open) return
    if (this.#attached && !this.#draining) this.#leftovers.keep(() => this.tryNext())
    this.#final = this.stats()
    this.#open = false
    const { region, address, generation, endpoint } = this.#ring
    region.abi.pollerLeave(address, generation, this.#slot, region.token, endpoint)
    if (this.#attached) region.abi.ringWake(address, generation)
    this.#onClose(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @internal */
  get [readerPort](): ReaderPort {
    const { region, address, generation } = this.#ring
    return {
      next: () => this.tryNext(),
      ended: () => (this.#open ? this.#ended : this.#leftovers.isEmpty()),
      arm: () => (this.#open ? region.abi.pollerArm(address, generation, this.#slot) : 0),
      bell: () => ({ words: region.i32, index: region.abi.ringBell(address, generation) >> 2 }),
      wake: () => {
        if (this.#open) region.abi.ringWake(address, generation)
      },
      attach: () => {
        this.#attached = true
      },
    }
  }
}
