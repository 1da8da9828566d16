import { Worker } from 'node:worker_threads'
import type { DemoThreadData, DemoThreadResult } from './thread.ts'

/** Those who write: threads of the entry that the command itself was started with. */
export class Writers {
  /** What each has offered, when all have ended. Rejects when one fails. */
  readonly offered: Promise<number[]>
  readonly #stop: Int32Array

  constructor(self: URL, count: number, data: Omit<DemoThreadData, 'kind' | 'thread' | 'stop'>) {
    const stop = new SharedArrayBuffer(4)
    this.#stop = new Int32Array(stop)
    const threads = Array.from({ length: count }, (_, thread) =>
      runThread(self, { ...data, kind: 'spillway demo thread', thread, stop }),
    )
    this.offered = Promise.all(threads)
    // One that fails takes the others with it; whoever awaits `offered` is told.
    this.offered.catch(() => this.stop())
  }

  /** They end with the event they are at. Pairs with the wait in `runDemoThread`. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1)
    Atomics.notify(this.#stop, 0)
  }
}

function runThread(self: URL, workerData: DemoThreadData): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(self, { workerData, name: `spillway-demo-${workerData.thread}` })
    let result: DemoThreadResult | undefined
    worker.on('message', (message: DemoThreadResult) => {
      result = message
    })
    worker.on('error', reject)
    worker.on('exit', () => {
      if (result !== undefined) resolve(result.offered)
      else reject(new Error(`thread ${workerData.thread} ended without a result`))
    })
  })
}
