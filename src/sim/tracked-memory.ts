/**
 * Memory with a way back. Every write of a step is announced by `touch`; `commit` then keeps the old values for
 * `rollback` and brings the hash up to date. So a step costs what it writes, however large the memory is.
 */
export class TrackedMemory {
  readonly words: Int32Array
  readonly bytes: Uint8Array
  /** 64 bits of hash of all that has changed since setup: the exclusive or of its words' hashes. */
  low = 0
  high = 0
  /** Memory as of the last commit: what the hash is of, and what checks may not change. */
  private readonly image: Int32Array
  /** Pairs of first word and end: all that may change. */
  private readonly changing: Int32Array
  /** Pairs of word and what it held before, oldest first. */
  private undo = new Int32Array(1 << 12)
  private undoTop = 0
  private touched = new Int32Array(64)
  private touchedCount = 0

  constructor(buffer: ArrayBuffer, programBytes: number, changing: Int32Array) {
    this.words = new Int32Array(buffer)
    this.bytes = new Uint8Array(buffer)
    this.image = this.words.slice(0, programBytes >> 2)
    this.changing = changing
  }

  /** These bytes may be written before the next commit. */
  touch(address: number, bytes: number): void {
    const last = (address + bytes - 1) >>> 2
    for (let word = address >>> 2; word <= last; word++) {
      if (this.touchedCount === this.touched.length) this.touched = grown(this.touched)
      this.touched[this.touchedCount++] = word
    }
  }

  commit(): void {
    for (let i = 0; i < this.touchedCount; i++) this.commitWord(this.touched[i]!)
    this.touchedCount = 0
  }

  /** For writers that do not announce what they write. */
  commitAll(): void {
    this.touchedCount = 0
    for (let r = 0; r < this.changing.length; r += 2) {
      for (let word = this.changing[r]!; word < this.changing[r + 1]!; word++) this.commitWord(word)
    }
  }

  /** What `rollback` takes to come back to now. */
  mark(): number {
    return this.undoTop
  }

  rollback(mark: number): void {
    while (this.undoTop > mark) {
      this.undoTop -= 2
      const word = this.undo[this.undoTop]!
      const old = this.undo[this.undoTop + 1]!
      this.rehash(word, this.image[word]!, old)
      this.image[word] = old
      this.words[word] = old
    }
  }

  /** Takes back what has been written since the last commit. */
  revert(): void {
    this.touchedCount = 0
    this.words.set(this.image)
  }

  /** All that may change, as a list of words. */
  contents(): number[] {
    const contents: number[] = []
    for (let r = 0; r < this.changing.length; r += 2) {
      contents.push(...this.words.subarray(this.changing[r], this.changing[r + 1]))
    }
    return contents
  }

  /** Puts back what `contents` gave, and answers how many words that were. Older marks are void. */
  replace(contents: Int32Array): number {
    this.revert()
    let from = 0
    for (let r = 0; r < this.changing.length; r += 2) {
      for (let word = this.changing[r]!; word < this.changing[r + 1]!; word++) {
        this.words[word] = contents[from++]!
      }
    }
    this.commitAll()
    this.undoTop = 0
    return from
  }

  private commitWord(word: number): void {
    const old = this.image[word]!
    const now = this.words[word]!
    if (old === now) return
    if (this.undoTop === this.undo.length) this.undo = grown(this.undo)
    this.undo[this.undoTop] = word
    this.undo[this.undoTop + 1] = old
    this.undoTop += 2
    this.rehash(word, old, now)
    this.image[word] = now
  }

  private rehash(word: number, old: number, now: number): void {
    this.low ^= mix(word, old, 0x9e3779b1) ^ mix(word, now, 0x9e3779b1)
    this.high ^= mix(word, old, 0x85ebca77) ^ mix(word, now, 0x85ebca77)
  }
}

function mix(word: number, value: number, seed: number): number {
  let h = Math.imul(value ^ Math.imul(word, 0xcc9e2d51), seed)
  h = Math.imul((h ^ (h >>> 15)) + word, 0x1b873593)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Twice as long. */
export function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
