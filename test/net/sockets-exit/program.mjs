// Fills a connection to a peer that does not read yet, says how many bytes were taken, and ends in the way that it is told.
import { writeSync } from 'node:fs'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import { SocketClient, SocketServer } from 'spillway/sockets'
import { fill } from './fill.mjs'

const [end, port] = process.argv.slice(2)
const server = await SocketServer.start()
const say = (sent) => writeSync(1, `${JSON.stringify({ sent })}\n`)

if (end.startsWith('worker')) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { handle: server.handle, port: Number(port), end },
  })
  worker.on('error', () => {})
  await new Promise((resolve) => {
    worker.once('exit', resolve)
    worker.once('message', (sent) => {
      say(sent)
      if (end === 'worker is terminated') void worker.terminate()
    })
  })
} else {
  const client = SocketClient.init(server.handle)
  const socket = client.socket('tcp4')
  say(fill(socket, Number(port)))
  if (end === 'process.exit') process.exit(0)
  if (end === 'throw') throw new Error('on purpose')
  if (end === 'close, stop') {
    socket.closeSync()
    client.close()
  }
  if (end !== 'return') await server.stop()
}
