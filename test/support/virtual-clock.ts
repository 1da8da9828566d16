import type { Cancel, Clock } from '../../src/ports.ts'

interface Timer {
  readonly atMs: number
  readonly call: () => void
}

/** Time that passes when a test says so. What is due at the same time is called in the order in which it was asked for. */
export class VirtualClock implements Clock {
  #nowMs: number
  #timers: Timer[] = []
  #soon: (() => void)[] = []

  constructor(startMs = 1_000_000) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  after(ms: number, call: () => void): Cancel {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), call }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  soon(call: () => void): void {
    this.#soon.push(call)
  }

  /** How many timers wait: what keeps a process alive. */
  get timers(): number {
    return this.#timers.length
  }

  /** Lets time pass, and calls what falls due on the way, each at its own time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    this.#callSoon()
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      this.#nowMs = timer.atMs
      timer.call()
      this.#callSoon()
    }
    this.#nowMs = endMs
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs <= endMs && (next === undefined || timer.atMs < next.atMs)) next = timer
    }
    return next
  }

  #callSoon(): void {
    while (this.#soon.length > 0) this.#soon.shift()!()
  }
}
