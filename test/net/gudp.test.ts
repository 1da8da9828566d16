import { useNodeThreads } from '../support/hosts/node.ts'
import { toVitest } from '../support/to-vitest.ts'
import { usePeerProgram } from './gudp/rig.ts'
import { gudpSuites } from './gudp.suite.ts'

const bundled = (name: string) => new URL(`../../build/test/${name}.mjs`, import.meta.url)

useNodeThreads(bundled('gudp-thread'))
usePeerProgram(bundled('gudp-peer'))

toVitest(gudpSuites, ['threads', 'blocking', 'sharing', 'exits'])
