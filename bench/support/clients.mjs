// Ways to bring events to a UDP port, each as its users have it, with one face:
//   offer(event)   on the caller's thread
//   pause()        between two bursts: what the client wants then, a turn of the event loop at least
//   settle()       resolves when what was offered is with the kernel, where the client can tell; else a pause
//   close()        resolves when what was offered is out of our hands; answers what the client itself knows: `{ sent, datagrams, refused }`
// Beside `open`: `starts` and `isSeparated`, how its datagrams look (receiver.mjs), and `batch`, after how many it wants a pause.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { EOL } from 'node:os'
import { LINE_START } from './events.mjs'
import { nextTurn } from './timing.mjs'
import { connect, drained, HOST } from './udp.mjs'

/** Where lines are packed: an Ethernet frame less its headers, as Datadog recommends it. */
export const DATAGRAM_BYTES = 1432

/** Its datagrams are what a turn of the event loop has written, and must not be longer than 65507 bytes. */
const PINO_BATCH = 100

export const clients = {
  spillway: { starts: LINE_START, open: (port) => openSpillway(port) },
  dgram: { starts: LINE_START, open: openDgram },
  packing: { starts: LINE_START, open: openPacking },
  'pino-socket': { starts: '{"level":', batch: PINO_BATCH, open: (port) => openPino(port, {}) },
  'pino-socket-capped': {
    starts: '{"level":',
    batch: PINO_BATCH,
    open: (port) => openPino(port, { maxUdpPacketSize: 65507 }),
  },
  'pino-destination': { starts: '{"level":', open: openPinoDestination },
  'pino-transport': { starts: '{"level":', open: openPinoTransport },
  winston: { starts: '{', open: openWinston },
  'hot-shots': { starts: '_e{', isSeparated: true, open: (port) => openHotShots(port, datadogEvent) },
  'hot-shots-increment': {
    starts: 'process.exec',
    isSeparated: true,
    open: (port) => openHotShots(port, increment),
  },
}

export async function openSpillway(port, options = {}) {
  const { UdpExporter } = await import('spillway/udp')
  const exporter = await UdpExporter.open({ host: HOST, port, ...options })
  return {
    exporter,
    offer: (event) => exporter.encode(event),
    pause: nextTurn,
    settle: () => exporter.flush(),
    async close() {
      await exporter.close()
      const stats = exporter.stats()
      checkLedger(stats)
      const refused = stats.offered - stats.sent
      return { sent: stats.sent, datagrams: stats.datagrams, refused }
    },
  }
}

/** After the end nothing is under way: each event was sent, or dropped for a reason. */
function checkLedger({ offered, sent, inRing, inFlight, dropped, ioRestarts }) {
  if (ioRestarts > 0) throw new Error(`the I/O thread died ${ioRestarts} times`)
  if (offered !== sent + dropped || inRing !== 0 || inFlight !== 0) {
    throw new Error(`${offered} offered: ${sent} sent, ${dropped} dropped, ${inRing} and ${inFlight} left`)
  }
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

async function openPino(port, options) {
  const { default: pino } = await import('pino')
  const transport = pino.transport({
    target: 'pino-socket',
    options: { address: HOST, port, mode: 'udp', ...options },
  })
  await once(transport, 'ready')
  // Its worker ends when it sends more than a datagram may hold; from then on every call says so again.
  const over = new Promise((resolve) => transport.on('error', resolve).on('close', resolve))
  const logger = pino(transport)
  return {
    offer: (event) => logger.info(event),
    pause: nextTurn,
    settle: nextTurn,
    async close() {
      transport.end()
      await over
      return { tears: true } // it sends what lies in its buffer, wherever that ends
    },
  }
}

/** pino's lines into our ring, on the thread that logs. */
async function openPinoDestination(port) {
  const { default: pino } = await import('pino')
  const { destination } = await import('spillway/pino')
  const { exporter, pause, settle, close } = await openSpillway(port)
  const logger = pino(destination(exporter))
  return { offer: (event) => logger.info(event), pause, settle, close }
}

/** pino's worker, with our exporter in it. Only its heartbeats know what it sent: it is held against what came. */
async function openPinoTransport(port) {
  const { default: pino } = await import('pino')
  const transport = pino.transport({ target: 'spillway/pino', options: { host: HOST, port } })
  await once(transport, 'ready')
  const logger = pino(transport)
  return {
    offer: (event) => logger.info(event),
    pause: nextTurn,
    settle: () =>
      new Promise((resolve, reject) => logger.flush((error) => (error ? reject(error) : resolve()))),
    async close() {
      transport.end()
      await once(transport, 'close')
      return {}
    },
  }
}

/**
 * winston-udp and winston-udp-transport are for winston 2; for winston 3 its users write their own. This is the shape in winston's
 * README, with what those two do inside.
 */
async function openWinston(port) {
  const { default: winston } = await import('winston')
  const socket = createSocket('udp4')
  let sent = 0
  class Udp extends winston.Transport {
    log(info, callback) {
      setImmediate(() => this.emit('logged', info))
      const line = Buffer.from(info[Symbol.for('message')] + EOL)
      socket.send(line, 0, line.length, port, HOST, () => {
        sent++
      })
      callback()
    }
  }
  const logger = winston.createLogger({ format: winston.format.json(), transports: [new Udp()] })
  let offered = 0
  return {
    offer(event) {
      offered++
      logger.info('process_exec', event)
    },
    pause: nextTurn,
    settle: nextTurn,
    async close() {
      logger.end()
      await once(logger, 'finish')
      while (sent < offered) await nextTurn()
      socket.close()
      return { sent, datagrams: sent, refused: 0 }
    },
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
