// The receiving process: takes datagrams and counts, nothing more. See receiver.mjs.
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'

/** With nothing for so long, what was sent has come, or never will. */
const QUIET_MS = 100
const NEWLINE = 0x0a

const { starts, isSeparated, recvBufferBytes } = JSON.parse(process.argv[2])
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
socket.bind(0, '127.0.0.1', () => process.send({ port: socket.address().port }))

process.on('message', async () => {
  while (performance.now() - lastAt < QUIET_MS) await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  const dropped = droppedByKernel()
  const seconds = (lastAt - firstAt) / 1000
  const { user, system } = process.cpuUsage()
  process.send({ ...counted, seconds, dropped, cpuSeconds: (user + system) / 1e6 }, () =>
    process.disconnect(),
  )
  socket.close()
})
process.on('disconnect', () => process.exit(0)) // whoever started this is gone

function begins(datagram, text) {
  for (let i = 0; i < text.length; i++) if (datagram[i] !== text[i]) return false
  return true
}

function newlinesIn(datagram) {
  let lines = 0
  for (let at = datagram.indexOf(NEWLINE); at >= 0; at = datagram.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

/** Datagrams that found our buffer full: the last column of the socket's row. Only Linux tells. */
function droppedByKernel() {
  if (process.platform !== 'linux') return undefined
  const port = socket.address().port.toString(16).toUpperCase().padStart(4, '0')
  const row = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .find((line) => line.trim().split(/\s+/)[1]?.endsWith(`:${port}`))
  return Number(row.trim().split(/\s+/).at(-1))
}
