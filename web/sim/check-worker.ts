// Looks at every order away from the page, which goes on meanwhile. One question, one answer.

import { explore } from '../../src/sim/explorer.ts'
import type { Instrumented } from '../../src/sim/instrument.ts'
import { racesIn } from '../../src/sim/races.ts'
import { scenarioNamed } from '../../src/sim/scenarios/index.ts'
import type { Checked } from './check.ts'

export interface Question {
  readonly core: Instrumented
  readonly scenario: string
  readonly kills: 0 | 1
  readonly races: boolean
  readonly maxStates: number
}

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  const { core, kills, races, maxStates } = data
  const scenario = scenarioNamed(data.scenario)
  const { states, complete, failure } = explore(core, scenario, {
    kills,
    races: racesIn(scenario, races),
    maxStates,
  })
  const answer: Checked = {
    states,
    complete,
    ...(failure && { failure: { message: failure.message, schedule: failure.schedule } }),
  }
  postMessage(answer)
})
