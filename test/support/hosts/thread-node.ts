// What a worker of the suite starts with.
import * as functions from '../../suite/thread-entry.ts'
import { serveThread } from './node-thread.ts'

serveThread(functions)
