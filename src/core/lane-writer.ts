import type { Abi } from './abi.ts'
import { invalid } from './check.ts'
import type { Ring } from './ring.ts'

/** The writing role of an endpoint: held from its first record to its close. */
export class LaneWriter {
  readonly #ring: Ring
  readonly #lane: number
  readonly #generation: number
  /** By itself: a look-up in the exports of a Wasm instance costs as much as the call. */
  readonly #laneSet: Abi['laneSet']
  #claimed: Uint8Array | undefined

  constructor(ring: Ring, lane: number, generation: number) {
    this.#ring = ring
    this.#lane = lane
    this.#generation = generation
    this.#laneSet = ring.region.abi.laneSet
  }

  /** The core's code: 0 when the record is stored. */
  set(record: Uint8Array | string): number {
    const { region } = this.#ring
    const bytes = region.stage(record)
    if (bytes < 0) return this.#setLong(record)
    return this.#laneSet(this.#lane, this.#generation, region.token, bytes)
  }

  /** One that may not fit the scratch goes into the ring directly. */
  #setLong(record: Uint8Array | string): number {
    const { region } = this.#ring
    const bytes = typeof record === 'string' ? new TextEncoder().encode(record) : record
    const at = region.abi.laneClaim(this.#lane, this.#generation, bytes.length)
    if (at < 0) return at
    region.reach(at + bytes.length)
    region.u8.set(bytes, at)
    return region.abi.laneCommit(this.#lane, this.#generation, bytes.length)
  }

  claim(bytes: number): Uint8Array | undefined {
    if (!Number.isInteger(bytes) || bytes < 0) {
      throw invalid(`claim takes a number of bytes, not ${String(bytes)}`)
    }
    const { region } = this.#ring
    const at = region.abi.laneClaim(this.#lane, this.#generation, Math.min(bytes, 2 ** 31 - 2))
    if (at < 0) {
      if (this.isLoss(at)) return undefined
      throw region.failure(at)
    }
    region.reach(at + bytes)
    this.#claimed = new Uint8Array(region.memory.buffer, at, bytes)
    return this.#claimed
  }

  commit(bytes?: number): void {
    const length = bytes === undefined ? (this.#claimed?.length ?? 0) : bytes
    if (!Number.isInteger(length) || length < 0) {
      throw invalid(`commit takes a number of bytes, not ${String(bytes)}`)
    }
    const { region } = this.#ring
    const code = region.abi.laneCommit(this.#lane, this.#generation, Math.min(length, 2 ** 31 - 2))
    if (code < 0) throw region.failure(code)
    this.#claimed = undefined
  }

  abort(): void {
    const { region } = this.#ring
    const code = region.abi.laneAbort(this.#lane, this.#generation)
    if (code < 0) throw region.failure(code)
    this.#claimed = undefined
  }

  /** Codes that mean a record was lost and counted, which is never an exception. */
  isLoss(code: number): boolean {
    const { layout } = this.#ring.region
    return code === layout.FULL || code === layout.OVERSIZE
  }

  leave(): void {
    const { region, endpoint } = this.#ring
    region.abi.writerLeave(this.#lane, this.#generation, region.token, endpoint)
  }
}
