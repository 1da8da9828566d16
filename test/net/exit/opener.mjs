// An exporter that was opened inside a worker, and the worker's end.
import process from 'node:process'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { UdpExporter } from 'spillway/udp'
import { burst, happens, LONG_MS, openOptions, sayEnding, sleep, task, throwOnPurpose } from './common.mjs'

const workerEnds = {
  'opener returns': () => {},
  'opener closes': (exporter) => exporter.close(),
  'opener calls process.exit': () => process.exit(0),
  'opener throws': throwOnPurpose,
  'opener is terminated': () => sleep(LONG_MS),
  'process.exit while the opener lives': () => sleep(LONG_MS),
}

const mainEnds = {
  'opener is terminated': (thread) => thread.terminate(),
  'process.exit while the opener lives': () => process.exit(0),
}

if (isMainThread) await main()
else await worker()

async function main() {
  const thread = new Worker(new URL(import.meta.url), { workerData: task })
  const end = mainEnds[task.end]
  await happens(thread, end === undefined ? 'exit' : 'message')
  sayEnding()
  await end?.(thread)
}

async function worker() {
  const exporter = await UdpExporter.open(openOptions)
  burst(exporter)
  parentPort.postMessage('written')
  await workerEnds[task.end](exporter)
}
