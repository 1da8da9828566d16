// Real threads at full speed: every topology, policy and length of records, with the ledger closed afterwards.
import { describe, test } from 'vitest'
import { kinds, policies } from '../suite/rigs.ts'
import type { ReadJob } from '../suite/thread-entry.ts'
import { runScenario, type Scenario, withSeed } from './scenario.ts'

type Shape = Pick<Scenario, 'capacity' | 'recordBytes' | 'lengths' | 'records'>

const shapes: Record<string, Shape> = {
  'short records, large ring': { capacity: 1024, recordBytes: 64, lengths: [12, 64], records: 200_000 },
  'one slot': { capacity: 1, recordBytes: 64, lengths: [12, 64], records: 100_000 },
  'three slots, any length': { capacity: 3, recordBytes: 100, lengths: [0, 300], records: 80_000 },
  'any length up to the whole ring': { capacity: 16, recordBytes: 256, lengths: [0, 4096], records: 30_000 },
  'long ones': { capacity: 8, recordBytes: 16_384, lengths: [0, 8 * 16_384], records: 1500 },
}

const waysOf: Record<Scenario['kind'], readonly (readonly ReadJob['way'][])[]> = {
  OneToOne: [['tryNext'], ['drain'], ['waiter'], ['nextSync']],
  ManyToOne: [['drain'], ['waiter']],
  OneToMany: [['drain', 'tryNext', 'waiter']],
}

for (const kind of kinds) {
  for (const policy of policies) {
    describe(`${kind}, ${policy}`, () => {
      for (const [name, shape] of Object.entries(shapes)) {
        for (const ways of waysOf[kind]) {
          test(`${name}, read by ${ways.join(', ')}`, () =>
            withSeed((random) =>
              runScenario({ kind, policy, ...shape, ways, writers: kind === 'ManyToOne' ? 4 : 1 }, random),
            ))
        }
      }
    })
  }
}
