import type { MachineSide } from './machine-side.ts'

const UNIT = 8
const HEAD = 4

/** How much of a stream a message of so many bytes takes up: its length, its bytes, padding. */
export function streamBytesOf(length: number): number {
  return Math.ceil((length + HEAD) / UNIT) * UNIT
}

/** What has come of a reliable channel, by the receiver's own words and bits: `assembly/gudp/streams.ts`. */
export class StreamWindow {
  readonly #side: MachineSide
  readonly #lane: number

  constructor(side: MachineSide, lane: number) {
    const { layout } = side.machine.core
    this.#side = side
    this.#lane = layout.FIRST_LANE_OFFSET + lane * layout.LANE_BYTES
  }

  /** Up to there nothing is missing. */
  get received(): number {
    const at = this.#lane + this.#side.machine.core.layout.IN_RECEIVED_OFFSET
    return this.#side.word(at + 4) * 2 ** 32 + this.#side.word(at)
  }

  /** Whether all of a stretch is there, whatever is missing before it. */
  has(from: number, to: number): boolean {
    const { layout } = this.#side.machine.core
    const units = this.#side.word(this.#lane + layout.IN_BYTES_OFFSET) / UNIT
    const bits = this.#side.word(this.#lane + layout.IN_BITS_OFFSET)
    for (let unit = Math.max(from, this.received) / UNIT; unit < to / UNIT; unit++) {
      const place = unit % units
      if ((this.#side.word(bits + ((place >> 5) << 2)) & (1 << (place & 31))) === 0) return false
    }
    return true
  }
}
