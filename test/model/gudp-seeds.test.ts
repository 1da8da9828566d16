import { describe, expect, it } from 'vitest'
import { defaultRegion } from '../../src/core/region.ts'
import { runPlan } from '../../src/sim/gudp/plan-traffic.ts'
import { type Plan, planOf } from '../../src/sim/gudp/seed-plan.ts'

// Two machines over links that lose, double, hold back and hurry. `SPILLWAY_SEED=7` runs one seed, and says what it did; the
// simulator page shows it happen.

const SEEDS = 200
const only = process.env.SPILLWAY_SEED

describe('a million messages over simulated links', () => {
  const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(only)]
  let messages = 0

  it(`reliable channels deliver each once, in order; counters are what the links say (${seeds.length} seeds)`, () => {
    for (const seed of seeds) {
      let plan: Plan | undefined
      try {
        const before = defaultRegion().abi.usedGranules()
        plan = planOf(seed)
        const done = runPlan(plan)
        messages += done.messages
        expect(done.faults).toEqual([])
        if (only !== undefined) console.log(plan, done)
        // What a thread needs to be in the region is given back with its last object.
        expect(defaultRegion().abi.usedGranules(), 'memory was not given back').toBe(before)
      } catch (cause) {
        throw new Error(
          `seed ${seed} (SPILLWAY_SEED=${seed}): ${(cause as Error).message}\n${JSON.stringify(plan)}`,
          {
            cause,
          },
        )
      }
    }
    if (only === undefined) expect(messages).toBeGreaterThan(1_000_000)
  })
})
