// Loggers that send to a UDP port, by us and by others, with the face that clients.mjs describes.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { EOL } from 'node:os'
import { openSpillway } from './spillway.mjs'
import { nextTurn } from './timing.mjs'
import { HOST } from './udp.mjs'

export async function openPinoSocket(port, options) {
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
export async function openPinoDestination(port, options) {
  const { default: pino } = await import('pino')
  const { destination } = await import('spillway/pino')
  const { exporter, ...client } = await openSpillway(port, options)
  const logger = pino(destination(exporter))
  return { ...client, offer: (event) => logger.info(event) }
}

/** pino's worker, with our exporter in it. Only its heartbeats know what it sent: it is held against what came. */
export async function openPinoTransport(port) {
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
export async function openWinston(port) {
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

/** The same calls of winston's, with our transport: its lines in our ring, on the thread that logs. */
export async function openSpillwayWinston(port) {
  const { default: winston } = await import('winston')
  const { SpillwayTransport } = await import('spillway/winston')
  const { exporter, ...client } = await openSpillway(port)
  const logger = winston.createLogger({
    format: winston.format.json(),
    transports: [new SpillwayTransport({ exporter })],
  })
  return { ...client, offer: (event) => logger.info('process_exec', event) }
}

/** OpenTelemetry's records into our ring, as they are emitted. */
export async function openSpillwayOtel(port) {
  const { SpillwayLogRecordProcessor } = await import('spillway/otel')
  const { exporter, ...client } = await openSpillway(port)
  const { emit } = await openOtel(new SpillwayLogRecordProcessor(exporter))
  return { ...client, offer: emit }
}

/**
 * The SDK's own processor, whose queue stands before any exporter of records. Behind it is ours, as there is no other that sends to a
 * UDP port: one that speaks OTLP would have more to do, on the same thread.
 */
export async function openOtelBatch(port, options) {
  const { BatchLogRecordProcessor } = await import('@opentelemetry/sdk-logs')
  const { SpillwayLogRecordExporter } = await import('spillway/otel')
  const { exporter, pause, close } = await openSpillway(port)
  const batching = new BatchLogRecordProcessor({
    exporter: new SpillwayLogRecordExporter(exporter),
    ...options,
  })
  const { emit, provider } = await openOtel(batching)
  let offered = 0
  return {
    offer(event) {
      offered++
      emit(event)
    },
    pause,
    settle: () => provider.forceFlush(),
    async close() {
      await provider.shutdown()
      const { sent, datagrams } = await close()
      return { sent, datagrams, refused: offered - sent }
    },
  }
}

async function openOtel(processor) {
  const { LoggerProvider } = await import('@opentelemetry/sdk-logs')
  const { SeverityNumber } = await import('@opentelemetry/api-logs')
  const provider = new LoggerProvider({ processors: [processor] })
  const logger = provider.getLogger('bench')
  const emit = (attributes) =>
    logger.emit({
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      body: 'process_exec',
      attributes,
    })
  return { emit, provider }
}
