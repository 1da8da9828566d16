import { fail, show } from '../support/harness.ts'
import type { Pair, Stats } from './rigs.ts'

/** The conservation law of one ring or reader, at a quiet moment. */
export function checkLaw(stats: Stats, when: string): void {
  const { offered, written, dropped, oversize, read, missed, depth } = stats
  if (offered !== written + dropped + oversize)
    fail(`${when}: offered = written + dropped + oversize does not hold: ${show(stats)}`)
  if (written !== read + missed + depth)
    fail(`${when}: written = read + missed + depth does not hold: ${show(stats)}`)
  for (const [name, value] of Object.entries(stats)) {
    if (!Number.isSafeInteger(value) || value < 0) fail(`${when}: ${name} is ${value}`)
  }
}

/** The law for the ring and for the reader of a pair. */
export function checkPair({ writer, reader }: Pair, when: string): void {
  checkLaw(writer.stats(), `${when}, ring`)
  checkLaw(reader.stats(), `${when}, reader`)
}
