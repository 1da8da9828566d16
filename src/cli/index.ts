#!/usr/bin/env node
/**
 * The `spillway` command.
 *
 * @module
 */
import process from 'node:process'
import { isMainThread, workerData } from 'node:worker_threads'
import { isDemoThread, runDemoThread } from './demo/thread.ts'
import { main } from './main.ts'

const { stdin, stdout, stderr } = process

// What is said cannot be written (`| head`): no reason to fail. A sink that writes there listens for itself.
for (const stream of [stdout, stderr]) stream.on('error', () => {})

// The threads of `demo` begin here, too: in a bundle this is the one file that they can be started with.
if (isMainThread) {
  process.exitCode = await main(process.argv.slice(2), {
    stdin,
    stdout,
    stderr,
    self: new URL(import.meta.url),
  })
} else if (isDemoThread(workerData)) {
  runDemoThread(workerData)
}
