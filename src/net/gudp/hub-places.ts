import { SpillwayError } from '../../core/errors.ts'
import type { Session } from './session.ts'

/** Which session has which place in the hub's table. */
export class HubPlaces {
  readonly #sessions: (Session | undefined)[] = []
  readonly #free: number[] = []

  constructor(count: number) {
    for (let i = count - 1; i >= 0; i--) this.#free.push(i)
  }

  get hasRoom(): boolean {
    return this.#free.length > 0
  }

  at(index: number): Session | undefined {
    return this.#sessions[index]
  }

  /** Whoever takes one has asked whether there is room. */
  take(): number {
    const index = this.#free.pop()
    if (index === undefined) throw noPlace()
    return index
  }

  set(index: number, session: Session): void {
    this.#sessions[index] = session
  }

  giveBack(index: number): void {
    this.#sessions[index] = undefined
    this.#free.push(index)
  }
}

export function noPlace(): SpillwayError {
  return new SpillwayError(
    'ERR_TOO_MANY_CONNECTIONS',
    'the daemon has as many connections as it was started for: raise maxConnections, or close some',
  )
}
