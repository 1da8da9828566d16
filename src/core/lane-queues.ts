import { isInSet } from './bell-watch.ts'
import { SpillwayError } from './errors.ts'
import { LaneCalls } from './lane-calls.ts'
import type { Member } from './member.ts'
import type { Region } from './region.ts'
import { type Task, Tasks } from './tasks.ts'

/** Promises of this thread that wait for one direction of a lane. */
abstract class Queue<Outcome, What> extends Tasks<Outcome, What> {
  protected readonly lane: LaneCalls

  constructor(lane: LaneCalls) {
    super(lane.region)
    this.lane = lane
  }

  override look(): void {
    try {
      this.departures = this.lane.abi.departures()
      while (!this.isDone()) {
        if (this.arm() === 0) continue
        this.watch.add(this)
        return
      }
      this.watch.delete(this)
      this.leave()
    } catch (error) {
      this.watch.delete(this)
      this.rejectAll(error)
    }
  }

  override close(reason: unknown): void {
    super.close(reason)
    this.leave()
  }

  /** Serves whom it can; whether nobody is left. */
  protected abstract isDone(): boolean
  protected abstract arm(): number
  protected abstract leave(): void

  protected override giveUp(task: Task<Outcome, What>, reason: unknown): void {
    task.reject(reason)
    this.look()
  }
}

class Receivers extends Queue<Uint8Array | undefined, undefined> {
  override isTold(): boolean {
    return !isInSet(this.lane.region, this.lane.inWaiters)
  }

  protected override isDone(): boolean {
    const { EMPTY, BUSY } = this.lane.layout
    while (this.waiting.length > 0) {
      const record = this.lane.take()
      if (record === EMPTY || record === BUSY) return false
      this.waiting.shift()!.resolve(typeof record === 'number' ? undefined : record)
    }
    return true
  }

  protected override arm(): number {
    return this.lane.arm()
  }

  protected override leave(): void {
    this.lane.leave()
  }
}

class Senders extends Queue<void, Uint8Array | undefined> {
  /** Who waits until all is freed; of them all together. */
  readonly #drains: Task<void, Uint8Array | undefined>[] = []
  #isInLockers = false

  waitForAll(signal?: AbortSignal): Promise<void> {
    return this.enqueue(this.#drains, undefined, signal)
  }

  override get isWaiting(): boolean {
    return this.waiting.length > 0 || this.#drains.length > 0
  }

  override isTold(): boolean {
    const { region, outWaiters, outLockers } = this.lane
    return !isInSet(region, outWaiters) || (this.#isInLockers && !isInSet(region, outLockers))
  }

  protected override isDone(): boolean {
    const { FULL, BUSY, ENDED, EMPTY } = this.lane.layout
    while (this.waiting.length > 0) {
      const code = this.lane.send(this.waiting[0]!.what!)
      if (code === FULL || code === BUSY) break
      const waiting = this.waiting.shift()!
      if (code === ENDED) waiting.reject(over())
      else waiting.resolve()
    }
    if (this.#drains.length > 0) {
      const code = this.lane.isDrained()
      if (code !== EMPTY)
        for (const drain of this.#drains.splice(0)) {
          if (code === ENDED) drain.reject(over())
          else drain.resolve()
        }
    }
    return !this.isWaiting
  }

  protected override arm(): number {
    const { layout, region, outLockers } = this.lane
    if (this.#drains.length > 0 && this.lane.sendArm(layout.ALL_FREED) === 0) return 0
    const first = this.waiting[0]?.what
    const word = this.lane.sendArm(first === undefined ? layout.ALL_FREED : first.length)
    this.#isInLockers = isInSet(region, outLockers)
    return word
  }

  protected override leave(): void {
    this.lane.sendLeave()
  }

  protected override rejectAll(reason: unknown): void {
    super.rejectAll(reason)
    for (const drain of this.#drains.splice(0)) drain.reject(reason)
  }
}

/** What the pipes of one thread at one lane share: its place in the lane's wait sets. */
export class LaneQueues {
  readonly lane: LaneCalls
  readonly receivers: Receivers
  readonly senders: Senders
  users = 0

  private constructor(lane: LaneCalls) {
    this.lane = lane
    this.receivers = new Receivers(lane)
    this.senders = new Senders(lane)
  }

  static of(member: Member, index: number): LaneQueues {
    let lanes = known.get(member.region)
    if (lanes === undefined) {
      lanes = new Map()
      known.set(member.region, lanes)
    }
    const key = `${member.handle.address}:${member.handle.generation}:${index}`
    let queues = lanes.get(key)
    if (queues === undefined) {
      queues = new LaneQueues(new LaneCalls(member, index))
      lanes.set(key, queues)
    }
    return queues
  }

  close(): void {
    const { region, address, generation, index } = this.lane
    known.get(region)?.delete(`${address}:${generation}:${index}`)
    const reason = new SpillwayError('ERR_CLOSED', 'this end of the connection was closed meanwhile')
    this.receivers.close(reason)
    this.senders.close(reason)
  }
}

const known = new WeakMap<Region, Map<string, LaneQueues>>()

export function over(): SpillwayError {
  return new SpillwayError('ERR_CLOSED', 'the connection is over: nothing more can be sent')
}
