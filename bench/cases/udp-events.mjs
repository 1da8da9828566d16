// P9: from the event to the receiver: as many as go through, and 200,000 a second at a steady pace.
import { arrived } from '../support/arrival.mjs'
import { clients } from '../support/clients.mjs'
import { eventOf } from '../support/events.mjs'
import { atPace } from '../support/pace.mjs'
import { startReceiver } from '../support/receiver.mjs'

const PER_SECOND = 200_000
/** Half of what the exporter's ring holds by default; some clients want less. */
const BATCH = 4096

export const variants = {}

for (const name of Object.keys(clients)) {
  variants[name] = (scale) => flatOut(name, scale)
  variants[`paced-${name}`] = (scale) => paced(name, scale)
}

/** `rate`: thousand a second, on the receiver's clock, from the first datagram to the last. A pause after each batch. */
function flatOut(name, scale) {
  const { batch = BATCH } = clients[name]
  const count = Math.max(BATCH, Math.round(400_000 * scale))
  return run(name, async (client) => {
    for (let i = 0; i < count; i++) {
      client.offer(eventOf(i))
      if (i % batch === batch - 1) await client.settle()
    }
    return { calls: count }
  })
}

/** `offeredRate` (thousand a second) falls short for who can't take so many. */
function paced(name, scale) {
  const ms = Math.max(100, 3000 * scale)
  return run(name, (client) => atPace(PER_SECOND, ms, (i) => client.offer(eventOf(i)), client.pause))
}

async function run(name, load) {
  const { open, ...format } = clients[name]
  const receiver = await startReceiver(format)
  const client = await open(receiver.port)
  const { calls, perSecond = 0 } = await load(client)
  const told = await client.close()
  const got = await receiver.result()
  const rate = got.seconds === 0 ? 0 : got.lines / got.seconds / 1000
  return { rate, offeredRate: perSecond / 1000, ...arrived(calls, told, got) }
}
