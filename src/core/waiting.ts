import { blockOn } from './block-on.ts'
import { checkTimeout, invalid, numberOption } from './check.ts'
import { keepAlive } from './keep-alive.ts'
import { type Reader, type ReaderPort, readerPort } from './reader.ts'
import { waitAsync } from './wait-async.ts'

/** How often a `Poller` looks, and when it ends. */
export interface PollerOptions {
  /** Pause between two looks at an empty ring. Default 10. */
  intervalMs?: number
  /** Ends it: what is in the ring is still delivered, then `undefined`. */
  signal?: AbortSignal
}

/** When a `Waiter` ends. */
export interface WaiterOptions {
  /** Ends it: what is in the ring is still delivered, then `undefined`. */
  signal?: AbortSignal
}

const LONGEST_TIMER_MS = 0x7fffffff
/** Where the runtime has no `Atomics.waitAsync`. */
const FALLBACK_INTERVAL_MS = 4

/** Access to a ring apart from its storage: records one at a time, in the order they were asked for. */
abstract class Access implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  protected readonly port: ReaderPort
  protected readonly signal: AbortSignal | undefined
  #last: Promise<unknown> | undefined

  protected constructor(reader: Reader, signal: AbortSignal | undefined) {
    const port = (reader as Partial<Reader> | undefined)?.[readerPort]
    if (port === undefined) {
      throw invalid('the reader must be a OneToOne, a ManyToOne or a OneToMany poller')
    }
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw invalid('signal must be an AbortSignal')
    }
    this.port = port
    this.signal = signal
    port.attach()
  }

  /**
   * The next record. Resolves `undefined` when nothing more will come: aborted, closed, or left by the writer of a ring that
   * has one, and in each case only once the ring is empty.
   */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const turn = this.#last === undefined ? this.take() : this.#last.then(() => this.take())
    const settled = turn.then(
      () => {},
      () => {},
    )
    this.#last = settled
    settled.then(() => {
      if (this.#last === settled) this.#last = undefined
    })
    return turn
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array<ArrayBuffer>> {
    for (let record = await this.next(); record !== undefined; record = await this.next()) yield record
  }

  protected async take(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const record = this.port.next()
      if (record !== undefined || this.isOver()) return record
      await this.pause()
    }
  }

  /** Asked when the ring was found empty. */
  protected isOver(): boolean {
    return this.signal?.aborted === true || this.port.ended()
  }

  /** Until there may be something, or the signal fires. */
  protected abstract pause(): Promise<void>
}

/** Looks at the ring every `intervalMs`: the simple access, and one that costs the writer nothing at all. */
export class Poller extends Access {
  readonly #intervalMs: number

  constructor(reader: Reader, options: PollerOptions = {}) {
    super(reader, options.signal)
    this.#intervalMs = numberOption(options, 'intervalMs', 10, 0, LONGEST_TIMER_MS)
  }

  protected override pause(): Promise<void> {
    return sleep(this.#intervalMs, this.signal)
  }
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}

/** Sleeps until the writer wakes it: no polling, and no cost to a writer while nobody sleeps. */
export class Waiter extends Access {
  #ref = true
  #pending = 0

  constructor(reader: Reader, options: WaiterOptions = {}) {
    super(reader, options.signal)
  }

  /**
   * As `next`, but the thread blocks, for `timeoutMs` at most (`undefined` then). Not on a browser's main thread.
   */
  nextSync(timeoutMs?: number): Uint8Array<ArrayBuffer> | undefined {
    const deadline = performance.now() + checkTimeout(timeoutMs)
    for (;;) {
      const record = this.port.next()
      if (record !== undefined || this.isOver()) return record
      const left = deadline - performance.now()
      if (left <= 0) return undefined
      const word = this.port.arm()
      if (word === 0) continue
      const { words, index } = this.port.bell()
      blockOn(words, index, word, left)
    }
  }

  /** While a `next()` is pending the process stays alive. This is the default. */
  ref(): this {
    if (!this.#ref && this.#pending > 0) keepAlive(1)
    this.#ref = true
    return this
  }

  /** A pending `next()` does not keep the process alive. */
  unref(): this {
    if (this.#ref && this.#pending > 0) keepAlive(-1)
    this.#ref = false
    return this
  }

  protected override async pause(): Promise<void> {
    const word = this.port.arm()
    if (word === 0) return
    const { words, index } = this.port.bell()
    if (waitAsync === undefined) return sleep(FALLBACK_INTERVAL_MS, this.signal)
    const wait = waitAsync(words, index, word)
    if (!wait.async) return
    const wake = () => this.port.wake()
    this.signal?.addEventListener('abort', wake)
    this.#pending++
    if (this.#ref) keepAlive(1)
    try {
      await wait.value
    } finally {
      this.#pending--
      if (this.#ref) keepAlive(-1)
      this.signal?.removeEventListener('abort', wake)
    }
  }
}
