// P6 and P7: what an event costs the thread that has it, at a pace that everyone can follow, and how much of it arrives.
import { arrived } from '../support/arrival.mjs'
import { clients } from '../support/clients.mjs'
import { eventOf, LINE_BYTES, LINE_START, makeLine } from '../support/events.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { openSpillway } from '../support/spillway.mjs'
import { timeBursts, timePairs } from '../support/timing.mjs'

/** A burst and a pause of a millisecond: up to some 90,000 a second. */
const PER_BURST = 100
const sizes = (scale) => ({ calls: PER_BURST, bursts: Math.max(10, Math.round(1000 * scale)) })
const aMillisecond = () => new Promise((resolve) => setTimeout(resolve, 1))

export const variants = {
  'encode-and-stringify': besideStringify,
  encode: (scale) => callOf('spillway', scale),
  'write-string': (scale) => writeOf(scale, new TextDecoder().decode(makeLine())),
  'write-bytes': (scale) => writeOf(scale, makeLine()),
}

for (const name of Object.keys(clients))
  if (name !== 'spillway') variants[name] = (scale) => callOf(name, scale)

function paced(scale, pause = () => {}) {
  return { ...sizes(scale), pause: () => Promise.all([pause(), aMillisecond()]) }
}

async function callOf(name, scale) {
  const { open, ...format } = clients[name]
  const receiver = await startReceiver(format)
  const client = await open(receiver.port)
  return measure(client, receiver, client.offer, scale, eventOf)
}

/** `encode`, and what it does first, in turn in one process: the I/O thread and the receiver take of the machine from both. */
async function besideStringify(scale) {
  const receiver = await startReceiver({ starts: LINE_START })
  const { exporter, pause, close } = await openSpillway(receiver.port)
  let offered = 0
  let bytes = 0
  const encode = (i) => {
    offered++
    exporter.encode(eventOf(i))
  }
  const stringify = (i) => {
    bytes += JSON.stringify(eventOf(i)).length
  }
  const [ns, stringifyNs] = await timePairs(encode, stringify, paced(scale, pause))
  const told = await close()
  if (bytes !== offered * LINE_BYTES) throw new Error(`${offered} events made ${bytes} bytes`)
  return { ns, stringifyNs, ...arrived(offered, told, await receiver.result()) }
}

async function writeOf(scale, line) {
  const receiver = await startReceiver({ starts: LINE_START })
  const client = await openSpillway(receiver.port)
  return measure(
    client,
    receiver,
    (ready) => client.exporter.write(ready),
    scale,
    () => line,
  )
}

async function measure(client, receiver, offer, scale, next) {
  let offered = 0
  const call = (i) => {
    offered++
    offer(next(i))
  }
  const result = await timeBursts(call, paced(scale, client.pause))
  const told = await client.close()
  return { ...result, ...arrived(offered, told, await receiver.result()) }
}
