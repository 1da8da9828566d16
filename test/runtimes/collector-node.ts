// The collector's suites for Node, Deno and Bun: prints one JSON line, the result.

import { collectorSuites } from '../net/collector.suite.ts'
import { type CaseResult, runAll } from '../support/harness.ts'
import { RESULT_MARK } from './result.ts'

const only = process.argv[2]
const suites = collectorSuites.filter(({ name }) => !only || name.includes(only))
const onCase = ({ name, status }: CaseResult) => console.log(`${status}: ${name}`)
const result = await runAll(suites, { has: [], timeoutMs: 45_000, onCase })
process.stdout.write(`${RESULT_MARK}${JSON.stringify(result)}\n`, () =>
  process.exit(result.failed === 0 ? 0 : 1),
)
