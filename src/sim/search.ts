import { messageOf, type StateChecks } from './checks.ts'
import { KILL, MAX_THREADS, type Machine } from './machine.ts'
import { StateTable } from './state-table.ts'
import { grown } from './tracked-memory.ts'

export interface SearchLimits {
  maxStates: number
  maxDepth: number
}

export interface SearchMode {
  kills: 0 | 1
  /** Skip orders of independent steps (sleep sets). Visits the same states with fewer transitions. */
  reduce: boolean
  /** Report states from which no schedule reaches an end. Not together with `reduce`. */
  livelock: boolean
  /** Switches away from a thread that could go on; -1 without limit. */
  preemptions: number
  /** States that count as failures, by hash, with the message; for shortening a livelock's schedule. */
  targets?: { table: StateTable; message: string }
}

export interface Finding {
  message: string
  /** Transitions from the state in which the search began. */
  path: number[]
  livelock: boolean
}

export interface SearchResult {
  states: number
  transitions: number
  terminals: number
  complete: boolean
  finding?: Finding
  /** The states that cannot end, when that is the finding. */
  trap?: StateTable
}

/** Fields of a frame. */
const FRAME = 11
const F_SNAPSHOT = 0
const F_TODO = 1
const F_SLEEP = 2
const F_MOVE = 3
const F_NUMBER = 4
const F_LOW = 5
const F_ESCAPES = 6
const F_LAST = 7
const F_BUDGET = 8
const F_LENGTH = 9
const F_MARK = 10

const UNLIMITED = 255
const STEPS = (1 << MAX_THREADS) - 1
/** Marks a state's note as used, so that an empty sleep set is not taken for none. */
const VISITED = 1 << 16

/**
 * Depth-first search from the machine's present state. States are merged by hash, which is also what ends the
 * loops of threads that retry. Tarjan's components, found on the way, tell states that can never end.
 */
export class Search {
  private readonly machine: Machine
  private readonly checks: StateChecks
  private readonly limits: SearchLimits
  private readonly mode: SearchMode
  private readonly table = new StateTable()
  private readonly killable: number

  private arena = new Int32Array(1 << 16)
  private frames = new Int32Array(FRAME * 256)
  private depth = 0
  /** States whose component is not known yet, oldest first; and, by number, those whose component is. */
  private open = new Int32Array(1 << 10)
  private openCount = 0
  private closed = new Uint8Array(1 << 10)

  private transitions = 0
  private terminals = 0
  private complete = true
  private finding: Finding | undefined
  private trap: StateTable | undefined
  /** The frame whose state the machine is in, -1 when it is in none. */
  private at = -1

  constructor(machine: Machine, checks: StateChecks, limits: SearchLimits, mode: SearchMode) {
    this.machine = machine
    this.checks = checks
    this.limits = limits
    this.mode = mode
    const killable = machine.scenario.killable
    this.killable = killable ? killable.reduce((mask, thread) => mask | (1 << thread), 0) : STEPS
  }

  run(): SearchResult {
    const budget = this.mode.preemptions < 0 ? UNLIMITED : this.mode.preemptions
    this.arrive(this.mode.kills, -1, budget, 0, false)
    while (this.depth > 0 && !this.finding) {
      const frame = (this.depth - 1) * FRAME
      if (this.frames[frame + F_TODO] === 0) this.leave(frame)
      else this.advance(frame)
    }
    return {
      states: this.table.size,
      transitions: this.transitions,
      terminals: this.terminals,
      complete: this.complete && !this.finding,
      ...(this.finding && { finding: this.finding }),
      ...(this.trap && { trap: this.trap }),
    }
  }

  /** Takes the next transition of the top frame. */
  private advance(frame: number): void {
    const { frames, machine } = this
    const move = this.chooseMove(frame)
    frames[frame + F_TODO]! &= ~(1 << move)
    frames[frame + F_MOVE] = move
    if (this.at !== this.depth - 1) {
      this.goTo(frame)
      this.at = this.depth - 1
    }
    const sleep = this.mode.reduce ? this.sleepAfter(frame, move) : 0
    const budget = this.budgetAfter(frame, move)
    frames[frame + F_SLEEP]! |= 1 << move
    this.transitions++
    this.at = -1
    try {
      machine.apply(move)
    } catch (error) {
      this.fail(messageOf(error), this.depth)
      return
    }
    const killed = move >= KILL
    const kills = killed || !this.mayKill(frame) ? 0 : this.mode.kills
    this.arrive(kills, killed ? frames[frame + F_LAST]! : move, budget, sleep, killed)
  }

