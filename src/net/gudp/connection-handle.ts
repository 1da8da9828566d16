import { SpillwayError } from '../../core/errors.ts'
import type { ConnectionHandle } from '../../core/packet-machine.ts'
import type { ChannelKind } from './channels.ts'
import type { Place } from './path.ts'

/** What does not change of a connection, and whoever uses it must know. */
export interface ConnectionFacts {
  readonly channels: readonly ChannelKind[]
  readonly isBare: boolean
  readonly local: Place
  /** Where the peer was when the connection was made; it may move. */
  readonly peer: Place
}

/** Names a connection to another thread: send it by `postMessage`, and give it to `GudpConnection.from`. */
export interface GudpConnectionHandle extends ConnectionHandle, ConnectionFacts {
  readonly type: 'spillway.gudp'
  readonly version: number
}

/** The same without the memory, for a thread that has it: with every message it would be another object, and an instance of the Wasm made for it. */
export type ConnectionName = Omit<GudpConnectionHandle, 'memory'>

const VERSION = 1

export function connectionName(
  { address, generation }: ConnectionHandle,
  facts: ConnectionFacts,
): ConnectionName {
  return { type: 'spillway.gudp', version: VERSION, address, generation, ...facts }
}

export function connectionHandle(memory: WebAssembly.Memory, name: ConnectionName): GudpConnectionHandle {
  return Object.freeze({ ...name, memory })
}

export function checkConnectionHandle(handle: unknown): GudpConnectionHandle {
  const given = handle as Partial<GudpConnectionHandle> | null | undefined
  if (given?.type !== 'spillway.gudp' || !(given.memory instanceof WebAssembly.Memory)) {
    throw new SpillwayError(
      'ERR_INVALID_HANDLE',
      'this is not the handle of a GudpConnection: send connection.handle to the other thread',
    )
  }
  if (given.version !== VERSION) {
    throw new SpillwayError(
      'ERR_HANDLE_VERSION',
      `the connection is of version ${given.version}, this is ${VERSION}: use one version of spillway in all threads`,
    )
  }
  return given as GudpConnectionHandle
}
