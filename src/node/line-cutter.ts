const NEWLINE = 0x0a

/** Longer than any datagram can carry: what has no end by here never fits, and is not kept. */
const LONGEST_KEPT = 65_536

/**
 * Cuts a stream of chunks into lines, each with its newline; no bytes are decoded, and none copied but those of lines that
 * lie across chunks. A line that is too long for any datagram comes without the rest of it, and still counts as one.
 */
export class LineCutter {
  #pieces: Uint8Array[] = []
  #keptBytes = 0
  #isSkipping = false

  #withKept(tail?: Uint8Array): Uint8Array {
    if (tail !== undefined && this.#keptBytes === 0) return tail
    const line = Buffer.concat(tail === undefined ? this.#pieces : [...this.#pieces, tail])
    this.#pieces = []
    this.#keptBytes = 0
    return line
  }

  *cut(chunk: Buffer): Generator<Uint8Array> {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const tail = chunk.subarray(from, end + 1)
      from = end + 1
      if (this.#isSkipping) this.#isSkipping = false
      else yield this.#withKept(tail)
    }
    if (from === chunk.length || this.#isSkipping) return
    this.#pieces.push(chunk.subarray(from))
    this.#keptBytes += chunk.length - from
    if (this.#keptBytes < LONGEST_KEPT) return
    this.#isSkipping = true
    yield this.#withKept()
  }

  /** What came after the last newline. */
  *rest(): Generator<Uint8Array> {
    if (this.#keptBytes > 0) yield this.#withKept()
  }
}
