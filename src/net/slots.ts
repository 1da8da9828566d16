import type { SharedBytes } from '../core/shared-bytes.ts'
import type { Sent } from '../ports.ts'
import type { Flow } from './flow.ts'

const STAGING_BYTES = 256 * 1024
const FEWEST = 4
const MOST = 64
const MOST_ACKNOWLEDGED = 65_536

/** How many datagrams may be in the kernel's queue, or on their way there; or, with a memory of its own for it, on their way to the peer. */
export function slotCount(datagramBytes: number, memoryBytes?: number): number {
  const most = memoryBytes === undefined ? MOST : MOST_ACKNOWLEDGED
  return Math.min(most, Math.max(FEWEST, Math.floor((memoryBytes ?? STAGING_BYTES) / datagramBytes)))
}

/** Where one datagram is packed, and from where it is sent: a stretch of shared memory. Free when the kernel has taken it. */
export class Slot {
  readonly start: number
  readonly limit: number
  /** Called by the socket; made once. */
  readonly sent: Sent
  /** What is sent: from `from` (the sequence line, or the first event's line) to `end`. */
  from: number
  linesFrom: number
  end: number
  /** Of which the kernel has not been given, or has not taken: */
  events = 0
  /** When its first line was packed. */
  sinceMs = 0
  flow: Flow | undefined
  /** What was tried with the datagram under way: sent again after a refusal, and after its socket was closed; */
  wasRefused = false
  wasCanceled = false
  /** and how often it has waited for room. */
  waits = 0
  /** Too long as a whole: the lines go one by one, and this is where the one under way ends. */
  partEnd = 0
  readonly #bytes: SharedBytes
  #view: Uint8Array | undefined
  #viewFrom = -1

  constructor(
    bytes: SharedBytes,
    start: number,
    limit: number,
    done: (slot: Slot, code: string | undefined) => void,
  ) {
    this.#bytes = bytes
    this.start = start
    this.limit = limit
    this.from = start
    this.linesFrom = start
    this.end = start
    this.sent = (error) => done(this, error ? (error.code ?? 'EOTHER') : undefined)
  }

  /** Empty again, with `headBytes` kept free for a sequence line. */
  reset(headBytes: number): void {
    this.from = this.start
    this.linesFrom = this.start + headBytes
    this.end = this.linesFrom
    this.events = 0
    this.flow = undefined
    this.partEnd = 0
    this.startTries()
  }

  startTries(): void {
    this.wasRefused = false
    this.wasCanceled = false
    this.waits = 0
  }

  /** The bytes to send now. Views are kept: datagrams are often equally long. */
  view(): Uint8Array {
    const end = this.partEnd === 0 ? this.end : this.partEnd
    const kept = this.#view
    if (kept !== undefined && this.#viewFrom === this.from && kept.length === end - this.from) return kept
    this.#viewFrom = this.from
    this.#view = this.#bytes.view(this.from, end)
    return this.#view
  }

  /** From where the next is sent to the end. */
  rest(): Uint8Array {
    return this.#bytes.view(this.from, this.end)
  }

  /** The room in front of the lines. */
  head(): Uint8Array {
    return this.#bytes.view(this.start, this.linesFrom)
  }
}

export class Slots {
  readonly bytes: SharedBytes
  readonly count: number
  readonly #free: Slot[] = []

  constructor(
    bytes: SharedBytes,
    datagramBytes: number,
    done: (slot: Slot, code: string | undefined) => void,
  ) {
    this.bytes = bytes
    this.count = Math.floor(bytes.length / datagramBytes)
    for (let slot = this.count - 1; slot >= 0; slot--) {
      const start = slot * datagramBytes
      this.#free.push(new Slot(bytes, start, start + datagramBytes, done))
    }
  }

  get free(): number {
    return this.#free.length
  }

  take(): Slot | undefined {
    return this.#free.pop()
  }

  put(slot: Slot): void {
    this.#free.push(slot)
  }
}
