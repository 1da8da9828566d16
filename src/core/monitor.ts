import { blockAtBell, isInSet } from './bell-watch.ts'
import { checkTimeout, invalid } from './check.ts'
import { SpillwayError } from './errors.ts'
import { type GudpAbi, type GudpLayout, gudpCoreOf } from './gudp-core.ts'
import { Member, type ObjectHandle } from './member.ts'
import { defaultRegion, type Region } from './region.ts'
import { type Task, Tasks } from './tasks.ts'

export interface MonitorHandle extends ObjectHandle {}

/** How the lock was found: `owner-died` means that its owner's thread ended inside, and what it guards may be half done. */
export type Locked = 'free' | 'owner-died'

/**
 * A mutex and a condition that threads share by handle (`assembly/sync/monitor.ts`). The lock belongs to a thread, not to a task of it, and is
 * not taken twice. A thread that dies with it stops nobody. `wait` may return for nothing: look again, in a loop.
 */
export class Monitor {
  readonly handle: MonitorHandle
  readonly #member: Member
  readonly #thread: ThreadsPart

  private constructor(member: Member) {
    this.handle = member.handle
    this.#member = member
    this.#thread = ThreadsPart.of(member)
    this.#thread.users++
  }

  static create(): Monitor {
    const region = defaultRegion()
    return new Monitor(Member.create(region, () => gudpCoreOf(region).abi.monitorCreate(region.token)))
  }

  static from(handle: MonitorHandle): Monitor {
    const enter = (region: Region) =>
      gudpCoreOf(region).abi.monitorEnter(handle.address, handle.generation, region.token)
    return new Monitor(Member.join(handle, 'KIND_MONITOR', enter))
  }

  /** `undefined`: another one has it. */
  tryLock(): Locked | undefined {
    const locked = this.#open().tryLock()
    this.#thread.lockers.kick()
    return locked
  }

  /** First come, first served among the tasks of a thread. Rejects with the signal's reason. */
  lock(signal?: AbortSignal): Promise<Locked> {
    return this.#open().lockers.wait(undefined, signal)
  }

  /** Blocks this thread. `undefined`: the time is up. */
  lockSync({ timeoutMs = Number.POSITIVE_INFINITY }: { timeoutMs?: number } = {}): Locked | undefined {
    const thread = this.#open()
    if (thread.isMine())
      throw new SpillwayError(
        'ERR_BUSY',
        'this thread has the lock already: unlock() it first, or wait for it with lock()',
      )
    return thread.lockSync(checkTimeout(timeoutMs))
  }

  unlock(): void {
    this.#open().unlock()
  }

  /** Lets the lock go until it is signalled, and has it again when this resolves; when it rejects with the signal's reason, too. */
  wait(signal?: AbortSignal): Promise<Locked> {
    const thread = this.#open()
    if (signal?.aborted) return Promise.reject(signal.reason)
    thread.enterCondition()
    return thread.waiters.wait(undefined, signal)
  }

  /** As `wait`, by blocking. `false`: the time is up. It has the lock again in either case. */
  waitSync({ timeoutMs = Number.POSITIVE_INFINITY }: { timeoutMs?: number } = {}): boolean {
    return this.#open().waitSync(checkTimeout(timeoutMs))
  }

  /** Wakes one thread that waits. */
  signal(): void {
    this.#open().signal()
  }

  /** Wakes all that wait. */
  broadcast(): void {
    this.#open().broadcast()
  }

