import { numberIn, type System } from './system.ts'

/** What the doctor recommends, and docs/operations.md has: name and value. */
export const sysctls = {
  /** As much as a collector asks for (`recvBufferBytes`). */
  'net.core.rmem_max': 4 * 2 ** 20,
  /** For programs that do not ask, Deno's for instance. */
  'net.core.rmem_default': 4 * 2 ** 20,
  /** An exporter does not ask, unless told (`sendBufferBytes`). */
  'net.core.wmem_max': 4 * 2 ** 20,
  'net.core.wmem_default': 212_992,
  'net.core.netdev_max_backlog': 10_000,
} as const

export type Sysctl = keyof typeof sysctls

export const SYSCTL_FILE = '/etc/sysctl.d/60-spillway.conf'

export function sysctlPath(name: Sysctl): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`
}

/** What to type, now and for good. In a container it is the host's. */
export function setSysctl(name: Sysctl, value: number = sysctls[name]): string {
  const setting = `${name}=${value}`
  return `sysctl -w ${setting} (to keep it: a line ${setting} in ${SYSCTL_FILE}; of a container: on its host)`
}

/** The same for what has been too little: where it is as recommended already, twice that. */
export function raiseSysctl(system: System, name: Sysctl): string {
  const now = numberIn(system, sysctlPath(name)) ?? 0
  return setSysctl(name, now < sysctls[name] ? sysctls[name] : 2 * now)
}
