// The model checker proves itself: every bug that is planted is found, and the schedule that it prints fails again.
import { describe, expect, it } from 'vitest'
import { explore, replay } from '../../src/sim/index.ts'
import { scenarioNamed } from '../../src/sim/scenarios/index.ts'
import { assemble } from '../../tools/assemble.mjs'
import { plants } from '../../tools/plants.mjs'
import { instrumented } from './fixtures/compile.ts'

describe('every planted bug is found', () => {
  for (const plant of plants) {
    it(`${plant.name}: ${plant.what}`, async () => {
      const scenario = scenarioNamed(plant.scenario)
      const core = instrumented(await assemble(scenario.module ?? 'core', plant))
      const { failure } = explore(core, scenario, { kills: plant.kills ?? 0 })
      expect(failure, `${plant.name} was not found`).toBeDefined()
      // The schedule that is printed fails in the same way when it is run again.
      expect(replay(core, scenario, failure!.schedule).message).toBe(failure!.message)
    })
  }
})
