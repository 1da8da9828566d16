// What a worker of the lanes' stress tests starts with: the library below its face, a copy of its own.
import '../../../src/node/thread-host.ts'
import * as functions from '../../stress/lanes-entry.ts'
import { serveThread } from './node-thread.ts'

serveThread(functions)
