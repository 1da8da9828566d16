import type { LanePipe } from '../../src/core/lane-pipe.ts'
import {
  type LaneShape,
  type MachineOptions,
  PacketMachine,
  type Verdict,
} from '../../src/core/packet-machine.ts'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import { type GudpConnectionStats, readStats } from '../../src/net/gudp/connection-stats.ts'
import { Link, type LinkOptions, type Random, seeded, VirtualClock } from '../../src/sim/network/index.ts'

/** Longer than any packet. */
const PLACE_BYTES = 65_536

export const packetsLane = (bytes = 65_536, longest = bytes >> 1): LaneShape => ({
  kind: 'packets',
  inBytes: bytes,
  outBytes: bytes,
  longest,
})
export const streamLane = (bytes = 65_536, longest = bytes - 8): LaneShape => ({
  kind: 'stream',
  inBytes: bytes,
  outBytes: bytes,
  longest,
})

/** As the daemon's defaults are, but for the strategy. */
export const usualMachine: MachineOptions = {
  windowPackets: 256,
  isBare: false,
  fragmentBytes: 1100,
  packetBytes: 1187,
  reassemblyBytes: 2 * (32_768 + 1196),
  strategy: 'none',
  timeoutMs: 10_000,
  heartbeatMs: 3000,
  goodRate: 30,
  badRate: 10,
  rttLimitMs: 250,
  lanes: [packetsLane(), streamLane()],
}

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

export interface PairOptions {
  readonly seed: number
  readonly there?: LinkOptions
  readonly back?: LinkOptions
  readonly left?: Partial<MachineOptions>
  readonly right?: Partial<MachineOptions>
}

/** Two machines with a link each way between them, on virtual time. They are served as the daemon serves its sessions. */
export class MachinePair {
  readonly clock = new VirtualClock()
  readonly random: Random
  readonly left: MachineSide
  readonly right: MachineSide
  readonly there: Link
  readonly back: Link
  /** Whoever wants to look at what was sent. */
  onSent: ((side: MachineSide, packet: Uint8Array) => void) | undefined
  /** After a packet has been received. */
  onReceived: ((side: MachineSide) => void) | undefined
  readonly #due = new Map<MachineSide, { atMs: number; cancel: () => void }>()
  readonly #dirty = new Set<MachineSide>()
  #calls = 0
  #callsAtMs = 0

  constructor({ seed, there = {}, back = there, left = {}, right = left }: PairOptions) {
    this.random = seeded(seed)
    this.there = new Link(this.clock, this.random.fork('there'), there)
    this.back = new Link(this.clock, this.random.fork('back'), back)
    this.left = new MachineSide({ ...usualMachine, ...left }, this.clock.now())
    this.right = new MachineSide({ ...usualMachine, ...right }, this.clock.now())
    this.soil(this.left)
    this.soil(this.right)
  }

  other(side: MachineSide): MachineSide {
    return side === this.left ? this.right : this.left
  }

  linkOf(side: MachineSide): Link {
    return side === this.left ? this.there : this.back
  }

  /** It is asked what it has to send, when what has come is dealt with. */
  soil(side: MachineSide): void {
    if (this.#dirty.has(side)) return
    this.#dirty.add(side)
    this.clock.soon(() => {
      this.#dirty.delete(side)
      this.pump(side)
    })
  }

  pump(side: MachineSide): void {
    const nowMs = this.clock.now()
    this.#watchForStandstill(nowMs)
    for (let packet = side.next(nowMs); packet !== undefined; packet = side.next(nowMs)) {
      const sent = packet
      this.onSent?.(side, sent)
      this.linkOf(side).pass(sent.length, () => this.#arrive(this.other(side), sent))
    }
    const { nextAtMs } = side.machine
    const due = this.#due.get(side)
    if (due !== undefined && due.atMs === nextAtMs) return
    due?.cancel()
    this.#due.delete(side)
    if (nextAtMs === Number.POSITIVE_INFINITY || side.machine.endReason() !== undefined) return
    const cancel = this.clock.after(Math.max(0, nextAtMs - nowMs), () => {
      this.#due.delete(side)
      this.pump(side)
    })
    this.#due.set(side, { atMs: nextAtMs, cancel })
  }

  leave(): void {
    this.left.leave()
    this.right.leave()
  }

  #arrive(side: MachineSide, packet: Uint8Array): void {
    if (side.machine.endReason() !== undefined) return
    side.receive(this.clock.now(), packet)
    this.onReceived?.(side)
    this.soil(side)
  }

  /** A machine that wants to be asked again at once, for ever, would hold up time. */
  #watchForStandstill(nowMs: number): void {
    if (nowMs !== this.#callsAtMs) {
      this.#callsAtMs = nowMs
      this.#calls = 0
    }
    if (++this.#calls > 10_000)
      throw new Error(`asked 10,000 times at ${nowMs}: it wants to be asked at once, for ever`)
  }
}
