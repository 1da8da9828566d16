import process from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'
import { SocketClient } from 'spillway/sockets'
import { fill } from './fill.mjs'

const { handle, port, end } = workerData
const client = SocketClient.init(handle)
const sent = fill(client.socket('tcp4'), port)
parentPort.postMessage(sent)
// A message is on its way when this turn of the loop is over.
if (end === 'worker calls process.exit') setImmediate(() => process.exit(0))
if (end === 'worker is terminated') setInterval(() => {}, 1000)