  /** Its pending promises reject, and the lock is let go, with the thread's last one of this monitor. Idempotent. */
  close(): void {
    if (!this.#member.isIn) return
    if (--this.#thread.users === 0) this.#thread.close()
    this.#member.leave()
  }

  #open(): ThreadsPart {
    if (this.#member.isIn) return this.#thread
    throw new SpillwayError('ERR_CLOSED', 'this monitor has been closed here')
  }
}

/** Those of one thread that wait for the lock, or for the condition. */
abstract class MonitorTasks extends Tasks<Locked, undefined> {
  protected readonly thread: ThreadsPart

  constructor(thread: ThreadsPart) {
    super(thread.region)
    this.thread = thread
  }
}

/** Who waits for the lock: the first of them tries. */
class Lockers extends MonitorTasks {
  override isTold(): boolean {
    return !isInSet(this.thread.region, this.thread.lockersAt)
  }

  override look(): void {
    this.departures = this.thread.abi.departures()
    while (this.waiting.length > 0) {
      const locked = this.thread.tryLock()
      if (locked !== undefined) this.waiting.shift()!.resolve(locked)
      else if (this.thread.arm() !== 0) {
        this.watch.add(this)
        return
      }
    }
    this.watch.delete(this)
    this.thread.leaveLockers()
  }

  protected override giveUp(task: Task<Locked, undefined>, reason: unknown): void {
    task.reject(reason)
    this.look()
  }
}

/** Who waits for the condition: all of a thread are woken together, and take the lock one after the other. */
class Waiters extends MonitorTasks {
  override isTold(): boolean {
    return !isInSet(this.thread.region, this.thread.waitersAt)
  }

  /** Somebody must look for it: `departures` is as of when the lock was taken. */
  override look(): void {
    if (this.waiting.length > 0 && this.thread.await(this.departures) !== 0) {
      this.watch.add(this)
      return
    }
    this.watch.delete(this)
    for (const waiting of this.waiting.splice(0))
      this.thread.lockers.wait(undefined).then(
        (locked) => waiting.resolve(locked),
        (reason) => waiting.reject(reason),
      )
  }

  protected override giveUp(task: Task<Locked, undefined>, reason: unknown): void {
    if (this.waiting.length === 0) {
      this.watch.delete(this)
      if (!this.thread.cancel()) this.thread.signal() // it was for this one, which does not want it
    }
    const rejects = () => task.reject(reason)
    this.thread.lockers.wait(undefined).then(rejects, rejects)
  }
}

/** What the monitors of one thread for one object share: the thread has one place in each wait set. */
class ThreadsPart {
  readonly region: Region
  readonly abi: GudpAbi
  readonly lockers: Lockers
  readonly waiters: Waiters
  readonly lockersAt: number
  readonly waitersAt: number
  users = 0
  readonly #layout: GudpLayout
  readonly #address: number
  readonly #generation: number
  /** As of when the lock was taken: whoever goes afterwards may have been signalled. */
  #departures = 0

  private constructor(member: Member) {
    const { abi, layout } = gudpCoreOf(member.region)
    this.region = member.region
    this.abi = abi
    this.#layout = layout
    this.#address = member.handle.address
    this.#generation = member.handle.generation
    this.lockersAt = this.#address + layout.MONITOR_LOCKERS_OFFSET
    this.waitersAt = this.#address + layout.MONITOR_WAITERS_OFFSET
    this.lockers = new Lockers(this)
    this.waiters = new Waiters(this)
  }

  static of(member: Member): ThreadsPart {
    const { region, handle } = member
    let parts = known.get(region)
    if (parts === undefined) {
      parts = new Map()
      known.set(region, parts)
    }
    const key = `${handle.address}:${handle.generation}`
    let part = parts.get(key)
    if (part === undefined) {
      part = new ThreadsPart(member)
      parts.set(key, part)
    }
    return part
  }

  close(): void {
    known.get(this.region)?.delete(`${this.#address}:${this.#generation}`)
    const reason = new SpillwayError('ERR_CLOSED', 'the monitor was closed here meanwhile')
    this.waiters.close(reason)
    this.lockers.close(reason)
    if (!this.cancel()) this.signal()
    this.leaveLockers()
    if (this.isMine()) this.unlock()
  }

  isMine(): boolean {
    const word = (this.#address + this.#layout.MONITOR_MUTEX_OFFSET) >> 2
    return Atomics.load(this.region.i32, word) === this.region.token
  }

  tryLock(): Locked | undefined {
    const code = this.#check(this.abi.monitorTry(this.#address, this.#generation, this.region.token))
    if (code === this.#layout.OTHERS) return undefined
    this.#departures = this.abi.departures()
    return code === this.#layout.INHERITED ? 'owner-died' : 'free'
  }

  lockSync(timeoutMs: number): Locked | undefined {
    const deadlineMs = performance.now() + timeoutMs
    try {
      for (;;) {
        const locked = this.tryLock()
        const leftMs = deadlineMs - performance.now()
        if (locked !== undefined || leftMs <= 0) {
          if (locked === undefined) this.leaveLockers()
          return locked
        }
        const word = this.arm()
        if (word !== 0) this.#block(word, leftMs, () => this.leaveLockers())
      }
    } finally {
      this.lockers.kick()
    }
  }

  unlock(): void {
    const code = this.abi.monitorUnlock(this.#address, this.#generation, this.region.token)
    if (code === this.#layout.INVALID) throw notMine()
    this.#check(code)
  }

  /** 0: look again; else the word to wait for. */
  arm(): number {
    return this.abi.monitorArm(this.#address, this.#generation, this.region.token)
  }

  leaveLockers(): void {
    this.abi.monitorLeave(this.#address, this.#generation, this.region.token)
  }

  enterCondition(): void {
    if (!this.waiters.isWaiting) this.waiters.departures = this.#departures // else as of the first one's
    const code = this.abi.monitorWait(this.#address, this.#generation, this.region.token)
    if (code === this.#layout.INVALID) throw notMine()
    this.#check(code)
  }

  waitSync(timeoutMs: number): boolean {
    const departures = this.#departures
    const deadlineMs = performance.now() + timeoutMs
    this.enterCondition()
    let isSignalled = true
    for (let word = this.await(departures); word !== 0; word = this.await(departures)) {
      const leftMs = deadlineMs - performance.now()
      if (leftMs > 0) {
        this.#block(word, leftMs, () => this.cancel())
        continue
      }
      isSignalled = !this.cancel()
      break
    }
    this.waiters.kick()
    this.lockSync(Number.POSITIVE_INFINITY)
    return isSignalled
  }

  /** 0: the thread has been signalled, or somebody has gone; else the word to wait for. */
  await(departures: number): number {
    return this.abi.monitorAwait(this.#address, this.#generation, this.region.token, departures)
  }

  /** Whether the thread still waited for the condition, which it does not any more. */
  cancel(): boolean {
    return this.abi.monitorCancel(this.#address, this.#generation, this.region.token) === 1
  }

  signal(): void {
    this.#check(this.abi.monitorSignal(this.#address, this.#generation))
  }

  broadcast(): void {
    this.#check(this.abi.monitorBroadcast(this.#address, this.#generation))
  }

  #block(word: number, timeoutMs: number, leave: () => void): void {
    try {
      blockAtBell(this.region, word, timeoutMs)
    } catch (error) {
      leave()
      throw error
    }
  }

  #check(code: number): number {
    if (code < 0) throw this.region.failure(code)
    return code
  }
}

const known = new WeakMap<Region, Map<string, ThreadsPart>>()

function notMine(): SpillwayError {
  return invalid('this thread does not have the lock: lock() it first')
}
