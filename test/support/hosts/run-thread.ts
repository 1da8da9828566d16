import { show } from '../harness.ts'
import { type Channel, Inbox } from '../threads.ts'

type ThreadFunction = (data: never, channel: Channel) => unknown

/** Runs the named one of the functions and posts what it returns. */
export function runThread(
  functions: object,
  name: string,
  data: unknown,
  post: (message: unknown) => void,
): { messages: Inbox; finished: Promise<void> } {
  const messages = new Inbox()
  const channel: Channel = { post, next: () => messages.take() }
  const run = async () => {
    try {
      const fn = (functions as Record<string, ThreadFunction>)[name]
      if (!fn) throw new Error(`the thread's functions have no ${name}`)
      post({ $done: await fn(data as never, channel) })
    } catch (error) {
      post({ $failed: show(error) })
    }
  }
  return { messages, finished: run() }
}
