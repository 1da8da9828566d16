import type { LanePipe } from '../../core/lane-pipe.ts'
import { type MachineOptions, PacketMachine, type Verdict } from '../../core/packet-machine.ts'
import { SharedBytes } from '../../core/shared-bytes.ts'
import { type GudpConnectionStats, readStats } from '../../net/gudp/connection-stats.ts'

/** Longer than any packet. */
const PLACE_BYTES = 65_536
/** Of the status: what its owner says while it is not over. */
const WORKING_BITS = 0xffff

/** What the strategy holds of the link: `assembly/gudp/good-bad.ts`, `paced.ts`. */
export type Mode = 'good' | 'bad'

/** One machine with a place for its packets, and what became of them. */
export class MachineSide {
  readonly machine: PacketMachine
  readonly lanes: readonly LanePipe[]
  readonly bytes = SharedBytes.create(PLACE_BYTES)
  readonly view = this.bytes.view(0, PLACE_BYTES)
  /** Packets that went whole, and fragments. */
  sentWhole = 0
  sentFragments = 0
  readonly verdicts: Partial<Record<Verdict, number>> = {}
  /** What the packet was of which that became, when it was the last fragment of it. */
  readonly lastFragments: Partial<Record<Verdict, number>> = {}

  constructor(options: MachineOptions, nowMs: number) {
    this.machine = PacketMachine.create(options, nowMs)
    this.lanes = options.lanes.map((_, i) => this.machine.pipe(i))
  }

  get stats(): GudpConnectionStats {
    const { region, core, handle } = this.machine
    return readStats(region, core, handle)
  }

  get mode(): Mode {
    const bits = this.word(this.machine.core.layout.STATUS_OFFSET) & WORKING_BITS
    return bits === 0 ? 'good' : 'bad'
  }

  /** A word of its memory. */
  word(offset: number): number {
    return this.machine.region.i32[(this.machine.handle.address + offset) >> 2]! >>> 0
  }

  receive(nowMs: number, packet: Uint8Array): Verdict {
    this.view.set(packet)
    const verdict = this.machine.receive(nowMs, this.bytes, 0, packet.length)
    this.verdicts[verdict] = (this.verdicts[verdict] ?? 0) + 1
    if ((packet[0]! & 1) === 1 && verdict === 'taken') {
      this.lastFragments[verdict] = (this.lastFragments[verdict] ?? 0) + 1
    }
    return verdict
  }

  /** The caller's own copy. `undefined`: there is none now; `over`: there never will be. */
  next(nowMs: number): Uint8Array | undefined {
    const length = this.machine.next(nowMs, this.bytes, 0)
    if (length <= 0) return undefined
    const packet = this.view.slice(0, length)
    if ((packet[0]! & 1) === 1) this.sentFragments++
    else this.sentWhole++
    return packet
  }

  /** All that it has to send now. */
  all(nowMs: number, most = 10_000): Uint8Array[] {
    const packets: Uint8Array[] = []
    for (let packet = this.next(nowMs); packet !== undefined; packet = this.next(nowMs)) {
      packets.push(packet)
      if (packets.length > most) throw new Error('it never stops sending')
    }
    return packets
  }

  leave(): void {
    this.machine.finish('closed')
    this.machine.next(0, this.bytes, 0) // drops what was being put together
    this.machine.leave()
    this.bytes.leave()
  }
}
