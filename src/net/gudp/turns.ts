import type { Clock } from '../../ports.ts'
import type { Session } from './session.ts'

/**
 * Which sessions are to be looked at, each once, when what has come is dealt with; and which of them have to wait until there is a
 * place for what they send.
 */
export class Turns {
  readonly #clock: Clock
  readonly #visit: (session: Session) => void
  readonly #hasPlace: () => boolean
  readonly #dirty: Session[] = []
  readonly #starved: Session[] = []
  #isSet = false

  constructor(clock: Clock, hasPlace: () => boolean, visit: (session: Session) => void) {
    this.#clock = clock
    this.#hasPlace = hasPlace
    this.#visit = visit
  }

  /** To be looked at in the next turn. */
  soil(session: Session): void {
    if (session.isDirty) return
    session.isDirty = true
    this.#dirty.push(session)
    if (this.#isSet) return
    this.#isSet = true
    this.#clock.soon(() => this.#turn())
  }

  /** There is no place for what it has to send. */
  starve(session: Session): void {
    if (session.isStarved) return
    session.isStarved = true
    this.#starved.push(session)
  }

  /** There is a place again. In a later turn: that of the kernel's answers must come to its end. */
  feed(): void {
    const session = this.#starved.shift()
    if (session === undefined) return
    session.isStarved = false
    this.soil(session)
  }

  #turn(): void {
    this.#isSet = false
    for (const session of this.#dirty.splice(0)) {
      session.isDirty = false
      if (!session.isGone) this.#visit(session)
    }
    // Who was fed may have needed no place, so that nothing tells the next one that there is one.
    if (this.#hasPlace()) this.feed()
  }
}
