// Threads by Web Workers.
import { setThreadHost } from '../threads.ts'

/** `entry` is the URL of the bundled thread-web.ts. */
export function useWebThreads(entry: string): void {
  setThreadHost((name, data) => {
    const worker = new Worker(entry, { type: 'module', name })
    let ended = () => {}
    const exited = new Promise<void>((resolve) => {
      ended = resolve
    })
    worker.postMessage({ name, data })
    return {
      exited,
      post: (message) => worker.postMessage(message),
      terminate: async () => {
        worker.terminate()
        ended()
      },
      listen: (onMessage, onError) => {
        worker.onmessage = ({ data: message }) => onMessage(message)
        worker.onerror = (event) => onError(new Error(event.message))
      },
    }
  })
}
