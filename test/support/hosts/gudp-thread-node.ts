// What a worker of the suites of gudp starts with.
import * as functions from '../../net/gudp/thread-entry.ts'
import { serveThread } from './node-thread.ts'

serveThread(functions)
