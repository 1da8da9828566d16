import process from 'node:process'
import { threadId, type Worker } from 'node:worker_threads'
import { installThreadHost } from '../core/thread-host.ts'

/**
 * Deno tells of a worker's exit while its code may still be running (a tight loop went on for seconds): there it proves
 * nothing. Node and Bun tell after the thread has been joined.
 */
const EXIT_IS_PROOF = !('Deno' in globalThis)

/** Thread 0 is the main one, and a key must not be 0. */
const keyOf = (id: number) => id + 1

const stopped: ((key: number) => void)[] = []
const exited: ((key: number) => void)[] = []

installThreadHost({
  threadKey: keyOf(threadId),
  onThreadStopped: (listener) => stopped.push(listener),
  onThreadExited: (listener) => exited.push(listener),
})

/** Every worker that this thread starts is watched from its birth; that keeps nothing alive. */
process.on('worker', (worker: Worker) => {
  const key = keyOf(worker.threadId)
  worker.once('exit', () => {
    for (const listener of EXIT_IS_PROOF ? stopped : exited) listener(key)
  })
})
