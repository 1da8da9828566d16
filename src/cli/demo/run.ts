import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { patientFlush } from '../../node/patient-flush.ts'
import { UdpExporter } from '../../node/udp.ts'
import { starting } from '../exit.ts'
import type { Figures } from './accounts.ts'
import { cutTornLine, readDelivered } from './delivered.ts'
import { ProcessEvents } from './process-events.ts'
import { Receiver, type ReceiverSettings } from './receiver.ts'
import { type Schedule, scheduleOf } from './schedule.ts'
import type { ReceiverFigures, Sample } from './view.ts'
import { runWriters } from './writers.ts'

export interface DemoSettings {
  readonly self: URL
  readonly seconds: number
  readonly threads: number
  /** Events a second of all threads together; 0: as fast as they can. */
  readonly rate: number
  readonly drop: number | undefined
  readonly killsReceiver: boolean
  /** `undefined`: a temporary one, which is removed. */
  readonly out: string | undefined
  readonly seed: number
}

/** How often the exporter tells its ledger. */
const HEARTBEAT_MS = 200
/** How long the receiver may take to tell that it has heard of everything, before it is told again. */
const PATIENCE_MS = 400
/** On loopback nothing stands still for so long. */
const STILL_MS = 10_000
/** Events that one thread may have waiting. */
const CAPACITY = 2048
const MOST_CLOSING_EVENTS = 100
/** A receiver that nobody stops ends by itself, so long after the demo would have. */
const SPARE_SECONDS = 120

/** One demo from its start to its figures. */
export class DemoRun {
  readonly schedule: Schedule
  readonly exporter: UdpExporter
  readonly #settings: DemoSettings
  readonly #receiving: ReceiverSettings
  readonly #folder: string | undefined
  readonly #startedMs = performance.now()
  /** The last is the one that lives, if one does. */
  readonly #receivers: Receiver[]
  /** Where in the file the successor of the one that was killed began. */
  #secondFrom: number | undefined
  #isClosing = false

  private constructor(
    settings: DemoSettings,
    receiving: ReceiverSettings,
    folder: string | undefined,
    receiver: Receiver,
    exporter: UdpExporter,
  ) {
    this.schedule = scheduleOf(settings.seconds)
    this.#settings = settings
    this.#receiving = receiving
    this.#folder = folder
    this.#receivers = [receiver]
    this.exporter = exporter
  }

  static async start(settings: DemoSettings): Promise<DemoRun> {
    const { self, out, drop: lose, seed, seconds } = settings
    const folder = out === undefined ? mkdtempSync(join(tmpdir(), 'spillway-demo-')) : undefined
    const path = out ?? join(folder!, 'events.ndjson')
    const receiving = { self, path, port: 0, lose, seed, longestSeconds: seconds + SPARE_SECONDS }
    let receiver: Receiver | undefined
    try {
      await starting(createFile(path))
      receiver = await starting(Receiver.start(receiving))
      const { port } = receiver
      const exporter = await starting(openExporter(port, settings.threads))
      return new DemoRun(settings, { ...receiving, port }, folder, receiver, exporter)
    } catch (error) {
      await receiver?.kill()
      removeFolder(folder)
      throw error
    }
  }

  get receiverPid(): number {
    return this.#receiver.pid
  }

  get port(): number {
    return this.#receiving.port
  }

  sample(): Sample {
    const elapsedMs = performance.now() - this.#startedMs
    return {
      elapsedMs,
      exporter: this.exporter.stats(),
      receiver: this.#figures(),
      phase: this.#phase(elapsedMs),
    }
  }

  /** Until the threads' time is over, or `signal` is aborted, and everything that was accepted has its place. */
  async finish(signal: AbortSignal): Promise<Figures> {
    const offered = await this.#write(signal)
    this.#isClosing = true
    const closing = await this.#settle(offered.length)
    await this.exporter.close()
    await this.#receiver.stop()
    return this.#figuresAtEnd([...offered, closing])
  }

