// P3: from one thread to another, losing nothing: the writer tries again while the ring is full.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { RingBuffer } from 'ringbuf.js'
import { OneToOne } from 'spillway'
import ThreadStream from 'thread-stream'
import { InOrder, makeRecord, makeText, stamp, stampText } from '../support/records.mjs'
import { start } from '../support/threads.mjs'

const SIZES = [64, 256]
const CAPACITIES = [1024, 65536]
/** Messages that a port may be behind by: it has no bound of its own. */
const PORT_WINDOW = 10_000

export const variants = {}

for (const bytes of SIZES) {
  for (const capacity of CAPACITIES) {
    const shape = `${bytes}-${capacity}`
    variants[`drain-${shape}`] = (scale) => spillway(capacity, bytes, scale, 'drain')
    variants[`next-${shape}`] = (scale) => spillway(capacity, bytes, scale, 'next')
    variants[`ringbuf-${shape}`] = (scale) => ringbuf(capacity, bytes, scale)
  }
  variants[`thread-stream-${bytes}`] = (scale) => threadStream(bytes, scale)
  variants[`port-${bytes}`] = (scale) => port(bytes, scale)
}

const counted = (scale, millions) => Math.max(20_000, Math.round(millions * 1e6 * scale))

async function spillway(capacity, bytes, scale, way) {
  const count = counted(scale, 4)
  const ring = new OneToOne(capacity, null, { recordBytes: bytes, policy: 'drop-newest' })
  const reader = start(import.meta.url, way, { handle: ring.handle, count, bytes })
  await reader.hears('ready')
  const record = makeRecord(bytes)
  for (let i = 0; i < count; i++) {
    stamp(record, i)
    while (!ring.set(record)) {}
  }
  const result = await reader.result()
  ring.close()
  return result
}

async function ringbuf(capacity, bytes, scale) {
  const count = counted(scale, 1)
  const storage = RingBuffer.getStorageForCapacity(capacity * (bytes + 4), Uint8Array)
  const reader = start(import.meta.url, 'ringbuf', { storage, count, bytes })
  await reader.hears('ready')
  const ring = new RingBuffer(storage, Uint8Array)
  const record = makeRecord(bytes)
  const prefix = new Uint8Array(4)
  for (let i = 0; i < count; i++) {
    stamp(record, i)
    prefix[0] = bytes
    prefix[1] = bytes >>> 8
    while (ring.availableWrite() < bytes + 4) {}
    ring.push(prefix)
    ring.push(record)
  }
  return reader.result()
}

async function threadStream(bytes, scale) {
  const count = counted(scale, 2)
  const filename = fileURLToPath(new URL('../support/framed-sink.mjs', import.meta.url))
  const stream = new ThreadStream({ filename, workerData: { count, bytes }, sync: false })
  await once(stream, 'ready')
  const outcome = once(stream, 'outcome')
  const middle = makeText(bytes)
  for (let i = 0; i < count; i++) {
    if (!stream.write(stampText(middle, i))) await once(stream, 'drain')
  }
  const [result] = await outcome
  stream.end()
  if (result.failure) throw new Error(result.failure)
  return result
}

async function port(bytes, scale) {
  const count = counted(scale, 0.5)
  const received = new Int32Array(new SharedArrayBuffer(4))
  const reader = start(import.meta.url, 'port', { received, count, bytes })
  await reader.hears('ready')
  const record = makeRecord(bytes)
  for (let i = 0; i < count; i++) {
    stamp(record, i)
    while (i - Atomics.load(received, 0) > PORT_WINDOW) {}
    reader.worker.postMessage(record)
  }
  return reader.result()
}

export const threads = {
  drain({ handle, count, bytes }, say) {
    const ring = OneToOne.from(handle)
    const reader = new InOrder(count, bytes)
    say('ready')
    while (!reader.isDone) ring.drain(reader.bytesIn)
    ring.close()
    return reader.result()
  },

  next({ handle, count, bytes }, say) {
    const ring = OneToOne.from(handle)
    const reader = new InOrder(count, bytes)
    say('ready')
    while (!reader.isDone) {
      const record = ring.tryNext()
      if (record !== undefined) reader.bytesIn(record)
    }
    ring.close()
    return reader.result()
  },

  ringbuf({ storage, count, bytes }, say) {
    const ring = new RingBuffer(storage, Uint8Array)
    const reader = new InOrder(count, bytes)
    const prefix = new Uint8Array(4)
    const record = new Uint8Array(bytes)
    say('ready')
    while (!reader.isDone) {
      if (ring.availableRead() < 4) continue
      ring.pop(prefix)
      const length = prefix[0] | (prefix[1] << 8)
      while (ring.availableRead() < length) {}
      ring.pop(record, length)
      reader.bytesIn(record)
    }
    return reader.result()
  },

  async port({ received, count, bytes }, say) {
    const { parentPort } = await import('node:worker_threads')
    const reader = new InOrder(count, bytes)
    return new Promise((resolve) => {
      parentPort.on('message', (record) => {
        reader.bytesIn(record)
        Atomics.store(received, 0, reader.next)
        if (!reader.isDone) return
        parentPort.removeAllListeners('message')
        resolve(reader.result())
      })
      say('ready')
    })
  },
}
