// The suites of gudp for Node, Deno and Bun.
import { usePeerProgram } from '../net/gudp/rig.ts'
import { gudpSuites } from '../net/gudp.suite.ts'
import { useNodeThreads } from '../support/hosts/node.ts'
import { runSuites } from './run-suites.ts'

useNodeThreads(new URL('./gudp-thread.mjs', import.meta.url))
usePeerProgram(new URL('./gudp-peer.mjs', import.meta.url))
await runSuites(gudpSuites)
