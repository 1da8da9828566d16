// What a worker of the sockets' suites starts with.
import * as functions from '../../net/sockets/thread-entry.ts'
import { serveThread } from './node-thread.ts'

serveThread(functions)
