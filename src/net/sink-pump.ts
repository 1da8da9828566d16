import type { DiodeHandle } from '../core/handle.ts'
import { OneToOne } from '../core/one-to-one.ts'
import type { DropPolicy } from '../core/options.ts'
import { Waiter } from '../core/waiting.ts'
import type { Clock } from '../ports.ts'
import { Batch } from './batch.ts'
import type { Lines, SourceLookup } from './lines.ts'
import { PartlyWritten, type Sink } from './sink.ts'

export interface SinkPumpOptions {
  readonly sink: Pick<Sink, 'write' | 'stats'>
  readonly name: string
  readonly capacity: number
  readonly queueBytes: number
  readonly policy: DropPolicy
  readonly batchRecords: number
  readonly batchBytes: number
  readonly clock: Pick<Clock, 'soon'>
  readonly lookUp: SourceLookup
  onDropped(lines: number): void
  onFailed(lines: number, error: unknown): void
}

/** Every line offered to a sink is in exactly one of these: `offered = handed + failed + dropped + inHand + waiting`. */
export interface SinkStats {
  readonly name: string
  /** Lines that the collector had for it. */
  offered: number
  /** Lines that it has taken. */
  handed: number
  /** Lines of batches at which it threw, or that it had in hand when it was given up. */
  failed: number
  /** Lines that it was too slow for. What was overwritten counts as waiting until the sink gets to the gap. */
  dropped: number
  droppedBytes: number
  /** Lines of the batch that it is at. */
  inHand: number
  waiting: number
  batches: number
  /** What the sink counts itself, if it does. */
  own?: object
}

/** Reads a sink's diode and hands on what it holds, batch after batch, each when the sink is done with the one before. */
export class SinkPump {
  readonly #options: SinkPumpOptions
  readonly #diode: OneToOne
  readonly #waiter: Waiter
  readonly #batch: Batch
  readonly #ending = new AbortController()
  #handed = 0
  #failed = 0
  #inHand = 0
  #batches = 0
  #missedTold = 0
  #isGivenUp = false

  constructor(options: SinkPumpOptions) {
    const { capacity, queueBytes, policy, batchRecords, batchBytes } = options
    this.#options = options
    this.#diode = new OneToOne(capacity, null, { recordBytes: Math.ceil(queueBytes / capacity), policy })
    this.#waiter = new Waiter(this.#diode, { signal: this.#ending.signal }).unref()
    this.#batch = new Batch(batchRecords, batchBytes)
  }

  get handle(): DiodeHandle {
    return this.#diode.handle
  }

  /** Until `end` was called and the diode is empty. */
  async run(): Promise<void> {
    for (;;) {
      const first = await this.#waiter.next()
      if (first === undefined || this.#isGivenUp) return
      this.#batch.add(first)
      while (this.#batch.room > 0 && this.#diode.drain(this.#batch.add, this.#batch.room) > 0);
      await this.#give(this.#batch.take(this.#options.lookUp))
      if (this.#isGivenUp) return
      await this.#turn()
    }
  }

  /** Nothing more will be written to the diode. */
  end(): void {
    this.#ending.abort()
  }

  /** After `run`, or instead of waiting for it any longer: what it has not done by now it will not do. */
  close(linesOffered: number, bytesOffered: number): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    this.#giveUpHand()
    this.#batch.end(linesOffered, bytesOffered)
    this.#tellMissed()
    while (this.#diode.drain(() => {}) > 0); // else the diode would keep it for a reader that is still waiting
    this.#diode.close()
  }

  stats(offered: number): SinkStats {
    const { linesSeen, linesMissed, bytesMissed } = this.#batch
    const own = this.#options.sink.stats?.()
    return {
      name: this.#options.name,
      offered,
      handed: this.#handed,
      failed: this.#failed,
      dropped: linesMissed,
      droppedBytes: bytesMissed,
      inHand: this.#inHand,
      waiting: offered - linesSeen,
      batches: this.#batches,
      ...(own === undefined ? {} : { own }),
    }
  }

  async #give(lines: Lines): Promise<void> {
    this.#tellMissed()
    this.#inHand = lines.count
    let written = lines.count
    let problem: unknown
    try {
      await this.#options.sink.write(lines)
    } catch (error) {
      problem = error
      written = error instanceof PartlyWritten ? error.linesWritten : 0
    }
    if (this.#isGivenUp) return // counted already
    this.#inHand = 0
    this.#batches++
    this.#handed += written
    this.#failed += lines.count - written
    if (problem !== undefined) this.#options.onFailed(lines.count - written, problem)
  }

  #giveUpHand(): void {
    const lines = this.#inHand
    if (lines === 0) return
    this.#inHand = 0
    this.#failed += lines
    this.#options.onFailed(lines, new Error('it was not done with a batch in time'))
  }

  #tellMissed(): void {
    const news = this.#batch.linesMissed - this.#missedTold
    if (news === 0) return
    this.#missedTold += news
    this.#options.onDropped(news)
  }

  /** A sink that is always done at once must not keep the thread's loop from anything else. */
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.soon(resolve))
  }
}
