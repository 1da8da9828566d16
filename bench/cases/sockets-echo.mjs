// P13: one message to a peer and back, by a thread that blocks, or by node:net and node:dgram in one thread that does not; and by what
// is there otherwise for a thread that wants to wait: a package that carries requests to another thread and answers back.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { SocketClient, SocketServer } from 'spillway/sockets'
import { startPeer } from '../support/peer.mjs'
import { isWhole, makeRecord, numberOf, stamp } from '../support/records.mjs'
import { serverRingsOf } from '../support/shared-memory.mjs'
import { start } from '../support/threads.mjs'
import { percentile } from '../support/timing.mjs'
import { HOST } from '../support/udp.mjs'

const BYTES = 64
const WARM = 0.2
/** No answer takes nearly as long. */
const LONGEST_MS = 5000

export const variants = {
  tcp: (scale) => bySpillway('tcp-echo', 'tcp', scale),
  udp: (scale) => bySpillway('udp-echo', 'udp', scale),
  net: (scale) => withPeer('tcp-echo', byNet, scale),
  dgram: (scale) => withPeer('udp-echo', byDgram, scale),
  synckit: (scale) => withPeer('tcp-echo', bySynckit, scale),
  'sync-message': (scale) => withPeer('tcp-echo', bySyncMessage, scale),
}

const counted = (scale) => Math.max(100, Math.round(20_000 * scale))

async function withPeer(kind, run, scale) {
  const peer = await startPeer(kind)
  const figures = await run(peer.port, counted(scale))
  await peer.result()
  return figures
}

function bySpillway(kind, role, scale) {
  return withPeer(kind, (port, count) => throughServer(role, port, count), scale)
}

async function throughServer(role, port, count) {
  const server = await SocketServer.start()
  const rings = serverRingsOf(server.handle)
  const before = rings()
  const figures = await start(import.meta.url, role, { handle: server.handle, port, count }).result()
  const ringsPerThousand = ((rings() - before) * 1000) / count
  await server.stop()
  return { ...figures, ringsPerThousand }
}

/** Numbers each message, and looks at each answer. Times are microseconds. */
class RoundTrips {
  message = makeRecord(BYTES)
  #times = []
  #sent = 0
  #from = 0

  constructor(count) {
    this.count = count
  }

  get isDone() {
    return this.#sent === this.count
  }

  begin() {
    stamp(this.message, this.#sent++)
    this.#from = performance.now()
    return this.message
  }

  end(answer) {
    this.#times.push((performance.now() - this.#from) * 1000)
    if (numberOf(answer) !== this.#sent - 1 || !isWhole(answer, BYTES))
      throw new Error(`message ${this.#sent - 1} came back as ${numberOf(answer)}, ${answer.length} bytes`)
  }

  /** All of them by a call that waits. */
  blocking(exchange) {
    while (!this.isDone) this.end(exchange(this.begin()))
    return this.result()
  }

  result() {
    const times = this.#times.slice(Math.floor(this.count * WARM))
    const mean = times.reduce((a, b) => a + b, 0) / times.length
    return { p50: percentile(times, 50), p99: percentile(times, 99), mean, perSecond: 1e6 / mean }
  }
}

async function byNet(port, count) {
  const socket = connect({ port, host: HOST, noDelay: true })
  await once(socket, 'connect')
  const trips = new RoundTrips(count)
  const answer = Buffer.alloc(BYTES)
  let got = 0
  await new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      got += bytes.copy(answer, got)
      if (got < BYTES) return
      got = 0
      trips.end(answer)
      if (trips.isDone) resolve()
      else socket.write(trips.begin())
    })
    socket.write(trips.begin())
  })
  socket.destroy()
  return trips.result()
}

async function byDgram(port, count) {
  const socket = createSocket('udp4')
  const trips = new RoundTrips(count)
  await new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('message', (answer) => {
      trips.end(answer)
      if (trips.isDone) resolve()
      else socket.send(trips.begin(), port, HOST)
    })
    socket.send(trips.begin(), port, HOST)
  })
  socket.close()
  return trips.result()
}

/** The caller is this thread; the connection is in the worker that synckit starts. */
async function bySynckit(port, count) {
  const { createSyncFn } = await import('synckit')
  const exchange = createSyncFn(new URL('../support/synckit-worker.mjs', import.meta.url))
  return new RoundTrips(count).blocking((message) => exchange(port, message))
}

/** The caller must be a worker; the connection is in this thread. What goes through it is JSON, so the answer is a string. */
async function bySyncMessage(port, count) {
  const { makeChannel, writeMessage } = await loadSyncMessage()
  const socket = connect({ port, host: HOST, noDelay: true })
  await once(socket, 'connect')
  const channel = makeChannel()
  const caller = start(import.meta.url, 'syncMessage', { channel, count })
  caller.worker.on('message', ([word, message]) => {
    if (word === 'request') socket.write(message)
  })
  const answer = Buffer.alloc(BYTES)
  let got = 0
  socket.on('data', (bytes) => {
    got += bytes.copy(answer, got)
    if (got < BYTES) return
    got = 0
    void writeMessage(channel, answer.latin1Slice(), '')
  })
  const figures = await caller.result()
  socket.destroy()
  return figures
}

/** It is made for browsers, and looks for their global object. */
async function loadSyncMessage() {
  globalThis.self ??= globalThis
  return (await import('sync-message')).default
}

export const threads = {
  tcp({ handle, port, count }) {
    const client = SocketClient.init(handle)
    const socket = client.socket('tcp4')
    socket.setOptionSync('TCP_NODELAY', true)
    socket.connectSync(port, HOST)
    const answer = new Uint8Array(BYTES)
    const options = { waitAll: true, timeoutMs: LONGEST_MS }
    const figures = new RoundTrips(count).blocking((message) => {
      socket.sendSync(message)
      socket.recvSync(answer, options)
      return answer
    })
    client.close()
    return figures
  },

  udp({ handle, port, count }) {
    const client = SocketClient.init(handle)
    const socket = client.socket('udp4')
    socket.bindSync(0, HOST)
    const to = { host: HOST, port }
    const buffer = new Uint8Array(2 * BYTES)
    const options = { timeoutMs: LONGEST_MS }
    const figures = new RoundTrips(count).blocking((message) => {
      socket.sendToSync(message, to)
      return socket.recvFromSync(buffer, options).data
    })
    client.close()
    return figures
  },

  async syncMessage({ channel, count }) {
    const { readMessage } = await loadSyncMessage()
    return new RoundTrips(count).blocking((message) => {
      parentPort.postMessage(['request', message])
      return Buffer.from(readMessage(channel, ''), 'latin1')
    })
  },
}
