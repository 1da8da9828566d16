import { checkInteger, checkNumber, invalid } from './check.ts'

/** What a full ring gives up: its oldest record, or the one that comes. */
export type DropPolicy = 'drop-oldest' | 'drop-newest'

/** Called on the reader's side with exactly how many records were lost since the last one it read. */
export type Alert = (missed: number) => void

/** What a diode is made with. */
export interface DiodeOptions {
  /** What a full ring does with a record: make room by dropping the oldest (the default), or refuse the newest. */
  policy?: DropPolicy
  /** Average payload budget: the ring holds `capacity * recordBytes` bytes, which is also the longest record. Default 256. */
  recordBytes?: number
  /** ManyToOne only: how many endpoints may write at the same time, 1 to 256. Default 16. */
  maxWriters?: number
  /**
   * OneToMany under `drop-newest` only: a poller of another thread that has stood still for so long while records were refused
   * because of it loses its hold on the ring (it may have died), and is told what it missed if it comes back. Default 1000.
   */
  patienceMs?: number
}

export interface CheckedOptions {
  readonly capacity: number
  readonly policy: number
  readonly recordBytes: number
  readonly maxWriters: number
  readonly patienceMs: number
}

const POLICIES: readonly DropPolicy[] = ['drop-oldest', 'drop-newest'] // the index is what the core knows it by
const MAX_WRITERS = 256
const MAX_BYTES = 2 ** 27

export function checkOptions(capacity: unknown, options: DiodeOptions | undefined): CheckedOptions {
  if (options !== undefined && (typeof options !== 'object' || options === null))
    throw invalid('options must be an object')
  const { policy = 'drop-oldest', recordBytes = 256, maxWriters = 16, patienceMs = 1000 } = options ?? {}
  const checked = {
    capacity: checkInteger('capacity', capacity, 1, MAX_BYTES / 24),
    policy: POLICIES.indexOf(policy),
    recordBytes: checkInteger('recordBytes', recordBytes, 1, MAX_BYTES),
    maxWriters: checkInteger('maxWriters', maxWriters, 1, MAX_WRITERS),
    patienceMs: checkNumber('patienceMs', patienceMs, 0),
  }
  if (checked.policy < 0) throw invalid(`policy must be one of ${POLICIES.join(', ')}, not ${String(policy)}`)
  if (checked.capacity * checked.recordBytes > MAX_BYTES) {
    throw invalid(
      `capacity * recordBytes must be at most ${MAX_BYTES}, not ${checked.capacity * checked.recordBytes}`,
    )
  }
  return checked
}

export function checkAlert(alert: unknown): Alert | null {
  if (alert === undefined || alert === null) return null
  if (typeof alert !== 'function') throw invalid('alert must be a function or null')
  return alert as Alert
}

export function checkLimit(limit: unknown): number {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  if (Number.isInteger(limit) && (limit as number) >= 0) return limit as number
  throw invalid(`limit must be an integer from 0, not ${String(limit)}`)
}
