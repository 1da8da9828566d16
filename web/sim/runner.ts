/** Calls again and again, so many times a second or, beyond what a screen shows, several times a frame. */
export class Runner {
  readonly #tick: (steps: number) => void
  #perSecond = 10
  #frame: number | undefined
  #owed = 0
  #lastMs = 0

  constructor(tick: (steps: number) => void) {
    this.#tick = tick
  }

  get isRunning(): boolean {
    return this.#frame !== undefined
  }

  set perSecond(value: number) {
    this.#perSecond = value
  }

  start(): void {
    if (this.isRunning) return
    this.#owed = 1
    this.#lastMs = performance.now()
    this.#ask()
  }

  stop(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    this.#frame = undefined
  }

  #ask(): void {
    this.#frame = requestAnimationFrame(() => this.#tock())
  }

  #tock(): void {
    const nowMs = performance.now()
    // Nobody looked meanwhile: a tab in the background does not catch up.
    this.#owed += (Math.min(nowMs - this.#lastMs, 100) / 1000) * this.#perSecond
    this.#lastMs = nowMs
    const steps = Math.floor(this.#owed)
    this.#owed -= steps
    this.#ask() // before the tick, which may stop it
    if (steps > 0) this.#tick(steps)
  }
}
