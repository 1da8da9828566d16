// P6: how late the event loop is in a program that has 100,000 events a second, and how much of that is its own JSON.stringify.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { arrived } from '../support/arrival.mjs'
import { clients } from '../support/clients.mjs'
import { eventOf, LINE_BYTES } from '../support/events.mjs'
import { atPace } from '../support/pace.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { median, spread } from '../support/timing.mjs'

const PER_SECOND = 100_000
const TURNS = 3

/** What takes one measurement from another may come out below zero, by as much as its noise: the figure that says how much that is. */
export const differences = { overIdle: 'overIdleNoise' }

export const variants = Object.fromEntries(
  Object.keys(clients).map((name) => [name, (scale) => delayWith(name, scale)]),
)

/**
 * Three phases in turn, three times: idle (the same ticks, nothing in them), with JSON.stringify alone, and with the client.
 * `overIdle`: p99 with the client, less what stringify alone adds, over p99 idle; `overIdleNoise`: how far apart the turns of each phase lay, over
 * the same. With less than that there is nothing to tell the two apart by.
 */
async function delayWith(name, scale) {
  const { open, ...format } = clients[name]
  const receiver = await startReceiver(format)
  const client = await open(receiver.port)
  let bytes = 0
  let stringified = 0
  let offered = 0
  const phases = {
    idle: () => {},
    stringify: (i) => {
      bytes += JSON.stringify(eventOf(i)).length
      stringified++
    },
    client: () => client.offer(eventOf(offered++)),
  }
  const ms = Math.max(60, 500 * scale)
  for (const call of Object.values(phases)) await atPace(PER_SECOND, ms / 2, call, client.pause) // warm
  const delays = { idle: [], stringify: [], client: [] }
  const rates = []
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [phase, call] of Object.entries(phases)) {
      const { p99, perSecond } = await delayDuring(() => atPace(PER_SECOND, ms, call, client.pause))
      delays[phase].push(p99)
      if (phase === 'client') rates.push(perSecond)
    }
  }
  const told = await client.close()
  if (bytes !== stringified * LINE_BYTES) throw new Error(`${stringified} events made ${bytes} bytes`)
  const [idle, stringify, p99] = Object.values(delays).map(median)
  return {
    p99,
    idle,
    stringify,
    overIdle: (p99 - Math.max(0, stringify - idle)) / idle,
    overIdleNoise:
      Object.values(delays)
        .map(rangeOf)
        .reduce((sum, range) => sum + range) / idle,
    perSecond: median(rates),
    ...arrived(offered, told, await receiver.result()),
  }
}

function rangeOf(values) {
  const { min, max } = spread(values)
  return max - min
}

/** Milliseconds between two looks that ought to be one apart. */
async function delayDuring(run) {
  const monitor = monitorEventLoopDelay({ resolution: 1 })
  monitor.enable()
  const { perSecond } = await run()
  monitor.disable()
  return { p99: monitor.percentile(99) / 1e6, perSecond }
}
