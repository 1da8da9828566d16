// P12: what a datagram costs the thread that sends it, through shared memory or by dgram itself. Nothing is lost on our side.
import { createSocket } from 'node:dgram'
import { SocketClient, SocketServer } from 'spillway/sockets'
import { arrived } from '../support/arrival.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { start } from '../support/threads.mjs'
import { timeBursts } from '../support/timing.mjs'
import { connect, drained, HOST } from '../support/udp.mjs'

const START = 'a datagram'
const BYTES = 200
const PER_BURST = 100

export const variants = {
  worker: (scale) => fromWorker(scale, false),
  'worker-connected': (scale) => fromWorker(scale, true),
  main: (scale) => fromMain(scale, false),
  'main-connected': (scale) => fromMain(scale, true),
  dgram: (scale) => byDgram(scale, false),
  'dgram-connected': (scale) => byDgram(scale, true),
}

/**
 * Bursts and a pause, as in event-caller. A hundred datagrams take the kernel most of a millisecond: with two of them nobody has to wait for
 * the network, and what is measured is the call.
 */
const PAUSE_MS = 2
const paced = (scale, pause = () => {}) => ({
  calls: PER_BURST,
  bursts: Math.max(10, Math.round(1000 * scale)),
  pause: () => Promise.all([pause(), new Promise((resolve) => setTimeout(resolve, PAUSE_MS))]),
})

function fromWorker(scale, isConnected) {
  return withServer((data) => start(import.meta.url, 'caller', data).result(), scale, isConnected)
}

function fromMain(scale, isConnected) {
  return withServer(callSpillway, scale, isConnected)
}

async function withServer(call, scale, isConnected) {
  const receiver = await startReceiver({ starts: START })
  const server = await SocketServer.start()
  const { offered, ...times } = await call({ handle: server.handle, port: receiver.port, isConnected, scale })
  const got = await receiver.result() // which waits until all has come
  await server.stop()
  return { ...times, ...booked(offered, got) }
}

async function callSpillway({ handle, port, isConnected, scale }) {
  const client = SocketClient.init(handle)
  const socket = client.socket('udp4')
  if (isConnected) await socket.connect(port, HOST)
  else await socket.bind(0, HOST)
  const payload = makePayload()
  const to = { host: HOST, port }
  let offered = 0
  const send = () => {
    offered++
    socket.sendSync(payload)
  }
  const sendTo = () => {
    offered++
    socket.sendToSync(payload, to)
  }
  const times = await timeBursts(isConnected ? send : sendTo, paced(scale))
  client.close() // what is still in the ring goes out
  return { ...times, offered }
}

async function byDgram(scale, isConnected) {
  const receiver = await startReceiver({ starts: START })
  const { port } = receiver
  const socket = isConnected ? await connect(port) : createSocket('udp4')
  const payload = makePayload()
  let offered = 0
  const send = () => {
    offered++
    socket.send(payload)
  }
  const sendTo = () => {
    offered++
    socket.send(payload, port, HOST)
  }
  const times = await timeBursts(
    isConnected ? send : sendTo,
    paced(scale, () => drained(socket)),
  )
  await drained(socket)
  socket.close()
  return { ...times, ...booked(offered, await receiver.result()) }
}

function makePayload() {
  return Buffer.from(`${START.padEnd(BYTES - 1, '.')}\n`)
}

function booked(offered, got) {
  if (got.bytes !== got.datagrams * BYTES)
    throw new Error(`${got.datagrams} datagrams are ${got.bytes} bytes`)
  return arrived(offered, { datagrams: offered }, got)
}

export const threads = { caller: callSpillway }
