import { messageOf, StateChecks } from './checks.ts'
import type { Instrumented } from './instrument.ts'
import { KILL, Machine, type StepEvent } from './machine.ts'
import { FNV_START, fnvText } from './network/hash.ts'
import { type Random, seeded } from './network/random.ts'
import type { Json, Scenario } from './program.ts'
import type { RaceOptions } from './races.ts'
import { checkName, formatSchedule, isPossible, parseSchedule } from './schedule.ts'

/** How `run` chooses who steps next. */
export type Turns = 'round-robin' | 'random' | 'one-thread'

/** How a session is made. */
export interface SessionOptions {
  /** Of what `run` chooses at random. Default 1. */
  readonly seed?: number
  /** Whether a data race is a fault. Default no. */
  readonly races?: boolean | RaceOptions
}

/** What is needed to come back to a state: memory by its undo log, threads by their words. */
interface Moment {
  readonly mark: number
  readonly threads: Int32Array
}

/**
 * A machine that is stepped by hand, and taken back. It has a past, in which one may go to and fro, and which is cut off where another
 * way is taken.
 */
export class Session {
  readonly machine: Machine
  /** Told of each step forward, one by one, whoever asked for it. */
  onStep: (() => void) | undefined
  readonly #checks: StateChecks
  readonly #moments: Moment[] = []
  readonly #transitions: number[] = []
  readonly #events: StepEvent[] = []
  readonly #faults = new Map<number, string>()
  #position = 0
  readonly #random: Random

  constructor(core: Instrumented, scenario: Scenario, { seed = 1, races = false }: SessionOptions = {}) {
    this.machine = new Machine(core, scenario)
    this.#checks = new StateChecks(races)
    this.#random = seeded(seed)
    this.#moments.push(this.#now())
    this.#note(this.#fault())
  }

  /** Steps from the beginning to here. */
  get position(): number {
    return this.#position
  }

  /** Steps that are known, those ahead among them. */
  get length(): number {
    return this.#transitions.length
  }

  /** What was done from the beginning to here, for a link. */
  get schedule(): string {
    return formatSchedule({
      scenario: this.machine.scenario.name,
      transitions: this.#transitions.slice(0, this.#position),
    })
  }

  /** The step that led from that position to the next; none where it lies ahead. */
  eventAt(position: number): StepEvent | undefined {
    return position < this.#position ? this.#events[position] : undefined
  }

