import { parentPort } from 'node:worker_threads'
import { UdpExporter, type UdpExporterHandle } from '../../node/udp.ts'
import { ProcessEvents } from './process-events.ts'
import type { Schedule } from './schedule.ts'

/** What a thread of the demo is started with. */
export interface DemoThreadData {
  readonly kind: 'spillway demo thread'
  readonly handle: UdpExporterHandle
  readonly thread: number
  readonly seed: number
  /** 0: as fast as it can. */
  readonly eventsPerSecond: number
  readonly schedule: Schedule
  /** One word: not 0 any more when the thread shall stop. */
  readonly stop: SharedArrayBuffer
}

/** What it answers at its end: by its own count. */
export interface DemoThreadResult {
  readonly offered: number
}

export function isDemoThread(data: unknown): data is DemoThreadData {
  return (data as DemoThreadData | null)?.kind === 'spillway demo thread'
}

const TICK_MS = 5
/** Events between two looks at the clock. */
const STEP = 100

/** Writes events through the exporter's handle until its time is over, and never waits for anything but the clock. */
export function runDemoThread(data: DemoThreadData): void {
  const { schedule, thread, seed } = data
  const exporter = UdpExporter.from(data.handle)
  const events = new ProcessEvents(thread, seed, Date.now())
  const stop = new Int32Array(data.stop)
  const due = new Due(data.eventsPerSecond, schedule)
  const started = performance.now()
  for (let elapsed = 0; elapsed < schedule.durationMs; elapsed = performance.now() - started) {
    const now = Math.min(STEP, due.take(elapsed))
    for (let i = 0; i < now; i++) exporter.encode(events.next())
    due.made(now)
    if (Atomics.wait(stop, 0, 0, now < STEP ? TICK_MS : 0) !== 'timed-out') break
  }
  const result: DemoThreadResult = { offered: events.count }
  exporter.close().then(() => parentPort!.postMessage(result))
}

/** How many events are due: by the rate, or without end while there is a burst. */
class Due {
  readonly #perMs: number
  readonly #burst: Schedule['burst']
  #owed = 0
  #seenMs = 0

  constructor(eventsPerSecond: number, { burst }: Schedule) {
    this.#perMs = eventsPerSecond === 0 ? Number.POSITIVE_INFINITY : eventsPerSecond / 1000
    this.#burst = burst
  }

  take(elapsed: number): number {
    const isBurst = elapsed >= this.#burst.fromMs && elapsed < this.#burst.toMs
    const passed = elapsed - this.#seenMs
    this.#seenMs = elapsed
    if (isBurst || this.#perMs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    this.#owed += passed * this.#perMs
    return Math.floor(this.#owed)
  }

  made(events: number): void {
    this.#owed = Math.max(0, this.#owed - events)
  }
}
