// The suite's entry for Node, Deno and Bun: prints one JSON line, the result.

import { allSuites } from '../suite/index.ts'
import { type CaseResult, type Need, runAll } from '../support/harness.ts'
import { useNodeThreads } from '../support/hosts/node.ts'
import { RESULT_MARK } from './result.ts'

const isDeno = 'Deno' in globalThis

// Deno's exit event is no proof that the thread has stopped, so there the library quarantines what it held.
const has: Need[] = isDeno ? ['threads', 'blocking', 'sharing'] : ['threads', 'blocking', 'sharing', 'exits']

useNodeThreads(new URL('./thread.mjs', import.meta.url))
// Nothing that is awaited in here need keep the process alive, so this does.
const alive = setInterval(() => {}, 1000)
const only = process.argv[2]
const suites = allSuites({ canBlock: true }).filter(({ name }) => !only || name.includes(only))
// A line for each case as well, so that one that hangs for good can be named.
const onCase = ({ name, status }: CaseResult) => console.log(`${status}: ${name}`)
const result = await runAll(suites, { has, timeoutMs: 45_000, onCase })
clearInterval(alive)
process.stdout.write(`${RESULT_MARK}${JSON.stringify(result)}\n`, () =>
  process.exit(result.failed === 0 ? 0 : 1),
)
