const WINDOW = 1024
const WORD_BITS = 32

/**
 * Which nonces have been taken. A bit for each of the last 1024, the nonce modulo 1024. Nonces are 64 bits on the wire; here they are
 * numbers up to 2^53, and the sealer never gets as far as 2^48.
 *
 * Ask `isFresh` before the tag is checked, since that is dear, and `mark` only after: else anyone could move the window with a
 * forged nonce, and what is genuine would be too old.
 */
export class ReplayWindow {
  readonly #bits = new Uint32Array(WINDOW / WORD_BITS)
  #highest = -1

  isFresh(nonce: number): boolean {
    if (nonce > this.#highest) return true
    if (nonce <= this.#highest - WINDOW) return false
    return (this.#bits[wordOf(nonce)]! & bitOf(nonce)) === 0
  }

  mark(nonce: number): void {
    if (nonce > this.#highest) this.#advance(nonce)
    this.#bits[wordOf(nonce)]! |= bitOf(nonce)
  }

  /** What enters the window has not been seen. */
  #advance(nonce: number): void {
    if (nonce - this.#highest >= WINDOW) this.#bits.fill(0)
    else for (let each = this.#highest + 1; each <= nonce; each++) this.#bits[wordOf(each)]! &= ~bitOf(each)
    this.#highest = nonce
  }
}

/** Of the nonce modulo the window: beyond 32 bits the operators of integers would cut it, and cut it right. */
const wordOf = (nonce: number): number => (nonce % WINDOW) >> 5
const bitOf = (nonce: number): number => 1 << (nonce % WORD_BITS)
