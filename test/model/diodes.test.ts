import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { explore, replay } from '../../src/sim/index.ts'
import { scenarioNamed, scenarios } from '../../src/sim/scenarios/index.ts'
import { assemble } from '../../tools/assemble.mjs'
import { plants } from '../../tools/plants.mjs'
import { instrumented } from './fixtures/compile.ts'

// The core that ships, with names: `npm run build` makes both, and the code is the same (see below).
const shipped = new URL('../../build/core.wasm', import.meta.url)
const named = new URL('../../build/core.model.wasm', import.meta.url)

describe('every interleaving of the core', () => {
  const core = instrumented(readFileSync(named))

  for (const scenario of scenarios) {
    for (const kills of [0, 1] as const) {
      it(`${scenario.name}${kills === 1 ? ', a thread killed at every point' : ''}`, () => {
        const { failure, complete, states } = explore(core, scenario, { kills })
        if (failure) {
          expect.fail(`${failure.message}\nnpm run replay -- '${failure.schedule}'`)
        }
        expect(complete).toBe(true)
        expect(states).toBeGreaterThan(50)
      })
    }
  }
})

describe('every planted bug is found', () => {
  for (const plant of plants) {
    it(`${plant.name}: ${plant.what}`, async () => {
      const core = instrumented(await assemble(plant))
      const scenario = scenarioNamed(plant.scenario)
      const { failure } = explore(core, scenario, { kills: plant.kills ?? 0 })
      expect(failure, `${plant.name} was not found`).toBeDefined()
      // The schedule that is printed fails in the same way when it is run again.
      expect(replay(core, scenario, failure!.schedule).message).toBe(failure!.message)
    })
  }
})

describe('what is checked', () => {
  it('is the code that ships: the two builds differ in names only', () => {
    const code = (path: URL) => sectionOf(readFileSync(path), 10)
    expect(Buffer.compare(code(shipped), code(named))).toBe(0)
  })
})

/** One section of a Wasm binary. */
function sectionOf(wasm: Uint8Array, wanted: number): Uint8Array {
  let at = 8
  const leb = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < wasm.length) {
    const id = wasm[at++]
    const bytes = leb()
    if (id === wanted) return wasm.subarray(at, at + bytes)
    at += bytes
  }
  throw new Error(`no section ${wanted}`)
}
