// P1: what it costs the thread that has something to say. Another thread takes it away.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { OneToOne, Waiter } from 'spillway'
import ThreadStream from 'thread-stream'
import { LINE } from '../support/records.mjs'
import { start } from '../support/threads.mjs'
import { nextTurn, timeBursts } from '../support/timing.mjs'

const CAPACITY = 1024
const sizes = (scale) => ({ calls: 1000, bursts: Math.max(10, Math.round(400 * scale)) })

export const variants = {
  'set-string': (scale) => setWithReader(scale, (ring) => () => ring.set(LINE)),
  'set-bytes': (scale) => {
    const bytes = new TextEncoder().encode(LINE)
    return setWithReader(scale, (ring) => () => ring.set(bytes))
  },
  'set-string-unread': (scale) => setUnread(scale, LINE),
  'set-bytes-unread': (scale) => setUnread(scale, new TextEncoder().encode(LINE)),

  /** The least that bringing a string into shared memory can cost: one view, made once. */
  async encodeInto(scale) {
    const encoder = new TextEncoder()
    const view = new Uint8Array(new SharedArrayBuffer(65536))
    const result = await timeBursts(() => encoder.encodeInto(LINE, view), sizes(scale))
    if (new TextDecoder().decode(view.slice(0, LINE.length)) !== LINE)
      throw new Error('encodeInto wrote something else')
    return result
  },

  async 'thread-stream'(scale) {
    const filename = fileURLToPath(new URL('../support/framed-sink.mjs', import.meta.url))
    const stream = new ThreadStream({ filename, workerData: {}, sync: false })
    await once(stream, 'ready')
    const pause = () => (stream.writableNeedDrain ? once(stream, 'drain') : nextTurn())
    const result = await timeBursts(() => stream.write(LINE), { ...sizes(scale), pause })
    stream.end()
    return result
  },

  async postMessage(scale) {
    const received = new Int32Array(new SharedArrayBuffer(4))
    const reader = start(import.meta.url, 'counter', { received })
    await reader.hears('ready')
    const pause = async (sent) => {
      await nextTurn()
      while (sent - Atomics.load(received, 0) > 20_000) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const result = await timeBursts(() => reader.worker.postMessage(LINE), { ...sizes(scale), pause })
    await reader.worker.terminate()
    return result
  },
}

async function setWithReader(scale, makeCall) {
  const ring = new OneToOne(CAPACITY)
  const reader = start(import.meta.url, 'reader', { handle: ring.handle })
  await reader.hears('ready')
  const result = await timeBursts(makeCall(ring), sizes(scale))
  const { written } = ring.stats()
  ring.close()
  const { read, missed, spoiled } = await reader.result()
  if (spoiled > 0) throw new Error(`${spoiled} records came out changed`)
  if (read + missed !== written) throw new Error(`${written} written, but ${read} read and ${missed} missed`)
  return { ...result, loss: missed / written }
}

/** Nobody reads: every set but the first ones overwrites. */
async function setUnread(scale, record) {
  const ring = new OneToOne(CAPACITY)
  const result = await timeBursts(() => ring.set(record), sizes(scale))
  const { written, missed, depth } = ring.stats()
  if (written !== missed + depth) throw new Error('the ledger does not close')
  ring.close()
  return result
}

export const threads = {
  reader({ handle }, say) {
    let missed = 0
    const ring = OneToOne.from(handle, (records) => {
      missed += records
    })
    const waiter = new Waiter(ring)
    let read = 0
    let spoiled = 0
    const take = (record) => {
      read++
      if (record.length !== LINE.length || record[0] !== 0x7b || record[LINE.length - 1] !== 0x7d) spoiled++
    }
    say('ready')
    for (let first = waiter.nextSync(); first !== undefined; first = waiter.nextSync()) {
      take(first)
      ring.drain(take)
    }
    ring.close()
    return { read, missed, spoiled }
  },

  async counter({ received }, say) {
    const { parentPort } = await import('node:worker_threads')
    parentPort.on('message', (line) => {
      if (line.length === LINE.length) Atomics.add(received, 0, 1)
    })
    say('ready')
    await new Promise(() => {})
  },
}
