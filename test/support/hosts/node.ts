// Threads by node:worker_threads: Node, Deno and Bun.
import { Worker } from 'node:worker_threads'
import { setThreadHost } from '../threads.ts'

/** `entry` is the bundled thread-node.ts. */
export function useNodeThreads(entry: URL): void {
  setThreadHost((name, data) => {
    const worker = new Worker(entry, { workerData: { name, data } })
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    return {
      exited,
      post: (message) => worker.postMessage(message),
      terminate: async () => {
        await worker.terminate()
      },
      listen: (onMessage, onError) => {
        worker.on('message', onMessage)
        worker.on('error', onError)
      },
    }
  })
}
