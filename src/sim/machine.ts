import type { AccessKind, Site } from './access-ops.ts'
import { AddressMap, LOCAL, POINT } from './address-map.ts'
import type { Instrumented } from './instrument.ts'
import { MemoryView } from './memory-view.ts'
import type { CoreExports, Op, Scenario, StateView, ThreadStatus, ThreadView } from './program.ts'
import { addressOf, type DriverOp, SiteTable } from './site-table.ts'
import { ThreadScript } from './thread-script.ts'
import { TrackedMemory } from './tracked-memory.ts'

/** Kills share the number space of steps: transition `t` steps thread `t`, `KILL + t` kills it. */
export const KILL = 8
/** Threads that a machine can have. */
export const MAX_THREADS = 8

const PAGE = 65536
const STACK_BYTES = PAGE / MAX_THREADS
const STACK_HEADER = 8

/** What a thread is doing; the numbers are part of snapshots. */
const FINISHED = 0
const IN_CALL = 1
const AT_OP = 2
const BLOCKED = 3
const JOINING = 4
const KILLED = 5

/** Words a thread has in `regs`. */
const REGS = 6
const R_STATE = 0
const R_STATUS = 1
const R_RANK = 2
const R_BASE = 3
const R_SITE = 4
const R_STACK = 5

/** What a scheduling point is about to touch. */
export interface Pending {
  thread: number
  site: number
  address: number
  bytes: number
}

/** One step, for replays and for the page. `before` and `after` are hexadecimal. */
export interface StepEvent {
  index: number
  thread: number
  name: string
  kind: AccessKind | 'kill'
  /** The op the step belongs to. */
  op: Op | undefined
  site?: Site
  address?: number
  before?: string
  after?: string
  /** Set when the step finished its op. */
  result?: number
  /** Threads that this step woke. */
  woke?: readonly number[]
}

/** A property of the code under test does not hold; the message is the report. */
export class CheckError extends Error {
  override name = 'CheckError'
}

interface AsyncifyExports {
  asyncify_start_unwind(data: number): void
  asyncify_stop_unwind(): void
  asyncify_start_rewind(data: number): void
  asyncify_stop_rewind(): void
}

const compiled = new WeakMap<Instrumented, WebAssembly.Module>()

function compile(core: Instrumented): WebAssembly.Module {
  let module = compiled.get(core)
  if (!module) {
    module = new WebAssembly.Module(core.bytes as Uint8Array<ArrayBuffer>)
    compiled.set(core, module)
  }
  return module
}

/**
 * One memory and N threads, each of which is parked before its next access. One instance serves all threads:
 * what is a thread's own (its Asyncify stack) lies in memory, above the program's pages, and instrumented
 * modules have no mutable globals.
 */
export class Machine {
  readonly scenario: Scenario
  readonly sites: readonly Site[]
  readonly threadCount: number
  readonly memory: MemoryView
  readonly view: StateView
  /** Words that `saveThreads` can take at most. */
  readonly threadsBound: number
  /** Threads woken by the last step. */
  readonly woken: number[] = []

  private readonly tracked: TrackedMemory
  private readonly map: AddressMap
  private readonly table: SiteTable
  private readonly regs: Int32Array
  private readonly scripts: readonly ThreadScript[]
  private readonly exports: CoreExports
  private readonly asyncify: AsyncifyExports
  private readonly stackBase: number
  private readonly guarded: MemoryView

  /** The thread whose code runs now, or -1 while the core runs for setup or a check. */
  private current = -1
  private parked = false
  private rewinding = false
  private readFrom = 0
  private readTo = 0
  private lastResult: number | undefined

