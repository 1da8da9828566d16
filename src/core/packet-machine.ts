import { type GudpCore, gudpCoreOf } from './gudp-core.ts'
import type { HubHandle } from './hub.ts'
import { LanePipe } from './lane-pipe.ts'
import { Member, type ObjectHandle } from './member.ts'
import { defaultRegion, type Region } from './region.ts'
import type { SharedBytes } from './shared-bytes.ts'

export interface ConnectionHandle extends ObjectHandle {}

export type LaneKind = 'packets' | 'stream'

export interface LaneShape {
  readonly kind: LaneKind
  /** Of the two rings, rounded up to 8. */
  readonly inBytes: number
  readonly outBytes: number
  /** Of a record. */
  readonly longest: number
}

/** How much may be sent, and when: `assembly/gudp/congestion.ts`. */
export type Strategy = 'good-bad' | 'paced' | 'none'

export interface MachineOptions {
  /** Where its users say that they want something, and under which number. */
  readonly hub?: { readonly handle: HubHandle; readonly index: number } | undefined
  /** How many packets may be under way: a power of two from 32 to 4096. */
  readonly windowPackets: number
  readonly isBare: boolean
  readonly fragmentBytes: number
  /** The longest packet that goes whole. */
  readonly packetBytes: number
  readonly reassemblyBytes: number
  readonly strategy: Strategy
  readonly timeoutMs: number
  readonly heartbeatMs: number
  /** Packets a second in good mode; of `paced` the most bytes a second, 0: as the link has it. */
  readonly goodRate: number
  readonly badRate: number
  readonly rttLimitMs: number
  readonly lanes: readonly LaneShape[]
}

/** What became of a packet: `assembly/gudp/receive.ts`. */
export type Verdict = 'taken' | 'part-taken' | 'twice' | 'too-late' | 'no-room' | 'bad' | 'breaks' | 'ended'

const VERDICTS: readonly Verdict[] = ['taken', 'part-taken', 'twice', 'too-late', 'no-room', 'bad', 'breaks']
const STRATEGIES: readonly Strategy[] = ['good-bad', 'paced', 'none']

const UNIT = 8
/** Of a status: the number of the first final bit, plus one. */
export const FIRST_SHIFT = 28

/** How a connection is over: the final bits of its status, in their order. */
export const endReasons = ['closed', 'timed-out', 'reset', 'refused', 'io-error', 'lost'] as const
export type EndReason = (typeof endReasons)[number]

/** The machine of one connection, for the thread that is its daemon: packets and the time in, packets and the time of the next call out. */
export class PacketMachine {
  readonly region: Region
  readonly core: GudpCore
  readonly handle: ConnectionHandle
  /** When `next` is to be asked again, after it has answered 0; infinite: when something happens. */
  nextAtMs = 0
  readonly #member: Member
  readonly #address: number
  readonly #generation: number
  readonly #atIndex: number
  #pipes: LanePipe[] | undefined

  private constructor(member: Member) {
    const { region, handle } = member
    this.region = region
    this.core = gudpCoreOf(region)
    this.handle = handle
    this.#member = member
    this.#address = handle.address
    this.#generation = handle.generation
    this.#atIndex = region.mailStats
    region.reach(this.core.abi.connectionEnd(handle.address, handle.generation))
  }

  static create(options: MachineOptions, nowMs: number): PacketMachine {
    const region = defaultRegion()
    const { abi } = gudpCoreOf(region)
    const make = () => {
      writeConfig(region, options)
      return abi.connectionCreate(region.token, nowMs)
    }
    return new PacketMachine(Member.create(region, make))
  }

  /** A packet has come; it lies in `bytes` from `offset` on. */
  receive(nowMs: number, bytes: SharedBytes, offset: number, length: number): Verdict {
    const { address, generation } = bytes.handle
    const code = this.core.abi.connectionReceive(
      this.#address,
      this.#generation,
      this.region.token,
      nowMs,
      address,
      generation,
      offset,
      length,
    )
    if (code >= 0) return VERDICTS[code]!
    if (code === this.core.layout.ENDED) return 'ended'
    throw this.region.failure(code)
  }

