import { invalid } from './check.ts'
import { SpillwayError } from './errors.ts'
import { type Alert, checkLimit } from './options.ts'
import { busyError, callAlert, Leftovers, type ReaderPort, RecordViews } from './reader.ts'
import type { Ring } from './ring.ts'

/** The two calls that differ between a ring of one lane and one of many. */
export interface LaneSource {
  next(address: number, generation: number, token: number): number
  batch(address: number, generation: number, token: number, limit: number): number
  /** Records that the ring can hold at most. */
  readonly holds: number
}

/** The reading role of a `OneToOne` or `ManyToOne` endpoint: held from its first read to its close. */
export class LaneReader implements ReaderPort {
  readonly #ring: Ring
  readonly #source: LaneSource
  readonly #alert: Alert | null
  readonly #views = new RecordViews()
  readonly #leftovers = new Leftovers()
  #holdsRole = false
  #ended = false
  #draining = false
  #attached = false
  /** The batch in hand while `drain` goes through it, and how many of its records have been handed out. */
  #lane = 0
  #laneGeneration = 0
  #handedOut = 0

  constructor(ring: Ring, source: LaneSource, alert: Alert | null) {
    this.#ring = ring
    this.#source = source
    this.#alert = alert
  }

  next(): Uint8Array<ArrayBuffer> | undefined {
    const ring = this.#ring
    if (!ring.open) return this.#leftovers.next()
    if (!this.#holdsRole) this.#takeRole()
    if (this.#draining) throw busyError()
    const { region } = ring
    const length = this.#source.next(ring.address, ring.generation, region.token)
    if (length >= 0) {
      const record = region.copyOut(length)
      this.#tell(region.f64[region.mailMissed]!)
      return record
    }
    if (length === region.layout.IN_PLACE) return this.#copyLong()
    this.#ended = length === region.layout.ENDED
    return undefined
  }

  /** One that is longer than the scratch is copied from where it lies, and then let go. */
  #copyLong(): Uint8Array<ArrayBuffer> {
    const { region } = this.#ring
    const { i32, f64 } = region
    const address = i32[region.mailAddress]!
    const length = i32[region.mailLength]!
    const missed = f64[region.mailMissed]!
    region.reach(address + length)
    const record = new Uint8Array(length)
    record.set(region.u8.subarray(address, address + length))
    region.abi.laneRelease(i32[region.mailLane]!, i32[region.mailLane + 1]!, 1)
    this.#tell(missed)
    return record
  }

  drain(fn: (record: Uint8Array) => void, limit?: number): number {
    if (typeof fn !== 'function') throw invalid('drain takes a function')
    let left = Math.min(checkLimit(limit), this.#source.holds)
    if (!this.#ring.open) return this.#drainLeftovers(fn, left)
    if (this.#draining) throw busyError()
    if (!this.#holdsRole) this.#takeRole()
    this.#draining = true
    let drained = 0
    try {
      while (left > 0 && this.#ring.open) {
        const records = this.#drainBatch(fn, left)
        if (records === 0) break
        drained += records
        left -= records
      }
    } finally {
      this.#draining = false
    }
    return drained
  }

  /** A batch in hand: its records lie one behind the other, and stay until they are released. */
  #drainBatch(fn: (record: Uint8Array) => void, limit: number): number {
    const ring = this.#ring
    const { region } = ring
    const { HEADER_BYTES, LENGTH_OFFSET } = region.layout
    const records = this.#source.batch(ring.address, ring.generation, region.token, limit)
    if (records <= 0) return 0
    let { i32 } = region
    let at = i32[region.mailAddress]!
    this.#lane = i32[region.mailLane]!
    this.#laneGeneration = i32[region.mailLane + 1]!
    this.#handedOut = 0
    this.#tell(region.f64[region.mailMissed]!)
    let done = 0
    try {
      while (done < records && ring.open) {
        if (at + HEADER_BYTES > region.u8.length) region.refresh()
        i32 = region.i32
        const length = i32[(at + LENGTH_OFFSET) >> 2]!
        const view = this.#views.at(region, at + HEADER_BYTES, length)
        at += (HEADER_BYTES + length + 7) & ~7
        this.#handedOut = ++done // before the call: the record at which it throws has been read
        fn(view)
      }
    } finally {
      this.#release()
    }
    return done
  }

  #release(): void {
    const { region, open } = this.#ring
    if (open && this.#handedOut > 0) region.abi.laneRelease(this.#lane, this.#laneGeneration, this.#handedOut)
    this.#handedOut = 0
  }

  #drainLeftovers(fn: (record: Uint8Array) => void, limit: number): number {
    let drained = 0
    while (drained < limit && !this.#leftovers.isEmpty()) {
      drained++
      fn(this.#leftovers.next()!)
    }
    return drained
  }

  #tell(missed: number): void {
    if (missed !== 0) callAlert(this.#alert, missed)
  }

  #takeRole(): void {
    const { region, address, generation, endpoint } = this.#ring
    const code = region.abi.readerTake(address, generation, region.token, endpoint)
    if (code === region.layout.TAKEN) {
      throw new SpillwayError(
        'ERR_READER_TAKEN',
        'another endpoint reads from this ring: close() it first, or use a OneToMany, where each poller reads everything',
      )
    }
    if (code < 0) throw region.failure(code)
    this.#holdsRole = true
  }

  /** Before the endpoint leaves. */
  stop(): void {
    const ring = this.#ring
    const { region, address, generation, endpoint } = ring
    this.#release() // closed from within the callback of `drain`
    this.#draining = false
    if (this.#attached) {
      try {
        this.#leftovers.keep(() => this.next())
      } catch (error) {
        if (!(error instanceof SpillwayError)) throw error // somebody else reads: then nothing is left for us
      }
    }
    if (this.#holdsRole) region.abi.readerLeave(address, generation, region.token, endpoint)
    this.#holdsRole = false
    if (this.#attached) this.wake()
  }

  ended(): boolean {
    return this.#ring.open ? this.#ended : this.#leftovers.isEmpty()
  }

  arm(): number {
    const ring = this.#ring
    return ring.open ? ring.region.abi.ringArm(ring.address, ring.generation) : 0
  }

  bell(): { words: Int32Array; index: number } {
    const { region, address, generation } = this.#ring
    return { words: region.i32, index: region.abi.ringBell(address, generation) >> 2 }
  }

  wake(): void {
    const { region, address, generation } = this.#ring
    if (this.#ring.open) region.abi.ringWake(address, generation)
  }

  attach(): void {
    this.#attached = true
  }
}
