// The long life of an exporter, shortened: events without end, threads that come and go, other exporters opened and closed beside it.
// At the end of each round it tells the test how many events it has sent, and goes on when they have been received.
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { BroadcastChannel, isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { IoThread, UdpExporter } from 'spillway/udp'

const THREADS = 3
/** Writers at once: these, the main thread, and as many that have just died. */
const LANES = 2 * (THREADS + 1)
const ROUNDS_BETWEEN_THREADS = 5
/** More than the ring of a short-lived exporter holds: it drops some. */
const SHORT_LIVED = { capacity: 64, events: 100 }

if (isMainThread) await main(JSON.parse(process.argv[2]))
else await writer(workerData)

async function main({ port, rounds, events, shortLived, measureEvery }) {
  const ioThread = IoThread.start({ url: new URL('./io-worker.mjs', import.meta.url) })
  const options = { host: '127.0.0.1', port, ioThread }
  const exporter = await UdpExporter.open({ ...options, capacity: events })
  const usedGranules = granuleCounter(exporter.handle.ring.memory)
  await makeLanes(exporter)
  const closed = []
  for (let round = 1; round <= rounds; round++) {
    const there = round === 1 ? LANES : 0
    await oneRound(exporter, events - there, round % ROUNDS_BETWEEN_THREADS === 0 ? THREADS : 0)
    for (let i = 0; i < shortLived; i++) closed.push(await openAndClose(options, { round, i }))
    await tell({ ledgers: [exporter.stats(), ...closed.splice(0)] })
    if (round % measureEvery === 0) await tell({ state: await state(usedGranules) })
  }
  await exporter.close()
  await ioThread.stop()
  process.disconnect()
}

/**
 * As many lanes as there may ever be writers at once, those that have just died among them: else the round in which most of them happen
 * to meet would make one more.
 */
async function makeLanes(exporter) {
  const writers = Array.from({ length: LANES }, () => UdpExporter.from(exporter.handle))
  for (const one of writers) write(one, 1)
  await exporter.flush()
  await Promise.all(writers.map((one) => one.close()))
}

/** So many events, by this thread and by others that are there for this round only. */
async function oneRound(exporter, events, threads) {
  const share = Math.floor(events / (threads + 1))
  const others = Array.from({ length: threads }, (_, way) => thread(exporter.handle, share, way))
  write(exporter, events - threads * share)
  await Promise.all(others)
  await exporter.flush()
}

function write(exporter, events) {
  for (let i = 0; i < events; i++) exporter.write(`{"n":${i},"padding":"${'.'.repeat(40)}"}`)
}

/** It leaves in one of three ways: properly, without a word, or terminated. */
async function thread(handle, events, way) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { handle, events, way } })
  const exited = once(worker, 'exit')
  await once(worker, 'message')
  if (way === 2) await worker.terminate()
  await exited
}

async function writer({ handle, events, way }) {
  const exporter = UdpExporter.from(handle)
  write(exporter, events)
  if (way === 0) await exporter.close()
  parentPort.postMessage('written')
  if (way === 2) setInterval(() => {}, 60_000)
}

/** Its metadata is nobody else's. */
async function openAndClose(options, metadata) {
  const exporter = await UdpExporter.open({ ...options, metadata, capacity: SHORT_LIVED.capacity })
  write(exporter, SHORT_LIVED.events)
  await exporter.close()
  return exporter.stats()
}

/** Of the region that everything lies in. */
function granuleCounter(memory) {
  const core = new WebAssembly.Module(readFileSync(new URL(import.meta.resolve('spillway/core.wasm'))))
  return new WebAssembly.Instance(core, { env: { memory } }).exports.usedGranules
}

/** What must not grow. */
async function state(usedGranules) {
  const ioHeap = await heapOfIoThread()
  globalThis.gc()
  const { rss, heapUsed: heap, external } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo().length
  const files = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
  return { rss, heap, ioHeap, external, granules: usedGranules(), resources, files }
}

async function heapOfIoThread() {
  const channel = new BroadcastChannel('heap of the I/O thread')
  channel.postMessage('asked')
  const { data } = await new Promise((resolve) => {
    channel.onmessage = resolve
  })
  channel.close()
  return data
}

async function tell(facts) {
  process.send(facts)
  await once(process, 'message')
}
