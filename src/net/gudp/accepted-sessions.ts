import { areEqual, type U64 } from './bytes.ts'

/** A session that was accepted a moment ago, and what was answered. */
export interface Remembered {
  readonly session: U64
  readonly reply: Uint8Array
  /** What the RESPONSE was, but for its cookie. */
  readonly response: Uint8Array
  readonly untilMs: number
}

/**
 * For as long as a cookie holds, its RESPONSE may come again, and must get the same answer instead of a second session. By address, port and
 * client salt; in the order in which they came, since each is kept equally long. It stays also when its session has ended: a RESPONSE that was
 * on the way for long must not bring it back.
 */
export class AcceptedSessions {
  readonly #entries = new Map<string, Remembered>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  hasRoom(nowMs: number): boolean {
    this.#expire(nowMs)
    return this.#entries.size < this.#limit
  }

  get(key: string, nowMs: number): Remembered | undefined {
    this.#expire(nowMs)
    return this.#entries.get(key)
  }

  add(key: string, entry: Remembered): void {
    this.#entries.set(key, entry)
  }

  #expire(nowMs: number): void {
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) return
      this.#entries.delete(key)
    }
  }
}

export const keyOf = (address: string, port: number, salt: U64): string =>
  `${address}|${port}|${salt.lo}|${salt.hi}`

export const isSameResponse = ({ response }: Remembered, other: Uint8Array): boolean =>
  areEqual(response, other)
