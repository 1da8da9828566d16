import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { explore, packInstrumented, type RaceRule, type Scenario } from '../../src/sim/index.ts'
import { scenarios } from '../../src/sim/scenarios/index.ts'
import { instrumented } from './fixtures/compile.ts'
import { shipped } from './fixtures/shipped.ts'

// The modules that ship, with names: `npm run build` makes both, and the code is the same (see below).
const plain = (module: string) => new URL(`../../build/${module}.wasm`, import.meta.url)
const named = (module: string) => new URL(`../../build/${module}.model.wasm`, import.meta.url)
const moduleOf = (scenario: Scenario) => scenario.module ?? 'core'
const modules = [...new Set(scenarios.map(moduleOf))]

/** The rules for races that are meant, and which of them there was a race for. */
const meant = new Set(scenarios.flatMap(({ races }) => races?.allow ?? []))
const met = new Set<RaceRule>()

/** All races are looked for but those; each rule notes that it was needed. */
function racesOf({ races }: Scenario) {
  const noted = (rule: RaceRule): RaceRule => {
    if (typeof rule !== 'function') throw new Error('a rule that names its two places is narrower')
    return (a, b) => {
      const isMeant = rule(a, b)
      if (isMeant) met.add(rule)
      return isMeant
    }
  }
  return { allow: (races?.allow ?? []).map(noted) }
}

describe.each(modules)('every interleaving of %s', (module) => {
  const core = instrumented(readFileSync(named(module)))

  // What other tests, and the page, have of the build.
  if (module !== 'gudp') {
    it('is instrumented as for the page, byte for byte', () => {
      expect(Buffer.compare(packInstrumented(core), shipped(module).bytes)).toBe(0)
    })
  }

  for (const scenario of scenarios.filter((one) => moduleOf(one) === module)) {
    for (const kills of scenario.killable?.length === 0 ? ([0] as const) : ([0, 1] as const)) {
      it(`${scenario.name}${kills === 1 ? ', a thread killed at every point' : ''}`, () => {
        const { failure, complete, states } = explore(core, scenario, { kills, races: racesOf(scenario) })
        if (failure) {
          expect.fail(`${failure.message}\nnpm run replay -- '${failure.schedule}'`)
        }
        expect(complete).toBe(true)
        expect(states).toBeGreaterThan(50)
      })
    }
  }
})

describe('what is checked', () => {
  it('has all the races that are meant: a rule for one that is gone would hide another', () => {
    expect([...meant].filter((rule) => !met.has(rule)).map(String)).toEqual([])
    expect(meant.size).toBeGreaterThan(0)
  })

  it.each(modules)('is the code of %s that ships: the two builds differ in names only', (module) => {
    const code = (path: URL) => sectionOf(readFileSync(path), 10)
    expect(Buffer.compare(code(plain(module)), code(named(module)))).toBe(0)
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
