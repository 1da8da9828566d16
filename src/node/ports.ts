import { waitAsync } from '../core/wait-async.ts'
import type { Ports } from '../ports.ts'
import { clock } from './clock.ts'
import { datagrams } from './datagram-socket.ts'
import { inflate } from './inflate.ts'
import { receiving } from './receiving-socket.ts'
import { systemResolver } from './resolver.ts'
import { security } from './security.ts'
import { streamSockets } from './stream-sockets.ts'
import { udpSockets } from './udp-sockets.ts'

/** The runtime's own, for services on this thread. */
export function nodePorts(debug: (message: string) => void = () => {}): Ports {
  return {
    clock,
    datagrams,
    receiving,
    udp: udpSockets,
    streams: streamSockets,
    resolver: systemResolver,
    security,
    inflate,
    debug,
    changed(words, index, value) {
      const wait = waitAsync!(words, index, value)
      return wait.async ? wait.value.then(() => {}) : undefined
    },
  }
}
