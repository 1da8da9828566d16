/** Rates of counters that only grow, over the last second or so. */
export class Rates<Name extends string> {
  readonly #windowMs: number
  readonly #samples: { at: number; counts: Readonly<Record<Name, number>> }[] = []

  constructor(windowMs = 1000) {
    this.#windowMs = windowMs
  }

  /** Takes a sample; answers each counter's growth a second since the sample a window ago. */
  next(counts: Readonly<Record<Name, number>>, now: number): Record<Name, number> {
    this.#samples.push({ at: now, counts })
    // The oldest that is kept is the youngest that is a whole window old.
    while (this.#samples.length > 2 && now - this.#samples[1]!.at >= this.#windowMs) this.#samples.shift()
    const { at, counts: before } = this.#samples[0]!
    const elapsed = (now - at) / 1000
    // One that was not there a window ago has not grown yet.
    const growth = (name: Name) => Math.max(0, counts[name] - (before[name] ?? counts[name]))
    const rate = (name: Name) => (elapsed > 0 ? growth(name) / elapsed : 0)
    return Object.fromEntries((Object.keys(counts) as Name[]).map((name) => [name, rate(name)])) as Record<
      Name,
      number
    >
  }
}
