// What the workers of this folder share.
import { parentPort, workerData } from 'node:worker_threads'
import { SocketClient } from 'spillway/sockets'

/** What the test asks for. */
export const task = workerData
export const client = SocketClient.init(task.handle)

/** Nothing here takes nearly as long: a call that does fails, and the test with it. */
export const LONG = { timeoutMs: 20_000 }

export function say(fact) {
  parentPort.postMessage(fact)
}

/** Again and again, until the test stops the socket server. */
export function untilStopped(round) {
  try {
    for (;;) round()
  } catch (error) {
    if (error.code !== 'ECONNABORTED') throw error
  }
}

/** A listener on loopback, whose port the test is told. */
export function listen() {
  const listener = client.socket('tcp4')
  listener.bindSync({ host: '127.0.0.1', port: 0 })
  listener.listenSync()
  say(listener.getSockName())
  return listener
}
