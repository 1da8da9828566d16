// Ways to bring events to a UDP port, each as its users have it, with one face:
//   offer(event)   on the caller's thread
//   pause()        between two bursts: what the client wants then, a turn of the event loop at least
//   settle()       resolves when what was offered is with the kernel, where the client can tell; else a pause
//   close()        resolves when what was offered is out of our hands; answers what the client itself knows: `{ sent, datagrams, refused }`
// Beside `open`: `starts` and `isSeparated`, how its datagrams look (receiver.mjs), and `batch`, after how many it wants a pause.
import { LINE_START } from './events.mjs'
import {
  openOtelBatch,
  openPinoDestination,
  openPinoSocket,
  openPinoTransport,
  openSpillwayOtel,
  openSpillwayWinston,
  openWinston,
} from './loggers.mjs'
import { openSpillway } from './spillway.mjs'
import { nextTurn } from './timing.mjs'
import { connect, drained, HOST } from './udp.mjs'

/** Where lines are packed: an Ethernet frame less its headers, as Datadog recommends it. */
export const DATAGRAM_BYTES = 1432

/** Its datagrams are what a turn of the event loop has written, and must not be longer than 65507 bytes. */
const PINO_BATCH = 100
/** As many as the queue of the SDK's processor holds. */
const OTEL_BATCH = 2048

export const clients = {
  spillway: { starts: LINE_START, open: (port) => openSpillway(port) },
  dgram: { starts: LINE_START, open: openDgram },
  packing: { starts: LINE_START, open: openPacking },
  'pino-socket': { starts: '{"level":', batch: PINO_BATCH, open: (port) => openPinoSocket(port, {}) },
  'pino-socket-capped': {
    starts: '{"level":',
    batch: PINO_BATCH,
    open: (port) => openPinoSocket(port, { maxUdpPacketSize: 65507 }),
  },
  'pino-destination': { starts: '{"level":', open: (port) => openPinoDestination(port) },
  'pino-transport': { starts: '{"level":', open: openPinoTransport },
  winston: { starts: '{', open: openWinston },
  'spillway-winston': { starts: '{', open: openSpillwayWinston },
  'spillway-otel': { starts: '{"timestamp":', open: openSpillwayOtel },
  'otel-batch': { starts: '{"timestamp":', batch: OTEL_BATCH, open: (port) => openOtelBatch(port) },
  'hot-shots': { starts: '_e{', isSeparated: true, open: (port) => openHotShots(port, datadogEvent) },
  'hot-shots-increment': {
    starts: 'process.exec',
    isSeparated: true,
    open: (port) => openHotShots(port, increment),
  },
}

/** The cheapest that dgram has: a connected socket, no callback. */
async function openDgram(port) {
  const socket = await connect(port)
  let sent = 0
  return {
    offer(event) {
      socket.send(`${JSON.stringify(event)}\n`)
      sent++
    },
    pause: () => drained(socket),
    settle: () => drained(socket),
    async close() {
      await drained(socket)
      socket.close()
      return { sent, datagrams: sent, refused: 0 }
    },
  }
}

/** What one would write by hand: lines into a buffer, the buffer away when the next does not fit, or at the end of the turn. */
async function openPacking(port) {
  const packer = new Packer(await connect(port), DATAGRAM_BYTES)
  let offered = 0
  const pause = () => {
    packer.send()
    return drained(packer.socket)
  }
  return {
    offer(event) {
      packer.text(JSON.stringify(event))
      offered++
    },
    pause,
    settle: pause,
    async close() {
      await pause()
      packer.socket.close()
      return { sent: offered, datagrams: packer.datagrams, refused: 0 }
    },
  }
}

/**
 * Packs lines into datagrams by hand. The kernel may not have taken a datagram when `send` returns, so that its buffer must rest:
 * there are as many as may be sent between two pauses.
 */
export class Packer {
  #buffers
  #at = 0
  datagrams = 0

  constructor(socket, datagramBytes, buffers = 1024) {
    this.socket = socket
    this.#buffers = Array.from({ length: buffers }, () => Buffer.allocUnsafeSlow(datagramBytes))
  }

  bytes(line) {
    this.#makeRoom(line.length + 1)
    const buffer = this.#current()
    buffer.set(line, this.#at)
    this.#end(buffer, line.length)
  }

  text(line) {
    this.#makeRoom(line.length + 1) // the lines are ASCII
    const buffer = this.#current()
    this.#end(buffer, buffer.latin1Write(line, this.#at))
  }

  send() {
    if (this.#at === 0) return
    this.socket.send(this.#current(), 0, this.#at)
    this.datagrams++
    this.#at = 0
  }

  #makeRoom(bytes) {
    if (this.#at + bytes > this.#current().length) this.send()
  }

  #current() {
    return this.#buffers[this.datagrams % this.#buffers.length]
  }

  #end(buffer, bytes) {
    this.#at += bytes
    buffer[this.#at++] = 0x0a
  }
}

async function openHotShots(port, call) {
  const { default: StatsD } = await import('hot-shots')
  const client = new StatsD({ host: HOST, port, maxBufferSize: DATAGRAM_BYTES, datadog: false })
  return {
    offer: (event) => call(client, event),
    pause: nextTurn,
    settle: nextTurn,
    async close() {
      await new Promise((resolve, reject) => client.close((error) => (error ? reject(error) : resolve())))
      return {}
    },
  }
}

/** The same event, as Datadog has events. */
function datadogEvent(client, event) {
  const { type, node_name: hostname, pid, uid, cwd, binary, parent } = event
  const tags = { seq: event.seq, pid, uid, cwd, binary, ppid: parent.pid, parent: parent.binary }
  client.event(type, event.arguments, { hostname, source_type_name: 'process', alert_type: 'info' }, tags)
}

/** What most of its calls are: much less than the event. */
function increment(client, { node_name, uid, binary }) {
  client.increment('process.exec', { node_name, uid, binary })
}