  constructor(core: Instrumented, scenario: Scenario) {
    this.scenario = scenario
    this.table = new SiteTable(core.sites)
    this.sites = this.table.sites
    const pages = scenario.pages ?? core.memory.pages
    const memory = new WebAssembly.Memory({ initial: pages + 1, maximum: pages + 1 })
    const buffer = memory.buffer as ArrayBuffer
    this.stackBase = pages * PAGE
    this.memory = new MemoryView(buffer)
    this.guarded = new MemoryView(buffer, (address, bytes) => this.checkDoneRead(address, bytes))
    const exports = this.instantiate(core, memory, pages)
    this.exports = exports as CoreExports
    this.asyncify = exports as unknown as AsyncifyExports

    const bench = { core: this.exports, memory: this.memory, data: new DataView(buffer) }
    scenario.setup?.(bench)
    const threads = typeof scenario.threads === 'function' ? scenario.threads(bench) : scenario.threads
    const ranges = typeof scenario.ranges === 'function' ? scenario.ranges(bench) : scenario.ranges
    if (threads.length > MAX_THREADS) throw new Error(`at most ${MAX_THREADS} threads`)
    this.threadCount = threads.length
    this.map = new AddressMap(ranges, this.stackBase)
    this.tracked = new TrackedMemory(buffer, this.stackBase, this.map.changing())
    this.regs = new Int32Array(threads.length * REGS)
    this.threadsBound = this.regs.length + (threads.length * STACK_BYTES) / 4
    this.scripts = threads.map((thread) => new ThreadScript(thread, (op) => this.table.ofOp(op)))
    this.view = { ...bench, threads: this.scripts.map((_, t) => this.threadView(t)) }
    for (let t = 0; t < threads.length; t++) this.startThread(t)
    this.tracked.commit()
  }

  private instantiate(core: Instrumented, memory: WebAssembly.Memory, pages: number): WebAssembly.Exports {
    const sim = {
      access: (base: number, site: number) => this.onAccess(base, site),
      notify: (address: number, count: number) => this.onNotify(address, count),
      size: () => pages,
      grow: () => -1,
    }
    const imports = { sim, [core.memory.module]: { [core.memory.name]: memory } }
    return new WebAssembly.Instance(compile(core), imports).exports
  }

  /** 64 bits of hash of the memory that can change. */
  get memoryLow(): number {
    return this.tracked.low
  }

  get memoryHigh(): number {
    return this.tracked.high
  }

  // ---- what can happen next

  /** Bit `t` is set when thread `t` can take a step. */
  enabled(): number {
    let mask = 0
    for (let t = 0; t < this.threadCount; t++) if (this.canStep(t)) mask |= 1 << t
    return mask
  }

  canStep(thread: number): boolean {
    const status = this.reg(thread, R_STATUS)
    if (status === IN_CALL || status === AT_OP) return true
    if (status === BLOCKED) return (this.opOf(thread) as { timeout?: boolean }).timeout === true
    return status === JOINING && this.isGone((this.opOf(thread) as { join: number }).join)
  }

  /** Bit `t` is set when thread `t` has neither finished nor been killed. */
  alive(): number {
    let mask = 0
    for (let t = 0; t < this.threadCount; t++) if (!this.isGone(t)) mask |= 1 << t
    return mask
  }

  isBlocked(thread: number): boolean {
    return this.reg(thread, R_STATUS) === BLOCKED
  }

  status(thread: number): ThreadStatus {
    const status = this.reg(thread, R_STATUS)
    if (status === FINISHED) return 'finished'
    if (status === KILLED) return 'killed'
    return (status === BLOCKED || status === JOINING) && !this.canStep(thread) ? 'blocked' : 'running'
  }

  /** The access before which a thread is parked; `undefined` when it is not at one. */
  pending(thread: number): Pending | undefined {
    const status = this.reg(thread, R_STATUS)
    if (status === FINISHED || status === KILLED || status === JOINING) return undefined
    const site = this.reg(thread, R_SITE)
    return { thread, site, address: this.pendingAddress(thread), bytes: this.table.bytes[site]! }
  }

  pendingSite(thread: number): number {
    const status = this.reg(thread, R_STATUS)
    return status === FINISHED || status === KILLED || status === JOINING ? -1 : this.reg(thread, R_SITE)
  }

