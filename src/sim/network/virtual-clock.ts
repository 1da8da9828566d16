import { DueHeap } from '../../net/due-heap.ts'
import type { Cancel, Clock } from '../../ports.ts'

/** How long to run for something that may never come: services have timers that never end. */
const TEN_MINUTES = 600_000
/** Promises of promises that are done before time goes on. */
const PROMISE_DEPTH = 24

/** Time that passes when you say so. What is due at the same time is called in the order in which it was asked for. */
export class VirtualClock implements Clock {
  #nowMs: number
  readonly #due = new DueHeap<() => void>()
  #soon: (() => void)[] = []
  readonly #watched = new Set<() => boolean>()

  constructor(startMs = 1_000_000) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  after(ms: number, call: () => void): Cancel {
    const timer = this.#due.push(this.#nowMs + (ms > 0 ? ms : 0), call)
    return () => this.#due.remove(timer)
  }

  soon(call: () => void): void {
    this.#soon.push(call)
  }

  /** Asks whenever something has happened, until the answer is true. It is no timer: nothing goes on for its sake. */
  watch(isDone: () => boolean): Cancel {
    this.#watched.add(isDone)
    return () => void this.#watched.delete(isDone)
  }

  /** How many timers wait: what keeps a process alive. */
  get timers(): number {
    return this.#due.size
  }

  /** When the next timer is due. */
  nextAt(): number | undefined {
    return this.#due.first?.atMs
  }

  /** Lets time pass, and calls what falls due on the way, each at its own time. */
  advance(ms: number): void {
    this.runUntil(this.#nowMs + ms)
  }

  /**
   * Runs to that time, or to where the condition holds. Answers whether it does; for that it lets no more than `withinMs` pass.
   * Promises have no turn meanwhile: see `playUntil`.
   */
  runUntil(goal: number | (() => boolean), withinMs: number = TEN_MINUTES): boolean {
    const [endMs, isReached] = this.#goal(goal, withinMs)
    this.#settle()
    while (!isReached()) {
      if (!this.#step(endMs)) return this.#end(goal, endMs)
      this.#settle()
    }
    return true
  }

  /** The same; each time, what was promised is done before time goes on. */
  async playUntil(goal: number | (() => boolean), withinMs: number = TEN_MINUTES): Promise<boolean> {
    const [endMs, isReached] = this.#goal(goal, withinMs)
    await this.#settlePromises()
    while (!isReached()) {
      if (!this.#step(endMs)) return this.#end(goal, endMs)
      await this.#settlePromises()
    }
    return true
  }

  #goal(goal: number | (() => boolean), withinMs: number): [endMs: number, isReached: () => boolean] {
    return typeof goal === 'number' ? [goal, () => false] : [this.#nowMs + withinMs, goal]
  }

  #end(goal: number | (() => boolean), endMs: number): boolean {
    if (endMs > this.#nowMs) this.#nowMs = endMs
    return typeof goal === 'number' || goal()
  }

  /** The next timer, if it is due by then. */
  #step(endMs: number): boolean {
    const next = this.#due.first
    if (next === undefined || next.atMs > endMs) return false
    this.#due.remove(next)
    this.#nowMs = next.atMs
    next.value()
    return true
  }

  /** All that takes no time. Answers whether there was anything. */
  #settle(): boolean {
    let hasDone = false
    for (;;) {
      const calls = this.#soon
      this.#soon = []
      for (const call of calls) call()
      if (calls.length > 0) hasDone = true
      for (const isDone of this.#watched) {
        if (isDone()) {
          this.#watched.delete(isDone)
          hasDone = true
        }
      }
      if (this.#soon.length === 0) return hasDone
    }
  }

  async #settlePromises(): Promise<void> {
    this.#settle()
    do {
      for (let turn = 0; turn < PROMISE_DEPTH; turn++) await undefined
    } while (this.#settle())
  }
}
