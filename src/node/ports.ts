import type { Ports } from '../ports.ts'
import { clock } from './clock.ts'
import { datagrams } from './datagram-socket.ts'
import { inflate } from './inflate.ts'
import { receiving } from './receiving-socket.ts'
import { systemResolver } from './resolver.ts'

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { async: false } | { async: true; value: Promise<unknown> }

const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync }

/** The runtime's own, for services on this thread. */
export function nodePorts(debug: (message: string) => void = () => {}): Ports {
  return {
    clock,
    datagrams,
    receiving,
    resolver: systemResolver,
    inflate,
    debug,
    changed(words, index, value) {
      const wait = waitAsync(words, index, value)
      return wait.async ? wait.value.then(() => {}) : undefined
    },
  }
}