  /** The thread that ran last goes on as long as it can: schedules come out with few switches. */
  private chooseMove(frame: number): number {
    const todo = this.frames[frame + F_TODO]!
    const last = this.frames[frame + F_LAST]!
    if (last >= 0 && todo & (1 << last)) return last
    return 31 - Math.clz32(todo & -todo)
  }

  /** In a frame of the search, whether its state still has its kill. Kept as the sign of the length. */
  private mayKill(frame: number): boolean {
    return this.frames[frame + F_LENGTH]! > 0
  }

  private budgetAfter(frame: number, move: number): number {
    const budget = this.frames[frame + F_BUDGET]!
    if (budget === UNLIMITED || move >= KILL) return budget
    const last = this.frames[frame + F_LAST]!
    return last >= 0 && last !== move && this.machine.canStep(last) ? budget - 1 : budget
  }

  /** The machine has come to a state: checks it, when it is new, and puts it on the stack. */
  private arrive(kills: number, last: number, budget: number, sleep: number, killed: boolean): void {
    const snapshot = this.arenaTop()
    const length = this.saveAt(snapshot)
    const bounded = budget !== UNLIMITED
    this.hash(snapshot, length, kills)
    const { targets } = this.mode
    if (targets && this.table.isIn(targets.table)) {
      this.fail(targets.message, this.depth)
      return
    }
    if (bounded) this.hash(snapshot, length, kills + 2 * (budget + 256 * (last + 1)))
    const known = this.table.add()
    if (known >= 0) {
      if (this.mode.reduce) this.revisit(snapshot, length, kills, last, budget, sleep)
      else this.meet(known, killed)
      return
    }
    const enabled = this.machine.enabled()
    if (!this.inspect(enabled)) return
    if (enabled !== 0 && (this.table.size >= this.limits.maxStates || this.depth >= this.limits.maxDepth)) {
      this.complete = false
      // What lies behind the bound may well end.
      if (this.depth > 0) this.frames[(this.depth - 1) * FRAME + F_ESCAPES] = 1
      this.noteClosed(this.table.size - 1)
      return
    }
    const todo = this.transitionsFrom(enabled, kills, last, budget)
    if (this.mode.reduce) this.table.note = sleep | VISITED
    this.push(
      snapshot,
      kills ? length : -length,
      todo & ~sleep,
      sleep,
      last,
      budget,
      this.table.size - 1,
      enabled,
    )
  }

  /** False when the state fails a check. */
  private inspect(enabled: number): boolean {
    let message = this.checks.always(this.machine)
    if (message === undefined && enabled === 0) {
      this.terminals++
      message = this.checks.atEnd(this.machine)
    }
    if (message === undefined) return true
    this.fail(message, this.depth)
    return false
  }

  private transitionsFrom(enabled: number, kills: number, last: number, budget: number): number {
    const preemptive = last >= 0 && enabled & (1 << last) && budget === 0
    const steps = preemptive ? 1 << last : enabled
    return kills > 0 ? steps | ((this.machine.alive() & this.killable) << KILL) : steps
  }

  private push(
    snapshot: number,
    length: number,
    todo: number,
    sleep: number,
    last: number,
    budget: number,
    number: number,
    enabled: number,
  ): void {
    if ((this.depth + 1) * FRAME > this.frames.length) this.frames = grown(this.frames)
    const frame = this.depth * FRAME
    const { frames } = this
    frames[frame + F_SNAPSHOT] = snapshot
    frames[frame + F_LENGTH] = length
    frames[frame + F_TODO] = todo
    frames[frame + F_SLEEP] = sleep
    frames[frame + F_NUMBER] = number
    frames[frame + F_LOW] = number
    // An end needs no way out.
    frames[frame + F_ESCAPES] = enabled === 0 ? 1 : 0
    frames[frame + F_LAST] = last
    frames[frame + F_BUDGET] = budget
    frames[frame + F_MARK] = this.machine.mark()
    this.at = this.depth
    this.depth++
    if (!this.mode.livelock) return
    if (this.openCount === this.open.length) this.open = grown(this.open)
    this.open[this.openCount++] = number
  }

  // ---- sleep sets: Godefroid's, with the sleep set of each state kept in the table

  /** A known state, but maybe with transitions that slept on every visit so far and are awake now. */
  private revisit(
    snapshot: number,
    length: number,
    kills: number,
    last: number,
    budget: number,
    sleep: number,
  ): void {
    const slept = this.table.note & ~VISITED
    const woken = slept & ~sleep
    if (woken === 0) return
    this.table.note = (slept & sleep) | VISITED
    this.push(snapshot, kills ? length : -length, woken, slept & sleep, last, budget, -1, 1)
  }

