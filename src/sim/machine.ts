import type { AccessKind, Site } from './access-ops.ts'
import type { Instrumented } from './instrument.ts'
import { MemoryView } from './memory-view.ts'
import type {
  CoreExports,
  Json,
  Op,
  Program,
  Range,
  Scenario,
  StateView,
  ThreadStatus,
  ThreadView,
} from './program.ts'

/** Kills share the number space of steps: transition `t` steps thread `t`, `KILL + t` kills it. */
export const KILL = 8
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

/** Classes of memory, a byte for each aligned word; from `PRIVATE` on, the owner is added. */
const UNDECLARED = 0
const SHARED = 1
const CONSTANT = 2
const PRIVATE = 8

const SITE_ROOM = 1024

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

/** A program with its states: each distinct one has a number, which is what snapshots hold. */
class Script {
  readonly program: Program
  readonly states: Json[] = []
  readonly ops: (Op | undefined)[] = []
  /** The site of a driver op, by state; -1 for calls. */
  readonly sites: number[] = []
  private readonly ids = new Map<string | number, number>()
  private readonly siteOf: (op: Op | undefined) => number

  constructor(definition: Program, siteOf: (op: Op | undefined) => number) {
    this.program = definition
    this.siteOf = siteOf
  }

  intern(state: Json): number {
    const key = typeof state === 'number' ? state : JSON.stringify(state)
    const known = this.ids.get(key)
    if (known !== undefined) return known
    const id = this.states.push(freeze(state)) - 1
    const op = this.program.next(state)
    this.ids.set(key, id)
    this.ops.push(op)
    this.sites.push(this.siteOf(op))
    return id
  }
}

