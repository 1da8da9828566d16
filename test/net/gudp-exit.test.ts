// What becomes of what was sent on a connection when the program ends, in each way it can.
import { describe } from 'vitest'
import { testGudpEnds } from './gudp-exit/ends.ts'

describe('this Node', () => testGudpEnds(() => ({ path: process.execPath, args: [], isDeno: false })))
