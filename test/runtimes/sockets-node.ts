// The sockets' suites for Node, Deno and Bun: prints one JSON line, the result.

import { socketSuites } from '../net/sockets.suite.ts'
import { type CaseResult, type Need, runAll } from '../support/harness.ts'
import { useNodeThreads } from '../support/hosts/node.ts'
import { RESULT_MARK } from './result.ts'

const isDeno = 'Deno' in globalThis
const has: Need[] = isDeno ? ['threads', 'blocking', 'sharing'] : ['threads', 'blocking', 'sharing', 'exits']

useNodeThreads(new URL('./sockets-thread.mjs', import.meta.url))
// Nothing that is awaited in here need keep the process alive, so this does.
const alive = setInterval(() => {}, 1000)
const only = process.argv[2]
const suites = socketSuites
  .map(({ name, cases }) => ({
    name,
    cases: cases.filter((one) => !only || `${name} > ${one.name}`.includes(only)),
  }))
  .filter(({ cases }) => cases.length > 0)
const onCase = ({ name, status, ms, detail }: CaseResult) =>
  console.log(`${status}: ${name} (${ms} ms)${detail === undefined ? '' : `: ${detail}`}`)
const result = await runAll(suites, { has, timeoutMs: 45_000, onCase })
clearInterval(alive)
process.stdout.write(`${RESULT_MARK}${JSON.stringify(result)}\n`, () =>
  process.exit(result.failed === 0 ? 0 : 1),
)
