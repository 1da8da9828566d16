import { BellWatch, blockAtBell, isInSet, type Sleeper } from './bell-watch.ts'
import { checkTimeout, invalid } from './check.ts'
import { SpillwayError } from './errors.ts'
import { type GudpAbi, type GudpLayout, gudpCoreOf } from './gudp-core.ts'
import { Member, type ObjectHandle } from './member.ts'
import type { Region } from './region.ts'

const encoder = new TextEncoder()

/** This thread becomes a member of the connection. */
export function joinConnection(handle: ObjectHandle): Member {
  const member = Member.join(handle, 'KIND_CONNECTION', (region) =>
    gudpCoreOf(region).abi.connectionEnter(handle.address, handle.generation, region.token),
  )
  member.region.reach(gudpCoreOf(member.region).abi.connectionEnd(handle.address, handle.generation))
  return member
}

/**
 * One lane of a connection, as its users see it: records in and out, by blocking or by promises. Pipes of one thread at one lane
 * share their queues, for the thread has one place in the lane's wait sets (`assembly/gudp/read-buffer.ts`, `send-buffer.ts`).
 */
export class LanePipe {
  readonly #lane: LaneQueues
  #isOpen = true

  /** The member is the connection's, and stays its own. */
  constructor(member: Member, lane: number) {
    this.#lane = LaneQueues.of(member, lane)
    this.#lane.users++
  }

  /** The caller's own copy of the oldest record; `undefined` when there is none now, or the connection is over (see `isEnded`). */
  receive(): Uint8Array | undefined {
    const record = this.#open().take()
    if (typeof record === 'number') return undefined
    this.#lane.receivers.kick()
    return record
  }

  /** The connection is over, and all that came was taken: nothing more will. */
  get isEnded(): boolean {
    return this.#open().isEnded()
  }

  /** As `receive`, and blocks for a record. `undefined` also when the time is up. */
  receiveSync(timeoutMs: number = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    const lane = this.#open()
    const record = lane.block(
      checkTimeout(timeoutMs),
      () => lane.take(),
      () => lane.arm(),
      () => lane.leave(),
    )
    lane.receivers.kick()
    return typeof record === 'number' ? undefined : record
  }

  /** The oldest record once there is one; `undefined` at the end. Rejects with the signal's reason. First come, first served. */
  receiveAsync(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#open().receivers.wait(undefined, signal)
  }

  /** `false`: there is no room now, another thread is sending, or the connection is over. */
  trySend(record: Uint8Array | string): boolean {
    const lane = this.#open()
    const code = lane.send(bytesOf(record))
    lane.senders.kick()
    return code === 0
  }

  /** Blocks until there is room. `false`: the time is up. */
  sendSync(record: Uint8Array | string, timeoutMs: number = Number.POSITIVE_INFINITY): boolean {
    const lane = this.#open()
    const bytes = bytesOf(record)
    const code = lane.block(
      checkTimeout(timeoutMs),
      () => lane.send(bytes),
      () => lane.sendArm(bytes.length),
      () => lane.sendLeave(),
    )
    lane.senders.kick()
    if (code === lane.layout.ENDED) throw over()
    return code === 0
  }

  /** Resolves when the record is in the send buffer. Rejects with the signal's reason. First come, first served. */
  async sendAsync(record: Uint8Array | string, signal?: AbortSignal): Promise<void> {
    await this.#open().senders.wait(bytesOf(record).slice(), signal)
  }

  /** Resolves when all that was sent, by anybody, has been acknowledged. Rejects when the connection ends before. */
  async drained(signal?: AbortSignal): Promise<void> {
    await this.#open().senders.waitForAll(signal)
  }

  /** As `drained`, by blocking. `false`: the time is up. */
  drainedSync(timeoutMs: number = Number.POSITIVE_INFINITY): boolean {
    const lane = this.#open()
    const { EMPTY, ALL_FREED } = lane.layout
    const code = lane.block(
      checkTimeout(timeoutMs),
      () => lane.isDrained(),
      () => lane.sendArm(ALL_FREED),
      () => lane.sendLeave(),
    )
    if (lane.senders.isWaiting) lane.senders.kick()
    else lane.sendLeave()
    if (code === lane.layout.ENDED) throw over()
    return code !== EMPTY
  }

