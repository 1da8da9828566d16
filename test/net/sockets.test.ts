import { useNodeThreads } from '../support/hosts/node.ts'
import { toVitest } from '../support/to-vitest.ts'
import { socketSuites } from './sockets.suite.ts'

useNodeThreads(new URL('../../build/test/sockets-thread.mjs', import.meta.url))

toVitest(socketSuites, ['threads', 'blocking', 'sharing', 'exits'])
