import { Worker } from 'node:worker_threads'
import type { DemoThreadData, DemoThreadResult } from './thread.ts'

/**
 * Starts those who write: threads of the entry that the command itself was started with. Resolves to what each has offered, when all
 * have ended: by themselves, or, when `signal` is aborted, with the event they are at.
 */
export function runWriters(
  self: URL,
  count: number,
  data: Omit<DemoThreadData, 'kind' | 'thread' | 'stop'>,
  signal: AbortSignal,
): Promise<number[]> {
  const stop = new SharedArrayBuffer(4)
  const words = new Int32Array(stop)
  // Pairs with the wait in `runDemoThread`.
  const end = () => {
    Atomics.store(words, 0, 1)
    Atomics.notify(words, 0)
  }
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const threads = Array.from({ length: count }, (_, thread) =>
    runThread(self, { ...data, kind: 'spillway demo thread', thread, stop }),
  )
  return Promise.all(threads)
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
