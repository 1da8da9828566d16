// The peer of a socket, on node:net or node:dgram: see peer.mjs.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { options, standBy } from './helper-end.mjs'
import { makeRecord, stamp } from './records.mjs'
import { bytesOfNumber, numberOfBytes, StreamCheck, writeStream } from './stream.mjs'
import { connect, drained, HOST } from './udp.mjs'

/** Datagrams between two looks whether the kernel has taken them. */
const PER_LOOK = 64

const peers = {
  /** Sends back what comes. */
  'tcp-echo': () => {
    listen((socket) => {
      socket.on('data', (bytes) => socket.write(bytes))
      socket.on('end', () => socket.end())
    })
  },

  /** Is told how many bytes, and sends them. */
  'tcp-source': () => {
    listen((socket) => socket.once('data', (bytes) => writeStream(socket, numberOfBytes(bytes))))
  },

  /** Takes everything; at the end it tells how many bytes there were, or -1 when they were not what was sent. */
  'tcp-sink': () => {
    listen((socket) => {
      const check = new StreamCheck()
      socket.on('data', (bytes) => check.take(bytes))
      socket.on('end', () => socket.end(bytesOfNumber(check.isBroken ? -1 : check.bytes)))
    })
  },

  'udp-echo': async () => {
    const socket = await bound()
    socket.on('message', (datagram, { port, address }) => socket.send(datagram, port, address))
    standBy({ port: socket.address().port }, () => ({}))
  },

  /** Is told by a datagram how many to send back, and sends them as fast as the kernel takes them. */
  'udp-source': async () => {
    const socket = await bound()
    const counted = { sent: 0 }
    socket.once('message', async (datagram, { port }) => {
      const own = await connect(port)
      const records = Array.from({ length: PER_LOOK }, () => makeRecord(options.bytes))
      for (const count = numberOfBytes(datagram); counted.sent < count; counted.sent++) {
        const record = records[counted.sent % PER_LOOK]
        stamp(record, counted.sent)
        own.send(record)
        if (counted.sent % PER_LOOK === PER_LOOK - 1) await drained(own)
      }
      await drained(own)
    })
    standBy({ port: socket.address().port }, () => counted)
  },
}

function listen(onConnection) {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {}) // closed with a reset: that is the other side's affair
    onConnection(socket)
  })
  server.listen({ host: HOST, port: 0, backlog: 511 }, () =>
    standBy({ port: server.address().port }, () => ({})),
  )
}

async function bound() {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket
}

await peers[options.kind]()
