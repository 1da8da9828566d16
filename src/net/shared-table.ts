/**
 * Rows in shared memory: a text that seldom changes, and numbers that change all the time. One thread writes, any thread reads,
 * nobody waits.
 *
 * ```
 *   a row │ version i32 │ length i32 │ text, i32 words │ f64 × numbers │
 * ```
 *
 * The version is odd while the text is being written: whoever reads looks at it before and after. Every word of a text goes by
 * `Atomics`, so that all of it has one order. Numbers are stored plainly; a reader who was told of something by
 * way of a ring sees the numbers that were stored before it.
 *
 * @module
 */
const HEAD_BYTES = 8
/** A writer that was stopped in the middle of a text must not hold up a reader. */
const READ_ATTEMPTS = 64

export interface TableShape {
  readonly rows: number
  /** The longest text, in UTF-8. */
  readonly textBytes: number
  readonly numbers: number
}

/** Structured-cloneable: names the table to another thread. */
export interface SharedTableHandle extends TableShape {
  readonly buffer: SharedArrayBuffer
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class SharedTable {
  readonly handle: SharedTableHandle
  readonly #words: Int32Array
  readonly #numbers: (Float64Array | undefined)[] = []
  /** Where a text is encoded: `encodeInto` shared memory is not to be had everywhere. */
  readonly #scratch: Uint8Array
  readonly #scratchWords: Int32Array
  readonly #rowBytes: number

  private constructor(handle: SharedTableHandle) {
    this.handle = handle
    this.#words = new Int32Array(handle.buffer)
    this.#scratch = new Uint8Array(handle.textBytes)
    this.#scratchWords = new Int32Array(this.#scratch.buffer)
    this.#rowBytes = rowBytesOf(handle)
  }

  static create(shape: TableShape): SharedTable {
    const textBytes = (shape.textBytes + 7) & ~7 // the numbers behind it stay aligned
    const checked = { ...shape, textBytes }
    const buffer = new SharedArrayBuffer(shape.rows * rowBytesOf(checked))
    return new SharedTable(Object.freeze({ ...checked, buffer }))
  }

  static from(handle: SharedTableHandle): SharedTable {
    return new SharedTable(handle)
  }

  get rows(): number {
    return this.handle.rows
  }

  /** The row's numbers themselves. */
  numbers(row: number): Float64Array {
    const { buffer, textBytes, numbers } = this.handle
    this.#numbers[row] ??= new Float64Array(buffer, row * this.#rowBytes + HEAD_BYTES + textBytes, numbers)
    return this.#numbers[row]
  }

  /** Only by the thread that writes. A text that is too long is left out: answers whether it is there now. */
  setText(row: number, text: string): boolean {
    const words = this.#words
    const at = this.#at(row)
    const { read, written } = encoder.encodeInto(text, this.#scratch)
    const length = read === text.length ? written : 0
    Atomics.add(words, at, 1) // odd: pairs with the loads of the version in `text`
    Atomics.store(words, at + 1, length)
    for (let i = 0; i << 2 < length; i++) Atomics.store(words, at + 2 + i, this.#scratchWords[i]!)
    Atomics.add(words, at, 1)
    return length > 0 || text === ''
  }

  /** The row's text: empty when it has none, or none that holds still. */
  text(row: number): string {
    const words = this.#words
    const at = this.#at(row)
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const version = Atomics.load(words, at)
      if ((version & 1) !== 0) continue
      const bytes = this.#copyText(at)
      if (Atomics.load(words, at) === version) return decoder.decode(bytes)
    }
    return ''
  }

  #copyText(at: number): Uint8Array {
    const length = Math.min(Atomics.load(this.#words, at + 1), this.handle.textBytes)
    const copy = new Int32Array((length + 3) >> 2)
    for (let i = 0; i < copy.length; i++) copy[i] = Atomics.load(this.#words, at + 2 + i)
    return new Uint8Array(copy.buffer, 0, length)
  }

  #at(row: number): number {
    return (row * this.#rowBytes) >> 2
  }
}

function rowBytesOf({ textBytes, numbers }: TableShape): number {
  return HEAD_BYTES + textBytes + numbers * 8
}