  /** What may stay asleep after `move`: everything asleep before that does not care about it. */
  private sleepAfter(frame: number, move: number): number {
    let kept = 0
    for (let rest = this.frames[frame + F_SLEEP]!; rest !== 0; rest &= rest - 1) {
      const other = 31 - Math.clz32(rest & -rest)
      if (this.independent(other, move)) kept |= 1 << other
    }
    return kept
  }

  private independent(a: number, b: number): boolean {
    const { machine } = this
    if (a >= KILL && b >= KILL) return false
    if (a >= KILL || b >= KILL) {
      const victim = Math.max(a, b) - KILL
      return Math.min(a, b) !== victim && !machine.scenario.onKill && !machine.isBlocked(victim)
    }
    if (a === b) return false
    if (!machine.overlap(a, b)) return true
    return !machine.writes(machine.pendingSite(a)) && !machine.writes(machine.pendingSite(b))
  }

  // ---- components

  /** The search has met a state again, by a step or by a kill of the top frame. */
  private meet(number: number, killed: boolean): void {
    // A kill is an accident, not a way out.
    if (this.depth === 0 || killed) return
    const frame = (this.depth - 1) * FRAME
    if (this.isClosed(number)) this.frames[frame + F_ESCAPES] = 1
    else if (number < this.frames[frame + F_LOW]!) this.frames[frame + F_LOW] = number
  }

  /** All transitions of the top frame are done. */
  private leave(frame: number): void {
    const { frames } = this
    const parent = frame - FRAME
    if (this.mode.livelock) {
      const root = frames[frame + F_LOW] === frames[frame + F_NUMBER]
      if (root && frames[frame + F_ESCAPES] === 0) {
        this.reportTrap(frame)
        return
      }
      if (root) this.closeComponent(frames[frame + F_NUMBER]!)
      if (parent >= 0 && frames[parent + F_MOVE]! < KILL) this.handUp(frame, parent, root)
    }
    this.depth--
    if (this.at === this.depth) this.at = -1
  }

  private handUp(frame: number, parent: number, root: boolean): void {
    const { frames } = this
    if (root || frames[frame + F_ESCAPES] === 1) frames[parent + F_ESCAPES] = 1
    if (!root && frames[frame + F_LOW]! < frames[parent + F_LOW]!)
      frames[parent + F_LOW] = frames[frame + F_LOW]!
  }

  private closeComponent(root: number): void {
    while (this.openCount > 0) {
      const number = this.open[--this.openCount]!
      this.noteClosed(number)
      if (number === root) return
    }
  }

  private noteClosed(number: number): void {
    while (number >= this.closed.length) {
      const larger = new Uint8Array(this.closed.length * 2)
      larger.set(this.closed)
      this.closed = larger
    }
    this.closed[number] = 1
  }

  private isClosed(number: number): boolean {
    return this.closed[number] === 1
  }

  /** The component of the top frame has no way out and no end in it. */
  private reportTrap(frame: number): void {
    this.goTo(frame)
    const root = this.frames[frame + F_NUMBER]!
    const members = new Set<number>()
    for (let i = this.openCount - 1; i >= 0; i--) {
      members.add(this.open[i]!)
      if (this.open[i] === root) break
    }
    this.trap = this.table.pick(members)
    this.fail(livelockMessage(this.machine), this.depth - 1)
    this.finding!.livelock = true
  }

  // ---- storage

  private fail(message: string, length: number): void {
    const path = Array.from({ length }, (_, i) => this.frames[i * FRAME + F_MOVE]!)
    const livelock = this.mode.targets?.message === message
    this.finding = { message, path, livelock }
  }

  private arenaTop(): number {
    if (this.depth === 0) return 0
    const frame = (this.depth - 1) * FRAME
    return this.frames[frame + F_SNAPSHOT]! + Math.abs(this.frames[frame + F_LENGTH]!)
  }

  private hash(snapshot: number, length: number, salt: number): void {
    const { memoryLow, memoryHigh } = this.machine
    this.table.hash(this.arena, snapshot, length, memoryLow, memoryHigh, salt)
  }

  private goTo(frame: number): void {
    this.machine.rollback(this.frames[frame + F_MARK]!)
    this.machine.restoreThreads(this.arena, this.frames[frame + F_SNAPSHOT]!)
  }

  private saveAt(snapshot: number): number {
    while (snapshot + this.machine.threadsBound > this.arena.length) this.arena = grown(this.arena)
    return this.machine.saveThreads(this.arena, snapshot)
  }
}

export function livelockMessage(machine: Machine): string {
  const stuck = machine.view.threads.filter(({ status }) => status === 'running' || status === 'blocked')
  return `livelock: no schedule lets ${stuck.map(({ name }) => name).join(', ')} finish`
}
