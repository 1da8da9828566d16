/** A timer is not much finer; lines that are due within it go together. */
const SLACK_MS = 4

/** Time that passed without a line is not made up for, beyond this. */
const CATCH_UP_MS = 100

/** So many lines a second, evenly. */
export class RateLimit {
  readonly #msPerLine: number
  #due: number

  constructor(linesPerSecond: number, now: number) {
    this.#msPerLine = 1000 / linesPerSecond
    this.#due = now
  }

  /** Counts a line that has gone; answers how many milliseconds to wait before the next. */
  take(now: number): number {
    this.#due = Math.max(this.#due, now - CATCH_UP_MS) + this.#msPerLine
    const early = this.#due - now
    return early > SLACK_MS ? early : 0
  }
}
