import type { DiodeHandle } from '../core/handle.ts'
import { LinePacker } from '../core/line-packer.ts'
import { LineRing, type LineRingHandle } from '../core/line-ring.ts'
import { OneToMany } from '../core/one-to-many.ts'
import { SharedBytes } from '../core/shared-bytes.ts'

/** What an exporter's service holds of the shared memory: all of it, or, if something cannot be had, nothing. */
export class ExporterMemory {
  readonly ring: LineRing
  readonly alerts: OneToMany
  readonly slotBytes: SharedBytes
  readonly packer: LinePacker
  /** In the order in which they must go. */
  readonly #leaves: (() => void)[] = []

  constructor(handles: { ring: LineRingHandle; alerts: DiodeHandle }, slotBytes: number) {
    try {
      this.ring = this.#hold(LineRing.from(handles.ring), (ring) => ring.close())
      this.alerts = this.#hold(OneToMany.from(handles.alerts), (alerts) => alerts.close())
      this.slotBytes = this.#hold(SharedBytes.create(slotBytes), (bytes) => bytes.leave())
      this.packer = this.#hold(new LinePacker(this.ring, this.slotBytes), (packer) => packer.close())
    } catch (error) {
      this.leave()
      throw error
    }
  }

  /** Whoever else has it keeps it. Idempotent. */
  leave(): void {
    for (const leave of this.#leaves.splice(0)) leave()
  }

  #hold<Held>(held: Held, leave: (held: Held) => void): Held {
    this.#leaves.unshift(() => leave(held))
    return held
  }
}
