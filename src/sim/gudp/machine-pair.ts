import type { MachineOptions, Verdict } from '../../core/packet-machine.ts'
import { type Fate, Link, type LinkOptions, type Random, seeded, VirtualClock } from '../network/index.ts'
import { usualMachine } from './machine-options.ts'
import { MachineSide } from './machine-side.ts'

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
  /** Whoever wants to look at what was sent, what the link makes of it, and when each copy of it will be there. */
  onSent:
    | ((side: MachineSide, packet: Uint8Array, fate: Fate, arrivalsMs: readonly number[]) => void)
    | undefined
  /** After a packet has been received. */
  onReceived: ((side: MachineSide, packet: Uint8Array, verdict: Verdict) => void) | undefined
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
      const arrivalsMs: number[] = []
      const fate = this.linkOf(side).pass(
        sent.length,
        () => this.#arrive(this.other(side), sent),
        (atMs) => arrivalsMs.push(atMs),
      )
      this.onSent?.(side, sent, fate, arrivalsMs)
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
    const verdict = side.receive(this.clock.now(), packet)
    this.onReceived?.(side, packet, verdict)
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
