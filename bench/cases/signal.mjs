// P5: what the wake-up costs a writer when nobody sleeps, how often it wakes a sleeper, and how long that takes.
import { MessageChannel } from 'node:worker_threads'
import { OneToOne, Waiter } from 'spillway'
import { makeRecord } from '../support/records.mjs'
import { start } from '../support/threads.mjs'
import { median, percentile, timeCalls } from '../support/timing.mjs'

const BYTES = 64

export const variants = {
  'set-never-slept': (scale) => setCost(scale, false),
  'set-slept-once': (scale) => setCost(scale, true),
  'wakes-per-sleep': wakes,
  'latency-nextSync': (scale) => latencyToWorker(scale, 'sleeper'),
  'latency-next': latencyToMain,
  'latency-port-to-worker': (scale) => latencyToWorker(scale, 'portReader'),
  'latency-port-to-main': portToMain,
}

/** In one thread, so that nothing else differs: set and drain, with or without a Waiter ever having slept here. */
async function setCost(scale, sleepFirst) {
  const ring = new OneToOne(1024, null, { recordBytes: BYTES })
  const record = makeRecord(BYTES)
  if (sleepFirst) {
    const waiting = new Waiter(ring).next()
    await new Promise((resolve) => setTimeout(resolve, 5))
    ring.set(record)
    if ((await waiting)?.length !== BYTES) throw new Error('the waiter was not woken')
  }
  let read = 0
  const take = () => {
    read++
  }
  const calls = 512
  const batches = Math.max(5, Math.round(4000 * scale))
  const times = []
  const put = () => ring.set(record)
  for (let batch = 0; batch < batches; batch++) {
    const { ns } = timeCalls(put, { calls, batches: 1, warm: 0 })
    if (batch > batches / 5) times.push(ns)
    ring.drain(take)
  }
  ring.close()
  if (read !== batches * calls) throw new Error(`${read} of ${batches * calls} records came`)
  return { ns: median(times), best: Math.min(...times) } // of a difference: the median, it is the steadier
}

/** Bursts of 100 records at a sleeper: how often it slept, how often the bell was rung, how many records there were. */
async function wakes(scale) {
  const bursts = Math.max(20, Math.round(500 * scale))
  const perBurst = 100
  const ring = new OneToOne(4096, null, { recordBytes: BYTES })
  const reader = start(import.meta.url, 'counting', { handle: ring.handle })
  await reader.hears('ready')
  const record = makeRecord(BYTES)
  for (let burst = 0; burst < bursts; burst++) {
    await pause(2)
    for (let i = 0; i < perBurst; i++) ring.set(record)
  }
  await pause(5)
  ring.close()
  const { read, sleeps, woken, rings } = await reader.result()
  if (read !== bursts * perBurst) throw new Error(`${read} of ${bursts * perBurst} records came`)
  return { records: read, sleeps, woken, rings, ringsPerSleep: rings / sleeps, ringsPerRecord: rings / read }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Nanoseconds on a clock that all threads share; a number, less a base that they share too. */
const now = (base) => Number(process.hrtime.bigint() - base)

const sent = new Float64Array(BYTES / 8)
const sentBytes = new Uint8Array(sent.buffer)

/** When it was sent, read from a record wherever it lies. */
function sentAt(record) {
  sentBytes.set(record)
  return sent[0]
}

const latency = (samples) => ({
  p50: percentile(samples, 50) / 1000,
  p99: percentile(samples, 99) / 1000,
  samples: samples.length,
})

const rounds = (scale) => Math.max(20, Math.round(2000 * scale))

async function latencyToWorker(scale, role) {
  const count = rounds(scale)
  const ring = new OneToOne(1024, null, { recordBytes: BYTES })
  const base = process.hrtime.bigint()
  const reader = start(import.meta.url, role, { handle: ring.handle, base, count })
  await reader.hears('ready')
  for (let i = 0; i < count; i++) {
    await pause(1)
    if (role === 'portReader') reader.worker.postMessage(now(base))
    else {
      sent[0] = now(base)
      ring.set(sentBytes)
    }
  }
  const samples = await reader.result()
  ring.close()
  return latency(samples)
}

async function latencyToMain(scale) {
  const count = rounds(scale)
  const ring = new OneToOne(1024, null, { recordBytes: BYTES })
  const base = process.hrtime.bigint()
  const writer = start(import.meta.url, 'sender', { handle: ring.handle, base, count })
  const waiter = new Waiter(ring)
  const samples = []
  for (let record = await waiter.next(); record !== undefined; record = await waiter.next()) {
    samples.push(now(base) - sentAt(record))
  }
  await writer.result()
  if (samples.length !== count) throw new Error(`${samples.length} of ${count} records came`)
  ring.close()
  return latency(samples)
}

async function portToMain(scale) {
  const count = rounds(scale)
  const { port1, port2 } = new MessageChannel()
  const base = process.hrtime.bigint()
  const samples = []
  const all = new Promise((resolve) => {
    port1.on('message', (at) => {
      samples.push(now(base) - at)
      if (samples.length === count) resolve()
    })
  })
  const writer = start(import.meta.url, 'portSender', { base, count })
  writer.worker.postMessage({ port: port2 }, [port2])
  await all
  return latency(samples)
}

export const threads = {
  counting({ handle }, say) {
    let sleeps = 0
    let woken = 0
    let bell
    const wait = Atomics.wait
    Atomics.wait = (words, index, value, timeout) => {
      bell = { words, index }
      sleeps++
      const how = wait(words, index, value, timeout)
      if (how === 'ok') woken++
      return how
    }
    const ring = OneToOne.from(handle)
    const waiter = new Waiter(ring)
    let read = 0
    const take = () => {
      read++
    }
    say('ready')
    for (let first = waiter.nextSync(); first !== undefined; first = waiter.nextSync()) {
      read += 1
      ring.drain(take)
    }
    const rings = Atomics.load(bell.words, bell.index) >>> 1 // see assembly/sync/bell.ts: the bits above the lowest count
    ring.close()
    return { read, sleeps, woken, rings }
  },

  sleeper({ handle, base, count }, say) {
    const ring = OneToOne.from(handle)
    const waiter = new Waiter(ring)
    const samples = []
    say('ready')
    while (samples.length < count) {
      const record = waiter.nextSync()
      samples.push(now(base) - sentAt(record))
    }
    ring.close()
    return samples
  },

  async portReader({ base, count }, say) {
    const { parentPort } = await import('node:worker_threads')
    const samples = []
    return new Promise((resolve) => {
      parentPort.on('message', (at) => {
        samples.push(now(base) - at)
        if (samples.length < count) return
        parentPort.removeAllListeners('message')
        resolve(samples)
      })
      say('ready')
    })
  },

  sender({ handle, base, count }) {
    const ring = OneToOne.from(handle)
    const never = new Int32Array(new SharedArrayBuffer(4))
    for (let i = 0; i < count; i++) {
      Atomics.wait(never, 0, 0, 1)
      sent[0] = now(base)
      ring.set(sentBytes)
    }
    ring.close()
    return count
  },

  async portSender({ base, count }) {
    const { parentPort } = await import('node:worker_threads')
    const port = await new Promise((resolve) =>
      parentPort.once('message', (message) => resolve(message.port)),
    )
    const never = new Int32Array(new SharedArrayBuffer(4))
    for (let i = 0; i < count; i++) {
      Atomics.wait(never, 0, 0, 1)
      port.postMessage(now(base))
    }
    return count
  },
}
