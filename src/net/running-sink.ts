import type { Clock } from '../ports.ts'
import type { AlertGate } from './collector-alerts.ts'
import type { Sink } from './sink.ts'
import { SinkPump, type SinkPumpOptions, type SinkStats } from './sink-pump.ts'

/** A sink that was given up still gets so long to put its things away. */
const LAST_CHANCE_MS = 100

export interface RunningSinkOptions
  extends Omit<SinkPumpOptions, 'sink' | 'clock' | 'onDropped' | 'onFailed'> {
  readonly sink: Sink
  readonly clock: Clock
  readonly alerts: AlertGate
  readonly closing: AbortSignal
}

/** A sink from its opening to its end, with the pump that feeds it. */
export class RunningSink {
  readonly #options: RunningSinkOptions
  readonly #pump: SinkPump
  #done: Promise<void> = Promise.resolve()
  #isOpen = false

  constructor(options: RunningSinkOptions) {
    const { alerts, name } = options
    this.#options = options
    this.#pump = new SinkPump({
      ...options,
      onDropped: (lines) =>
        alerts.note('sink-dropped', lines, {
          message: `the sink '${name}' is too slow: lines were dropped before it`,
          sink: name,
        }),
      onFailed: (lines, error) => this.#failed(lines, error),
    })
  }

  get handle(): SinkPump['handle'] {
    return this.#pump.handle
  }

  async open(): Promise<void> {
    const { sink, name, alerts, closing } = this.#options
    await sink.open?.({
      closing,
      report: (message, code) =>
        alerts.note('sink', 1, { message, sink: name, ...(code === undefined ? {} : { code }) }),
    })
    this.#isOpen = true
  }

  start(): void {
    this.#done = this.#pump.run().catch((error) => this.#failed(0, error))
  }

  stats(offered: number): SinkStats {
    return this.#pump.stats(offered)
  }

  /** Nothing more will come. Hands on what waits, until the deadline (of the clock), and closes the sink. */
  async finish(deadlineMs: number, linesOffered: number, bytesOffered: number): Promise<void> {
    const { sink } = this.#options
    this.#pump.end()
    await this.#until(deadlineMs, () => this.#done)
    this.#pump.close(linesOffered, bytesOffered)
    await this.#until(deadlineMs, () => sink.flush?.())
    await this.#until(deadlineMs, () => sink.close?.())
  }

  /** The collector could not be opened. */
  async discard(): Promise<void> {
    this.#pump.close(0, 0)
    if (this.#isOpen) await this.#until(0, () => this.#options.sink.close?.())
  }

  /** Waits for what `act` starts, but not beyond the deadline. What goes wrong is told. */
  async #until(deadlineMs: number, act: () => void | Promise<void>): Promise<void> {
    const { clock } = this.#options
    const leftMs = Math.max(LAST_CHANCE_MS, deadlineMs - clock.now())
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(leftMs, resolve)
    })
    try {
      await Promise.race([act(), late])
    } catch (error) {
      this.#failed(0, error)
    } finally {
      cancel()
    }
  }

  #failed(lines: number, error: unknown): void {
    const { alerts, name } = this.#options
    const { code, message } = error as { code?: string; message?: string }
    alerts.note('sink-failed', lines, {
      message: `the sink '${name}' failed: ${message ?? String(error)}`,
      sink: name,
      ...(code === undefined ? {} : { code }),
    })
  }
}
