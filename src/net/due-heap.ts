export interface Due<T> {
  readonly atMs: number
  readonly value: T
}

interface Entry<T> extends Due<T> {
  /** Among those of the same time, the one that came first is first. */
  readonly order: number
  /** Where in the heap; -1: no longer there. */
  place: number
}

/** What falls due, the earliest first; at the same time in the order in which it was put in. */
export class DueHeap<T> {
  readonly #entries: Entry<T>[] = []
  #count = 0

  get size(): number {
    return this.#entries.length
  }

  get first(): Due<T> | undefined {
    return this.#entries[0]
  }

  push(atMs: number, value: T): Due<T> {
    const entry = { atMs, value, order: this.#count++, place: this.#entries.length }
    this.#entries.push(entry)
    this.#rise(entry)
    return entry
  }

  shift(): Due<T> | undefined {
    const first = this.#entries[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Nothing happens if it has gone already. */
  remove(due: Due<T>): void {
    const entry = due as Entry<T>
    if (entry.place < 0) return
    const last = this.#entries.pop()!
    if (last !== entry) {
      this.#put(last, entry.place)
      this.#rise(last)
      this.#sink(last)
    }
    entry.place = -1
  }

  #rise(entry: Entry<T>): void {
    while (entry.place > 0) {
      const parent = this.#entries[(entry.place - 1) >> 1]!
      if (!isBefore(entry, parent)) return
      this.#swap(parent, entry)
    }
  }

  #sink(entry: Entry<T>): void {
    for (;;) {
      const left = this.#entries[2 * entry.place + 1]
      const right = this.#entries[2 * entry.place + 2]
      if (left === undefined) return
      const child = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(child, entry)) return
      this.#swap(entry, child)
    }
  }

  #swap(upper: Entry<T>, lower: Entry<T>): void {
    const place = upper.place
    this.#put(upper, lower.place)
    this.#put(lower, place)
  }

  #put(entry: Entry<T>, place: number): void {
    this.#entries[place] = entry
    entry.place = place
  }
}

function isBefore(one: Entry<unknown>, other: Entry<unknown>): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}
