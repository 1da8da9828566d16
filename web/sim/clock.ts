/** Calls again and again, so many times a second or, beyond what a screen shows, several times a frame. */
export class Runner {
  readonly #tick: (steps: number) => void
  #perSecond = 10
  #running = false
  #owed = 0
  #lastMs = 0

  constructor(tick: (steps: number) => void) {
    this.#tick = tick
  }

  get isRunning(): boolean {
    return this.#running
  }

  set perSecond(value: number) {
    this.#perSecond = value
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#owed = 1
    this.#lastMs = performance.now()
    requestAnimationFrame(() => this.#frame())
  }

  stop(): void {
    this.#running = false
  }

  #frame(): void {
    if (!this.#running) return
    const nowMs = performance.now()
    // Nobody looked meanwhile: a tab in the background does not catch up.
    this.#owed += (Math.min(nowMs - this.#lastMs, 100) / 1000) * this.#perSecond
    this.#lastMs = nowMs
    const steps = Math.floor(this.#owed)
    this.#owed -= steps
    if (steps > 0) this.#tick(steps)
    requestAnimationFrame(() => this.#frame())
  }
}
