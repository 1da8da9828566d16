import { isSame, type U64 } from './bytes.ts'

interface Entry<T> {
  readonly session: U64
  readonly value: T
  next: Entry<T> | undefined
}

/**
 * Sessions by their 64 bits. The low word alone is the key, since a small integer is what a Map finds quickest and without an object
 * for it; sessions are random, so two of the same low word are rare, and stand in a chain.
 */
export class SessionTable<T> {
  readonly #entries = new Map<number, Entry<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** By both words as `sessionLo` and `sessionHi` cut them from a datagram. */
  get(lo: number, hi: number): T | undefined {
    let entry = this.#entries.get(lo)
    while (entry !== undefined && entry.session.hi !== hi) entry = entry.next
    return entry?.value
  }

  /** Answers whether it was not there yet. */
  add(session: U64, value: T): boolean {
    if (this.get(session.lo, session.hi) !== undefined) return false
    this.#entries.set(session.lo, { session, value, next: this.#entries.get(session.lo) })
    this.#size++
    return true
  }

  remove(session: U64): boolean {
    let before: Entry<T> | undefined
    let entry = this.#entries.get(session.lo)
    while (entry !== undefined && !isSame(entry.session, session)) {
      before = entry
      entry = entry.next
    }
    if (entry === undefined) return false
    if (before !== undefined) before.next = entry.next
    else if (entry.next !== undefined) this.#entries.set(session.lo, entry.next)
    else this.#entries.delete(session.lo)
    this.#size--
    return true
  }

  *values(): Generator<T> {
    for (let entry of this.#entries.values()) {
      for (let each: Entry<T> | undefined = entry; each !== undefined; each = each.next) {
        entry = each
        yield each.value
      }
    }
  }
}
