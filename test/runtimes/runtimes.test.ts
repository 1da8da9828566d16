// The suites, for real, in newest Node, Deno, Bun, Chromium and, where it is installed, Firefox (the collector's and the sockets' where there are sockets): every case of every
// runtime is a test here.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, serve } from '../../tools/browser.mjs'
import { openFirefox } from '../../tools/firefox.mjs'
import { ensureRuntime, type RuntimeName, versions } from '../../tools/runtimes.mjs'
import { collectorSuites } from '../net/collector.suite.ts'
import { gudpSuites } from '../net/gudp.suite.ts'
import { securitySuites } from '../net/gudp-security.suite.ts'
import { socketSuites } from '../net/sockets.suite.ts'
import { allSuites } from '../suite/index.ts'
import { atMost } from '../support/at-most.ts'
import { bundleForWeb } from '../support/bundle.ts'
import { type CaseResult, fullName, type RunResult, type Suite } from '../support/harness.ts'
import { firefoxPath, whyLeftOut } from './left-out.ts'
import { RESULT_MARK } from './result.ts'

const LONGEST_RUN_MS = 240_000
/** Runs at once: each waits for two thirds of its time, for threads, sockets and what has to time out. */
const RUNS_AT_ONCE = 2
const bundled = (name: string) => fileURLToPath(new URL(`../../build/test/${name}.mjs`, import.meta.url))

interface Target {
  name: string
  /** what SPILLWAY_SKIP_RUNTIMES calls it */
  runtime: string
  suites: readonly Suite[]
  run: () => Promise<RunResult>
}

const runtimeNames: RuntimeName[] = ['node', 'deno', 'bun']

const targets: Target[] = [
  ...runtimeNames.flatMap((runtime) => [
    {
      name: `${runtime} ${versions[runtime]}`,
      runtime,
      suites: allSuites({ canBlock: true }),
      run: () => runInProcess(runtime, bundled('main')),
    },
    {
      name: `${runtime} ${versions[runtime]}, collector`,
      runtime,
      suites: collectorSuites,
      run: () => runInProcess(runtime, bundled('collector')),
    },
    {
      name: `${runtime} ${versions[runtime]}, sockets`,
      runtime,
      suites: socketSuites,
      run: () => runInProcess(runtime, bundled('sockets')),
    },
    {
      name: `${runtime} ${versions[runtime]}, gudp`,
      runtime,
      suites: gudpSuites,
      run: () => runInProcess(runtime, bundled('gudp')),
    },
    {
      name: `${runtime} ${versions[runtime]}, cryptography`,
      runtime,
      suites: securitySuites,
      run: () => runInProcess(runtime, bundled('security')),
    },
  ]),
  ...Object.entries({ chromium: runInChromium, firefox: runInFirefox }).flatMap(([runtime, run]) =>
    [true, false].map((isolated) => ({
      name: `${runtime}, ${isolated ? 'cross-origin isolated' : 'not isolated'}`,
      runtime,
      suites: allSuites({ canBlock: false }),
      run: () => run(isolated),
    })),
  ),
]

const runs = new Map<string, Promise<RunResult>>()

// biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures are asked for
beforeAll(({}, file) => {
  const inTurn = atMost(RUNS_AT_ONCE)
  const isWanted = ({ name }: Target) => file.tasks.some((task) => task.name === name && task.mode === 'run')
  for (const { name, run } of targets.filter(isWanted)) {
    const running = inTurn(run)
    running.catch(() => {}) // told where it is awaited
    runs.set(name, running)
  }
})

for (const { name, runtime, suites } of targets) {
  const why = whyLeftOut(runtime)
  describe.skipIf(why)(why ? `${name} (${why})` : name, () => {
    let results = new Map<string, CaseResult>()

    beforeAll(async () => {
      const { cases } = await runs.get(name)!
      results = new Map(cases.map((result) => [result.name, result]))
    }, LONGEST_RUN_MS + 120_000)

    for (const suite of suites) {
      for (const one of suite.cases) {
        const title = fullName(suite, one)
        test(title, ({ skip }) => {
          const result = results.get(title)
          expect(result, 'the runtime ran this case').toBeDefined()
          if (result?.status === 'skipped') skip(result.detail)
          if (result?.status === 'failed') throw new Error(`in ${name}: ${result.detail}`)
        })
      }
    }
  })
}

async function runInProcess(name: RuntimeName, main: string): Promise<RunResult> {
  const { path, args } = ensureRuntime(name)
  const child = spawn(path, [...args, main], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: LONGEST_RUN_MS,
    killSignal: 'SIGKILL',
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]))
  })
  const line = output.split('\n').find((text) => text.startsWith(RESULT_MARK))
  if (line) return JSON.parse(line.slice(RESULT_MARK.length))
  const last = output.trimEnd().split('\n').pop()
  const how = `code ${code}, signal ${signal}, last case that ended: ${last}`
  throw new Error(`${name} ended without a result (${how}):\n${errors.slice(-4000)}`)
}

const PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="/web/main.js"></script>'

async function runInChromium(isolated: boolean): Promise<RunResult> {
  const server = await serve({ '/': PAGE, ...(await bundleForWeb()) }, { isolated })
  const browser = await launchBrowser()
  try {
    const tab = await browser.context.newPage()
    const problems: string[] = []
    tab.on('pageerror', (error) => problems.push(error.message))
    tab.on('crash', () => problems.push('the page crashed'))
    await tab.goto(server.url)
    expect(await tab.evaluate(() => globalThis.crossOriginIsolated), 'crossOriginIsolated').toBe(isolated)
    await tab
      .waitForFunction(() => 'spillwayResult' in globalThis, undefined, { timeout: 20_000 })
      .catch(() => {
        throw new Error(`the page did not start the suite: ${problems.join('; ')}`)
      })
    const result = tab.evaluate(
      () => (globalThis as unknown as { spillwayResult: Promise<RunResult> }).spillwayResult,
    )
    return await Promise.race([result, afterLongest(() => problems.join('; '))])
  } finally {
    await browser.close()
    await server.close()
  }
}

/** Has no driver: the page itself says what came of it. */
async function runInFirefox(isolated: boolean): Promise<RunResult> {
  const report = `fetch('/result', { method: 'POST', body: JSON.stringify(await spillwayResult) })`
  const files = { '/': `${PAGE}<script type="module">${report}</script>`, ...(await bundleForWeb()) }
  let tell = (_: string) => {}
  const told = new Promise<string>((resolve) => {
    tell = resolve
  })
  const server = await serve(files, { isolated, onPost: (_, body) => void tell(body) })
  const firefox = openFirefox(firefoxPath!, server.url)
  try {
    return JSON.parse(await Promise.race([told, afterLongest(firefox.errors)]))
  } finally {
    await firefox.close()
    await server.close()
  }
}

function afterLongest(detail: () => string): Promise<never> {
  return new Promise((_, reject) => {
    const late = () => reject(new Error(`no result within ${LONGEST_RUN_MS} ms: ${detail()}`))
    setTimeout(late, LONGEST_RUN_MS).unref()
  })
}
