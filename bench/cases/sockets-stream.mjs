// P13: how much a connection carries, through shared memory to a worker that blocks, or by node:net in one thread.
import { once } from 'node:events'
import { connect } from 'node:net'
import { SocketClient, SocketServer } from 'spillway/sockets'
import { startPeer } from '../support/peer.mjs'
import {
  bytesOfNumber,
  CALL_BYTES,
  numberOfBytes,
  pieceAt,
  StreamCheck,
  writeStream,
} from '../support/stream.mjs'
import { start } from '../support/threads.mjs'
import { HOST } from '../support/udp.mjs'

const BYTES = 2 ** 30
/** Of it, over a connection of their own, before the clock is started. */
const WARM = 1 / 8

export const variants = {
  receive: (scale) => bySpillway('tcp-source', 'receiving', scale),
  send: (scale) => bySpillway('tcp-sink', 'sending', scale),
  'net-receive': (scale) => byNet('tcp-source', netReceiving, scale),
  'net-send': (scale) => byNet('tcp-sink', netSending, scale),
}

/** A whole number of calls. */
const counted = (scale) => Math.max(64, Math.round((BYTES / CALL_BYTES) * scale)) * CALL_BYTES
const warmOf = (bytes) => Math.ceil((bytes * WARM) / CALL_BYTES) * CALL_BYTES
/** MiB a second. */
const rateOf = (bytes, ms) => ({ rate: bytes / 2 ** 20 / (ms / 1000), bytes })

async function bySpillway(kind, role, scale) {
  const peer = await startPeer(kind)
  const server = await SocketServer.start()
  const bytes = counted(scale)
  const { ms } = await start(import.meta.url, role, {
    handle: server.handle,
    port: peer.port,
    bytes,
  }).result()
  await server.stop()
  await peer.result()
  return rateOf(bytes, ms)
}

async function byNet(kind, transfer, scale) {
  const peer = await startPeer(kind)
  const bytes = counted(scale)
  await transfer(peer.port, warmOf(bytes))
  const from = performance.now()
  await transfer(peer.port, bytes)
  const ms = performance.now() - from
  await peer.result()
  return rateOf(bytes, ms)
}

async function netReceiving(port, bytes) {
  const socket = connect(port, HOST)
  const check = new StreamCheck()
  socket.on('data', (piece) => check.take(piece))
  socket.write(bytesOfNumber(bytes))
  await once(socket, 'end')
  check.result(bytes)
}

async function netSending(port, bytes) {
  const socket = connect({ port, host: HOST, allowHalfOpen: true })
  const answered = once(socket, 'data')
  await writeStream(socket, bytes)
  checkTaken(numberOfBytes((await answered)[0]), bytes)
}

function checkTaken(taken, bytes) {
  if (taken !== bytes) throw new Error(`the peer took ${taken} of ${bytes} bytes`)
}

/** On the worker's clock: a first, shorter transfer, and then the one that counts. */
function timed(transfer) {
  return ({ handle, port, bytes }) => {
    const client = SocketClient.init(handle)
    const run = (count) => {
      const socket = client.socket('tcp4')
      socket.connectSync(port, HOST)
      transfer(socket, count)
      socket.closeSync()
    }
    run(warmOf(bytes))
    const from = performance.now()
    run(bytes)
    const ms = performance.now() - from
    client.close()
    return { ms }
  }
}

export const threads = {
  receiving: timed((socket, bytes) => {
    const check = new StreamCheck()
    const buffer = Buffer.alloc(CALL_BYTES)
    socket.sendSync(bytesOfNumber(bytes))
    for (let got = socket.recvSync(buffer); got > 0; got = socket.recvSync(buffer))
      check.take(got === CALL_BYTES ? buffer : buffer.subarray(0, got))
    check.result(bytes)
  }),

  sending: timed((socket, bytes) => {
    for (let at = 0; at < bytes; at += CALL_BYTES) socket.sendSync(pieceAt(at))
    socket.shutdownSync('write')
    checkTaken(numberOfBytes(socket.recvSync(8)), bytes)
  }),
}
