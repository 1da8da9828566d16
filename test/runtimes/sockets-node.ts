// The sockets' suites for Node, Deno and Bun.
import { socketSuites } from '../net/sockets.suite.ts'
import { useNodeThreads } from '../support/hosts/node.ts'
import { runSuites } from './run-suites.ts'

useNodeThreads(new URL('./sockets-thread.mjs', import.meta.url))
await runSuites(socketSuites)
