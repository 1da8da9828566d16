/** Something that stands in one `RecencyList` at a time. */
export interface Recent<T> {
  newer: T | undefined
  older: T | undefined
}

/** In the order in which they were last seen; every step takes the same time however many there are. */
export class RecencyList<T extends Recent<T>> {
  #newest: T | undefined
  #oldest: T | undefined

  get oldest(): T | undefined {
    return this.#oldest
  }

  add(item: T): void {
    item.older = this.#newest
    item.newer = undefined
    if (this.#newest === undefined) this.#oldest = item
    else this.#newest.newer = item
    this.#newest = item
  }

  remove(item: T): void {
    const { newer, older } = item
    if (newer === undefined) this.#newest = older
    else newer.older = older
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    item.newer = undefined
    item.older = undefined
  }

  /** Seen again. */
  touch(item: T): void {
    if (item === this.#newest) return
    this.remove(item)
    this.add(item)
  }
}