  /** The step that led here. */
  get last(): StepEvent | undefined {
    return this.eventAt(this.#position - 1)
  }

  /** What is wrong here: from here on nobody steps. */
  get fault(): string | undefined {
    return this.#faults.get(this.#position)
  }

  /** Nobody can step: all have finished, sleep, or are dead; or something is wrong. */
  get isOver(): boolean {
    return this.fault !== undefined || this.machine.enabled() === 0
  }

  /** Of all that threads can change, and of where they stand: equal states have equal hashes, whatever the way there, in every runtime. */
  get hash(): string {
    const { machine } = this
    const threads = machine.view.threads.map(({ status, state }, thread) => [
      status,
      state,
      this.#placeOf(thread),
    ])
    const words = [machine.memoryLow, machine.memoryHigh, fnvText(FNV_START, JSON.stringify(threads))]
    return words.map(hex).join('')
  }

  canStep(thread: number): boolean {
    return this.fault === undefined && this.#has(thread) && this.machine.canStep(thread)
  }

  canKill(thread: number): boolean {
    const { killable } = this.machine.scenario
    const mayDie = killable === undefined || killable.includes(thread)
    return this.fault === undefined && mayDie && this.#has(thread) && isPossible(this.machine, KILL + thread)
  }

  /** Throws where the thread cannot step: that is no fault of the code under test. */
  step(thread: number): StepEvent {
    if (!this.canStep(thread)) throw new Error(`thread ${thread} cannot step here`)
    return this.#do(thread)
  }

  /** Throws where the thread cannot be killed. */
  kill(thread: number): StepEvent {
    if (!this.canKill(thread)) throw new Error(`thread ${thread} cannot be killed here`)
    return this.#do(KILL + thread)
  }

  /** Steps one thread until the op that it is in is done, or it sleeps. */
  finish(thread: number): void {
    for (let steps = 0; steps < LONGEST_CALL && this.canStep(thread); steps++) {
      if (this.step(thread).result !== undefined || this.machine.isBlocked(thread)) return
    }
  }

  /** So many steps, or fewer where it is over. Answers how many. */
  run(steps: number, turns: Turns = 'round-robin'): number {
    let done = 0
    for (; done < steps && !this.isOver; done++) this.step(this.#next(turns))
    return done
  }

  /** To any moment that is known. */
  goTo(position: number): void {
    const to = Math.max(0, Math.min(position, this.length))
    if (to < this.#position) this.#back(to)
    while (this.#position < to) this.#apply(this.#transitions[this.#position]!)
  }

  /** All steps of a schedule, from the beginning. Throws where one does not fit, with what it led to. */
  load(text: string): void {
    const { scenario, transitions } = parseSchedule(text)
    checkName(scenario, this.machine.scenario)
    this.goTo(0)
    for (const [at, one] of transitions.entries()) {
      if (this.fault !== undefined) return
      if (!isPossible(this.machine, one))
        throw new Error(
          `step ${at}: thread ${one % KILL} cannot do that there: a schedule of another build, perhaps`,
        )
      this.#do(one)
    }
  }

  #has(thread: number): boolean {
    return thread >= 0 && thread < this.machine.threadCount
  }

  #next(turns: Turns): number {
    const { machine } = this
    const able = Array.from({ length: machine.threadCount }, (_, thread) => thread).filter((thread) =>
      machine.canStep(thread),
    )
    const last = this.last?.thread ?? -1
    if (turns === 'random') return this.#random.pick(able)
    if (turns === 'one-thread' && able.includes(last)) return last
    return able.find((thread) => thread > last) ?? able[0]!
  }

  /** A step that takes another way than the one that is known cuts that off. */
  #do(transition: number): StepEvent {
    if (this.#transitions[this.#position] !== transition) this.#forgetAhead()
    this.#transitions[this.#position] = transition
    return this.#apply(transition)
  }

  #apply(transition: number): StepEvent {
    let done: StepEvent | undefined
    let fault: string | undefined
    try {
      this.machine.applyTraced(transition, this.#position, (event) => {
        done = event
      })
    } catch (error) {
      fault = messageOf(error)
      this.machine.revert() // what was written before it failed is no state of any program
    }
    this.#position++
    this.#events[this.#position - 1] = done!
    this.#moments[this.#position] ??= this.#now()
    this.#note(fault ?? this.#fault())
    this.onStep?.()
    return done!
  }

  #fault(): string | undefined {
    const { machine } = this
    const always = this.#checks.always(machine)
    return always ?? (machine.enabled() === 0 ? this.#checks.atEnd(machine) : undefined)
  }

  /** What it is about to do, by names: numbers of sites are another build's. */
  #placeOf(thread: number): Json {
    const pending = this.machine.pending(thread)
    if (pending === undefined) return null
    const { func, op } = this.machine.sites[pending.site]!
    return [func, op, pending.address]
  }

  #note(fault: string | undefined): void {
    if (fault !== undefined) this.#faults.set(this.#position, fault)
  }

  #back(to: number): void {
    const { mark, threads } = this.#moments[to]!
    this.machine.rollback(mark)
    this.machine.restoreThreads(threads, 0)
    this.#position = to
    // Marks beyond are void: the undo log is written anew from here on.
    this.#moments.length = to + 1
  }

  #forgetAhead(): void {
    const to = this.#position
    this.#transitions.length = to
    this.#events.length = to
    for (const at of this.#faults.keys()) if (at > to) this.#faults.delete(at)
  }

  #now(): Moment {
    const { machine } = this
    const words = new Int32Array(machine.threadsBound)
    return { mark: machine.mark(), threads: words.slice(0, machine.saveThreads(words, 0)) }
  }
}

/** Accesses of one call: more means that it spins. */
const LONGEST_CALL = 10_000

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
