import type { Core } from './core.ts'

/** Numbers that follow from the seed: unsigned, 32 bits. */
export function random(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** Where arithmetic on addresses and lengths goes wrong, if it does. */
export const EDGES = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 4095, 4096, 4097, 65536, 2 ** 30, 2 ** 20]

/** What must not change, by a byte. */
export function imageOf(core: Core, ...stretches: readonly (readonly [from: number, to: number])[]): string {
  return stretches.map(([from, to]) => Buffer.from(core.u8().slice(from, to)).toString('base64')).join()
}
