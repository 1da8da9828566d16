// BSD sockets over shared memory, on real sockets and the real I/O thread: run unchanged in Node (vitest), newest Node, Deno and Bun.
import { connectingSuite } from './sockets/connecting.suite.ts'
import { endsSuite } from './sockets/ends.suite.ts'
import { manySuite } from './sockets/many.suite.ts'
import { tcpSuite } from './sockets/tcp.suite.ts'
import { threadsSuite } from './sockets/threads.suite.ts'
import { udpSuite } from './sockets/udp.suite.ts'
import { waitingSuite } from './sockets/waiting.suite.ts'

export const socketSuites = [
  udpSuite,
  tcpSuite,
  connectingSuite,
  waitingSuite,
  endsSuite,
  threadsSuite,
  manySuite,
]
