// The receiving process: takes datagrams and counts, nothing more. See receiver.mjs.
import { createSocket } from 'node:dgram'
import { options, standBy } from './helper-end.mjs'
import { droppedByKernel, HOST } from './udp.mjs'

/** With nothing for so long, what was sent has come, or never will. */
const QUIET_MS = 100
const NEWLINE = 0x0a

const { starts, isSeparated, recvBufferBytes } = options
const start = Buffer.from(starts)
const counted = { datagrams: 0, lines: 0, bytes: 0, odd: 0, apart: 0 }
const apart = Buffer.from('{"event":"') // the exporter's own: metadata, heartbeats
let firstAt = 0
let lastAt = performance.now()

const socket = createSocket({ type: 'udp4', recvBufferSize: recvBufferBytes })
socket.on('message', (datagram) => {
  lastAt = performance.now()
  counted.datagrams++
  if (begins(datagram, apart)) {
    counted.apart++
    return
  }
  if (counted.bytes === 0) firstAt = lastAt
  counted.bytes += datagram.length
  counted.lines += newlinesIn(datagram) + (isSeparated ? 1 : 0)
  if (begins(datagram, start)) return
  counted.odd++
  counted.lines-- // the rest of a line that began in another datagram
})
socket.bind(0, HOST, () => {
  const { port } = socket.address()
  standBy({ port }, async () => {
    while (performance.now() - lastAt < QUIET_MS)
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
    const dropped = droppedByKernel(port)
    socket.close()
    return { ...counted, seconds: (lastAt - firstAt) / 1000, dropped }
  })
})

function begins(datagram, text) {
  for (let i = 0; i < text.length; i++) if (datagram[i] !== text[i]) return false
  return true
}

function newlinesIn(datagram) {
  let lines = 0
  for (let at = datagram.indexOf(NEWLINE); at >= 0; at = datagram.indexOf(NEWLINE, at + 1)) lines++
  return lines
}
