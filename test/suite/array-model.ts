// What a diode must do, said with an array.
import type { Policy, Stats } from './rigs.ts'

export class ArrayModel {
  private readonly waiting: Uint8Array[] = []
  private readonly capacity: number
  private readonly recordBytes: number
  private readonly policy: Policy
  private dropped = 0
  private oversize = 0
  private written = 0
  private read = 0
  private missed = 0
  /** evicted since the reader last heard of it */
  private unheard = 0

  constructor(capacity: number, recordBytes: number, policy: Policy) {
    this.capacity = capacity
    this.recordBytes = recordBytes
    this.policy = policy
  }

  get capacityBytes(): number {
    return this.capacity * this.recordBytes
  }

  get depthBytes(): number {
    return this.waiting.reduce((sum, record) => sum + record.length, 0)
  }

  set(record: Uint8Array): boolean {
    if (record.length > this.capacityBytes) {
      this.oversize++
      return false
    }
    while (this.waiting.length >= this.capacity || this.depthBytes + record.length > this.capacityBytes) {
      if (this.policy === 'drop-newest') {
        this.dropped++
        return false
      }
      this.waiting.shift()
      this.missed++
      this.unheard++
    }
    this.waiting.push(record.slice())
    this.written++
    return true
  }

  /** The next record, and what its reader is told it missed before it. */
  next(): { record: Uint8Array | undefined; alert: number } {
    const record = this.waiting.shift()
    if (!record) return { record, alert: 0 }
    const alert = this.unheard
    this.unheard = 0
    this.read++
    return { record, alert }
  }

  stats(): Omit<Stats, 'capacity' | 'capacityBytes'> {
    const { written, dropped, oversize, read, missed } = this
    const offered = written + dropped + oversize
    return {
      offered,
      written,
      dropped,
      oversize,
      read,
      missed,
      depth: this.waiting.length,
      depthBytes: this.depthBytes,
    }
  }
}
