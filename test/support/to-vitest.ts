import { describe, test } from 'vitest'
import { missingNeeds, type Need, type Suite } from './harness.ts'

/** Registers the suites' cases as vitest tests. */
export function toVitest(suites: readonly Suite[], has: readonly Need[]): void {
  for (const { name, cases } of suites) {
    describe(name, () => {
      for (const one of cases) {
        const lacks = missingNeeds(one, has)
        test.skipIf(lacks)(lacks ? `${one.name} (${lacks})` : one.name, () => one.run())
      }
    })
  }
}
