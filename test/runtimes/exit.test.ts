// The ends of programs, as test/net/exit.test.ts and sockets-exit.test.ts have them for this Node, in the other runtimes.
import { beforeAll, describe } from 'vitest'
import { ensureRuntime, type RuntimeName } from '../../tools/runtimes.mjs'
import { type Runtime, testExits } from '../net/exit/run-case.ts'
import { testGudpEnds } from '../net/gudp-exit/ends.ts'
import { testSocketEnds } from '../net/sockets-exit/ends.ts'
import { leftOut } from './left-out.ts'

for (const name of ['node', 'deno', 'bun'] as RuntimeName[]) {
  describe.skipIf(leftOut.includes(name))(name, () => {
    let runtime: Runtime
    beforeAll(() => {
      runtime = { ...ensureRuntime(name), isDeno: name === 'deno' }
    })
    testExits(() => runtime)
    describe('with a socket that has more to send', () => testSocketEnds(() => runtime))
    // In Deno a worker's end is not told, nor an error before it is known to be the end.
    if (name !== 'deno') describe('with a connection of gudp', () => testGudpEnds(() => runtime))
  })
}
