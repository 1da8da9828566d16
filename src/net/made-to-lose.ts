/** A receiver that is made to lose datagrams, the same ones for the same seed: for tests and demonstrations. */
export interface LossOptions {
  /** How many of a hundred datagrams, 0 to 100. */
  readonly percent: number
  /** Default 1. */
  readonly seed?: number
}

/** Answers for each datagram whether it is lost (mulberry32). */
export function makeLoss({ percent, seed = 1 }: LossOptions): () => boolean {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32 < percent / 100
  }
}
