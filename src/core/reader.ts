import { reportCallbackError, SpillwayError } from './errors.ts'
import type { Alert } from './options.ts'
import type { Region } from './region.ts'

/** What a `Poller` or a `Waiter` needs of whatever it reads from. */
export interface ReaderPort {
  /** `tryNext`, but for what a closed reader had left, too. */
  next(): Uint8Array<ArrayBuffer> | undefined
  /** Nothing more will come unless another writer takes over: the writer has left, or this reader is closed. */
  ended(): boolean
  /** Before sleeping: 0 when there is something to do, else the word to wait for at the bell. */
  arm(): number
  /** The bell's word. */
  bell(): { words: Int32Array; index: number }
  /** Makes every sleeper at the bell look again. */
  wake(): void
  /** Somebody reads by waiting: what is in the ring at `close` is kept for them. */
  attach(): void
}

/** Readers give their port under this name; it is no part of the public API. */
export const readerPort: unique symbol = Symbol('spillway.readerPort')

/** Something that can be read: a `OneToOne`, a `ManyToOne`, or a poller of a `OneToMany`. */
export interface Reader {
  tryNext(): Uint8Array<ArrayBuffer> | undefined
  readonly [readerPort]: ReaderPort
}

export function callAlert(alert: Alert | null, missed: number): void {
  if (alert === null || missed === 0) return
  try {
    alert(missed)
  } catch (error) {
    reportCallbackError('alert', alert, error)
  }
}

const VIEWS = 4096

/**
 * Views of records in shared memory, kept by where they lie. Making one costs more than reading it, and a ring
 * of records of one length has the same ones lap after lap.
 */
export class RecordViews {
  readonly #views: (Uint8Array | undefined)[] = new Array(VIEWS)

  at(region: Region, address: number, length: number): Uint8Array {
    const slot = Math.imul(address >>> 3, 0x9e3779b1) >>> 20
    const kept = this.#views[slot]
    if (kept !== undefined && kept.byteOffset === address && kept.length === length) return kept
    region.reach(address + length)
    const view = new Uint8Array(region.u8.buffer, address, length)
    this.#views[slot] = view
    return view
  }
}

/** One at a time: a callback that reads the ring it is called from would get records out of turn. */
export function busyError(): SpillwayError {
  return new SpillwayError('ERR_BUSY', 'drain() is going on: its callback must not read from the same ring')
}

/** What a closed reader had left, copied before the ring could go away. Bounded by the ring. */
export class Leftovers {
  #records: Uint8Array<ArrayBuffer>[] = []
  #at = 0

  keep(next: () => Uint8Array<ArrayBuffer> | undefined): void {
    for (let record = next(); record !== undefined; record = next()) this.#records.push(record)
  }

  next(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#at >= this.#records.length) return undefined
    const record = this.#records[this.#at]
    this.#records[this.#at++] = undefined as unknown as Uint8Array<ArrayBuffer>
    return record
  }

  isEmpty(): boolean {
    return this.#at >= this.#records.length
  }
}
