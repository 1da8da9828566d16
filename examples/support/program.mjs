// What the examples with sockets share: how they start, and how they end.
import { Worker } from 'node:worker_threads'
import { SocketServer } from 'spillway/sockets'

/** Runs the file as a worker that has a socket server: `workerData.handle`. What it throws ends the program with exit code 1. */
export async function startWorker(file, settings, onMessage) {
  const server = await SocketServer.start()
  const worker = new Worker(new URL(file), { workerData: { ...settings, handle: server.handle } })
  worker.on('message', onMessage)
  worker.once('error', (error) => {
    console.error(error.message) // it says what to do
    process.exitCode = 1
  })
  worker.once('exit', () => server.stop())
  return { worker, server }
}

/** What `read` makes of the command line; what it throws is told with the usage. */
export function readOptions(usage, read) {
  try {
    return read()
  } catch (error) {
    console.error(`${error.message}\nusage: ${usage}`)
    process.exit(2)
  }
}

/** `undefined` stays; anything but a number above 0 is refused. */
export function positive(name, text) {
  if (text === undefined || Number(text) > 0) return text && Number(text)
  throw new Error(`${name} must be a number above 0, not ${text}`)
}
