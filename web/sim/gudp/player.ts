import type { PairRun } from '../../../src/sim/gudp/index.ts'
import { SAMPLE_MS } from './charts.ts'

/** What a frame may take of the page's time; a run that needs more goes slower than was asked for. */
const FRAME_BUDGET_MS = 12
/** A page that was hidden for an hour does not run for an hour. */
const LONGEST_FRAME_MS = 100

export interface Audience {
  /** At every multiple of `SAMPLE_MS` of virtual time. */
  onSample(): void
  /** Something has changed that can be seen. */
  onFrame(): void
  /** It has begun to run by itself, or ended. */
  onState(): void
}

/** Lets virtual time pass: by itself, so many times as fast as the page's, or as far as it is told. */
export class Player {
  /** Virtual ms a real one. */
  speed = 0.25
  #run: PairRun
  readonly #audience: Audience
  #frame: number | undefined
  #lastMs = 0
  /** Where virtual time should be: a fraction of a frame is not lost. */
  #targetMs = 0
  #until: { readonly ms: number; readonly speed: number } | undefined

  constructor(run: PairRun, audience: Audience) {
    this.#run = run
    this.#audience = audience
  }

  get isRunning(): boolean {
    return this.#frame !== undefined
  }

  /** Another run, from its start. It is still. */
  use(run: PairRun): void {
    this.pause()
    this.#run = run
  }

  /** With `untilMs`: so fast that it is there within `withinMs`, where it stops. */
  start(untilMs?: number, withinMs = 0): void {
    this.#until = undefined
    if (untilMs !== undefined) {
      const leftMs = untilMs - this.#run.nowMs
      this.#until = { ms: untilMs, speed: Math.max(this.speed, leftMs / withinMs) }
    }
    if (this.isRunning) return
    this.#lastMs = performance.now()
    this.#targetMs = this.#run.nowMs
    this.#frame = requestAnimationFrame((nowMs) => this.#play(nowMs))
    this.#audience.onState()
  }

  pause(): void {
    if (this.#frame === undefined) return
    cancelAnimationFrame(this.#frame)
    this.#frame = undefined
    this.#until = undefined
    this.#audience.onState()
  }

  /** As far as that, at once. */
  skipTo(untilMs: number): void {
    this.pause()
    this.#advanceTo(untilMs, Number.POSITIVE_INFINITY)
    this.#audience.onFrame()
  }

  /** To the next packet. `false`: none was sent nor came for a long time. */
  step(): boolean {
    this.pause()
    const before = this.#run.nowMs
    const isThere = this.#run.step()
    // Samples that it has passed are taken now: what changed since is what the step is about.
    if (Math.floor(before / SAMPLE_MS) < Math.floor(this.#run.nowMs / SAMPLE_MS)) this.#audience.onSample()
    this.#audience.onFrame()
    return isThere
  }

  #play(nowMs: number): void {
    const passedMs = Math.min(LONGEST_FRAME_MS, Math.max(0, nowMs - this.#lastMs))
    this.#lastMs = nowMs
    const endMs = this.#until?.ms ?? Number.POSITIVE_INFINITY
    this.#targetMs = Math.min(endMs, this.#targetMs + passedMs * (this.#until?.speed ?? this.speed))
    if (!this.#advanceTo(this.#targetMs, performance.now() + FRAME_BUDGET_MS))
      this.#targetMs = this.#run.nowMs
    if (this.#run.nowMs >= endMs) this.pause()
    else this.#frame = requestAnimationFrame((next) => this.#play(next))
    this.#audience.onFrame()
  }

  /** Answers whether there was enough time for it. */
  #advanceTo(untilMs: number, deadlineMs: number): boolean {
    while (this.#run.nowMs < untilMs) {
      const nextSampleMs = (Math.floor(this.#run.nowMs / SAMPLE_MS) + 1) * SAMPLE_MS
      this.#run.advanceTo(Math.min(untilMs, nextSampleMs))
      if (this.#run.nowMs >= nextSampleMs) this.#audience.onSample()
      if (performance.now() > deadlineMs) return false
    }
    return true
  }
}
