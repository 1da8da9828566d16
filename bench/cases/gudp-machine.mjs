// P14: what a packet costs in the machine: sent, received, acknowledged, by the shipped Wasm, with nothing around it.
import { Machine, makeBench } from '../support/gudp-pair.mjs'
import { median } from '../support/timing.mjs'

const BYTES = 200
const PER_BURST = 8
const BURSTS = 400
const SAMPLES = 41

export const variants = {
  packets: (scale) => packets(scale, 0),
  stream: (scale) => packets(scale, 1),
}

/**
 * Bursts of eight packets of 200 bytes, each taken and acknowledged by the other side. `ns`: a packet, in both machines, its acknowledgement among them,
 * and the calls into Wasm. What a user's calls cost is not in it, nor a copy from one side to the other.
 */
async function packets(scale, lane) {
  const bench = makeBench()
  let nowMs = 1000
  const [a, b] = [new Machine(bench, {}, nowMs), new Machine(bench, {}, nowMs)]
  // Each side's packets lie in the other's way: both write to the start of the buffer, and the receiver reads from there.
  const pass = (from, to) => {
    let passed = 0
    for (let bytes = from.next(nowMs); bytes > 0; bytes = from.next(nowMs)) {
      bench.abi.connectionReceive(...to.handle, bench.token, nowMs, ...bench.buffer, 0, bytes)
      passed++
    }
    return passed
  }
  const burst = () => {
    for (let i = 0; i < PER_BURST; i++) if (!a.send(lane, BYTES, i)) throw new Error('no room')
    const from = process.hrtime.bigint()
    let passed = 0
    // One packet for each message: on the reliable channel they would go together.
    nowMs += 0.5
    passed += pass(a, b)
    pass(b, a)
    const took = Number(process.hrtime.bigint() - from)
    while (b.receive(lane) >= 0);
    return { took, passed }
  }
  pass(a, b)
  pass(b, a)
  const samples = []
  for (let sample = 0; sample < Math.max(5, Math.round(SAMPLES * scale)); sample++) {
    let took = 0
    let passed = 0
    for (let i = 0; i < BURSTS; i++) {
      const done = burst()
      took += done.took
      passed += done.passed
    }
    samples.push(took / passed)
  }
  const lost = a.counter('PACKETS_LOST') + b.counter('PACKETS_LOST')
  if (lost > 0 || b.counter('PACKETS_RECEIVED') < BURSTS)
    throw new Error(`${lost} packets were lost on the way through memory`)
  return { ns: median(samples) }
}
