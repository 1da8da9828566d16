import { messageOf, StateChecks } from './checks.ts'
import type { Instrumented } from './instrument.ts'
import { Machine, type StepEvent } from './machine.ts'
import type { Scenario } from './program.ts'
import type { RaceOptions } from './races.ts'
import { formatSchedule, replay } from './schedule.ts'
import { type Finding, Search, type SearchLimits, type SearchResult } from './search.ts'

/** How far a search goes, and what it looks for. */
export interface ExploreOptions {
  /** Default five million, for which the table of hashes takes 270 MB. */
  maxStates?: number
  /** Steps of one schedule. Default 10,000. */
  maxDepth?: number
  /** Also kill one thread, each at each of its points. Default 0. */
  kills?: 0 | 1
  /** Report data races. Default no. */
  races?: boolean | RaceOptions
  /** Report states from which no schedule reaches an end. Default yes, unless `reduce` is set. */
  livelock?: boolean
  /** Sleep sets: the same states by fewer transitions, but no livelocks are found. Default no. */
  reduce?: boolean
  /** Look for a schedule with fewer switches once a failure is found. Default yes. */
  shorten?: boolean
}

/** What went wrong, and the way there. */
export interface Failure {
  message: string
  /** For `replay` and `parseSchedule`. */
  schedule: string
  trace: StepEvent[]
}

/** What a search saw, and whether it saw everything. */
export interface Exploration {
  scenario: string
  states: number
  transitions: number
  /** States in which nothing can run any more. */
  terminals: number
  /** Every state within the scenario was visited. False when a bound cut the search, or a failure ended it. */
  complete: boolean
  failure?: Failure
}

/** Searching for a shorter schedule may look at this many states for each number of switches. */
const SHORTEN_STATES = 100_000
const SHORTEN_SWITCHES = 4
const SHORTEN_ROUNDS = 20

/** Runs all interleavings of a scenario's threads, up to the first failure. Deterministic. */
export function explore(core: Instrumented, scenario: Scenario, options: ExploreOptions = {}): Exploration {
  const reduce = options.reduce ?? false
  if (reduce && options.livelock) throw new Error('explore: reduce and livelock exclude each other')
  const livelock = options.livelock ?? !reduce
  const kills = options.kills ?? 0
  const limits = { maxStates: options.maxStates ?? 5_000_000, maxDepth: options.maxDepth ?? 10_000 }
  const checks = new StateChecks(options.races)
  const start = begin(core, scenario)
  if (typeof start === 'string') return neverStarted(scenario, start)
  const root = start.snapshot()
  const result = new Search(start, checks, limits, { kills, reduce, livelock, preemptions: -1 }).run()
  const { states, transitions, terminals, complete } = result
  const counts = { scenario: scenario.name, states, transitions, terminals, complete }
  if (!result.finding) return counts
  const shorter = options.shorten === false ? undefined : shorten(start, root, checks, kills, limits, result)
  return { ...counts, failure: describe(core, scenario, options, livelock, shorter ?? result.finding) }
}

/** The machine, or what went wrong in the first local steps of a thread. */
function begin(core: Instrumented, scenario: Scenario): Machine | string {
  try {
    return new Machine(core, scenario)
  } catch (error) {
    if (error instanceof Error && error.name === 'CheckError') return messageOf(error)
    throw error
  }
}

function neverStarted(scenario: Scenario, message: string): Exploration {
  const failure = { message, schedule: `${scenario.name}:`, trace: [] }
  return { scenario: scenario.name, states: 0, transitions: 0, terminals: 0, complete: false, failure }
}

/** Searches again with zero, one, two … switches away from threads that could go on, then with fewer steps. */
function shorten(
  machine: Machine,
  root: Int32Array,
  checks: StateChecks,
  kills: 0 | 1,
  limits: SearchLimits,
  result: SearchResult,
): Finding | undefined {
  const { trap, finding } = nearestTrap(machine, root, checks, kills, result)
  const targets = trap && { table: trap, message: finding!.message }
  const search = (preemptions: number, maxDepth: number): SearchResult => {
    machine.restore(root)
    const mode = { kills, reduce: false, livelock: false, preemptions, ...(targets && { targets }) }
    return new Search(machine, checks, { maxStates: SHORTEN_STATES, maxDepth }, mode).run()
  }
  for (let preemptions = 0; preemptions <= SHORTEN_SWITCHES; preemptions++) {
    const attempt = search(preemptions, limits.maxDepth)
    if (attempt.finding) return shallower(attempt.finding, (depth) => search(preemptions, depth).finding)
    if (!attempt.complete) break
  }
  return finding
}

/** A livelock has many faces: with less and less depth, the search runs into one closer to the start. */
function nearestTrap(
  machine: Machine,
  root: Int32Array,
  checks: StateChecks,
  kills: 0 | 1,
  result: SearchResult,
): SearchResult {
  let best = result
  for (let round = 0; round < SHORTEN_ROUNDS && best.trap; round++) {
    machine.restore(root)
    const limits = { maxStates: SHORTEN_STATES, maxDepth: best.finding!.path.length + best.trap.size - 1 }
    const mode = { kills, reduce: false, livelock: true, preemptions: -1 }
    const nearer = new Search(machine, checks, limits, mode).run()
    if (!nearer.finding) break
    best = nearer
  }
  return best
}

function shallower(finding: Finding, search: (maxDepth: number) => Finding | undefined): Finding {
  let best = finding
  for (let round = 0; round < SHORTEN_ROUNDS; round++) {
    const better = best.path.length > 0 ? search(best.path.length - 1) : undefined
    if (!better) break
    best = better
  }
  return best
}

function describe(
  core: Instrumented,
  scenario: Scenario,
  options: ExploreOptions,
  livelock: boolean,
  finding: Finding,
): Failure {
  const schedule = formatSchedule({ scenario: scenario.name, transitions: finding.path })
  const replayed = replay(core, scenario, schedule, {
    livelock: livelock && finding.livelock,
    ...(options.races !== undefined && { races: options.races }),
  })
  if (replayed.message !== finding.message) {
    throw new Error(
      `${schedule} gave '${finding.message}', then '${replayed.message}': the scenario is impure`,
    )
  }
  return { message: finding.message, schedule, trace: replayed.trace }
}
