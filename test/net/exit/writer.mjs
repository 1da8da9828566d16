// An exporter in the main thread, and a worker that writes to it by handle: whatever becomes of the worker, or of the program while
// the worker goes on, what it had completed is delivered.
import process from 'node:process'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { UdpExporter } from 'spillway/udp'
import {
  burst,
  happens,
  LONG_MS,
  openOptions,
  say,
  sayEnding,
  sleep,
  task,
  throwOnPurpose,
} from './common.mjs'

/** What the worker does after its burst, */
const workerEnds = {
  'worker returns': () => {},
  'worker calls process.exit': () => process.exit(0),
  'worker throws': throwOnPurpose,
  'worker is terminated': () => sleep(LONG_MS),
  'process.exit while the worker writes': writeOn,
  'return while the worker writes': writeOn,
}

/** and the main thread after that. */
const mainEnds = {
  'worker is terminated': (thread) => thread.terminate(),
  'process.exit while the worker writes': () => process.exit(0),
  'return while the worker writes': (thread) => thread.unref(),
}

if (isMainThread) await main()
else await worker()

async function main() {
  const exporter = await UdpExporter.open(openOptions)
  const accepted = new Int32Array(new SharedArrayBuffer(4))
  const workerData = { ...task, handle: exporter.handle, accepted }
  const thread = new Worker(new URL(import.meta.url), { workerData })
  const end = mainEnds[task.end]
  await happens(thread, end === undefined ? 'exit' : 'message')
  say({ accepted: Atomics.load(accepted, 0) })
  sayEnding()
  await end?.(thread)
}

async function worker() {
  const exporter = UdpExporter.from(task.handle)
  burst(exporter)
  Atomics.store(task.accepted, 0, task.events)
  parentPort.postMessage('written')
  await workerEnds[task.end](exporter)
}

/** What a full ring refuses is offered again, so that what arrives has no gaps. */
function writeOn(exporter) {
  for (let i = task.events; ; )
    if (exporter.encode({ event: 'test', i })) Atomics.store(task.accepted, 0, ++i)
}
