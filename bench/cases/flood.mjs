// P4: writers that never wait, and a reader that gets what it can. Every record is read or counted as missed.
import { ManyToOne, OneToOne } from 'spillway'
import { isWhole, makeRecord, stamp } from '../support/records.mjs'
import { start } from '../support/threads.mjs'

const BYTES = 256
const CAPACITY = 1024
const topologies = { OneToOne, ManyToOne }

const counted = (scale, millions) => Math.max(20_000, Math.round(millions * 1e6 * scale))

export const variants = {
  'one-to-one-1': (scale) => flood('OneToOne', 1, counted(scale, 4)),
  'many-to-one-1': (scale) => flood('ManyToOne', 1, counted(scale, 4)),
  'many-to-one-4': (scale) => flood('ManyToOne', 4, counted(scale, 2)),
  /** A reader that works for about 200 ns on each record: the ring is full all the time. */
  'busy-lossy': (scale) => flood('OneToOne', 1, counted(scale, 4), { work: 100 }),
  'busy-lossless': (scale) => flood('OneToOne', 1, counted(scale, 1), { work: 100, policy: 'drop-newest' }),
}

async function flood(topology, writers, count, { work = 0, policy = 'drop-oldest' } = {}) {
  let missed = 0
  const ring = new topologies[topology](CAPACITY, (records) => (missed += records), {
    recordBytes: BYTES,
    policy,
  })
  const gate = new Int32Array(new SharedArrayBuffer(8))
  const started = []
  for (let id = 0; id < writers; id++) {
    started.push(start(import.meta.url, 'writer', { topology, handle: ring.handle, gate, id, count, policy }))
  }
  for (const writer of started) await writer.hears('ready')

  const next = new Array(writers).fill(0)
  let read = 0
  let skipped = 0
  let failure = ''
  const digest = { value: 0 }
  const take = (record) => {
    read++
    const number = record[0] | (record[1] << 8) | (record[2] << 16)
    const id = record[3]
    if (!isWhole(record, BYTES) || number < next[id])
      failure ||= `record ${number} of writer ${id} came after ${next[id]}`
    skipped += number - next[id]
    next[id] = number + 1
    for (let i = 0; i < work; i++) digest.value = (digest.value * 31 + record[i]) | 0
  }

  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  const from = performance.now()
  let until = from
  let readUntil = 0
  for (;;) {
    const over = Atomics.load(gate, 1) === writers
    const drained = ring.drain(take)
    if (!over) {
      until = performance.now()
      readUntil = read
    } else if (drained === 0) break
  }
  for (const writer of started) await writer.result()
  const stats = ring.stats()
  ring.close()

  const offered = writers * count
  for (const expected of next) skipped += count - expected
  if (failure !== '') throw new Error(failure)
  if (policy === 'drop-oldest' && (stats.offered !== offered || stats.written !== offered)) {
    throw new Error(`offered ${offered}, the ledger says ${stats.offered}, ${stats.written} written`)
  }
  if (read + missed !== offered || stats.read !== read || stats.missed !== missed || skipped !== missed) {
    throw new Error(
      `offered ${offered}: read ${read}, told of ${missed}, ${skipped} not seen, ${JSON.stringify(stats)}`,
    )
  }
  const seconds = (until - from) / 1000
  return {
    rate: readUntil / seconds / 1e6,
    offeredRate: offered / seconds / 1e6,
    loss: missed / offered,
    checked: read,
  }
}

export const threads = {
  writer({ topology, handle, gate, id, count, policy }, say) {
    const ring = topologies[topology].from(handle)
    const record = makeRecord(BYTES)
    say('ready')
    Atomics.wait(gate, 0, 0)
    const again = policy === 'drop-newest'
    for (let i = 0; i < count; i++) {
      stamp(record, i)
      record[3] = id
      while (!ring.set(record) && again) {}
    }
    Atomics.add(gate, 1, 1)
    ring.close()
    return count
  },
}
