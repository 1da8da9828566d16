import type { Abi } from './abi.ts'
import { SpillwayError } from './errors.ts'
import type { LineRing } from './line-ring.ts'
import { closedError } from './ring.ts'
import type { SharedBytes } from './shared-bytes.ts'

/** A limit goes to Wasm as 32 bits. */
const MOST_LINES = 2 ** 31 - 1

/** The reading side of a `LineRing`: packs its lines into shared bytes, from where they are sent. */
export class LinePacker {
  /** Of the last `pack()`: how many lines it packed, */
  lines = 0
  /** how many were lost in the ring before them, */
  missed = 0
  /** how many it let go because they would not even fit the whole stretch, */
  unfit = 0
  /** and whether it stopped because the next line does not fit what is left. */
  isFull = false

  readonly #ring: LineRing
  readonly #slots: SharedBytes
  readonly #linePack: Abi['linePack']
  readonly #outletArm: Abi['outletArm']
  #isOpen = true

  /** Takes the reading role; throws when another endpoint has it. */
  constructor(ring: LineRing, slots: SharedBytes) {
    const { region, address, generation, endpoint } = ring.ring
    this.#ring = ring
    this.#slots = slots
    this.#linePack = region.abi.linePack
    this.#outletArm = region.abi.outletArm
    const code = region.abi.readerTake(address, generation, region.token, endpoint)
    if (code === region.layout.TAKEN) throw takenError()
    if (code < 0) throw region.failure(code)
  }

  /**
   * Packs up to `limit` lines into the stretch `start` to `to` of the slots, of which what lies before `from` is packed
   * already. Answers where it stopped. With no lines, and not full, all that was written before is packed.
   */
  pack(start: number, from: number, to: number, limit: number): number {
    if (!this.#isOpen || !this.#ring.isOpen) throw closedError('packer')
    const { region, address, generation } = this.#ring.ring
    const slots = this.#slots.handle
    const end = this.#linePack(
      address,
      generation,
      region.token,
      slots.address,
      slots.generation,
      start,
      from,
      to,
      Math.min(limit, MOST_LINES),
    )
    if (end < 0) throw region.failure(end)
    const { i32, mailPack } = region
    this.lines = i32[mailPack]!
    this.unfit = i32[mailPack + 1]!
    this.isFull = i32[mailPack + 2]! !== 0
    this.missed = region.f64[region.mailMissed]!
    return end
  }

  /**
   * Before sleeping: 0 when there is something to do (lines, or another flush than `asked`, the latest that the reader knows
   * of), else the word to wait for at the bell.
   */
  arm(asked: number): number {
    const { address, generation, open } = this.#ring.ring
    const { handle } = this.#ring.outlet
    return open ? this.#outletArm(handle.address, handle.generation, address, generation, asked) : 0
  }

  /** The bell's word, for `Atomics.wait` and `waitAsync`. */
  bell(): { words: Int32Array; index: number } {
    const { region, address, generation } = this.#ring.ring
    return { words: region.i32, index: region.abi.ringBell(address, generation) >> 2 }
  }

  /** Gives the reading role back: before the ring is closed. Idempotent. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { region, address, generation, endpoint, open } = this.#ring.ring
    if (open) region.abi.readerLeave(address, generation, region.token, endpoint)
  }
}

function takenError(): SpillwayError {
  return new SpillwayError('ERR_READER_TAKEN', 'another endpoint reads this ring: close() it first')
}
