import { SpillwayError } from '../core/errors.ts'
import { type DiodeHandle, HANDLE_VERSION } from '../core/handle.ts'
import type { LineRing, LineRingHandle } from '../core/line-ring.ts'
import type { OneToMany } from '../core/one-to-many.ts'

/** Names an exporter to another thread: send it with `postMessage` or as `workerData`. */
export interface UdpExporterHandle {
  readonly spillway: number
  readonly topology: 'UdpExporter'
  readonly source: string
  readonly ring: LineRingHandle
  readonly alerts: DiodeHandle
  readonly poolSize: number
}

export function handleOf(
  source: string,
  ring: LineRing,
  alerts: OneToMany,
  poolSize: number,
): UdpExporterHandle {
  return Object.freeze({
    spillway: HANDLE_VERSION,
    topology: 'UdpExporter',
    source,
    ring: ring.handle,
    alerts: alerts.handle,
    poolSize,
  })
}

export function checkHandle(handle: unknown): UdpExporterHandle {
  const given = handle as Partial<UdpExporterHandle> | null | undefined
  const isHandle = typeof given === 'object' && given !== null && typeof given.spillway === 'number'
  if (!isHandle || given.topology !== 'UdpExporter') {
    throw new SpillwayError('ERR_INVALID_HANDLE', 'not a handle: pass the `handle` of a UdpExporter')
  }
  if (given.spillway !== HANDLE_VERSION) {
    throw new SpillwayError(
      'ERR_HANDLE_VERSION',
      `the handle is of version ${given.spillway}, this is ${HANDLE_VERSION}: use one version of spillway in all threads`,
    )
  }
  return given as UdpExporterHandle
}