  /** Whatever has become of it: nothing of it is left. */
  async end(): Promise<void> {
    await this.exporter.close()
    if (!this.#receiver.hasEnded) await this.#receiver.kill()
    removeFolder(this.#folder)
  }

  /** What each thread has offered; meanwhile the receiver may have to die. If one of both fails, the other is ended. */
  async #write(signal: AbortSignal): Promise<number[]> {
    const { self, threads, rate, seed, killsReceiver } = this.#settings
    const over = new AbortController()
    const stop = () => over.abort()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const data = {
      handle: this.exporter.handle,
      seed,
      eventsPerSecond: rate / threads,
      schedule: this.schedule,
    }
    const offered = runWriters(self, threads, data, over.signal)
    const replaced = killsReceiver ? this.#replaceReceiver(over.signal) : Promise.resolve()
    for (const work of [offered, replaced]) work.catch(stop)
    await Promise.allSettled([offered, replaced])
    await replaced
    return offered
  }

  // ---- the receiver's death ------------------------------------------------------------------------------

  async #replaceReceiver(signal: AbortSignal): Promise<void> {
    const { killMs, reviveMs } = this.schedule
    if (!(await isPast(killMs, signal))) return
    await this.#receiver.kill()
    this.#secondFrom = await cutTornLine(this.#receiving.path)
    await isPast(reviveMs - killMs, signal)
    this.#receivers.push(await Receiver.start(this.#receiving))
  }

  // ---- the end -------------------------------------------------------------------------------------------

  /**
   * Waits until the receiver has heard, by a heartbeat, of everything that was sent. A heartbeat can get lost: then one more event
   * brings about another. Answers how many there were.
   */
  async #settle(thread: number): Promise<number> {
    const { exporter, schedule } = this
    const events = new ProcessEvents(thread, this.#settings.seed, Date.now() + schedule.durationMs)
    for (;;) {
      await patientFlush(exporter, STILL_MS)
      if ((await this.#hasHeardAll()) || events.count === MOST_CLOSING_EVENTS) return events.count
      exporter.encode(events.next())
    }
  }

  async #hasHeardAll(): Promise<boolean> {
    const deadline = performance.now() + PATIENCE_MS
    const { source } = this.exporter.handle
    while (performance.now() < deadline && !this.#receiver.hasEnded) {
      await this.#receiver.nextReport()
      if (this.#receiver.sentBy(source) === this.exporter.stats().sent) return true
    }
    return false
  }

  async #figuresAtEnd(offered: readonly number[]): Promise<Figures> {
    const { offered: counted, droppedBy } = this.exporter.stats()
    const file = await readDelivered(this.#receiving.path, offered, this.#secondFrom)
    const receiver = this.#figures()
    return {
      threads: this.#settings.threads,
      offered: offered.reduce((sum, events) => sum + events, 0),
      counted,
      droppedBy,
      delivered: file.events,
      doubled: file.doubled,
      foreign: file.foreign,
      missing: file.missing,
      missingAtKill: file.missingBetween,
      droppedByFile: receiver.notWritten,
      measuredLost: receiver.lost,
      wasKilled: this.#secondFrom !== undefined,
    }
  }

  get #receiver(): Receiver {
    return this.#receivers.at(-1)!
  }

  #figures(): ReceiverFigures {
    const sum = { received: 0, written: 0, lost: 0, notWritten: 0 }
    for (const { figures } of this.#receivers) {
      sum.received += figures.received
      sum.written += figures.written
      sum.lost += figures.lost
      sum.notWritten += figures.notWritten
    }
    return sum
  }

  #phase(elapsedMs: number): string {
    if (this.#isClosing) return 'closing the ledger'
    if (this.#receiver.hasEnded) return 'the receiver is dead'
    const { burst } = this.schedule
    return elapsedMs >= burst.fromMs && elapsedMs < burst.toMs ? 'burst: as fast as they can' : 'writing'
  }
}

/** An empty one; a file that is there already is not ours. */
async function createFile(path: string): Promise<void> {
  const file = await open(path, 'wx')
  await file.close()
}

function openExporter(port: number, threads: number): Promise<UdpExporter> {
  return UdpExporter.open({
    host: '127.0.0.1',
    port,
    // One socket: its heartbeats tell of all that is sent.
    poolSize: 1,
    maxWriters: threads + 1,
    // Small, so that the burst is more than the rings hold.
    capacity: CAPACITY,
    metadata: false,
    heartbeatMs: HEARTBEAT_MS,
  })
}

/** Waits; answers whether it was to the end. */
async function isPast(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal })
    return true
  } catch {
    return false
  }
}

function removeFolder(folder: string | undefined): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
