// What the programs of this folder share.
import { writeSync } from 'node:fs'
import process from 'node:process'
import { isMainThread, workerData } from 'node:worker_threads'

/** What the test asks for: `{ end, port, events, options }`. A worker is given the same, and what its program adds. */
export const task = isMainThread ? JSON.parse(process.argv[2]) : workerData

export const openOptions = { host: '127.0.0.1', port: task.port, ...task.options }

/** All events at once. */
export function burst(exporter) {
  for (let i = 0; i < task.events; i++) exporter.encode({ event: 'test', i })
}

/** One more, from whoever goes on. */
export function oneMore(exporter) {
  return exporter.encode({ event: 'test', i: task.events })
}

/** Facts for the test, written before the call returns: what is still in a stream's buffer would be lost at the end. */
export function say(facts) {
  writeSync(1, `${JSON.stringify(facts)}\n`)
}

/** From this moment on the end is timed. */
export function sayEnding() {
  say({ endingAtMs: Date.now() })
}

export function throwOnPurpose() {
  throw new Error('on purpose')
}

/** `once` of node:events would reject with the error that a worker throws on purpose. */
export function happens(thread, event) {
  thread.on('error', () => {})
  return new Promise((resolve) => thread.once(event, resolve))
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Far longer than any end may take. */
export const LONG_MS = 10_000
