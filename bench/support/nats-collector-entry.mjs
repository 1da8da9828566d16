// A collector that stores what it gets in a stream, in a process of its own.
import process from 'node:process'
import { Collector } from 'spillway/collector'
import { jetStreamSink } from 'spillway/nats'
import { options, standBy } from './helper-end.mjs'

const TELL_MS = 10

const { url, linesPerMessage, inFlight } = options
const sink = jetStreamSink({ servers: url, stream: 'BENCH', linesPerMessage, inFlight })
const collector = await Collector.open({
  sink,
  capacity: 2 ** 16,
  queueBytes: 2 ** 27,
  batchBytes: 2 ** 20,
  batchRecords: 2 ** 16,
})

let firstAt = 0
let lastAt = 0
let before = 0
const look = setInterval(() => {
  const { stored } = sink.stats()
  if (stored === before) return
  const now = performance.now()
  if (before === 0) firstAt = now
  lastAt = now
  before = stored
  process.send({ progress: stored })
}, TELL_MS)

standBy({ port: collector.address().port }, async () => {
  await collector.close()
  clearInterval(look)
  const { stored } = sink.stats()
  const { totals, sinks } = collector.stats()
  return {
    stored,
    rate: stored / (lastAt - firstAt),
    lost: totals.lost + sinks[0].dropped + sinks[0].failed,
  }
})
