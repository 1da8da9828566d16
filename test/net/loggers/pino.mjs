// A program that logs with pino, and ends: `node pino.mjs '{"by":"transport","how":"returns",...}'`.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import pino from 'pino'
import { destination } from 'spillway/pino'

const { by, how, port, count, options = {}, pad = 0 } = JSON.parse(process.argv[2])
const exporter = { host: '127.0.0.1', port, transport: 'gudp', metadata: false, ...options }

const ways = {
  transport: () => pino(pino.transport({ target: 'spillway/pino', options: exporter })),
  targets: () =>
    pino(
      { level: 'debug' },
      pino.transport({
        targets: [
          { target: 'spillway/pino', level: 'info', options: exporter },
          { target: 'spillway/pino', level: 'error', options: exporter },
        ],
      }),
    ),
  pipeline: () => pino(pino.transport({ pipeline: [{ target: 'spillway/pino', options: exporter }] })),
  'pino-socket': () =>
    pino(pino.transport({ target: 'pino-socket', options: { address: '127.0.0.1', port, mode: 'udp' } })),
  destination: async () => pino(await destination(exporter)),
  multistream: async () =>
    pino(
      {},
      pino.multistream([{ stream: await destination(exporter) }, { level: 'fatal', stream: process.stderr }]),
    ),
}

const logger = await ways[by]()
const log = () => {
  for (let i = 0; i < count; i++) logger.info({ i, pad: 'x'.repeat(pad) }, 'an event')
}
const ends = {
  returns: log,
  exits: () => {
    log()
    process.exit(0)
  },
  throws: () => {
    log()
    throw new Error('uncaught')
  },
  flushes: async () => {
    log()
    await new Promise((resolve, reject) => logger.flush((error) => (error ? reject(error) : resolve())))
    process.stdout.write('flushed\n')
    setInterval(() => {}, 1000)
  },
  'is terminated': () => {
    log()
    process.stdout.write('logged\n')
    setInterval(() => {}, 1000)
  },
  'says its last words': () => {
    log()
    logger.fatal({ i: count })
    process.kill(process.pid, 'SIGKILL')
  },
  'hears of losses': async () => {
    const stream = logger[pino.symbols.streamSym]
    stream.on('alert', ({ reason }) => process.stdout.write(`${reason}\n`))
    log()
    const alive = setInterval(() => {}, 1000) // pino's worker keeps nothing alive
    stream.once('close', () => clearInterval(alive))
    stream.end()
  },
  'has children': () => {
    const child = logger.child({ part: 'a' })
    for (let i = 0; i < count; i++) child.warn({ i })
  },
  'logs at every level': () => {
    for (const level of ['debug', 'info', 'error']) logger[level]({ i: 0, level_: level })
  },
  'logs after the end': async () => {
    log()
    const stream = logger[pino.symbols.streamSym]
    await new Promise((resolve) => stream.end(resolve))
    logger.info({ i: 'late' })
  },
  'loses its worker': async () => {
    // The thread of pino's, with the exporter in it, dies.
    const made = []
    const { postMessage } = Worker.prototype
    Worker.prototype.postMessage = function (...args) {
      if (!made.includes(this)) made.push(this)
      return postMessage.apply(this, args)
    }
    log()
    await new Promise((resolve) => logger.flush(resolve))
    const [worker] = made
    logger[pino.symbols.streamSym].on('error', () => {})
    const exit = once(worker, 'exit')
    await worker.terminate()
    await exit
    process.stdout.write('terminated\n')
  },
}
await ends[how]()
