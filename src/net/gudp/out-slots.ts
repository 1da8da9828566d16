import { SharedBytes } from '../../core/shared-bytes.ts'

export interface OutSlot {
  readonly offset: number
  /** All of it. */
  readonly view: Uint8Array
}

/** Where datagrams are written, and lie until the kernel has them; and one place more, for what comes in. */
export class OutSlots {
  readonly bytes: SharedBytes
  readonly slotBytes: number
  /** Where a datagram that has come lies while the machine reads it. */
  readonly inOffset: number
  readonly inView: Uint8Array
  readonly #free: OutSlot[] = []

  constructor(count: number, slotBytes: number) {
    // Each on a boundary of 64: copies between places that are aligned alike are fast.
    this.slotBytes = (slotBytes + 63) & ~63
    this.inOffset = count * this.slotBytes
    this.bytes = SharedBytes.create(this.inOffset + LONGEST_DATAGRAM)
    this.inView = this.bytes.view(this.inOffset, this.inOffset + LONGEST_DATAGRAM)
    for (let i = count - 1; i >= 0; i--) {
      const offset = i * this.slotBytes
      this.#free.push({ offset, view: this.bytes.view(offset, offset + this.slotBytes) })
    }
  }

  get hasFree(): boolean {
    return this.#free.length > 0
  }

  take(): OutSlot | undefined {
    return this.#free.pop()
  }

  put(slot: OutSlot): void {
    this.#free.push(slot)
  }

  leave(): void {
    this.bytes.leave()
  }
}

const LONGEST_DATAGRAM = 65_536
