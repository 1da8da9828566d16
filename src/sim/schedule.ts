import { guarded, messageOf, StateChecks } from './checks.ts'
import { exhibitNamed } from './exhibits/index.ts'
import type { Instrumented } from './instrument.ts'
import { KILL, MAX_THREADS, Machine, type StepEvent } from './machine.ts'
import type { Scenario } from './program.ts'
import type { RaceOptions } from './races.ts'
import { livelockMessage, Search } from './search.ts'

/** Which thread steps, or is killed, in order: a whole run, given the scenario. */
export interface Schedule {
  scenario: string
  /** `t` steps thread `t`, `KILL + t` kills it. */
  transitions: number[]
}

/** `name:0*12,1*3,k1,0*4`: twelve steps of thread 0, three of 1, which is then killed, four of 0. */
export function formatSchedule({ scenario, transitions }: Schedule): string {
  const parts: string[] = []
  for (let i = 0; i < transitions.length; ) {
    const transition = transitions[i]!
    let end = i + 1
    if (transition >= KILL) {
      parts.push(`k${transition - KILL}`)
    } else {
      while (transitions[end] === transition) end++
      parts.push(end - i === 1 ? `${transition}` : `${transition}*${end - i}`)
    }
    i = end
  }
  return `${scenario}:${parts.join(',')}`
}

/** Reads what a failure printed. */
export function parseSchedule(text: string): Schedule {
  const colon = text.lastIndexOf(':')
  if (colon < 0) throw new Error(`not a schedule: ${text}`)
  const transitions: number[] = []
  for (const part of text.slice(colon + 1).split(',')) {
    if (part === '') continue
    const match = /^(k?)([0-7])(?:\*(\d{1,7}))?$/.exec(part)
    if (!match || (match[1] && match[3])) throw new Error(`not a schedule: ${part} in ${text}`)
    const transition = Number(match[2]) + (match[1] ? KILL : 0)
    for (let i = Number(match[3] ?? 1); i > 0; i--) transitions.push(transition)
  }
  return { scenario: text.slice(0, colon), transitions }
}

/** What to look at on the way. */
export interface ReplayOptions {
  onStep?(event: StepEvent, machine: Machine): void
  races?: boolean | RaceOptions
  /** Whether to ask, at the end of the schedule, if the threads can still finish. Default true. */
  livelock?: boolean
}

/** What the schedule led to; without a message, to nothing bad. */
export interface ReplayResult {
  message?: string
  trace: StepEvent[]
  machine: Machine
}

/** States that the search for a way out of the last state may take. */
const LIVELOCK_STATES = 200_000

/** Runs a schedule with the checks of the search; ends at the first failure. */
export function replay(
  core: Instrumented,
  scenario: Scenario,
  schedule: string | Schedule,
  options: ReplayOptions = {},
): ReplayResult {
  const { scenario: name, transitions } = typeof schedule === 'string' ? parseSchedule(schedule) : schedule
  checkName(name, scenario)
  const machine = new Machine(core, scenario)
  const checks = new StateChecks(options.races)
  const trace: StepEvent[] = []
  let message = checkState(machine, checks)
  for (let i = 0; i < transitions.length && message === undefined; i++) {
    message = replayStep(machine, checks, transitions[i]!, i, (event) => {
      trace.push(event)
      options.onStep?.(event, machine)
    })
  }
  if (message === undefined && options.livelock !== false) message = stuck(machine, scenario)
  return { ...(message !== undefined && { message }), trace, machine }
}

function replayStep(
  machine: Machine,
  checks: StateChecks,
  transition: number,
  index: number,
  report: (event: StepEvent) => void,
): string | undefined {
  if (!isPossible(machine, transition))
    throw new Error(`step ${index}: thread ${transition % KILL} cannot do that here`)
  try {
    machine.applyTraced(transition, index, report)
  } catch (error) {
    return messageOf(error)
  }
  return checkState(machine, checks)
}

/** Throws where a schedule is of another scenario. The settings of an exhibit may stand in any order, and the usual ones, too. */
export function checkName(name: string, scenario: Scenario): void {
  if (name !== scenario.name && exhibitNamed(name)?.name !== scenario.name)
    throw new Error(`a schedule of ${name}, not of ${scenario.name}`)
}

/** Whether that thread can step, or be killed. */
export function isPossible(machine: Machine, transition: number): boolean {
  const thread = transition % KILL
  if (thread >= MAX_THREADS) return false
  return ((transition >= KILL ? machine.alive() : machine.enabled()) >> thread) % 2 === 1
}

function checkState(machine: Machine, checks: StateChecks): string | undefined {
  const message = checks.always(machine)
  if (message !== undefined || machine.enabled() !== 0) return message
  return checks.atEnd(machine)
}

/** The livelock's message, when no schedule from here comes to an end. */
function stuck(machine: Machine, scenario: Scenario): string | undefined {
  if (machine.enabled() === 0) return undefined
  const before = machine.snapshot()
  // A terminal check that fails stops the search: an end has been found, whatever it is like.
  const quiet = new StateChecks(false)
  quiet.always = () => undefined
  quiet.atEnd = () => 'an end'
  const search = new Search(
    machine,
    quiet,
    { maxStates: LIVELOCK_STATES, maxDepth: LIVELOCK_STATES },
    { kills: 0, reduce: false, livelock: false, preemptions: -1 },
  )
  const result = search.run()
  machine.restore(before)
  if (!result.complete) return undefined
  return guarded(() => livelockMessage(machine)) ?? scenario.name
}
