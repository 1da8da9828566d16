import type { Abi } from './abi.ts'
import { invalid } from './check.ts'
import { checkLineRingHandle, type LineRingHandle, makeLineRingHandle } from './handle.ts'
import { checkOptions, type DropPolicy } from './options.ts'
import { type NewlineRule, Outlet } from './outlet.ts'
import { Ring } from './ring.ts'
import type { DiodeStats } from './stats.ts'

export type { LineRingHandle } from './handle.ts'

export interface LineRingOptions {
  /** Lines that one writer may have waiting. */
  readonly capacity: number
  readonly policy: DropPolicy
  /** Average line: `capacity * recordBytes` must have room for the longest. */
  readonly recordBytes: number
  readonly maxWriters: number
  /** In bytes, its newline not counted. */
  readonly longestLine: number
  readonly newlines: NewlineRule
}

/** What `write` answers for a line that it does not store. */
export interface LineCodes {
  /** No room under `drop-newest`: counted by the ring. */
  readonly FULL: number
  /** Counted by the outlet, as is the next. */
  readonly OVERSIZE: number
  readonly RAW_NEWLINE: number
  /** Not counted: nothing was offered to what is closed. */
  readonly CLOSED: number
}

/** A `ManyToOne` of lines with its outlet: what each endpoint of an exporter holds. */
export class LineRing {
  readonly handle: LineRingHandle
  readonly outlet: Outlet
  readonly codes: LineCodes
  /** @internal */
  readonly ring: Ring
  readonly #outletAddress: number
  readonly #outletGeneration: number
  /** By itself: a look-up in the exports of a Wasm instance costs as much as the call. */
  readonly #outletSet: Abi['outletSet']
  /** 0: it has not written yet. */
  #lane = 0
  #laneGeneration = 0

  private constructor(ring: Ring, outlet: Outlet) {
    const { abi, layout } = ring.region
    this.ring = ring
    this.outlet = outlet
    this.handle = makeLineRingHandle(ring.handle, outlet.handle)
    this.#outletAddress = outlet.handle.address
    this.#outletGeneration = outlet.handle.generation
    this.#outletSet = abi.outletSet
    const { FULL, OVERSIZE, RAW_NEWLINE, CLOSED } = layout
    this.codes = { FULL, OVERSIZE, RAW_NEWLINE, CLOSED }
  }

  static create(options: LineRingOptions): LineRing {
    const { capacity, policy, recordBytes, maxWriters, longestLine, newlines } = options
    const checked = checkOptions(capacity, { policy, recordBytes, maxWriters })
    if (capacity * recordBytes < longestLine) {
      throw invalid(
        `a ring of ${capacity} * ${recordBytes} bytes has no room for a line of ${longestLine}: raise capacity`,
      )
    }
    const outlet = Outlet.create({ longestLine, newlines })
    try {
      return new LineRing(Ring.create(outlet.region, 'ManyToOne', checked), outlet)
    } catch (error) {
      outlet.leave()
      throw error
    }
  }

  /** Joins from another thread (or the same), to write or to read. */
  static from(handle: unknown): LineRing {
    const checked = checkLineRingHandle(handle)
    const joined = Outlet.from({ memory: checked.memory, ...checked.outlet })
    try {
      return new LineRing(Ring.join('ManyToOne', checked), joined)
    } catch (error) {
      joined.leave()
      throw error
    }
  }

  /**
   * Offers a line: 0 when it is stored (or empty), else one of `codes`. With `scan` a newline at its end is dropped, and one
   * inside is dealt with by the outlet's rule; without, the caller knows that there is none. The endpoint becomes a writer
   * with its first line.
   */
  write(line: Uint8Array | string, scan: boolean): number {
    if (this.#lane === 0 && !this.#startWriting()) return this.codes.CLOSED
    const { region } = this.ring
    const bytes = region.stage(line)
    return bytes < 0 ? this.#writeLong(line, scan) : this.#set(bytes, scan)
  }

  #set(bytes: number, scan: boolean): number {
    const { region } = this.ring
    const code = this.#outletSet(
      this.#outletAddress,
      this.#outletGeneration,
      this.#lane,
      this.#laneGeneration,
      region.token,
      bytes,
      scan ? 1 : 0,
    )
    if (code !== 0 && !this.#isLoss(code)) throw region.failure(code)
    return code
  }

  #isLoss(code: number): boolean {
    const { FULL, OVERSIZE, RAW_NEWLINE, CLOSED } = this.codes
    return code === CLOSED || code === FULL || code === OVERSIZE || code === RAW_NEWLINE
  }

  /** A string that might be too long for the scratch is encoded first; bytes that are too long for it are no line. */
  #writeLong(line: Uint8Array | string, scan: boolean): number {
    const { region } = this.ring
    if (typeof line === 'string' && line.length <= region.layout.SCRATCH_BYTES) {
      const bytes = region.stage(new TextEncoder().encode(line))
      if (bytes >= 0) return this.#set(bytes, scan)
    }
    if (this.outlet.isClosed()) return this.codes.CLOSED
    this.outlet.add(region.layout.COUNTER_OVERSIZE)
    return this.codes.OVERSIZE
  }

  #startWriting(): boolean {
    const { region, address, generation, endpoint, open } = this.ring
    if (!open) return false
    const lane = region.abi.manyToOneJoin(address, generation, region.token, endpoint)
    if (lane < 0) throw region.failure(lane)
    this.#laneGeneration = region.generationOf(lane)
    this.#lane = lane
    return true
  }

  stats(): DiodeStats {
    return this.ring.stats()
  }

  /** Makes the reader look: at the ring, and at what was asked of the outlet. */
  wake(): void {
    const { region, address, generation, open } = this.ring
    if (open) region.abi.ringWake(address, generation)
  }

  get isOpen(): boolean {
    return this.ring.open
  }

  /** Leaves ring and outlet; the last one out frees them. Idempotent. */
  close(): void {
    if (!this.ring.open) return
    const { region, endpoint } = this.ring
    if (this.#lane !== 0) {
      region.abi.writerLeave(this.#lane, this.#laneGeneration, region.token, endpoint)
      this.#lane = 0
    }
    this.ring.leave()
    this.outlet.leave()
  }
}
