/** How far back a number is remembered. */
const WINDOW = 1024
const WORD_BITS = 32

export type Verdict =
  /** Not seen before. */
  | 'new'
  /** Seen before. */
  | 'duplicate'
  /** So old that it cannot be told; it counts as lost. */
  | 'late'

/**
 * Which of the datagrams that a flow numbered have come. A bit for each of the last 1024 numbers, the number modulo 1024:
 *
 * ```
 *            first                next - 1024          next
 *              │ seen, or a gap        │  a bit each      │
 *   ───────────┴───────────────────────┴──────────────────┴──── numbers
 * ```
 */
export class SequenceWindow {
  readonly #bits = new Uint32Array(WINDOW / WORD_BITS)
  #first = Number.POSITIVE_INFINITY
  #next = 0
  #seen = 0
  #reordered = 0

  /** The flow is known from its beginning: what is missing from number 0 on is missing. */
  beginAtZero(): void {
    this.#first = 0
  }

  /** Numbers below the highest that have not come, or came too late. */
  get gaps(): number {
    return this.#next === 0 ? 0 : this.#next - this.#first - this.#seen
  }

  /** Those that came after a higher one. */
  get reordered(): number {
    return this.#reordered
  }

  take(d: number): Verdict {
    if (d >= this.#next) this.#advance(d)
    else if (d < this.#next - WINDOW) return 'late'
    else if (this.#isMarked(d)) return 'duplicate'
    else this.#reordered++
    this.#first = Math.min(this.#first, d)
    this.#mark(d)
    this.#seen++
    return 'new'
  }

  /** The window moves up to `d`; what enters it has not been seen. */
  #advance(d: number): void {
    if (d - this.#next >= WINDOW) this.#bits.fill(0)
    else for (let each = this.#next; each <= d; each++) this.#clear(each)
    this.#next = d + 1
  }

  #isMarked(d: number): boolean {
    return (this.#bits[wordOf(d)]! & bitOf(d)) !== 0
  }

  #mark(d: number): void {
    this.#bits[wordOf(d)]! |= bitOf(d)
  }

  #clear(d: number): void {
    this.#bits[wordOf(d)]! &= ~bitOf(d)
  }
}

const wordOf = (d: number): number => Math.floor(d / WORD_BITS) % (WINDOW / WORD_BITS)
const bitOf = (d: number): number => 1 << (d % WORD_BITS)
