import { Flow, type Traffic } from './flow.ts'
import { MachinePair } from './machine-pair.ts'
import { faultsOf } from './pair-faults.ts'
import type { Plan } from './seed-plan.ts'
import { sizesOf } from './traffic.ts'

/** How the messages are shared out: by lane, from left and from right. */
const SHARES = [
  [0.04, 0.02],
  [0.4, 0.15],
  [0.05, 0.04],
  [0.2, 0.1],
] as const
const QUIET_MS = 4000
const WITHIN_MS = 6 * 3_600_000

export function pairOf({ seed, there, back, machine }: Plan): MachinePair {
  return new MachinePair({ seed, there, back, left: machine })
}

/** What a plan sends, in bursts, until it is all there. It begins at once. */
export class PlanTraffic implements Traffic {
  readonly flows: readonly Flow[]
  readonly #pair: MachinePair
  readonly #plan: Plan

  constructor(pair: MachinePair, plan: Plan) {
    this.#pair = pair
    this.#plan = plan
    this.flows = plan.machine.lanes!.flatMap(({ kind, longest }, lane) =>
      [pair.left, pair.right].map((side, s) => {
        const count = Math.ceil(plan.messages * SHARES[lane]![s]!)
        const long = lane === 1 && s === 0 ? plan.long : []
        return new Flow(pair, side, lane, kind, sizesOf(pair.random, count, longest, long))
      }),
    )
    if (plan.readEveryMs === 0) pair.onReceived = () => this.drain()
    this.#feed()
  }

  get isDone(): boolean {
    const { left, right } = this.#pair
    return this.flows.every((flow) => flow.isDone) && left.machine.isDrained() && right.machine.isDrained()
  }

  drain(): void {
    for (const { sink } of this.flows) sink.drain()
  }

  #feed(): void {
    const { burst, gapMs, readEveryMs } = this.#plan
    if (readEveryMs > 0) {
      this.drain()
      this.#pair.soil(this.#pair.left)
      this.#pair.soil(this.#pair.right)
    }
    let isLeft = false
    for (const { from, source } of this.flows) {
      if (source.isDone) continue
      if (source.send(burst) > 0) this.#pair.soil(from)
      isLeft = isLeft || !source.isDone
    }
    const isBusy = isLeft || (readEveryMs > 0 && !this.isDone)
    if (isBusy) this.#pair.clock.after(isLeft ? gapMs : readEveryMs, () => this.#feed())
  }
}

export interface PlanOutcome {
  readonly messages: number
  readonly packets: number
  readonly virtualMs: number
  /** What was not as it should be: nothing, if all is well. */
  readonly faults: readonly string[]
}

/** All of it, and a while longer. */
export function runPlan(plan: Plan): PlanOutcome {
  const pair = pairOf(plan)
  const { clock } = pair
  const startMs = clock.now()
  const traffic = new PlanTraffic(pair, plan)
  const { flows } = traffic
  const isOver = () =>
    pair.left.machine.endReason() !== undefined ||
    pair.right.machine.endReason() !== undefined ||
    flows.some(({ sink }) => sink.fault !== undefined)
  clock.runUntil(() => traffic.isDone || isOver(), WITHIN_MS)
  const faults = flows.flatMap(({ sink }) => sink.fault ?? [])
  if (traffic.isDone) {
    clock.advance(QUIET_MS)
    traffic.drain()
    faults.push(...faultsOf(pair))
  } else {
    const ends = [pair.left, pair.right].map(({ machine }) => machine.endReason())
    const received = flows.map(({ sink }) => sink.received)
    const sent = flows.map(({ source }) => source.sent)
    faults.push(`not all has come: received ${received}, sent ${sent}, ends ${ends}`)
  }
  const outcome = {
    messages: flows.reduce((sum, { source }) => sum + source.sent, 0),
    packets: pair.there.counters.sent + pair.back.counters.sent,
    virtualMs: clock.now() - startMs,
    faults,
  }
  pair.leave()
  return outcome
}