  /** Whether what two threads are about to touch overlaps, whoever writes. */
  overlap(a: number, b: number): boolean {
    const siteA = this.pendingSite(a)
    const siteB = this.pendingSite(b)
    if (siteA < 0 || siteB < 0) return false
    const startA = this.pendingAddress(a)
    const startB = this.pendingAddress(b)
    return startA < startB + this.table.bytes[siteB]! && startB < startA + this.table.bytes[siteA]!
  }

  pendingAddress(thread: number): number {
    return (this.reg(thread, R_BASE) + this.table.offset[this.reg(thread, R_SITE)]!) >>> 0
  }

  writes(site: number): boolean {
    return this.table.writes[site] !== 0
  }

  // ---- transitions

  /** Does thread's pending access and runs it to the next one. Throws what the code under test did wrong. */
  step(thread: number): void {
    if (!this.canStep(thread)) throw new Error(`${this.nameOf(thread)} cannot step: ${this.status(thread)}`)
    this.woken.length = 0
    this.lastResult = undefined
    const status = this.reg(thread, R_STATUS)
    if (status === IN_CALL) this.resumeCall(thread)
    else if (status === AT_OP) this.performOp(thread)
    else if (status === BLOCKED) this.endWait(thread, 2)
    else this.endJoin(thread)
    // A woken thread goes on to its next shared access, but only now: the core must not be entered twice.
    const result = this.lastResult
    for (const waiter of this.woken) this.finishOp(waiter, 0)
    this.lastResult = result
    this.tracked.commit()
  }

  /** The thread is never scheduled again; its pending access does not happen. */
  kill(thread: number): void {
    if (this.isGone(thread)) throw new Error(`thread ${thread} is gone already`)
    if (this.isBlocked(thread)) this.leaveQueue(thread)
    this.setReg(thread, R_STATUS, KILLED)
    this.setReg(thread, R_STACK, 0)
    this.setReg(thread, R_BASE, 0)
    this.setReg(thread, R_SITE, 0)
    this.woken.length = 0
    if (!this.scenario.onKill) return
    this.scenario.onKill(this.view, thread)
    this.tracked.commitAll()
  }

  apply(transition: number): void {
    if (transition >= KILL) this.kill(transition - KILL)
    else this.step(transition)
  }

  /** Like `apply`, and says what happened; also when the step throws, by way of `report`. */
  applyTraced(transition: number, index: number, report: (event: StepEvent) => void): void {
    const thread = transition % KILL
    const event: StepEvent = {
      index,
      thread,
      name: this.scripts[thread]!.program.name,
      kind: transition >= KILL ? 'kill' : 'join',
      op: this.opOf(thread),
    }
    const pending = transition >= KILL ? undefined : this.pending(thread)
    if (pending) {
      event.site = this.sites[pending.site]!
      event.kind = event.site.kind
      event.address = pending.address
      event.before = this.memory.hex(pending.address, pending.bytes)
    }
    try {
      this.apply(transition)
    } finally {
      if (pending) event.after = this.memory.hex(pending.address, pending.bytes)
      if (this.lastResult !== undefined && transition < KILL) event.result = this.lastResult
      if (this.woken.length > 0) event.woke = [...this.woken]
      report(event)
    }
  }

  // ---- going back

  /** The whole state, for `restore` at any time later. */
  snapshot(): Int32Array {
    const threads = new Int32Array(this.threadsBound)
    return Int32Array.from([...this.tracked.contents(), ...threads.subarray(0, this.saveThreads(threads, 0))])
  }

  restore(snapshot: Int32Array): void {
    this.restoreThreads(snapshot, this.tracked.replace(snapshot))
  }

  /** What `rollback` takes to come back to the memory of now. Threads are saved apart. */
  mark(): number {
    return this.tracked.mark()
  }

