import { allSuites } from '../suite/index.ts'
import { useNodeThreads } from '../support/hosts/node.ts'
import { toVitest } from '../support/to-vitest.ts'

useNodeThreads(new URL('../../build/test/thread.mjs', import.meta.url))

toVitest(allSuites({ canBlock: true }), ['threads', 'blocking', 'sharing', 'exits'])
