import { BellWatch, type Sleeper } from './bell-watch.ts'
import type { Region } from './region.ts'

/** A promise of this thread that waits in a queue, and what it waits with. */
export interface Task<Outcome, What> {
  readonly what: What
  resolve(outcome: Outcome): void
  reject(reason: unknown): void
}

/** A queue of promises of this thread; the first of it is who waits at the bell, for all of them. */
export abstract class Tasks<Outcome, What> implements Sleeper {
  departures = -1
  protected readonly waiting: Task<Outcome, What>[] = []
  protected readonly watch: BellWatch

  constructor(region: Region) {
    this.watch = BellWatch.of(region)
  }

  wait(what: What, signal?: AbortSignal): Promise<Outcome> {
    return this.enqueue(this.waiting, what, signal)
  }

  get isWaiting(): boolean {
    return this.waiting.length > 0
  }

  kick(): void {
    this.watch.kick(this)
  }

  close(reason: unknown): void {
    this.watch.delete(this)
    this.rejectAll(reason)
  }

  abstract isTold(): boolean
  abstract look(): void
  /** It is in the queue no more, and is to be rejected; whoever is first now may wait for something else, or nobody is left. */
  protected abstract giveUp(task: Task<Outcome, What>, reason: unknown): void

  protected enqueue(
    queue: Task<Outcome, What>[],
    what: What,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const settle = () => signal?.removeEventListener('abort', abort)
      const task: Task<Outcome, What> = {
        what,
        resolve: (outcome) => {
          settle()
          resolve(outcome)
        },
        reject: (reason) => {
          settle()
          reject(reason)
        },
      }
      const abort = () => {
        const at = queue.indexOf(task)
        if (at < 0) return
        queue.splice(at, 1)
        this.giveUp(task, signal?.reason)
      }
      signal?.addEventListener('abort', abort)
      queue.push(task)
      if (queue.length === 1) this.look()
    })
  }

  protected rejectAll(reason: unknown): void {
    for (const task of this.waiting.splice(0)) task.reject(reason)
  }
}
