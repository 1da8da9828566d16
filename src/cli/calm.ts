/** What goes wrong for a day is not told of every second. */
const CALM_MS = 10_000

/** Lets each thing be said at once, and again only after a while. */
export class Calm {
  readonly #saidMs = new Map<string, number>()

  /** `about` is one of a few: a kind, a code. */
  maySay(about: string, nowMs: number): boolean {
    const before = this.#saidMs.get(about)
    if (before !== undefined && nowMs - before < CALM_MS) return false
    this.#saidMs.set(about, nowMs)
    return true
  }
}
