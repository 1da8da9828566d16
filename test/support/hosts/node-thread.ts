// The other end of hosts/node.ts: a worker of Node, Deno or Bun.
import { parentPort, workerData } from 'node:worker_threads'
import { runThread } from './run-thread.ts'

/** Runs the one of the functions that the worker was started for. */
export function serveThread(functions: object): void {
  const port = parentPort!
  const { name, data } = workerData as { name: string; data: unknown }
  const thread = runThread(functions, name, data, (message) => port.postMessage(message))
  port.on('message', (message) => thread.messages.put(message))
  // A port that is listened to keeps the thread alive; Deno's has no close, its worker scope has one.
  const scope = globalThis as { close?: () => void }
  thread.finished.then(() => (typeof port.close === 'function' ? port.close() : scope.close?.()))
}
