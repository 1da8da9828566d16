// A burst of lines in one turn of the event loop, which is over before anybody can send: what becomes of them, and what waiting takes.
import { arrived } from '../support/arrival.mjs'
import { clients } from '../support/clients.mjs'
import { eventOf } from '../support/events.mjs'
import { openOtelBatch, openPinoDestination } from '../support/loggers.mjs'
import { startReceiver } from '../support/receiver.mjs'

const LINES = 50_000
/** What holds all of them, for those that drop what they have no room for. */
const ROOM = 65_536

const roomy = {
  'pino-destination-roomy': {
    ...clients['pino-destination'],
    open: (port) => openPinoDestination(port, { capacity: ROOM }),
  },
  'otel-batch-roomy': {
    ...clients['otel-batch'],
    open: (port) => openOtelBatch(port, { maxQueueSize: ROOM }),
  },
}

export const variants = {}

for (const [name, client] of Object.entries({ ...clients, ...roomy }))
  variants[name] = (scale) => burst(client, Math.max(1000, Math.round(LINES * scale)))

/**
 * `sent`: percent of the lines that left the program; `arrived`: that came to the receiver. `grownMiB`: what the process grew by until the last was away, at its
 * peak: lines that wait, and what making them leaves to the garbage collector.
 */
async function burst({ open, ...format }, lines) {
  const receiver = await startReceiver(format)
  const client = await open(receiver.port)
  const before = process.memoryUsage.rss()
  for (let i = 0; i < lines; i++) client.offer(eventOf(i))
  const told = await client.close()
  const grownBytes = Math.max(0, peakBytes() - before)
  const got = await receiver.result()
  const percent = (count) => (100 * count) / lines
  return {
    sent: percent(Math.min(lines, got.lines + unread(got))),
    arrived: percent(arrived(lines, told, got).arrived),
    grownMiB: grownBytes / 2 ** 20,
  }
}

function peakBytes() {
  return process.resourceUsage().maxRSS * 1024
}

/** Lines that the receiver was too slow for, and the logger has not lost: as many in a datagram as in those that came. 0 where the system does not tell. */
function unread({ lines, datagrams, apart, dropped = 0 }) {
  return (dropped * lines) / Math.max(1, datagrams - apart)
}
