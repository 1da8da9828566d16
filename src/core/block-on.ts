import { SpillwayError } from './errors.ts'

/** Blocks while the word is `value`, for `timeoutMs` at most. */
export function blockOn(words: Int32Array, index: number, value: number, timeoutMs: number): void {
  try {
    Atomics.wait(words, index, value, timeoutMs)
  } catch (cause) {
    throw new SpillwayError(
      'ERR_CANNOT_BLOCK',
      'this thread may not block: use the call that gives a promise here, or this one in a worker',
      { cause },
    )
  }
}
