import type { Machine } from './machine.ts'
import type { StateView } from './program.ts'
import { RaceCheck, type RaceOptions } from './races.ts'

/** The checks that make a state a failure; the same for searches and for replays. */
export class StateChecks {
  private readonly races: RaceCheck | undefined

  constructor(races: boolean | RaceOptions | undefined) {
    if (races) this.races = new RaceCheck(races === true ? {} : races)
  }

  /** For any state. */
  always(machine: Machine): string | undefined {
    return this.races?.check(machine) ?? guarded(() => machine.scenario.invariant?.(machine.view))
  }

  /** For a state in which nothing can run; the terminal check may change memory. */
  atEnd(machine: Machine): string | undefined {
    const { terminal } = machine.scenario
    if (!terminal) return someoneBlocked(machine.view)
    const message = guarded(() => terminal(machine.view))
    machine.revert()
    return message
  }
}

/** A message when a thread waits for what will not come: the terminal check of scenarios without one. */
export function someoneBlocked(view: StateView): string | undefined {
  const blocked = view.threads.filter((thread) => thread.status === 'blocked')
  if (blocked.length === 0) return undefined
  return `deadlock: ${blocked.map((thread) => `${thread.name} in ${JSON.stringify(thread.op)}`).join(', ')}`
}

/** What a check or a step throws is a finding, not the end of the search. */
export function guarded(action: () => string | undefined): string | undefined {
  try {
    return action()
  } catch (error) {
    return messageOf(error)
  }
}

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'Error' || error.name === 'CheckError'
    ? error.message
    : `${error.name}: ${error.message}`
}
