import { FNV_START, fnvText, fnvWord } from './hash.ts'

/** A seeded random source (sfc32): the same seed, the same run, in every runtime. */
export interface Random {
  readonly seed: number
  /** from 0 to 1, without 1 */
  next(): number
  /** 32 bits */
  word(): number
  /** an integer from `low` to `high`, both included */
  between(low: number, high: number): number
  pick<T>(list: readonly T[]): T
  chance(probability: number): boolean
  /** In place; answers the same list. */
  shuffle<T>(list: T[]): T[]
  /** A source of its own for whoever has that name: what one draws does not change what another gets. */
  fork(name: string): Random
}

/** Rounds after which every bit of the state depends on every bit of the seed. */
const WARM_UP = 16

/** Random numbers that are the same for the same seed, in every runtime. */
export function seeded(seed: number): Random {
  let a = seed | 0
  let b = 0x9e3779b9 | 0
  let c = 0x243f6a88
  let counter = 1
  const word = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < WARM_UP; round++) word()
  const next = () => word() / 2 ** 32
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    seed,
    next,
    word,
    between,
    pick: (list) => list[between(0, list.length - 1)]!,
    chance: (probability) => next() < probability,
    shuffle(list) {
      for (let last = list.length - 1; last > 0; last--) {
        const other = between(0, last)
        const held = list[last]!
        list[last] = list[other]!
        list[other] = held
      }
      return list
    },
    fork: (name) => seeded(fnvText(fnvWord(FNV_START, seed | 0), name)),
  }
}