  /** Undoes the changes of memory since `mark`. */
  rollback(mark: number): void {
    this.tracked.rollback(mark)
  }

  /** Writes registers and Asyncify stacks at `at`; their length in words. Equal states give equal words. */
  saveThreads(target: Int32Array, at: number): number {
    const { regs } = this
    const { words } = this.tracked
    let to = at
    for (let i = 0; i < regs.length; i++) target[to++] = regs[i]!
    for (let t = 0; t < this.threadCount; t++) {
      const from = (this.stackOf(t) + STACK_HEADER) >> 2
      const end = from + regs[t * REGS + R_STACK]!
      for (let w = from; w < end; w++) target[to++] = words[w]!
    }
    return to - at
  }

  restoreThreads(source: Int32Array, at: number): void {
    const { regs } = this
    const { words } = this.tracked
    let from = at
    for (let i = 0; i < regs.length; i++) regs[i] = source[from++]!
    for (let t = 0; t < this.threadCount; t++) {
      const base = (this.stackOf(t) + STACK_HEADER) >> 2
      const end = base + regs[t * REGS + R_STACK]!
      for (let w = base; w < end; w++) words[w] = source[from++]!
    }
  }

  /** Takes back what a check did to memory. */
  revert(): void {
    this.tracked.revert()
  }

  // ---- calls into the core

  private startThread(thread: number): void {
    const script = this.scripts[thread]!
    this.setReg(thread, R_STATE, script.intern(script.program.init))
    this.beginOp(thread)
  }

  /** Starts ops until one has a scheduling point. */
  private beginOp(thread: number): void {
    for (let idle = 0; idle < 10_000; idle++) {
      this.setReg(thread, R_BASE, 0)
      this.setReg(thread, R_SITE, 0)
      const op = this.opOf(thread)
      if (!op || !('call' in op)) {
        this.parkAtOp(thread, op)
        return
      }
      const result = this.enterCall(thread, op)
      if (this.parked) {
        this.setReg(thread, R_STATUS, IN_CALL)
        return
      }
      this.finishState(thread, result)
    }
    throw new CheckError(`${this.nameOf(thread)} runs without ever touching shared memory`)
  }

  private enterCall(thread: number, op: { call: string; args: readonly (number | bigint)[] }): number {
    const entry = this.exports[op.call]
    if (typeof entry !== 'function') throw new Error(`the core exports no function ${op.call}`)
    const { args } = op
    this.current = thread
    this.parked = false
    try {
      // Spreading allocates; nearly all exports take up to four arguments.
      const result =
        args.length <= 4 ? entry(args[0] ?? 0, args[1] ?? 0, args[2] ?? 0, args[3] ?? 0) : entry(...args)
      if (this.parked) this.finishUnwind(thread)
      return result === undefined ? 0 : Number(result)
    } catch (error) {
      throw this.explain(thread, op.call, error)
    } finally {
      this.rewinding = false
      this.current = -1
    }
  }

  private resumeCall(thread: number): void {
    const data = this.stackOf(thread)
    this.tracked.words[data >> 2] = data + STACK_HEADER + this.reg(thread, R_STACK) * 4
    this.tracked.words[(data >> 2) + 1] = data + STACK_BYTES
    this.asyncify.asyncify_start_rewind(data)
    this.rewinding = true
    const result = this.enterCall(thread, this.opOf(thread) as { call: string; args: readonly number[] })
    if (!this.parked) this.finishOp(thread, result)
  }

  private finishUnwind(thread: number): void {
    this.asyncify.asyncify_stop_unwind()
    const data = this.stackOf(thread)
    this.setReg(thread, R_STACK, (this.tracked.words[data >> 2]! - data - STACK_HEADER) >> 2)
  }

