import process from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'
import { GudpConnection } from 'spillway/gudp'
import { sendAll } from './send.mjs'

const { handle, end } = workerData
sendAll(GudpConnection.from(handle))
parentPort.postMessage('sent')
if (end === 'worker calls process.exit') setImmediate(() => process.exit(0))
if (end === 'worker is terminated') setInterval(() => {}, 1000)