  /** Bytes of the longest record. */
  get longest(): number {
    return this.#lane.longest
  }

  /** Bytes that wait to be read. */
  get depth(): number {
    const lane = this.#open()
    return lane.check(lane.abi.laneDepth(lane.address, lane.generation, lane.index))
  }

  /** Its waits are over: those of the last pipe of the thread at this lane reject. Idempotent; the member is left by its owner, afterwards. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (--this.#lane.users === 0) this.#lane.close()
  }

  #open(): LaneQueues {
    if (this.#isOpen) return this.#lane
    throw new SpillwayError('ERR_CLOSED', 'this end of the connection has been closed')
  }
}

type Outcome = Uint8Array | undefined

interface Waiting {
  /** What is to be sent; `undefined`: it waits for a record, or for all to be freed. */
  readonly bytes: Uint8Array | undefined
  resolve(outcome: Outcome): void
  reject(reason: unknown): void
}

/** A queue of promises of this thread for one lane; the first of it is who waits, for all of them. */
abstract class Queue implements Sleeper {
  departures = -1
  protected readonly lane: LaneQueues
  protected readonly waiting: Waiting[] = []
  readonly #watch: BellWatch

  constructor(lane: LaneQueues) {
    this.lane = lane
    this.#watch = BellWatch.of(lane.region)
  }

  wait(bytes: Uint8Array | undefined, signal?: AbortSignal): Promise<Outcome> {
    return this.enqueue(this.waiting, bytes, signal)
  }

  protected enqueue(
    queue: Waiting[],
    bytes: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const settle = () => signal?.removeEventListener('abort', abort)
      const waiting: Waiting = {
        bytes,
        resolve: (outcome) => {
          settle()
          resolve(outcome)
        },
        reject: (reason) => {
          settle()
          reject(reason)
        },
      }
      const abort = () => {
        const at = queue.indexOf(waiting)
        if (at < 0) return
        queue.splice(at, 1)
        waiting.reject(signal?.reason)
        this.look() // whoever is first now waits for something else, or nobody is left and the set must be left
      }
      signal?.addEventListener('abort', abort)
      queue.push(waiting)
      if (queue.length === 1) this.look()
    })
  }

  look(): void {
    try {
      this.departures = this.lane.abi.departures()
      while (!this.isDone()) {
        if (this.arm() === 0) continue
        this.#watch.add(this)
        return
      }
      this.#watch.delete(this)
      this.leave()
    } catch (error) {
      this.#watch.delete(this)
      this.rejectAll(error)
    }
  }

  kick(): void {
    this.#watch.kick(this)
  }

  close(reason: unknown): void {
    this.#watch.delete(this)
    this.rejectAll(reason)
    this.leave()
  }

  abstract isTold(): boolean
  /** Serves whom it can; whether nobody is left. */
  protected abstract isDone(): boolean
  protected abstract arm(): number
  protected abstract leave(): void

  protected rejectAll(reason: unknown): void {
    for (const waiting of this.waiting.splice(0)) waiting.reject(reason)
  }
}

class Receivers extends Queue {
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

class Senders extends Queue {
  /** Who waits until all is freed; of them all together. */
  readonly #drains: Waiting[] = []
  #isInLockers = false

