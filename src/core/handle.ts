import { SpillwayError } from './errors.ts'

export const HANDLE_VERSION = 1

/** Who may write, and who may read: by how many threads a diode is shared. */
export type Topology = 'OneToOne' | 'ManyToOne' | 'OneToMany'

/** Names a ring to another thread: send it with `postMessage` or as `workerData`, and join with `from(handle)`. */
export interface DiodeHandle {
  readonly spillway: number
  readonly topology: Topology
  readonly memory: WebAssembly.Memory
  readonly address: number
  readonly generation: number
}

export function makeHandle(
  topology: Topology,
  memory: WebAssembly.Memory,
  address: number,
  generation: number,
): DiodeHandle {
  return Object.freeze({ spillway: HANDLE_VERSION, topology, memory, address, generation })
}

/** Names the ring of an exporter's lines, and its outlet. */
export interface LineRingHandle {
  readonly spillway: number
  readonly topology: 'LineRing'
  readonly memory: WebAssembly.Memory
  readonly address: number
  readonly generation: number
  readonly outlet: { readonly address: number; readonly generation: number }
}

export function makeLineRingHandle(
  ring: DiodeHandle,
  outlet: { readonly address: number; readonly generation: number },
): LineRingHandle {
  const { spillway, memory, address, generation } = ring
  const words = Object.freeze({ address: outlet.address, generation: outlet.generation })
  return Object.freeze({ spillway, topology: 'LineRing', memory, address, generation, outlet: words })
}

/** Names a socket server to a client on another thread. */
export interface SocketServerHandle {
  readonly spillway: number
  readonly topology: 'SocketServer'
  readonly memory: WebAssembly.Memory
  readonly address: number
  readonly generation: number
  /** Of the channels between them: HELLO compares it with what the server has written into the memory. */
  readonly version: number
}

export function makeSocketServerHandle(
  { memory, address, generation }: { memory: WebAssembly.Memory; address: number; generation: number },
  version: number,
): SocketServerHandle {
  return Object.freeze({
    spillway: HANDLE_VERSION,
    topology: 'SocketServer',
    memory,
    address,
    generation,
    version,
  })
}

export function checkSocketServerHandle(handle: unknown): SocketServerHandle {
  const given = checkShape(handle, 'SocketServer') as Partial<SocketServerHandle>
  if (!Number.isInteger(given.version)) throw damaged()
  return given as SocketServerHandle
}

/** What came in a message is not trusted: checked here for its shape, and by the core for what it names. */
export function checkHandle(handle: unknown, topology: Topology): DiodeHandle {
  return checkShape(handle, topology) as DiodeHandle
}

export function checkLineRingHandle(handle: unknown): LineRingHandle {
  const given = checkShape(handle, 'LineRing') as Partial<LineRingHandle>
  const { outlet } = given
  if (typeof outlet !== 'object' || outlet === null || !isName(outlet)) throw damaged()
  return given as LineRingHandle
}

function checkShape(handle: unknown, topology: Topology | 'LineRing' | 'SocketServer'): object {
  const given = handle as Partial<DiodeHandle | LineRingHandle | SocketServerHandle> | null | undefined
  if (typeof given !== 'object' || given === null || typeof given.spillway !== 'number') {
    throw new SpillwayError('ERR_INVALID_HANDLE', `not a handle: pass the \`handle\` of a ${topology}`)
  }
  if (given.spillway !== HANDLE_VERSION) {
    throw new SpillwayError(
      'ERR_HANDLE_VERSION',
      `the handle is of version ${given.spillway}, this is ${HANDLE_VERSION}: use one version of spillway in all threads`,
    )
  }
  if (given.topology !== topology) {
    throw new SpillwayError(
      'ERR_INVALID_HANDLE',
      `the handle is of a ${String(given.topology)}, not of a ${topology}`,
    )
  }
  if (!(given.memory instanceof WebAssembly.Memory) || !isName(given)) throw damaged()
  return given
}

/** An address and a generation that could be some object's. */
function isName(given: { address?: unknown; generation?: unknown }): boolean {
  const isAddress = (value: unknown) =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31
  return isAddress(given.address) && isAddress(given.generation)
}

function damaged(): SpillwayError {
  return new SpillwayError('ERR_INVALID_HANDLE', 'the handle is damaged: pass it on as it was')
}
