// Of node:dgram, and of the kernel behind it.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { nextTurn } from './timing.mjs'

export const HOST = '127.0.0.1'

export async function connect(port) {
  const socket = createSocket('udp4')
  socket.connect(port, HOST)
  await once(socket, 'connect')
  return socket
}

/** Until the kernel has taken what was sent: without callbacks there is only the queue to look at. */
export async function drained(socket) {
  do await nextTurn()
  while (socket.getSendQueueCount() > 0)
}

/** Datagrams that found the buffer of the socket at this port full: the last column of its row. Only Linux tells. */
export function droppedByKernel(portNumber) {
  if (process.platform !== 'linux') return undefined
  const port = portNumber.toString(16).toUpperCase().padStart(4, '0')
  const row = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .find((line) => line.trim().split(/\s+/)[1]?.endsWith(`:${port}`))
  return Number(row.trim().split(/\s+/).at(-1))
}
