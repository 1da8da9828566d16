/** What has come, in order, for whoever waits for it. */
export class Inbox<T> {
  readonly #items: T[] = []
  readonly #waiting: (() => void)[] = []
  #isEnded = false

  get length(): number {
    return this.#items.length
  }

  push(item: T): void {
    this.#items.push(item)
    this.#waiting.shift()?.()
  }

  /** What is there is still given. */
  end(): void {
    this.#isEnded = true
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** `undefined`: nothing came in that time, or nothing will. */
  async next(timeoutMs = 10_000): Promise<T | undefined> {
    const until = performance.now() + timeoutMs
    while (this.#items.length === 0 && !this.#isEnded) {
      const left = until - performance.now()
      if (left <= 0) return undefined
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    return this.#items.shift()
  }
}
