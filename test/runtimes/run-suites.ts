// Runs suites in Node, Deno or Bun: prints one JSON line, the result.
import { type CaseResult, type Need, runAll, type Suite } from '../support/harness.ts'
import { RESULT_MARK } from './result.ts'

const isDeno = 'Deno' in globalThis
const has: Need[] = isDeno ? ['threads', 'blocking', 'sharing'] : ['threads', 'blocking', 'sharing', 'exits']

/** `argv[2]`: those alone whose name has it. */
export async function runSuites(given: readonly Suite[]): Promise<void> {
  // Nothing that is awaited in here need keep the process alive, so this does.
  const alive = setInterval(() => {}, 1000)
  const only = process.argv[2]
  const suites = given
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
}
