// Several threads write as fast as they like, one reads: what arrives, what is lost, and a ledger that closes.
//
//   node examples/diodes-demo.mjs [--seconds 5] [--writers 4] [--capacity 4096]

import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { ManyToOne, Waiter } from 'spillway'

/** A writer: bursts of process events, each with the writer's own sequence number, until the time is over. */
function write({ handle, writer, seconds }) {
  const ring = ManyToOne.from(handle)
  const end = performance.now() + seconds * 1000
  let sequence = 0
  parentPort.on('message', () => {
    parentPort.close() // the reader has seen all there is
    ring.close()
  })
  const burst = () => {
    for (let i = 0; i < 2000; i++) {
      ring.set(
        `{"writer":${writer},"sequence":${sequence++},"event":"process_exec","pid":${40000 + i},` +
          `"binary":"/usr/bin/curl","arguments":"https://example.org/","uid":1000,"cwd":"/home/ann"}`,
      )
    }
    if (performance.now() < end) setTimeout(burst, 1 + ((sequence / 2000 + writer) % 5))
    else parentPort.postMessage({ writer, offered: sequence })
  }
  burst()
}

async function main() {
  const { seconds, writers, capacity } = readOptions()
  let missed = 0
  const ring = new ManyToOne(
    capacity,
    (records) => {
      missed += records
    },
    { maxWriters: writers },
  )

  const done = new AbortController()
  const threads = Array.from({ length: writers }, (_, writer) => {
    return new Worker(new URL(import.meta.url), { workerData: { handle: ring.handle, writer, seconds } })
  })
  const offered = Promise.all(
    threads.map(
      (thread) => new Promise((resolve, reject) => thread.on('message', resolve).on('error', reject)),
    ),
  )
  offered.then(
    () => done.abort(),
    () => done.abort(),
  )

  console.log(`${writers} threads write, 1 reads, ${seconds} s, ${capacity} records a writer, drop-oldest`)
  const seen = new Reading(writers)
  const live = new Live(ring)
  const waiter = new Waiter(ring, { signal: done.signal })
  for (let record = await waiter.next(); record !== undefined; record = await waiter.next()) {
    seen.record(record)
    ring.drain((more) => seen.record(more), 20_000)
    live.show(seen.count, missed)
    await new Promise(setImmediate) // as a program that has other things to do
  }
  const totals = await offered
  const closed = ledger(totals, seen, missed, ring.stats())
  for (const thread of threads) thread.postMessage('done')
  ring.close()
  process.exitCode = closed ? 0 : 1
}

/** Counts what came, writer by writer, by the sequence numbers in the records themselves. */
class Reading {
  count = 0
  bytes = 0
  outOfOrder = 0
  #text = new TextDecoder()
  #next

  constructor(writers) {
    this.#next = new Array(writers).fill(0)
  }

  record(bytes) {
    this.count++
    this.bytes += bytes.length
    const { writer, sequence } = JSON.parse(this.#text.decode(bytes))
    if (sequence < this.#next[writer]) this.outOfOrder++
    this.#next[writer] = sequence + 1
  }
}

/** One line that is rewritten on a terminal; a line a second where the output goes to a file. */
class Live {
  #ring
  #started = performance.now()
  #last = { at: performance.now(), count: 0 }

  constructor(ring) {
    this.#ring = ring
  }

  show(count, missed) {
    const now = performance.now()
    if (now - this.#last.at < (process.stdout.isTTY ? 100 : 1000)) return
    const rate = ((count - this.#last.count) / (now - this.#last.at)) * 1000
    this.#last = { at: now, count }
    const { depth, capacity } = this.#ring.stats()
    const line =
      `${((now - this.#started) / 1000).toFixed(1).padStart(5)} s  ${number(rate)}/s read` +
      `  ${number(count)} in all  ${number(missed)} lost  ${number(depth)} of ${capacity} waiting`
    process.stdout.write(process.stdout.isTTY ? `\r${line}\x1b[K` : `${line}\n`)
  }
}

/** Every record offered is in exactly one place. Says whether it is so. */
function ledger(totals, seen, alerted, stats) {
  const offered = totals.reduce((sum, { offered: each }) => sum + each, 0)
  const { written, dropped, oversize, read, missed, depth } = stats
  const rows = [
    ['offered by the writers', offered],
    ['read', read],
    ['lost: overwritten, and alerted', missed],
    ['refused', dropped + oversize],
    ['still in the ring', depth],
  ]
  process.stdout.write(process.stdout.isTTY ? '\r\x1b[K' : '')
  for (const [name, count] of rows) console.log(`${number(count).padStart(14)}  ${name}`)
  const checks = {
    'offered = written + refused': offered === written + dropped + oversize,
    'written = read + lost + in the ring': written === read + missed + depth,
    'what the reader counted = read': seen.count === read,
    'the alerts add up to what was lost': alerted === missed,
    'each writer in order, nothing twice': seen.outOfOrder === 0,
  }
  const wrong = Object.keys(checks).filter((name) => !checks[name])
  console.log(wrong.length === 0 ? 'The ledger is closed.' : `The ledger does NOT close: ${wrong.join('; ')}`)
  return wrong.length === 0
}

function number(value) {
  return Math.round(value).toLocaleString('en-US').padStart(11)
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '5' },
      writers: { type: 'string', default: '4' },
      capacity: { type: 'string', default: '4096' },
    },
  })
  const options = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))
  for (const [name, value] of Object.entries(options)) {
    if (value > 0) continue
    console.error(`--${name} must be a number above 0, not ${values[name]}`)
    process.exit(2)
  }
  return options
}

if (isMainThread) await main()
else write(workerData)
