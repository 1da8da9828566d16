// What becomes of what was sent on a socket when the program ends, in each way it can.
import { describe } from 'vitest'
import { testSocketEnds } from './sockets-exit/ends.ts'

describe('this Node', () => testSocketEnds(() => ({ path: process.execPath, args: [], isDeno: false })))
