// The diode suite: runs unchanged in Node (vitest), newest Node, Deno, Bun and Chromium.
import type { Suite } from '../support/harness.ts'
import { argumentSuites } from './arguments.suite.ts'
import { claimSuite } from './claim.suite.ts'
import { closingSuite } from './closing.suite.ts'
import { handleSuites, roleSuites } from './handles.suite.ts'
import { memorySuite } from './memory.suite.ts'
import { policySuite } from './policy.suite.ts'
import { alerterSuite, drainSuite } from './reading.suite.ts'
import { recordsSuite } from './records.suite.ts'
import { type Build, builderOf, type Kind, kinds, type Policy, policies } from './rigs.ts'
import { dyingSuite } from './threads-dying.suite.ts'
import { flowSuite } from './threads-flow.suite.ts'
import { joiningSuite } from './threads-joining.suite.ts'
import { wakingSuite } from './threads-waking.suite.ts'
import { blockingSuite, cannotBlockSuite, pollerSuite, waitingSuites } from './waiting.suite.ts'

/** All that holds for every kind, policy and build. */
export function diodeSuite(kind: Kind, policy: Policy, build: Build): Suite[] {
  return [
    policySuite(kind, policy, build),
    recordsSuite(kind, policy, build),
    alerterSuite(kind, policy, build),
    drainSuite(kind, policy, build),
    claimSuite(kind, policy, build),
    closingSuite(kind, policy, build),
    ...waitingSuites(kind, policy, build),
    blockingSuite(kind, policy, build),
  ]
}

/** `canBlock`: whether this thread may block, which decides what nextSync must do. */
export function allSuites({ canBlock }: { canBlock: boolean }): Suite[] {
  const variants = kinds.flatMap((kind) => policies.map((policy) => [kind, policy] as const))
  return [
    ...variants.flatMap(([kind, policy]) => diodeSuite(kind, policy, builderOf(kind, policy))),
    ...(canBlock ? [] : [cannotBlockSuite]),
    pollerSuite,
    ...argumentSuites,
    ...handleSuites,
    ...roleSuites,
    memorySuite,
    joiningSuite,
    flowSuite,
    wakingSuite,
    dyingSuite,
  ]
}
