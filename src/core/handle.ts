import { SpillwayError } from './errors.ts'

export const HANDLE_VERSION = 1

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

/** What came in a message is not trusted: checked here for its shape, and by the core for what it names. */
export function checkHandle(handle: unknown, topology: Topology): DiodeHandle {
  const given = handle as Partial<DiodeHandle> | null | undefined
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
  const isAddress = (value: unknown) =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31
  if (
    !(given.memory instanceof WebAssembly.Memory) ||
    !isAddress(given.address) ||
    !isAddress(given.generation)
  ) {
    throw new SpillwayError('ERR_INVALID_HANDLE', 'the handle is damaged: pass it on as it was')
  }
  return given as DiodeHandle
}
