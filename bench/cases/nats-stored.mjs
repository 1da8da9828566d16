// P15: lines over UDP to a collector that stores them in JetStream, acknowledged; and the NATS client alone, which publishes the same batches.
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { LINE_BYTES, makeLine, stampLine } from '../support/events.mjs'
import { startHelper } from '../support/helper.mjs'
import { startNatsServer } from '../support/nats-server.mjs'
import { openSpillway } from '../support/spillway.mjs'

const LINES_PER_MESSAGE = 100
const IN_FLIGHT = 64
const BATCH = 2000
/** So many lines may be between the program and the stream: the sender waits for the others, who share two cores with it. */
const AHEAD = 60_000
const counted = (scale) => Math.max(10 * BATCH, Math.round(2_000_000 * scale))

export const variants = { spillway: bySpillway, client: byClient }

/** `rate`: thousand lines a second that the server has acknowledged, from the first to the last. */
async function bySpillway(scale) {
  const server = await startNatsServer()
  let stored = 0
  let wake = () => {}
  const options = { url: server.url, linesPerMessage: LINES_PER_MESSAGE, inFlight: IN_FLIGHT }
  const helper = await startHelper('./nats-collector-entry.mjs', options, (progress) => {
    stored = progress
    wake()
  })
  const { exporter, close } = await openSpillway(helper.port, {
    maxDatagramBytes: 60_000,
    capacity: 4 * BATCH,
    recordBytes: LINE_BYTES + 2,
    policy: 'drop-newest',
    metadata: false,
    heartbeatMs: 1000,
  })
  const line = makeLine()
  const count = counted(scale)
  for (let i = 0; i < count; i += BATCH) {
    for (let at = i; at < i + BATCH; at++) {
      stampLine(line, at)
      if (!exporter.write(line)) throw new Error(`line ${at} was refused`)
    }
    await exporter.flush()
    while (i + BATCH - stored > AHEAD) {
      await new Promise((resolve) => {
        wake = resolve
      })
    }
  }
  await close()
  const { rate, stored: all, lost } = await helper.result()
  await server.stop()
  if (all + lost !== count) throw new Error(`${all} stored and ${lost} lost of ${count}`)
  return { rate, lost: lost / count }
}

async function byClient(scale) {
  const server = await startNatsServer()
  const connection = await connect({ servers: server.url })
  await (await jetstreamManager(connection)).streams.add({ name: 'BENCH', subjects: ['BENCH.lines'] })
  const client = jetstream(connection)
  const count = counted(scale)
  const bytes = new Uint8Array(LINES_PER_MESSAGE * (LINE_BYTES + 1)).fill(0x0a)
  const line = makeLine()
  let next = 0
  const publish = async () => {
    while (next < count) {
      const id = next
      next += LINES_PER_MESSAGE
      for (let i = 0; i < LINES_PER_MESSAGE; i++) {
        stampLine(line, id + i)
        bytes.set(line, i * (LINE_BYTES + 1))
      }
      await client.publish('BENCH.lines', bytes, { msgID: `bench-${id}` })
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, publish))
  const rate = count / (performance.now() - startedMs)
  await connection.close()
  await server.stop()
  return { rate }
}
