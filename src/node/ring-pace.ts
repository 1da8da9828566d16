/** The part of an exporter that a pace is kept by. */
export interface Flushable {
  flush(): Promise<void>
}

/**
 * Keeps a ring from running full: what was written before the last turn but one has left it, so that at most two halves wait.
 * One half is sent while the other is written.
 */
export class RingPace {
  readonly #exporter: Flushable
  readonly #halfLines: number
  readonly #halfBytes: number
  #lines = 0
  #bytes = 0
  #flushing: Promise<void> = Promise.resolve()

  constructor(exporter: Flushable, capacity: { lines: number; bytes: number }) {
    this.#exporter = exporter
    this.#halfLines = Math.max(1, Math.floor(capacity.lines / 2))
    this.#halfBytes = Math.max(1, Math.floor(capacity.bytes / 2))
  }

  /** Whether a line of so many bytes may be written now; else `turn` first. */
  hasRoomFor(bytes: number): boolean {
    const isFull = this.#lines >= this.#halfLines || this.#bytes + bytes > this.#halfBytes
    if (isFull && this.#lines > 0) return false
    this.#count(bytes)
    return true
  }

  /** Waits until the half before this one has left the ring; then there is room for the line. */
  async turn(bytes: number): Promise<void> {
    await this.#flushing
    this.#flushing = this.#exporter.flush()
    // Should it fail while nobody waits for it, that is told at the next turn.
    this.#flushing.catch(() => {})
    this.#lines = 0
    this.#bytes = 0
    this.#count(bytes)
  }

  #count(bytes: number): void {
    this.#lines++
    this.#bytes += bytes
  }
}
