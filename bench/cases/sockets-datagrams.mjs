// UDP as fast as it goes, both ways, and how often a thread has to be woken for it. What is lost is counted where it is lost.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { SocketClient, SocketServer } from 'spillway/sockets'
import { arrived } from '../support/arrival.mjs'
import { startPeer } from '../support/peer.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { isWhole, numberOf } from '../support/records.mjs'
import { ownSleeps, serverRingsOf } from '../support/shared-memory.mjs'
import { bytesOfNumber } from '../support/stream.mjs'
import { start } from '../support/threads.mjs'
import { connect, drained, droppedByKernel, HOST } from '../support/udp.mjs'

const START = 'a datagram'
const BYTES = 200
const BUFFER_BYTES = 4 * 2 ** 20
/** With nothing for so long, all has come that will. */
const QUIET_MS = 200
/** Of dgram: datagrams between two looks whether the kernel has taken them. */
const PER_LOOK = 512
const PER_BURST = 100
const PAUSE_MS = 2

export const variants = {
  send: (scale) => sendBySpillway(counted(scale), counted(scale), 0),
  'send-bursts': (scale) =>
    sendBySpillway(Math.max(10, Math.round(500 * scale)) * PER_BURST, PER_BURST, PAUSE_MS),
  'send-dgram': sendByDgram,
  receive: receiveBySpillway,
  'receive-dgram': receiveByDgram,
}

const counted = (scale) => Math.max(2000, Math.round(400_000 * scale))

// ---- sending -------------------------------------------------------------------------------------------

/**
 * `rate`: thousand datagrams a second on the receiver's clock. `ringsPerThousand`: of the bell of the server's thread, what it tells
 * itself among them; `senderRingsPerThousand`: of the sender's, which sleeps when its ring is full.
 */
async function sendBySpillway(count, perBurst, pauseMs) {
  const receiver = await startReceiver({ starts: START })
  const server = await SocketServer.start()
  const rings = serverRingsOf(server.handle)
  const sender = start(import.meta.url, 'sender', {
    handle: server.handle,
    port: receiver.port,
    count,
    perBurst,
    pauseMs,
  })
  await sender.hears('ready')
  const before = rings()
  const { rings: senderRings } = await sender.result()
  const got = await receiver.result()
  const perThousand = (number) => (number * 1000) / count
  const figures = {
    ...sent(count, got),
    ringsPerThousand: perThousand(rings() - before),
    senderRingsPerThousand: perThousand(senderRings),
  }
  await server.stop()
  return figures
}

async function sendByDgram(scale) {
  const receiver = await startReceiver({ starts: START })
  const socket = await connect(receiver.port)
  const payload = makePayload()
  const count = counted(scale)
  for (let i = 1; i <= count; i++) {
    socket.send(payload)
    if (i % PER_LOOK === 0) await drained(socket)
  }
  await drained(socket)
  socket.close()
  return sent(count, await receiver.result())
}

function makePayload() {
  return Buffer.from(`${START.padEnd(BYTES - 1, '.')}\n`)
}

function sent(count, got) {
  if (got.bytes !== got.datagrams * BYTES)
    throw new Error(`${got.datagrams} datagrams are ${got.bytes} bytes`)
  return { rate: got.datagrams / got.seconds / 1000, ...arrived(count, { datagrams: count }, got) }
}

// ---- receiving -----------------------------------------------------------------------------------------

async function receiveBySpillway(scale) {
  const peer = await startPeer('udp-source', { bytes: BYTES })
  const server = await SocketServer.start()
  const count = counted(scale)
  const receiver = start(import.meta.url, 'receiver', { handle: server.handle, port: peer.port, count })
  const got = await receiver.result()
  await server.stop()
  const { sleeps, rings } = got
  return {
    ...received(await peer.result(), got),
    sleepsPerThousand: (sleeps * 1000) / got.datagrams,
    ringsPerThousand: (rings * 1000) / got.datagrams,
  }
}

async function receiveByDgram(scale) {
  const peer = await startPeer('udp-source', { bytes: BYTES })
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES })
  socket.bind(0, HOST)
  await once(socket, 'listening')
  const count = counted(scale)
  const arrivals = new Arrivals()
  await new Promise((resolve) => {
    const check = setInterval(() => {
      if (arrivals.datagrams === count || arrivals.isQuiet) resolve()
    }, QUIET_MS / 2)
    socket.on('message', (datagram) => arrivals.take(datagram))
    socket.once('close', () => clearInterval(check))
    socket.send(bytesOfNumber(count), peer.port, HOST)
  })
  const got = arrivals.result(droppedByKernel(socket.address().port), 0)
  socket.close()
  return received(await peer.result(), got)
}

/** Counts, and looks whether each is whole and in its turn. */
class Arrivals {
  datagrams = 0
  #next = 0
  #firstAt = 0
  #lastAt = performance.now()

  take(datagram) {
    this.#lastAt = performance.now()
    if (this.datagrams++ === 0) this.#firstAt = this.#lastAt
    const number = numberOf(datagram)
    if (number < this.#next || !isWhole(datagram, BYTES))
      throw new Error(`datagram ${number} came after ${this.#next - 1}, ${datagram.length} bytes`)
    this.#next = number + 1
  }

  get isQuiet() {
    return performance.now() - this.#lastAt > QUIET_MS
  }

  result(inKernel, inRing) {
    const { datagrams } = this
    return { datagrams, seconds: (this.#lastAt - this.#firstAt) / 1000, inKernel, inRing }
  }
}

/** The books: what was sent came, or found one of the two buffers full. */
function received({ sent }, { datagrams, seconds, inKernel, inRing }) {
  if (inKernel !== undefined && datagrams + inKernel + inRing !== sent)
    throw new Error(`${sent} sent: ${datagrams} came, the kernel dropped ${inKernel}, the ring ${inRing}`)
  return { rate: datagrams / seconds / 1000, lost: (sent - datagrams) / sent, lostInRing: inRing / sent }
}

export const threads = {
  sender({ handle, port, count, perBurst, pauseMs }, say) {
    const client = SocketClient.init(handle)
    const socket = client.socket('udp4')
    socket.connectSync(port, HOST)
    const payload = makePayload()
    const { wait } = Atomics
    const looks = ownSleeps() // the pauses are not among them
    const never = new Int32Array(new SharedArrayBuffer(4))
    say('ready')
    wait(never, 0, 0, 20) // until the server sleeps
    for (let i = 0; i < count; i++) {
      if (pauseMs > 0 && i % perBurst === 0) wait(never, 0, 0, pauseMs)
      socket.sendSync(payload)
    }
    client.close() // what is still in the ring goes out
    return looks()
  },

  receiver({ handle, port, count }) {
    const client = SocketClient.init(handle)
    const socket = client.socket('udp4')
    socket.setOptionSync('SO_RCVBUF', BUFFER_BYTES)
    socket.bindSync(0, HOST)
    const arrivals = new Arrivals()
    const buffer = new Uint8Array(2 * BYTES)
    const looks = ownSleeps()
    socket.sendToSync(bytesOfNumber(count), { host: HOST, port })
    try {
      while (arrivals.datagrams < count)
        arrivals.take(socket.recvFromSync(buffer, { timeoutMs: QUIET_MS }).data)
    } catch (error) {
      if (error.code !== 'ETIMEDOUT') throw error
    }
    const { port: own } = socket.getSockName()
    const got = arrivals.result(droppedByKernel(own), socket.getOption('SO_RXQ_OVFL'))
    client.close()
    return { ...got, ...looks() }
  },
}