  private explain(thread: number, call: string, error: unknown): unknown {
    if (error instanceof CheckError || !(error instanceof WebAssembly.RuntimeError)) return error
    const data = this.stackOf(thread)
    if (this.parked && this.tracked.words[data >> 2]! > data + STACK_BYTES) {
      return new Error(`${call}: the call needs more than ${STACK_BYTES} bytes of Asyncify stack`)
    }
    return new CheckError(`${this.nameOf(thread)} trapped in ${call}: ${error.message}`)
  }

  /** The hook before each access: returns the address to use, or starts to unwind. */
  private onAccess(base: number, site: number): number {
    const thread = this.current
    if (thread < 0) return base
    if (this.rewinding) {
      this.rewinding = false
      this.asyncify.asyncify_stop_rewind()
      // The arguments of the call that is replayed mean nothing: Asyncify restores the locals that hold them.
      this.touchPending(thread)
      return this.reg(thread, R_BASE)
    }
    const address = (base + this.table.offset[site]!) >>> 0
    const verdict = this.map.judge(thread, address, this.table.bytes[site]!, this.writes(site))
    if (verdict !== POINT) {
      if (verdict !== LOCAL) throw this.badAccess(thread, address, site)
      if (this.writes(site)) this.tracked.touch(address, this.table.bytes[site]!)
      return base
    }
    this.setReg(thread, R_BASE, base)
    this.setReg(thread, R_SITE, site)
    const data = this.stackOf(thread)
    this.tracked.words[data >> 2] = data + STACK_HEADER
    this.tracked.words[(data >> 2) + 1] = data + STACK_BYTES
    this.parked = true
    this.asyncify.asyncify_start_unwind(data)
    return 0
  }

  private touchPending(thread: number): void {
    const site = this.reg(thread, R_SITE)
    if (this.writes(site)) this.tracked.touch(this.pendingAddress(thread), this.table.bytes[site]!)
  }

  private badAccess(thread: number, address: number, site: number): CheckError {
    const { op, bytes, func } = this.sites[site]!
    const why = this.map.explain(thread, address, bytes, (other) => this.nameOf(other))
    return new CheckError(`${this.nameOf(thread)}: ${op} of ${bytes} bytes at ${address} in ${func} ${why}`)
  }

  // ---- ops of the driver

  private parkAtOp(thread: number, op: Op | undefined): void {
    if (!op || 'join' in op) {
      this.setReg(thread, R_STATUS, op ? JOINING : FINISHED)
      return
    }
    const site = this.scripts[thread]!.sites[this.reg(thread, R_STATE)]!
    const address = addressOf(op as DriverOp)
    this.setReg(thread, R_STATUS, AT_OP)
    this.setReg(thread, R_SITE, site)
    this.setReg(thread, R_BASE, address)
    const verdict = this.map.judge(thread, address, this.table.bytes[site]!, this.writes(site))
    if (verdict !== POINT && verdict !== LOCAL) throw this.badAccess(thread, address, site)
  }

  private performOp(thread: number): void {
    const op = this.opOf(thread)!
    if ('wait' in op) {
      this.performWait(thread, op)
      return
    }
    let result = 0
    if ('notify' in op) result = this.notify(op.notify, op.count ?? -1)
    else if ('write' in op) this.write(op.write, op.data)
    else this.allowRead(op as { read: number; bytes: number })
    this.finishOp(thread, result)
  }

  private write(address: number, data: readonly number[]): void {
    this.tracked.touch(address, data.length)
    this.tracked.bytes.set(data, address)
  }

  private allowRead({ read, bytes }: { read: number; bytes: number }): void {
    this.readFrom = read
    this.readTo = read + bytes
  }

  private performWait(thread: number, op: { wait: number; value: number }): void {
    if (this.tracked.words[op.wait >> 2] !== (op.value | 0)) {
      this.finishOp(thread, 1)
      return
    }
    let rank = 1
    for (let t = 0; t < this.threadCount; t++) if (this.waitsAt(t, op.wait)) rank++
    this.setReg(thread, R_STATUS, BLOCKED)
    this.setReg(thread, R_RANK, rank)
  }

