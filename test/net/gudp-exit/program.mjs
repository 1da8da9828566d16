// Sends reliable messages to a listener that is there, and ends in the way that it is told.
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import { GudpDaemon } from 'spillway/gudp'
import { sendAll } from './send.mjs'

const [end, port] = process.argv.slice(2)
const daemon = await GudpDaemon.start()

if (end === 'listens') {
  // Its first connection tells it to stop listening: until then that alone keeps it alive.
  const listener = await daemon.listen({ port: 0, onConnection: () => listener.close() })
  process.stdout.write(`${listener.address().port}\n`)
} else {
  const options = { congestion: 'paced' }
  const connection = await daemon.connect({ host: '127.0.0.1', port: Number(port), ...options })
  if (end === 'idle') connection.messages.reliable.send('first')
  else if (end.startsWith('worker')) {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: { handle: connection.handle, end },
    })
    worker.once('message', () => end === 'worker is terminated' && worker.terminate())
    await new Promise((resolve) => worker.once('exit', resolve))
  } else sendAll(connection)
  if (end === 'process.exit') process.exit(0)
  if (end === 'throw') throw new Error('on purpose')
  if (end === 'close') await connection.close()
  if (end === 'leave') connection.leave()
  if (end === 'stop') await daemon.stop()
}
