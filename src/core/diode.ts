import type { DiodeHandle } from './handle.ts'
import { LaneWriter } from './lane-writer.ts'
import { closedError, type Ring } from './ring.ts'
import type { DiodeStats } from './stats.ts'

/** What the three diodes share: the writing side, the handle, the ledger. */
export abstract class Diode {
  protected readonly ring: Ring
  #writer: LaneWriter | undefined

  protected constructor(ring: Ring) {
    this.ring = ring
  }

  /** Names this ring to other threads: structured-cloneable. It does not keep the ring alive; an open endpoint does. */
  get handle(): DiodeHandle {
    return this.ring.handle
  }

  /** Takes the writing role, with the endpoint's first record. Throws when another endpoint has it. */
  protected abstract takeWriter(): { lane: number; generation: number }

  /**
   * Offers a record: bytes, or a string as UTF-8. Never waits. `true`: stored. `false`: dropped and counted (full under
   * `drop-newest`, longer than the ring, or closed).
   */
  set(record: Uint8Array | string): boolean {
    const writer = this.#writer ?? this.#startWriting()
    if (writer === undefined) return this.ring.refuse()
    const code = writer.set(record)
    if (code === 0) return true
    if (writer.isLoss(code)) {
      this.refused(code)
      return false
    }
    throw this.ring.region.failure(code)
  }

  /**
   * Room for a record of up to `bytes`, in the ring itself, to write to and then `commit`. `undefined`: dropped and counted, as by
   * `set`. The view is good until `commit` or `abort`; until then this endpoint can write nothing else.
   */
  claim(bytes: number): Uint8Array | undefined {
    const writer = this.#writer ?? this.#startWriting()
    if (writer !== undefined) return writer.claim(bytes)
    this.ring.refuse()
    return undefined
  }

  /** Stores the first `bytes` of the claim (all of it by default). */
  commit(bytes?: number): void {
    if (!this.ring.open) throw closedError('ring')
    const writer = this.#writer
    if (writer === undefined) throw this.ring.region.failure(this.ring.region.layout.NO_CLAIM)
    writer.commit(bytes)
  }

  /** Gives the claim up: the ring is as it was. */
  abort(): void {
    if (!this.ring.open) throw closedError('ring')
    const writer = this.#writer
    if (writer === undefined) throw this.ring.region.failure(this.ring.region.layout.NO_CLAIM)
    writer.abort()
  }

  /** The ledger; see `DiodeStats`. After `close` it is the one of that moment, and counts what is still offered. */
  stats(): DiodeStats {
    return this.ring.stats()
  }

  /** Leaves the ring; the last one out frees it. Idempotent. */
  close(): void {
    if (!this.ring.open) return
    this.stopReading()
    this.#writer?.leave()
    this.#writer = undefined
    this.ring.leave()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** The reading side lets go, before the endpoint leaves. */
  protected abstract stopReading(): void

  /** Called after a record was refused. */
  protected refused(_code: number): void {}

  #startWriting(): LaneWriter | undefined {
    if (!this.ring.open) return undefined
    const { lane, generation } = this.takeWriter()
    this.#writer = new LaneWriter(this.ring, lane, generation)
    return this.#writer
  }
}
