// Many workers to one page: the page makes the diode, the workers join it by its handle.
import { ManyToOne, Waiter } from 'spillway'
import { byId, closes, showFigures, showVerdict } from '../shared/figures.ts'
import { Writer } from './writer.ts'

const SHOW_EVERY_MS = 200
/** For so long at most the page reads without a break. */
const SLICE_MS = 8

export function startJobs(): void {
  let alerted = 0
  const ring = new ManyToOne(
    256, // events that each worker may have waiting
    (missed) => {
      alerted += missed
    },
    { maxWriters: 3, recordBytes: 128 },
  )
  const writers = [10, 1000, 20_000].map((items, name) => new Writer(ring.handle, name, items))
  const stop = byId('stop') as HTMLButtonElement
  stop.onclick = () => {
    stop.disabled = true
    for (const writer of writers) writer.stop()
  }
  void read(ring, writers)
  setInterval(() => show(ring, writers, alerted), SHOW_EVERY_MS)
}

async function read(ring: ManyToOne, writers: readonly Writer[]): Promise<void> {
  const text = new TextDecoder()
  let pauseAt = performance.now() + SLICE_MS
  for await (const record of new Waiter(ring)) {
    const event = JSON.parse(text.decode(record))
    writers[event.writer]!.took(event)
    // While the ring is not empty nothing here waits, and the page would stand still.
    if (performance.now() < pauseAt) continue
    await new Promise((resolve) => setTimeout(resolve))
    pauseAt = performance.now() + SLICE_MS
  }
}

function show(ring: ManyToOne, writers: readonly Writer[], alerted: number): void {
  const stats = ring.stats()
  showFigures(byId('jobs-ledger'), stats)
  for (const writer of writers) writer.show()
  if (writers.some((writer) => writer.isAtWork)) return
  // The ring's own figures, the alerts, and the numbers that the writers gave to their events: three who count, and agree.
  const sum = (figure: (writer: Writer) => number) => writers.reduce((total, one) => total + figure(one), 0)
  const isClosed =
    closes(stats) &&
    stats.depth === 0 &&
    sum((writer) => writer.read) === stats.read &&
    sum((writer) => writer.missed) === stats.missed &&
    alerted === stats.missed &&
    writers.every((writer) => writer.isAccountedFor)
  showVerdict(byId('jobs-verdict'), isClosed, 'The writers have ended; the ledger is not closed yet.')
}
