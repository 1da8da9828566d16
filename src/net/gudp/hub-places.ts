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

  take(): number | undefined {
    return this.#free.pop()
  }

  set(index: number, session: Session): void {
    this.#sessions[index] = session
  }

  giveBack(index: number): void {
    this.#sessions[index] = undefined
    this.#free.push(index)
  }
}
