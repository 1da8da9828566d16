// P14: how much of a link the byte-paced strategy brings to the other side, in simulated time: the same figures on every machine.
import { Link, seeded, VirtualClock } from 'spillway/sim'
import { IN_OFFSET, Machine, makeBench } from '../support/gudp-pair.mjs'

const PACED = 1
const BYTES = 1000
/** 20 Mbit a second, 50 ms there and back, a queue of 100 ms. */
const LINK = { latencyMs: 25, bytesPerSecond: 2_500_000, queueBytes: 250_000 }
/** So that time goes on: a sum of two times may come to less than it should. */
const LEAST_WAIT_MS = 0.01
const HEADERS = 28 + 13 // of IP, UDP and a session: what the link carries beside the packet

export const variants = {
  'loss-0': (scale) => goodput(scale, 0),
  'loss-5': (scale) => goodput(scale, 0.05),
  'loss-20': (scale) => goodput(scale, 0.2),
}

/** `share`: bytes of messages that were received in order, of what the link can carry in the time. */
async function goodput(scale, loss) {
  const clock = new VirtualClock(0)
  const random = seeded(7)
  const bench = makeBench()
  const options = { strategy: PACED, window: 512, ringBytes: 1 << 20 }
  const sides = [0, 1].map(() => new Machine(bench, options, clock.now()))
  const links = [0, 1].map((side) => new Link(clock, random.fork(`link ${side}`), { ...LINK, loss }))
  const timers = [undefined, undefined]
  const data = new Uint8Array(bench.memory.buffer)
  let sent = 0
  let received = 0
  const pump = (side) => {
    const machine = sides[side]
    if (side === 0) while (machine.send(1, BYTES, sent)) sent++
    for (let bytes = machine.next(clock.now()); bytes > 0; bytes = machine.next(clock.now())) {
      const packet = data.slice(bench.data, bench.data + bytes)
      links[side].pass(packet.length + HEADERS, () => {
        const other = 1 - side
        data.set(packet, bench.data + IN_OFFSET)
        sides[other].take(clock.now(), IN_OFFSET, packet.length)
        if (other === 1) while (sides[1].receive(1) >= 0) received++
        pump(other)
      })
    }
    timers[side]?.()
    timers[side] = clock.after(Math.max(LEAST_WAIT_MS, machine.nextAtMs - clock.now()), () => pump(side))
  }
  pump(0)
  pump(1)
  const runMs = Math.max(5000, 60_000 * scale)
  clock.advance(runMs)
  return { share: (received * BYTES) / ((LINK.bytesPerSecond * runMs) / 1000) }
}
