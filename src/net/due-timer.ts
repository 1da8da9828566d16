import type { Cancel, Clock } from '../ports.ts'
import { type Due, DueHeap } from './due-heap.ts'

/** So that time goes on, however close the next due time is: a sum of two times may come to less than it should. */
const LEAST_WAIT_MS = 0.01

/** What falls due, any number of them with one timer of the clock. */
export class DueTimer<T> {
  readonly #clock: Clock
  readonly #onDue: (value: T) => void
  readonly #heap = new DueHeap<T>()
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined

  constructor(clock: Clock, onDue: (value: T) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  add(atMs: number, value: T): Due<T> {
    const due = this.#heap.push(atMs, value)
    this.#arm()
    return due
  }

  /** The timer may still run once for nothing: that costs less than to set it anew each time. */
  remove(due: Due<T>): void {
    this.#heap.remove(due)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    const first = this.#heap.first
    if (first === undefined || (this.#timer !== undefined && this.#timer.atMs <= first.atMs)) return
    this.#timer?.cancel()
    const waitMs = Math.max(LEAST_WAIT_MS, first.atMs - this.#clock.now())
    this.#timer = { atMs: first.atMs, cancel: this.#clock.after(waitMs, () => this.#fall()) }
  }

  #fall(): void {
    this.#timer = undefined
    const nowMs = this.#clock.now()
    for (let first = this.#heap.first; first !== undefined && first.atMs <= nowMs; first = this.#heap.first) {
      this.#heap.remove(first)
      this.#onDue(first.value)
    }
    this.#arm()
  }
}