  /** Writes the next packet to `bytes` at `offset`. Its length; 0: there is none now, see `nextAtMs`; -1: there never will be. */
  next(nowMs: number, bytes: SharedBytes, offset: number): number {
    const { address, generation } = bytes.handle
    const code = this.core.abi.connectionNext(
      this.#address,
      this.#generation,
      this.region.token,
      nowMs,
      address,
      generation,
      offset,
    )
    if (code > 0) return code
    if (code === this.core.layout.EMPTY) {
      this.nextAtMs = this.region.f64[this.#atIndex]!
      return 0
    }
    if (code === this.core.layout.ENDED) return -1
    throw this.region.failure(code)
  }

  /** Whoever waits for what has come, or for room, is woken: once for all that `receive` and `next` have done. */
  tell(): void {
    this.core.abi.connectionTell(this.#address, this.#generation, this.region.token)
  }

  /** What its users want: bits of `WANTS_*`. */
  wants(): number {
    return this.core.abi.connectionWants(this.#address, this.#generation)
  }

  hasUsers(): boolean {
    return this.core.abi.connectionHasUsers(this.#address, this.#generation) === 1
  }

  /** For good. Answers whether it was not over before. */
  finish(reason: EndReason): boolean {
    return this.core.abi.connectionFinish(this.#address, this.#generation, endReasons.indexOf(reason)) === 1
  }

  /** Why it is over; `undefined` while it is not. */
  endReason(): EndReason | undefined {
    return endReasons[(this.#status >>> FIRST_SHIFT) - 1]
  }

  get #status(): number {
    return Atomics.load(this.region.i32, (this.#address + this.core.layout.STATUS_OFFSET) >> 2)
  }

  /** Whether all that was sent has left the lanes: acknowledged, where it is of a reliable channel. */
  isDrained(): boolean {
    return this.core.abi.connectionIsDrained(this.#address, this.#generation) === 1
  }

  /** How far the peer has acknowledged a lane, in bytes of its ring. */
  outHead(lane: number): number {
    return this.core.abi.laneOutHead(this.#address, this.#generation, lane)
  }

  /** Up to where the lane is filled. */
  outTail(lane: number): number {
    return this.core.abi.laneOutTail(this.#address, this.#generation, lane)
  }

  /** A lane, for a user on this very thread. Good until `leave`. */
  pipe(lane: number): LanePipe {
    const pipe = new LanePipe(this.#member, lane)
    this.#pipes ??= []
    this.#pipes.push(pipe)
    return pipe
  }

  /** The last one out frees it. Idempotent. */
  leave(): void {
    for (const pipe of this.#pipes ?? []) pipe.close()
    this.#member.leave()
  }
}

function writeConfig(region: Region, options: MachineOptions): void {
  const { layout } = gudpCoreOf(region)
  const { lanes } = options
  const at = region.scratchAddress
  const word = (offset: number, value: number): void => {
    region.i32[(at + offset) >> 2] = value
  }
  word(layout.CONFIG_HUB_OFFSET, options.hub?.handle.address ?? 0)
  word(layout.CONFIG_HUB_OFFSET + 4, options.hub?.handle.generation ?? 0)
  word(layout.CONFIG_INDEX_OFFSET, options.hub?.index ?? 0)
  word(layout.CONFIG_WINDOW_OFFSET, options.windowPackets)
  word(layout.CONFIG_BARE_OFFSET, options.isBare ? 1 : 0)
  word(layout.CONFIG_FRAGMENT_OFFSET, options.fragmentBytes)
  word(layout.CONFIG_PACKET_OFFSET, options.packetBytes)
  word(layout.CONFIG_REASSEMBLY_OFFSET, options.reassemblyBytes)
  word(layout.CONFIG_STRATEGY_OFFSET, STRATEGIES.indexOf(options.strategy))
  word(layout.CONFIG_LANES_OFFSET, lanes.length)
  const times = [
    options.timeoutMs,
    options.heartbeatMs,
    options.goodRate,
    options.badRate,
    options.rttLimitMs,
  ]
  region.f64.set(times, (at + layout.CONFIG_TIMES_OFFSET) >> 3)
  for (const [i, lane] of lanes.entries()) {
    const from = layout.CONFIG_LANE_OFFSET + i * 16
    word(from, lane.kind === 'stream' ? layout.LANE_STREAM : layout.LANE_PACKETS)
    word(from + 4, roundUp(lane.inBytes))
    word(from + 8, roundUp(lane.outBytes))
    word(from + 12, lane.longest)
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT
}
