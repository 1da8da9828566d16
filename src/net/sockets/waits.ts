/**
 * Waiting for channels: a call on a socket is a generator that tries, and yields what it has to wait for; here it is driven, by blocking
 * the thread or by promises. Both sleep at the thread's one bell, which the server rings (`assembly/sockets/events.ts`).
 *
 * @module
 */

import { blockOn } from '../../core/block-on.ts'
import type { Channel } from '../../core/channel.ts'
import { bellOf } from '../../core/hub.ts'
import { keepAlive } from '../../core/keep-alive.ts'
import type { SocketsHub } from '../../core/sockets-core.ts'
import { waitAsync } from '../../core/wait-async.ts'
import { socketError } from './codes.ts'

export interface Wait {
  readonly channel: Channel
  /** `READABLE`, `WRITABLE`, `ANSWERED`. */
  readonly bits: number
  /** Bytes of the datagram that is to be sent; 0: any. */
  readonly need: number
  /** The server answers at once, and what it gives must not be lost: neither the time nor a signal ends this. */
  readonly isOwed?: boolean
}

/** Any one of these is enough. Whoever is woken tries again: it may have been for nothing. */
export type Steps<T> = Generator<readonly Wait[], T, void>

export interface Limits {
  /** `performance.now()` at which to give up. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
  /** What is thrown then. */
  late(): Error
}

const LONGEST_TIMER_MS = 0x7fffffff
const FOR_EVER: Omit<Limits, 'late'> = { deadlineMs: Number.POSITIVE_INFINITY }

/** A thread's waits at one hub. */
export class Waits {
  readonly #hub: SocketsHub
  readonly #pending = new Set<Pending>()
  #departures = -1
  #isRunning = false

  constructor(hub: SocketsHub) {
    this.#hub = hub
  }

  // ---- blocking ----------------------------------------------------------------------------------------

  /** Runs the call to its end, blocking the thread where it has to wait. */
  runSync<T>(steps: Steps<T>, limits: Limits): T {
    let step = steps.next()
    while (!step.done) {
      let isLate: boolean
      try {
        isLate = !this.#sleep(step.value, limits.deadlineMs)
      } catch (error) {
        step = steps.throw(error) // it must not wait here: what it has made is put away
        continue
      }
      step = isLate ? steps.throw(limits.late()) : steps.next()
    }
    return step.value
  }

  /** For calls that wait in any case. */
  checkMayBlock(call: string): void {
    if (this.#hub.isServedHere) throw socketError('EDEADLK', call)
  }

  /** `false`: the deadline has passed. */
  #sleep(waits: readonly Wait[], deadlineMs: number): boolean {
    this.checkMayBlock('the call')
    const word = armAll(waits)
    if (word === 0) return true
    const leftMs = isOwed(waits) ? Number.POSITIVE_INFINITY : deadlineMs - performance.now()
    if (leftMs > 0) {
      blockOn(this.#hub.region.i32, bellOf(this.#hub.region, this.#hub.core), word, leftMs)
      return true
    }
    disarm(waits)
    return false
  }

  /** Something has happened here that those who wait must look at: a socket was closed. */
  kick(): void {
    this.#departures = -1
    this.#hub.core.abi.ringThread(this.#hub.region.token)
  }

  // ---- promises ----------------------------------------------------------------------------------------

  /** Runs the call to its end. What can be done at once is done before this returns. */
  async run<T>(steps: Steps<T>, limits: Limits): Promise<T> {
    let step = steps.next()
    while (!step.done) {
      let isLate: boolean
      try {
        isLate = !(await this.#wait(step.value, limits))
      } catch (error) {
        step = steps.throw(error) // the signal was aborted
        continue
      }
      step = isLate ? steps.throw(limits.late()) : steps.next()
    }
    return step.value
  }

  /** Resolves when it is worth another try, `false` when the deadline has passed. */
  #wait(waits: readonly Wait[], limits: Limits): Promise<boolean> {
    const { deadlineMs, signal } = isOwed(waits) ? FOR_EVER : limits
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const leftMs = deadlineMs - performance.now()
      if (armAll(waits) === 0) return resolve(true)
      if (leftMs <= 0) {
        disarm(waits)
        return resolve(false)
      }
      const pending: Pending = {
        waits,
        end: () => {
          this.#pending.delete(pending)
          for (const { channel } of waits) channel.watchers--
          clearTimeout(timer)
          signal?.removeEventListener('abort', abort)
          keepAlive(-1)
        },
        wake: () => {
          pending.end()
          resolve(true)
        },
      }
      const abort = () => {
        pending.end()
        disarm(waits)
        reject(signal?.reason)
      }
      const late = () => {
        const left = deadlineMs - performance.now()
        if (left > 0) {
          timer = setTimeout(late, Math.ceil(left)) // timers may be early by what the loop is behind
          return
        }
        pending.end()
        disarm(waits)
        resolve(false)
      }
      let timer = leftMs < LONGEST_TIMER_MS ? setTimeout(late, Math.ceil(leftMs)) : undefined
      signal?.addEventListener('abort', abort)
      this.#pending.add(pending)
      for (const { channel } of waits) channel.watchers++
      keepAlive(1)
      if (!this.#isRunning) void this.#dispatch()
    })
  }

  /**
   * Wakes who is told of something, as long as anybody waits. The bell is armed before the looks: what comes after one rings. A wait
   * that is added meanwhile has armed the bell itself, so the word either is what this waits for, or has changed.
   */
  async #dispatch(): Promise<void> {
    const { region, core } = this.#hub
    this.#isRunning = true
    while (this.#pending.size > 0) {
      const word = core.abi.threadArm(region.token)
      const departures = core.abi.departures()
      const isAnybodyGone = departures !== this.#departures
      this.#departures = departures
      // All of them first: arming for one hides from the others that they were told.
      const told = [...this.#pending].filter(({ waits }) => isAnybodyGone || isTold(waits))
      for (const { waits } of told) for (const { channel } of waits) channel.wasTold = false
      for (const pending of told) if (armAll(pending.waits) === 0) pending.wake()
      if (this.#pending.size === 0) break
      await changed(region.i32, bellOf(region, core), word)
    }
    this.#isRunning = false
  }
}

interface Pending {
  readonly waits: readonly Wait[]
  end(): void
  wake(): void
}

/** 0 when one of them need not be waited for, else the word to wait for at the bell. */
function armAll(waits: readonly Wait[]): number {
  let first = 0
  for (const { channel, bits, need } of waits) {
    if (!channel.isIn) return 0 // closed meanwhile
    if (channel.watchers > 0 && channel.isTold(bits)) channel.wasTold = true
    const word = channel.block(bits, need)
    if (word === 0) return 0
    if (first === 0) first = word // the oldest: whatever rings after it is not missed
  }
  return first
}

/** Not where another wait of this thread may be for the same. */
function disarm(waits: readonly Wait[]): void {
  for (const { channel, bits } of waits) if (channel.watchers === 0) channel.unblock(bits)
}

function isTold(waits: readonly Wait[]): boolean {
  for (const { channel, bits } of waits)
    if (channel.wasTold || !channel.isIn || channel.isTold(bits)) return true
  return false
}

function isOwed(waits: readonly Wait[]): boolean {
  return waits.length === 1 && waits[0]!.isOwed === true
}

async function changed(words: Int32Array, index: number, value: number): Promise<void> {
  const wait = waitAsync!(words, index, value)
  if (wait.async) await wait.value
}