  private endJoin(thread: number): void {
    const { join } = this.opOf(thread) as { join: number }
    this.finishOp(thread, this.reg(join, R_STATUS) === KILLED ? 1 : 0)
  }

  private endWait(thread: number, result: number): void {
    this.leaveQueue(thread)
    this.finishOp(thread, result)
  }

  /** `sim.notify`, called by the core right after its scheduling point. */
  private onNotify(address: number, count: number): number {
    return this.current < 0 ? 0 : this.notify(address >>> 0, count)
  }

  private notify(address: number, count: number): number {
    let woken = 0
    for (const limit = count >>> 0; woken < limit; woken++) {
      const waiter = this.firstWaiter(address)
      if (waiter < 0) break
      this.leaveQueue(waiter)
      // Not yet finished, but no longer found by the next notify.
      this.setReg(waiter, R_STATUS, AT_OP)
      this.woken.push(waiter)
    }
    return woken
  }

  private firstWaiter(address: number): number {
    for (let t = 0; t < this.threadCount; t++)
      if (this.waitsAt(t, address) && this.reg(t, R_RANK) === 1) return t
    return -1
  }

  /** Waiters of one address are served in the order in which they came. */
  private leaveQueue(thread: number): void {
    const address = this.pendingAddress(thread)
    const rank = this.reg(thread, R_RANK)
    for (let t = 0; t < this.threadCount; t++) {
      if (this.waitsAt(t, address) && this.reg(t, R_RANK) > rank)
        this.setReg(t, R_RANK, this.reg(t, R_RANK) - 1)
    }
    this.setReg(thread, R_RANK, 0)
  }

  private waitsAt(thread: number, address: number): boolean {
    return this.isBlocked(thread) && this.reg(thread, R_BASE) >>> 0 === address
  }

  private finishOp(thread: number, result: number): void {
    this.finishState(thread, result)
    this.beginOp(thread)
  }

  private finishState(thread: number, result: number): void {
    const script = this.scripts[thread]!
    const state = script.states[this.reg(thread, R_STATE)]!
    this.current = thread
    try {
      this.setReg(thread, R_STATE, script.intern(script.program.done(state, result, this.guarded)))
    } finally {
      this.current = -1
      this.readFrom = this.readTo = 0
    }
    this.setReg(thread, R_STACK, 0)
    if (this.lastResult === undefined) this.lastResult = result
  }

  /** `done` runs inside another step, so what it may read is what no other thread can change meanwhile. */
  private checkDoneRead(address: number, bytes: number): void {
    if (address >= this.readFrom && address + bytes <= this.readTo) return
    if (this.map.isStable(this.current, address, bytes)) return
    throw new Error(`${this.nameOf(this.current)}: done() reads shared memory at ${address}; use a read op`)
  }

  // ---- small things

  private threadView(thread: number): ThreadView {
    const machine = this
    return {
      get name() {
        return machine.nameOf(thread)
      },
      get isRuntime() {
        return machine.scripts[thread]!.program.isRuntime === true
      },
      get status() {
        return machine.status(thread)
      },
      get state() {
        return machine.scripts[thread]!.states[machine.reg(thread, R_STATE)]!
      },
      get op() {
        return machine.opOf(thread)
      },
    }
  }

  private nameOf(thread: number): string {
    return this.scripts[thread]!.program.name
  }

  private opOf(thread: number): Op | undefined {
    return this.scripts[thread]!.ops[this.reg(thread, R_STATE)]
  }

  private isGone(thread: number): boolean {
    const status = this.reg(thread, R_STATUS)
    return status === FINISHED || status === KILLED
  }

  private stackOf(thread: number): number {
    return this.stackBase + thread * STACK_BYTES
  }

  private reg(thread: number, register: number): number {
    return this.regs[thread * REGS + register]!
  }

  private setReg(thread: number, register: number, value: number): void {
    this.regs[thread * REGS + register] = value
  }
}
