// An I/O thread that stops for good when it is told to send metadata: what its exporters have from then on stays unsent.
import { parentPort } from 'node:worker_threads'
import 'spillway/io-worker'

parentPort.on('message', ({ kind }) => {
  if (kind === 'post') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
