// `npm test`: build, lint, and every vitest project in turn; a name (`unit`, `model`, ...) runs that one alone.
// Of a project with files that bear no neighbour, those are another: `net-alone`. The last line is the sum over all of them.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (...path) => join(root, 'node_modules', ...path)

// Cheap and telling ones first.
const projects = ['unit', 'model', 'stress', 'net', 'cli', 'runtimes', 'package', 'docs']
const checks = {
  biome: [bin('@biomejs', 'biome', 'bin', 'biome'), 'check', '.'],
  tsc: [bin('typescript', 'bin', 'tsc'), '--noEmit'],
  knip: [bin('knip', 'bin', 'knip.js')],
}

/** No project takes nearly as long; one that does hangs. */
const LONGEST_MS = 15 * 60_000

const sum = { passed: 0, failed: 0, skipped: 0 }
/** What failed, said once more at the end: a log of which only the tail is kept still names it. */
const failures = []
const MESSAGE_LINES = 12
process.exitCode = 1
await main()

async function main() {
  const names = process.argv.slice(2)
  const all = ['lint', ...projects]
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length > 0) {
    console.error(`no such tests: ${unknown.join(', ')}; there are ${all.join(', ')}`)
    sum.failed++
    return closingLine()
  }
  await check('build', [join(root, 'tools', 'build.mjs'), '--if-stale'])
  if (sum.failed === 0) {
    for (const name of names.length > 0 ? names : all) {
      if (name === 'lint') for (const [tool, args] of Object.entries(checks)) await check(tool, args)
      else await runProject(name)
    }
  }
  closingLine()
}

function closingLine() {
  if (failures.length > 0) console.log(`\nfailed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`)
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
  console.log(`\n${sum.passed} passed, ${sum.failed} failed${skipped}`)
  process.exitCode = sum.failed === 0 ? 0 : 1
}

/** A tool that passes or fails as one. */
async function check(name, args) {
  const code = await node(args)
  if (code === 0) sum.passed++
  else {
    sum.failed++
    failures.push(name)
  }
  console.log(`${name}: ${code === 0 ? 'passed' : 'failed'}`)
}

async function runProject(name) {
  console.log(`\n${name}`)
  const report = join(root, 'build', 'test', `${name}.json`)
  mkdirSync(join(root, 'build', 'test'), { recursive: true })
  rmSync(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const parts = ['--project', name, '--project', `${name}-alone`]
  const code = await node([bin('vitest', 'vitest.mjs'), 'run', ...parts, ...reporters])
  const counts = countsOf(report)
  failures.push(...failuresIn(report).map((failure) => `${name}: ${failure}`))
  // A file that did not load, an error outside of any test, a report that is missing: not to be taken for success.
  if (code !== 0 && counts.failed === 0) {
    counts.failed = 1
    failures.push(
      `${name}: ended with ${code}, and no test of it failed: an error outside of any, or a file that did not load`,
    )
  }
  for (const key of Object.keys(sum)) sum[key] += counts[key]
  console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
}

function countsOf(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests }
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

/** Each failed test with the first lines of why; a file that did not load, with its message. */
function failuresIn(report) {
  const told = (title, message) => [title, ...message.split('\n').slice(0, MESSAGE_LINES)].join('\n      ')
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(
      ({ name, message, assertionResults }) => {
        const tests = assertionResults.filter(({ status }) => status === 'failed')
        const file = name.slice(root.length)
        if (message && tests.length === 0) return [told(file, message)]
        return tests.map((test) => told(`${file} > ${test.fullName}`, test.failureMessages.join('\n')))
      },
    )
  } catch {
    return []
  }
}

function node(args) {
  return new Promise((resolve) => {
    const isGroup = process.platform !== 'win32'
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: isGroup,
    })
    // A thread that hangs inside Wasm hears no timeout of vitest's, and a process of its pool that hangs outlives it.
    const stop = () => (isGroup ? process.kill(-child.pid, 'SIGKILL') : child.kill('SIGKILL'))
    const timer = setTimeout(() => {
      console.error(`stopped after ${LONGEST_MS / 60_000} minutes: ${args.slice(0, 4).join(' ')}`)
      stop()
    }, LONGEST_MS)
    const interrupted = () => {
      stop()
      process.exit(130)
    }
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, interrupted)
    const end = (code) => {
      clearTimeout(timer)
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupted)
      resolve(code ?? 1)
    }
    child.on('error', (error) => {
      console.error(error.message)
      end(1)
    })
    child.on('close', end)
  })
}
