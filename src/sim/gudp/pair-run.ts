import type { EndReason, Strategy } from '../../core/packet-machine.ts'
import type { GudpConnectionStats } from '../../net/gudp/connection-stats.ts'
import type { Link, LinkCounters } from '../network/index.ts'
import type { Traffic } from './flow.ts'
import { type FlowSample, FlowWatch, type MessageState } from './flow-watch.ts'
import { type LedgerRow, ledgerRow, verdictsOf } from './ledger.ts'
import { MachinePair } from './machine-pair.ts'
import type { MachineSide, Mode } from './machine-side.ts'
import { type LoggedPacket, PacketLog } from './packet-log.ts'
import { PlanTraffic, pairOf } from './plan-traffic.ts'
import { planOf } from './seed-plan.ts'
import {
  type BothWays,
  type Change,
  type Knob,
  knobValueOf,
  linkOptionOf,
  linkOptionsOf,
  machineOf,
  type Setting,
} from './setting.ts'
import { SteadyTraffic } from './steady-traffic.ts'

export interface SideSample extends GudpConnectionStats {
  readonly mode: Mode
  readonly end: EndReason | undefined
}

export interface LinkSample extends LinkCounters {
  readonly inFlight: number
  readonly queuedBytes: number
}

export interface PairSample {
  readonly nowMs: number
  readonly left: SideSample
  readonly right: SideSample
  readonly there: LinkSample
  readonly back: LinkSample
  readonly flows: readonly FlowSample[]
  /** What came that was not as it should be: nothing, ever. */
  readonly faults: readonly string[]
}

/** How long to look for a packet: a connection at rest is heard every few seconds. */
const STEP_WITHIN_MS = 10_000
const SIDES = ['left', 'right'] as const

/**
 * Two machines at work, on virtual time. All follows from the setting, and from what is turned at which time: `setting`, as it has become,
 * does the same again.
 */
export class PairRun {
  readonly congestion: Strategy
  readonly #setting: Setting
  readonly #changes: Change[]
  #changed = 0
  readonly #pair: MachinePair
  readonly #startMs: number
  readonly #traffic: Traffic
  readonly #watches: readonly FlowWatch[]
  readonly #log: PacketLog