  waitForAll(signal?: AbortSignal): Promise<Outcome> {
    return this.enqueue(this.#drains, undefined, signal)
  }

  get isWaiting(): boolean {
    return this.waiting.length > 0 || this.#drains.length > 0
  }

  override isTold(): boolean {
    const { region, outWaiters, outLockers } = this.lane
    return !isInSet(region, outWaiters) || (this.#isInLockers && !isInSet(region, outLockers))
  }

  protected override isDone(): boolean {
    const { FULL, BUSY, ENDED, EMPTY } = this.lane.layout
    while (this.waiting.length > 0) {
      const code = this.lane.send(this.waiting[0]!.bytes!)
      if (code === FULL || code === BUSY) break
      const waiting = this.waiting.shift()!
      if (code === ENDED) waiting.reject(over())
      else waiting.resolve(undefined)
    }
    if (this.#drains.length > 0) {
      const code = this.lane.isDrained()
      if (code !== EMPTY)
        for (const drain of this.#drains.splice(0)) {
          if (code === ENDED) drain.reject(over())
          else drain.resolve(undefined)
        }
    }
    return !this.isWaiting
  }

  protected override arm(): number {
    const { layout, region, outLockers } = this.lane
    if (this.#drains.length > 0 && this.lane.sendArm(layout.ALL_FREED) === 0) return 0
    const first = this.waiting[0]?.bytes
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

/** What the pipes of one thread at one lane share. */
class LaneQueues {
  readonly region: Region
  readonly abi: GudpAbi
  readonly layout: GudpLayout
  readonly address: number
  readonly generation: number
  readonly index: number
  readonly receivers: Receivers
  readonly senders: Senders
  readonly inWaiters: number
  readonly outWaiters: number
  readonly outLockers: number
  users = 0
  readonly #lane: number
  /** Index into `i32` of what a call leaves in the mailbox. */
  readonly #span: number

  private constructor(member: Member, index: number) {
    const { abi, layout } = gudpCoreOf(member.region)
    this.region = member.region
    this.abi = abi
    this.layout = layout
    this.address = member.handle.address
    this.generation = member.handle.generation
    this.index = index
    this.#lane = this.address + layout.FIRST_LANE_OFFSET + index * layout.LANE_BYTES
    this.inWaiters = this.#lane + layout.IN_WAITERS_OFFSET
    this.outWaiters = this.#lane + layout.OUT_WAITERS_OFFSET
    this.outLockers = this.#lane + layout.OUT_LOCKERS_OFFSET
    this.#span = this.region.mailAddress + ((layout.MAILBOX_SPAN_OFFSET - layout.MAILBOX_ADDRESS_OFFSET) >> 2)
    this.check(abi.laneDepth(this.address, this.generation, index))
    this.receivers = new Receivers(this)
    this.senders = new Senders(this)
  }

  static of(member: Member, index: number): LaneQueues {
    let lanes = known.get(member.region)
    if (lanes === undefined) {
      lanes = new Map()
      known.set(member.region, lanes)
    }
    const key = `${member.handle.address}:${member.handle.generation}:${index}`
    let lane = lanes.get(key)
    if (lane === undefined) {
      lane = new LaneQueues(member, index)
      lanes.set(key, lane)
    }
    return lane
  }

  close(): void {
    known.get(this.region)?.delete(`${this.address}:${this.generation}:${this.index}`)
    const reason = new SpillwayError('ERR_CLOSED', 'this end of the connection was closed meanwhile')
    this.receivers.close(reason)
    this.senders.close(reason)
  }

  get longest(): number {
    return this.region.i32[(this.#lane + this.layout.LONGEST_OFFSET) >> 2]!
  }

  // ---- in ------------------------------------------------------------------------------------------------

  /** A copy of the oldest record, or EMPTY, BUSY or ENDED. */
  take(): Uint8Array | number {
    const { EMPTY, BUSY, ENDED } = this.layout
    const bytes = this.abi.laneTake(this.address, this.generation, this.index, this.region.token)
    if (bytes < 0) return bytes === EMPTY || bytes === BUSY || bytes === ENDED ? bytes : this.check(bytes)
    let record: Uint8Array
    try {
      record = new Uint8Array(bytes)
      const { i32, u8 } = this.region
      const [place, first] = [i32[this.#span]!, i32[this.#span + 1]!]
      record.set(u8.subarray(place, place + first))
      if (first < bytes) {
        const second = i32[this.#span + 2]!
        record.set(u8.subarray(second, second + bytes - first), first)
      }
    } catch (error) {
      this.abi.lanePutBack(this.address, this.generation, this.index, this.region.token)
      throw error
    }
    this.check(this.abi.laneTaken(this.address, this.generation, this.index, this.region.token))
    return record
  }

  /** Over first: what came before the end is not missed. */
  isEnded(): boolean {
    return this.isOver() && this.check(this.abi.laneDepth(this.address, this.generation, this.index)) === 0
  }

  arm(): number {
    return this.abi.laneArm(this.address, this.generation, this.index, this.region.token)
  }

  leave(): void {
    this.abi.laneLeave(this.address, this.generation, this.index, this.region.token)
  }

  // ---- out -----------------------------------------------------------------------------------------------

  /** 0, FULL, BUSY or ENDED. */
  send(bytes: Uint8Array): number {
    const { FULL, BUSY, ENDED, OVERSIZE } = this.layout
    const { length } = bytes
    const code = this.abi.laneClaim(this.address, this.generation, this.index, this.region.token, length)
    if (code === FULL || code === BUSY || code === ENDED) return code
    if (code === OVERSIZE) {
      throw new SpillwayError('EMSGSIZE', `at most ${this.longest} bytes go into one record, not ${length}`)
    }
    this.check(code)
    const { i32, u8 } = this.region
    const first = i32[this.#span + 1]!
    u8.set(first < length ? bytes.subarray(0, first) : bytes, i32[this.#span]!)
    if (first < length) u8.set(bytes.subarray(first), i32[this.#span + 2]!)
    return this.check(
      this.abi.laneCommit(this.address, this.generation, this.index, this.region.token, length),
    )
  }

  sendArm(bytes: number): number {
    return this.abi.laneSendArm(this.address, this.generation, this.index, this.region.token, bytes)
  }

  sendLeave(): void {
    this.abi.laneSendLeave(this.address, this.generation, this.index, this.region.token)
  }

  /** 0: all is freed. ENDED: not all, and it is over. EMPTY: not yet. */
  isDrained(): number {
    const isOver = this.isOver() // first: what is freed before the end counts
    const backlog = this.check(this.abi.laneBacklog(this.address, this.generation, this.index))
    if (backlog === 0) return 0
    return isOver ? this.layout.ENDED : this.layout.EMPTY
  }

  isOver(): boolean {
    return this.check(this.abi.connectionIsOver(this.address, this.generation)) !== 0
  }

  // --------------------------------------------------------------------------------------------------------

  /** Tries, and blocks this thread between two tries; the last answer when the time is up. */
  block<T>(timeoutMs: number, attempt: () => T, arm: () => number, leave: () => void): T {
    const { EMPTY, FULL, BUSY } = this.layout
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const outcome = attempt()
      const waits = outcome === EMPTY || outcome === FULL || outcome === BUSY
      if (!waits) return outcome
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) {
        leave()
        return outcome
      }
      const word = arm()
      if (word === 0) continue
      try {
        blockAtBell(this.region, word, leftMs)
      } catch (error) {
        leave()
        throw error
      }
    }
  }

  /** The code, when it is not a failure. */
  check(code: number): number {
    if (code >= 0) return code
    if (code === this.layout.STALE)
      throw new SpillwayError('ERR_STALE_HANDLE', 'the connection is gone: its last user has closed it')
    if (code === this.layout.CORRUPT)
      throw new SpillwayError('EPROTO', 'the memory of the connection was written over: open another one')
    throw this.region.failure(code)
  }
}

const known = new WeakMap<Region, Map<string, LaneQueues>>()

function bytesOf(record: Uint8Array | string): Uint8Array {
  if (typeof record === 'string') return encoder.encode(record)
  if (record instanceof Uint8Array) return record
  throw invalid('a record must be a Uint8Array or a string')
}

function over(): SpillwayError {
  return new SpillwayError('ERR_CLOSED', 'the connection is over: nothing more can be sent')
}
