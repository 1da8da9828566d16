// The suite's entry for browsers: leaves the result where the test that opened the page finds it.

import { allSuites } from '../suite/index.ts'
import { type Need, type RunResult, runAll } from '../support/harness.ts'
import { useWebThreads } from '../support/hosts/web.ts'

const page = globalThis as unknown as { crossOriginIsolated: boolean; spillwayResult?: Promise<RunResult> }

// The main thread of a page may never block, and without isolation it has no threads that share its memory.
const has: Need[] = page.crossOriginIsolated ? ['threads', 'sharing'] : []

useWebThreads('/web/thread.js')
page.spillwayResult = runAll(allSuites({ canBlock: false }), { has, timeoutMs: 45_000 })