  constructor(setting: Setting) {
    this.#setting = setting
    this.#changes = [...setting.changes]
    const plan = setting.plan === undefined ? undefined : planOf(setting.plan)
    this.congestion = plan?.machine.strategy ?? setting.congestion
    this.#pair = plan === undefined ? pairFor(setting) : pairOf(plan)
    const { clock } = this.#pair
    this.#startMs = clock.now()
    this.#traffic =
      plan === undefined ? new SteadyTraffic(this.#pair, setting) : new PlanTraffic(this.#pair, plan)
    this.#watches = this.#traffic.flows.map((flow) => {
      const side = this.#nameOf(flow.from)
      const kind = flow.lane === 0 ? 'packets' : flow.kind === 'stream' ? 'reliable' : 'unreliable'
      return new FlowWatch(flow, side, flow.lane === 0 ? kind : `${kind} ${flow.lane}`, clock)
    })
    this.#log = new PacketLog(this.#pair)
  }

  /** With what was turned meanwhile. */
  get setting(): Setting {
    return { ...this.#setting, changes: [...this.#changes] }
  }

  /** Since the start. */
  get nowMs(): number {
    return this.#pair.clock.now() - this.#startMs
  }

  /** Over all that has happened. */
  get hash(): number {
    return this.#log.hash
  }

  advance(ms: number): void {
    this.advanceTo(this.nowMs + ms)
  }

  /** To the end of that moment: all that is due then has happened. */
  advanceTo(untilMs: number): void {
    for (let next = this.#nextChange; next !== undefined && next.atMs <= untilMs; next = this.#nextChange) {
      this.#runTo(next.atMs)
      this.#turn(next)
    }
    this.#runTo(untilMs)
  }

  /** To where the next packet is sent or comes. `false`: none did for a long time. */
  step(): boolean {
    const before = this.#log.events
    const endMs = this.nowMs + STEP_WITHIN_MS
    const isThere = () => this.#log.events > before
    while (!isThere() && this.nowMs < endMs) {
      const untilMs = Math.min(endMs, this.#nextChange?.atMs ?? endMs)
      this.#pair.clock.runUntil(isThere, Math.max(0, untilMs - this.nowMs))
      // What else is due at this time has its turn, too: so a change that is made now comes after it, and does when it is replayed.
      this.advanceTo(this.nowMs)
      if (!isThere()) this.advanceTo(untilMs)
    }
    return isThere()
  }

  /** Turns a knob of the links, now. What it was turned to at this very moment is forgotten. */
  turn(knob: Knob, to: BothWays): void {
    this.advanceTo(this.nowMs)
    const change = { atMs: this.nowMs, knob, to }
    const isSame = (other: Change | undefined) => other?.atMs === change.atMs && other.knob === knob
    if (isSame(this.#changes[this.#changed - 1])) this.#changed--
    const replaced = isSame(this.#changes[this.#changed]) ? 1 : 0
    this.#changes.splice(this.#changed, replaced, change)
    this.#turn(change)
  }

  /** How a knob stands. */
  knob(name: Knob): BothWays {
    const { there, back } = this.#pair
    return [knobValueOf(name, there.options), knobValueOf(name, back.options)]
  }

  sample(): PairSample {
    const { left, right, there, back } = this.#pair
    return {
      nowMs: this.nowMs,
      left: sideSample(left),
      right: sideSample(right),
      there: linkSample(there),
      back: linkSample(back),
      flows: this.#watches.map((watch) => watch.sample()),
      faults: this.#traffic.flows.flatMap(({ sink }) => sink.fault ?? []),
    }
  }

  /** Of each flow, its latest messages. */
  messages(most: number): readonly (readonly MessageState[])[] {
    return this.#watches.map((watch) => watch.states(most))
  }

  /** The latest packets, those before `sinceMs` left out; times are since the start. */
  packets(sinceMs: number): LoggedPacket[] {
    const { packets } = this.#log
    const first = packets.findIndex(({ sentAtMs }) => sentAtMs - this.#startMs >= sinceMs)
    const since = (atMs: number) => atMs - this.#startMs
    return (first < 0 ? [] : packets.slice(first)).map((packet) => ({
      ...packet,
      sentAtMs: since(packet.sentAtMs),
      arrivalsMs: packet.arrivalsMs.map(since),
    }))
  }

  /** Where everything is. Each row must close. */
  ledger(): LedgerRow[] {
    const rows = SIDES.flatMap((name) => {
      const side = this.#pair[name]
      const link = this.#pair.linkOf(side)
      const { sent, duplicated, delivered, lost, queueDropped, tooLong, blocked } = link.counters
      const { packetsSent, packetsAcked, packetsLost, inFlight } = side.stats
      const way = name === 'left' ? 'left to right' : 'right to left'
      return [
        ledgerRow(`packets that the ${name} machine has sent`, packetsSent + this.#log.inParts[name], {
          acknowledged: packetsAcked,
          'given up': packetsLost,
          'in flight': inFlight,
          'nothing but an ack': this.#log.acksOnly[name],
        }),
        ledgerRow(`datagrams and copies on the link, ${way}`, sent + duplicated, {
          arrived: delivered,
          lost,
          'no room in the queue': queueDropped,
          'too long': tooLong,
          blocked,
          'on their way': link.inFlight,
        }),
        ledgerRow(`what has arrived, ${way}`, delivered, verdictsOf(this.#pair.other(side))),
      ]
    })
    const flows = this.#watches.map((watch) => watch.sample())
    return [
      ...rows,
      ...flows.map(({ name, side, given, delivered, held, away }) =>
        ledgerRow(`messages of ${name}, from the ${side}`, given, { delivered, held, 'not there': away }),
      ),
    ]
  }

  /** Gives back the memory of both machines. */
  leave(): void {
    this.#pair.leave()
  }

  get #nextChange(): Change | undefined {
    return this.#changes[this.#changed]
  }

  #runTo(untilMs: number): void {
    this.#pair.clock.runUntil(Math.max(this.#startMs + untilMs, this.#pair.clock.now()))
  }

  #turn({ knob, to }: Change): void {
    this.#changed++
    this.#pair.there.set(linkOptionOf(knob, to[0]))
    this.#pair.back.set(linkOptionOf(knob, to[1]))
  }

  #nameOf(side: MachineSide): 'left' | 'right' {
    return side === this.#pair.left ? 'left' : 'right'
  }
}

function pairFor(setting: Setting): MachinePair {
  return new MachinePair({
    seed: setting.seed,
    there: linkOptionsOf(setting, 0),
    back: linkOptionsOf(setting, 1),
    left: machineOf(setting),
  })
}

function sideSample(side: MachineSide): SideSample {
  return { ...side.stats, mode: side.mode, end: side.machine.endReason() }
}

function linkSample({ counters, inFlight, queuedBytes }: Link): LinkSample {
  return { ...counters, inFlight, queuedBytes }
}
