// Many sockets: what they cost while nothing happens, and what is left of them when they are closed.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { SocketClient, SocketServer } from 'spillway/sockets'
import { lookIdle, seconds } from '../support/idle.mjs'
import { startPeer } from '../support/peer.mjs'
import { granulesOf } from '../support/shared-memory.mjs'
import { start } from '../support/threads.mjs'
import { HOST } from '../support/udp.mjs'

export const variants = {
  idle,
  'udp-churn': (scale) => bySpillway('udp', scale),
  'tcp-churn': (scale) => bySpillway('tcp', scale),
  'dgram-churn': (scale) => byNode(openDgram, scale),
  'net-churn': (scale) => byNode(openNet, scale),
}

/** Half are bound, half connected; a worker that blocks waits for all of them, and in the end finds the one that something came for. */
async function idle(scale) {
  const count = Math.max(20, Math.round(1000 * scale))
  const peer = await startPeer('tcp-echo')
  const server = await SocketServer.start()
  const before = process.memoryUsage.rss()
  const waiting = start(import.meta.url, 'waiting', { handle: server.handle, port: peer.port, count })
  const udpPort = await waiting.hears('ready')
  const rss = process.memoryUsage.rss() - before
  await seconds(0.2)
  const looks = await lookIdle(scale)
  const socket = createSocket('udp4')
  socket.send('wake up', udpPort, HOST)
  const ready = await waiting.result()
  if (ready !== 1) throw new Error(`${ready} sockets were ready, and not 1`)
  await server.stop()
  await peer.result()
  return { ...looks, sockets: count, kibEach: Math.max(0, rss) / 1024 / count }
}

// ---- opened and closed ---------------------------------------------------------------------------------

const WARM = 200
const counted = (scale) => Math.max(50, Math.round(10_000 * scale))
/** The last ones are closed behind the scenes. */
const SETTLED_S = 0.3

/** One after the other. `rate`: a second. The rest is what has grown: granules of shared memory, descriptors, resident MiB. */
async function bySpillway(kind, scale) {
  const peer = await startPeer('tcp-echo')
  const server = await SocketServer.start()
  const granules = granulesOf(server.handle)
  const worker = start(import.meta.url, 'churning', { handle: server.handle, kind, port: peer.port })
  const churn = async (count, round) => {
    worker.worker.postMessage(count)
    return worker.hears(round)
  }
  const figures = await measured(churn, counted(scale), granules)
  worker.worker.postMessage(0)
  await worker.result()
  await server.stop()
  await peer.result()
  return figures
}

async function byNode(open, scale) {
  const peer = await startPeer('tcp-echo')
  const churn = async (count) => {
    for (let i = 0; i < count; i++) await open(peer.port)
  }
  const figures = await measured(churn, counted(scale), () => 0)
  await peer.result()
  return figures
}

async function measured(churn, count, granules) {
  const look = async () => {
    await seconds(SETTLED_S)
    return { granules: granules(), files: openFiles(), rss: process.memoryUsage.rss() }
  }
  await churn(WARM, 'warm')
  const before = await look()
  const from = performance.now()
  await churn(count, 'counted')
  const rate = count / ((performance.now() - from) / 1000)
  const after = await look()
  const grown = (what) => Math.max(0, after[what] - before[what])
  return { rate, granules: grown('granules'), files: grown('files'), rssMiB: grown('rss') / 2 ** 20 }
}

function openFiles() {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

async function openDgram() {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  socket.close()
}

/** Closed with a reset, as ours: 10,000 that linger would take all ports. */
async function openNet(port) {
  const socket = connect(port, HOST)
  await once(socket, 'connect')
  socket.resetAndDestroy()
}

export const threads = {
  waiting({ handle, port, count }, say) {
    const client = SocketClient.init(handle)
    const sockets = []
    for (let i = 0; i < count; i++) {
      const socket = client.socket(i % 2 === 0 ? 'udp4' : 'tcp4')
      if (i % 2 === 0) socket.bindSync(0, HOST)
      else socket.connectSync(port, HOST)
      sockets.push(socket)
    }
    say('ready', sockets[0].getSockName().port)
    const ready = client.pollSync(sockets)
    client.close()
    return ready.length
  },

  async churning({ handle, kind, port }, say) {
    const { parentPort } = await import('node:worker_threads')
    const client = SocketClient.init(handle)
    const open = kind === 'udp' ? openUdp : openTcp
    for (const round of ['warm', 'counted']) {
      const [count] = await once(parentPort, 'message')
      for (let i = 0; i < count; i++) open(client, port)
      say(round)
    }
    await once(parentPort, 'message')
    client.close()
  },
}

function openUdp(client) {
  const socket = client.socket('udp4')
  socket.bindSync(0, HOST)
  socket.closeSync()
}

function openTcp(client, port) {
  const socket = client.socket('tcp4')
  socket.setOptionSync('SO_LINGER', 0)
  socket.connectSync(port, HOST)
  socket.closeSync()
}
