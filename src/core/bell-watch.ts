import { blockOn } from './block-on.ts'
import { type GudpAbi, gudpCoreOf } from './gudp-core.ts'
import { keepAlive } from './keep-alive.ts'
import type { Region } from './region.ts'
import { waitAsync } from './wait-async.ts'

/** What of a thread waits without blocking it. It has armed the thread's bell, and entered a wait set. */
export interface Sleeper {
  /** `departures()` as it was before the sleeper looked last. */
  departures: number
  /** Whether it has been signalled. Plain looks: they come after the bell was armed, so what they miss rings. */
  isTold(): boolean
  /** Looks again; leaves the watch when it need not wait any more, else has armed again. */
  look(): void
}

/** Where the runtime has no `Atomics.waitAsync`. */
const FALLBACK_INTERVAL_MS = 4

/** Wakes those of this thread who wait with promises: all of them sleep at its one bell. */
export class BellWatch {
  readonly #region: Region
  readonly #abi: GudpAbi
  readonly #sleepers = new Set<Sleeper>()
  /** Which loop is the one that watches: one that sleeps on when nobody waits any more finds itself replaced. */
  #turn = 0

  private constructor(region: Region) {
    this.#region = region
    this.#abi = gudpCoreOf(region).abi
  }

  static of(region: Region): BellWatch {
    let watch = watches.get(region)
    if (watch === undefined) {
      watch = new BellWatch(region)
      watches.set(region, watch)
    }
    return watch
  }

  add(sleeper: Sleeper): void {
    if (this.#sleepers.has(sleeper)) return
    this.#sleepers.add(sleeper)
    keepAlive(1)
    if (this.#sleepers.size === 1) void this.#run(++this.#turn)
  }

  delete(sleeper: Sleeper): void {
    if (!this.#sleepers.delete(sleeper)) return
    keepAlive(-1)
    if (this.#sleepers.size === 0) this.#turn++
  }

  /** This thread has taken the sleeper's bit out of the set by another call: it must arm again. */
  kick(sleeper: Sleeper): void {
    if (!this.#sleepers.has(sleeper)) return
    sleeper.departures = -1
    this.#abi.ringThread(this.#region.token)
  }

  async #run(turn: number): Promise<void> {
    await undefined // who has added itself is not called back before it has returned
    while (this.#turn === turn) {
      const word = this.#abi.threadArm(this.#region.token)
      const departures = this.#abi.departures()
      for (const sleeper of [...this.#sleepers]) {
        if (this.#sleepers.has(sleeper) && (sleeper.departures !== departures || sleeper.isTold()))
          sleeper.look()
      }
      if (this.#turn !== turn) return
      await changed(this.#region.i32, bellIndex(this.#region), word)
    }
  }
}

const watches = new WeakMap<Region, BellWatch>()

function bellIndex(region: Region): number {
  return gudpCoreOf(region).abi.bellAddress(region.token) >> 2
}

async function changed(words: Int32Array, index: number, value: number): Promise<void> {
  if (waitAsync === undefined) {
    await new Promise((resolve) => setTimeout(resolve, FALLBACK_INTERVAL_MS))
    return
  }
  const wait = waitAsync(words, index, value)
  if (wait.async) await wait.value
}

/** Blocks this thread at its bell while it has that word, for `timeoutMs` at most. */
export function blockAtBell(region: Region, word: number, timeoutMs: number): void {
  blockOn(region.i32, bellIndex(region), word, timeoutMs)
}

/** Whether the bit of this thread is in the wait set at that address. */
export function isInSet(region: Region, set: number): boolean {
  const slot = region.token & (region.layout.MAX_THREADS - 1)
  return (Atomics.load(region.i32, (set >> 2) + (slot >> 5)) & (1 << (slot & 31))) !== 0
}
