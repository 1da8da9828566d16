// The suites of GUDP's cryptography for Node, Deno and Bun: prints one JSON line, the result.

import { securitySuites } from '../net/gudp-security.suite.ts'
import { runAll } from '../support/harness.ts'
import { RESULT_MARK } from './result.ts'

const result = await runAll(securitySuites, { has: [] })
process.stdout.write(`${RESULT_MARK}${JSON.stringify(result)}\n`, () =>
  process.exit(result.failed === 0 ? 0 : 1),
)
