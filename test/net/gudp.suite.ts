// GUDP on real sockets, threads and processes: run unchanged in Node (vitest), newest Node, Deno and Bun.
import { connectingSuite } from './gudp/connecting.suite.ts'
import { messagesSuite } from './gudp/messages.suite.ts'
import { packetsSuite } from './gudp/packets.suite.ts'
import { processesSuite } from './gudp/processes.suite.ts'
import { relaySuite } from './gudp/relay.suite.ts'
import { gudpThreadsSuite } from './gudp/threads.suite.ts'

export const gudpSuites = [
  connectingSuite,
  packetsSuite,
  messagesSuite,
  gudpThreadsSuite,
  relaySuite,
  processesSuite,
]