function freeze<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner as Json)
  return Object.freeze(value)
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
  /** Words a snapshot can take at most. */
  readonly snapshotBound: number
  /** Threads woken by the last step. */
  readonly woken: number[] = []

  private readonly words: Int32Array
  private readonly bytes: Uint8Array
  private readonly regs: Int32Array
  private readonly scripts: Script[] = []
  private readonly exports: CoreExports
  private readonly asyncify: AsyncifyExports
  private readonly stackBase: number
  private readonly classes: Uint8Array
  private readonly savedRanges: Int32Array
  private readonly siteList: Site[]
  private readonly siteOffset: Uint32Array
  private readonly siteBytes: Uint32Array
  private readonly siteWrites: Uint8Array
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
    const pages = core.memory.pages + 1
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const buffer = memory.buffer as ArrayBuffer
    this.stackBase = core.memory.pages * PAGE
    this.words = new Int32Array(buffer)
    this.bytes = new Uint8Array(buffer)
    this.memory = new MemoryView(buffer)
    this.guarded = new MemoryView(buffer, (address, bytes) => this.checkDoneRead(address, bytes))
    this.siteList = [...core.sites]
    this.sites = this.siteList
    this.siteOffset = new Uint32Array(core.sites.length + SITE_ROOM)
    this.siteBytes = new Uint32Array(core.sites.length + SITE_ROOM)
    this.siteWrites = new Uint8Array(core.sites.length + SITE_ROOM)
    core.sites.forEach((_, i) => {
      this.indexSite(i)
    })
    const hooks = {
      access: (base: number, site: number) => this.onAccess(base, site),
      notify: (address: number, count: number) => this.onNotify(address, count),
    }
    const imports = { sim: hooks, [core.memory.module]: { [core.memory.name]: memory } }
    const instance = new WebAssembly.Instance(compile(core), imports)
    this.exports = instance.exports as CoreExports
    this.asyncify = instance.exports as unknown as AsyncifyExports

    const bench = { core: this.exports, memory: this.memory, data: new DataView(buffer) }
    scenario.setup?.(bench)
    const threads = typeof scenario.threads === 'function' ? scenario.threads(bench) : scenario.threads
    const ranges = typeof scenario.ranges === 'function' ? scenario.ranges(bench) : scenario.ranges
    if (threads.length > MAX_THREADS) throw new Error(`at most ${MAX_THREADS} threads`)
    this.threadCount = threads.length
    this.classes = this.classify(ranges)
    this.savedRanges = savedRanges(ranges)
    this.regs = new Int32Array(threads.length * REGS)
    this.snapshotBound = this.regs.length + rangeWords(this.savedRanges) + (threads.length * STACK_BYTES) / 4
    for (const thread of threads) this.scripts.push(new Script(thread, (op) => this.siteOfOp(op)))
    this.view = { ...bench, threads: this.scripts.map((_, t) => this.threadView(t)) }
    for (let t = 0; t < threads.length; t++) this.startThread(t)
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
    return { thread, site, address: this.pendingAddress(thread), bytes: this.siteBytes[site]! }
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
    return startA < startB + this.siteBytes[siteB]! && startB < startA + this.siteBytes[siteA]!
  }

  pendingAddress(thread: number): number {
    return (this.reg(thread, R_BASE) + this.siteOffset[this.reg(thread, R_SITE)]!) >>> 0
  }

  /** Waiting and notifying count as writes: they touch the list of waiters. */
  writes(site: number): boolean {
    return this.siteWrites[site] !== 0
  }

  // ---- transitions

  /** Does thread's pending access and runs it to the next one. Throws what the code under test did wrong. */
  step(thread: number): void {
    this.woken.length = 0
    this.lastResult = undefined
    const status = this.reg(thread, R_STATUS)
    if (status === IN_CALL) this.resumeCall(thread)
    else if (status === AT_OP) this.performOp(thread)
    else if (status === BLOCKED) this.endWait(thread, 2)
    else
      this.finishOp(
        thread,
        this.reg((this.opOf(thread) as { join: number }).join, R_STATUS) === KILLED ? 1 : 0,
      )
    // A woken thread goes on to its next shared access, but only now: the core must not be entered twice.
    const result = this.lastResult
    for (const waiter of this.woken) this.finishOp(waiter, 0)
    this.lastResult = result
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
    this.scenario.onKill?.(this.view, thread)
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
      event.site = this.siteList[pending.site]!
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

  // ---- snapshots

  /** Writes the state at `at` and returns its length in words. Equal states give equal words. */
  save(target: Int32Array, at: number): number {
    const { regs, words, savedRanges } = this
    let to = at
    for (let i = 0; i < regs.length; i++) target[to++] = regs[i]!
    for (let r = 0; r < savedRanges.length; r += 2) {
      for (let w = savedRanges[r]!, end = savedRanges[r + 1]!; w < end; w++) target[to++] = words[w]!
    }
    for (let t = 0; t < this.threadCount; t++) {
      const from = (this.stackOf(t) + STACK_HEADER) >> 2
      const end = from + regs[t * REGS + R_STACK]!
      for (let w = from; w < end; w++) target[to++] = words[w]!
    }
    return to - at
  }

  restore(source: Int32Array, at: number): void {
    const { regs, words, savedRanges } = this
    let from = at
    for (let i = 0; i < regs.length; i++) regs[i] = source[from++]!
    for (let r = 0; r < savedRanges.length; r += 2) {
      for (let w = savedRanges[r]!, end = savedRanges[r + 1]!; w < end; w++) words[w] = source[from++]!
    }
    for (let t = 0; t < this.threadCount; t++) {
      const base = (this.stackOf(t) + STACK_HEADER) >> 2
      const end = base + regs[t * REGS + R_STACK]!
      for (let w = base; w < end; w++) words[w] = source[from++]!
    }
  }

  snapshot(): Int32Array {
    const room = new Int32Array(this.snapshotBound)
    return room.slice(0, this.save(room, 0))
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
      const op = this.opOf(thread)
      this.setReg(thread, R_BASE, 0)
      this.setReg(thread, R_SITE, 0)
      if (!op) return this.setReg(thread, R_STATUS, FINISHED)
      if (!('call' in op)) return this.parkAtOp(thread, op)
      const result = this.enterCall(thread, op)
      if (this.parked) return this.setReg(thread, R_STATUS, IN_CALL)
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
    this.words[data >> 2] = data + STACK_HEADER + this.reg(thread, R_STACK) * 4
    this.words[(data >> 2) + 1] = data + STACK_BYTES
    this.asyncify.asyncify_start_rewind(data)
    this.rewinding = true
    const result = this.enterCall(thread, this.opOf(thread) as { call: string; args: readonly number[] })
    if (!this.parked) this.finishOp(thread, result)
  }

  private finishUnwind(thread: number): void {
    this.asyncify.asyncify_stop_unwind()
    const data = this.stackOf(thread)
    this.setReg(thread, R_STACK, (this.words[data >> 2]! - data - STACK_HEADER) >> 2)
  }

  private explain(thread: number, call: string, error: unknown): unknown {
    if (error instanceof CheckError || !(error instanceof WebAssembly.RuntimeError)) return error
    const data = this.stackOf(thread)
    if (this.parked && this.words[data >> 2]! > data + STACK_BYTES) {
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
      return this.reg(thread, R_BASE)
    }
    const address = (base + this.siteOffset[site]!) >>> 0
    if (!this.isShared(thread, address, site)) return base
    this.setReg(thread, R_BASE, base)
    this.setReg(thread, R_SITE, site)
    const data = this.stackOf(thread)
    this.words[data >> 2] = data + STACK_HEADER
    this.words[(data >> 2) + 1] = data + STACK_BYTES
    this.parked = true
    this.asyncify.asyncify_start_unwind(data)
    return 0
  }

  private isShared(thread: number, address: number, site: number): boolean {
    const first = this.classes[address >>> 2] ?? UNDECLARED
    const last = this.classes[(address + this.siteBytes[site]! - 1) >>> 2] ?? UNDECLARED
    if (first === SHARED && last === SHARED) return true
    const own = PRIVATE + thread
    if (first === own && last === own) return false
    if (first === CONSTANT && last === CONSTANT && !this.writes(site)) return false
    throw new CheckError(
      this.badAccess(thread, address, site, first === SHARED || first === own ? last : first),
    )
  }

  private badAccess(thread: number, address: number, site: number, kind: number): string {
    const what = this.siteList[site]!
    const where = `${this.nameOf(thread)}: ${what.op} of ${what.bytes} bytes at ${address} in ${what.func}`
    if (kind === CONSTANT) return `${where} writes constant memory`
    if (kind >= PRIVATE) return `${where} touches memory private to ${this.nameOf(kind - PRIVATE)}`
    return `${where} is outside the declared ranges`
  }

  // ---- ops of the driver

  private parkAtOp(thread: number, op: Op): void {
    this.setReg(thread, R_STATUS, 'join' in op ? JOINING : AT_OP)
    if ('join' in op) return
    const site = this.scripts[thread]!.sites[this.reg(thread, R_STATE)]!
    this.setReg(thread, R_SITE, site)
    this.setReg(thread, R_BASE, addressOf(op))
  }

  private performOp(thread: number): void {
    const op = this.opOf(thread)!
    if ('wait' in op) return this.performWait(thread, op)
    if ('notify' in op) return this.finishOp(thread, this.notify(op.notify, op.count ?? -1))
    if ('write' in op) {
      this.bytes.set(op.data, op.write)
      return this.finishOp(thread, 0)
    }
    const { read, bytes } = op as { read: number; bytes: number }
    this.readFrom = read
    this.readTo = read + bytes
    this.finishOp(thread, 0)
  }

  private performWait(thread: number, op: { wait: number; value: number }): void {
    if (this.words[op.wait >> 2] !== (op.value | 0)) return this.finishOp(thread, 1)
    let rank = 1
    for (let t = 0; t < this.threadCount; t++) if (this.waitsAt(t, op.wait)) rank++
    this.setReg(thread, R_STATUS, BLOCKED)
    this.setReg(thread, R_RANK, rank)
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
    for (let word = address >>> 2; word <= (address + bytes - 1) >>> 2; word++) {
      const kind = this.classes[word] ?? UNDECLARED
      if (kind !== CONSTANT && kind !== PRIVATE + this.current) {
        throw new Error(
          `${this.nameOf(this.current)}: done() reads shared memory at ${address}; use a read op`,
        )
      }
    }
  }

  // ---- small things

  private classify(ranges: readonly Range[]): Uint8Array {
    const classes = new Uint8Array(this.stackBase >> 2)
    for (const range of ranges) {
      if (range.start % 4 !== 0 || range.bytes % 4 !== 0 || range.start + range.bytes > this.stackBase) {
        throw new Error(`bad range: ${JSON.stringify(range)}`)
      }
      const kind =
        range.kind === 'shared' ? SHARED : range.kind === 'constant' ? CONSTANT : PRIVATE + range.thread
      const from = range.start >> 2
      const to = from + (range.bytes >> 2)
      if (classes.subarray(from, to).some((value) => value !== UNDECLARED)) {
        throw new Error(`overlapping range: ${JSON.stringify(range)}`)
      }
      classes.fill(kind, from, to)
    }
    return classes
  }

  /** Ops of the driver get sites of their own, so that traces and the race check treat all accesses alike. */
  private siteOfOp(op: Op | undefined): number {
    if (!op || 'call' in op || 'join' in op) return -1
    const site = driverSite(op)
    const known = this.siteList.findIndex(
      (other) =>
        other.kind === site.kind &&
        other.bytes === site.bytes &&
        other.func === '(driver)' &&
        other.atomic === site.atomic,
    )
    if (known >= 0) return known
    if (this.siteList.length === this.siteOffset.length) throw new Error('too many kinds of driver ops')
    this.siteList.push(site)
    this.indexSite(this.siteList.length - 1)
    return this.siteList.length - 1
  }

  private indexSite(index: number): void {
    const site = this.siteList[index]!
    this.siteOffset[index] = site.offset
    this.siteBytes[index] = site.bytes
    this.siteWrites[index] = isRead(site.kind) ? 0 : 1
  }

  private threadView(thread: number): ThreadView {
    const machine = this
    return {
      get name() {
        return machine.nameOf(thread)
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

function isRead(kind: AccessKind): boolean {
  return kind === 'load' || kind === 'copy-load' || kind === 'driver-read'
}

function driverSite(op: Exclude<Op, { call: string } | { join: number }>): Site {
  const common = { func: '(driver)', offset: 0 }
  if ('wait' in op) return { ...common, op: 'Atomics.wait', kind: 'wait', bytes: 4, atomic: true }
  if ('notify' in op) return { ...common, op: 'Atomics.notify', kind: 'notify', bytes: 4, atomic: true }
  if ('write' in op) {
    return { ...common, op: 'write', kind: 'driver-write', bytes: op.data.length, atomic: op.atomic === true }
  }
  return { ...common, op: 'read', kind: 'driver-read', bytes: op.bytes, atomic: op.atomic === true }
}

function addressOf(op: Op): number {
  if ('wait' in op) return op.wait
  if ('notify' in op) return op.notify
  if ('write' in op) return op.write
  return (op as { read: number }).read
}

/** Pairs of first word and end: all that threads can change. */
function savedRanges(ranges: readonly Range[]): Int32Array {
  const changing = ranges.filter((range) => range.kind !== 'constant')
  return Int32Array.from(changing.flatMap((range) => [range.start >> 2, (range.start + range.bytes) >> 2]))
}

function rangeWords(pairs: Int32Array): number {
  let words = 0
  for (let i = 0; i < pairs.length; i += 2) words += pairs[i + 1]! - pairs[i]!
  return words
}
