// The other end of hosts/web.ts: what a Web Worker starts with. Its first message says what to run.
import * as functions from '../../suite/thread-entry.ts'
import type { Inbox } from '../threads.ts'
import { runThread } from './run-thread.ts'

const scope = globalThis as unknown as {
  postMessage(message: unknown): void
  onmessage: ((event: { data: unknown }) => void) | null
}

let messages: Inbox | undefined
scope.onmessage = ({ data }) => {
  if (messages) return messages.put(data)
  const first = data as { name: string; data: unknown }
  messages = runThread(functions, first.name, first.data, (message) => scope.postMessage(message)).messages
}
