import { byteCount, count } from '../format.ts'
import { type Finding, notSaid } from './finding.ts'
import { parseCgroups, parseLimit, parseMemoryLimit } from './proc-texts.ts'
import type { System } from './system.ts'

/** Ten sockets of an exporter, a few of a collector, its files, and what every process has: with room for the program itself. */
const FILES_LEAST = 256
const FILES_ADVISED = 4096

export function judgeFiles(system: System): Finding {
  const check = 'files'
  const limit = parseLimit(system.read('/proc/self/limits') ?? '', 'Max open files')
  if (limit === undefined) return notSaid(check, 'how many files may be open (ulimit -n)')
  const figures = { soft: finite(limit.soft), hard: finite(limit.hard) }
  const says = `open files: ${bound(limit.soft)} (ulimit -n), at most ${bound(limit.hard)}`
  if (limit.soft >= FILES_LEAST) return { check, verdict: 'ok', says, figures }
  return {
    check,
    verdict: 'warning',
    says,
    means:
      'Each socket and each file is one. An exporter may open ten sockets, a collector with TCP or gudp more: EMFILE.',
    change: `ulimit -n ${FILES_ADVISED} before it starts (systemd: LimitNOFILE=${FILES_ADVISED}; docker: --ulimit nofile=${FILES_ADVISED})`,
    figures,
  }
}

/** Less than this: a runtime, its heap, rings for a few threads and a receive buffer are near it. */
const MEMORY_LEAST = 128 * 2 ** 20

export function judgeMemory(system: System): Finding {
  const check = 'memory'
  const limit = memoryLimit(system)
  if (limit === undefined) return notSaid(check, 'the limit of memory (cgroup memory.max)')
  if (limit === Number.POSITIVE_INFINITY)
    return { check, verdict: 'ok', says: 'memory: no limit by a cgroup', figures: { limit: null } }
  const says = `memory: limited to ${byteCount(limit)} by a cgroup`
  if (limit >= MEMORY_LEAST) return { check, verdict: 'ok', says, figures: { limit } }
  return {
    check,
    verdict: 'warning',
    says,
    means:
      'The runtime needs about 60 MB, the ring of each writing thread 2 MiB (capacity * recordBytes), the receive buffer of a collector up to 8 MiB, which is counted here, too.',
    change: `memory.max=${MEMORY_LEAST} or more (systemd: MemoryMax=; docker: --memory), or less capacity and recordBytes`,
    figures: { limit },
  }
}

/** The least on the way from this process to the root of its tree. */
function memoryLimit(system: System): number | undefined {
  const { v2, memory } = parseCgroups(system.read('/proc/self/cgroup') ?? '')
  const limits = [
    ...(v2 === undefined ? [] : limitsUpwards(system, '/sys/fs/cgroup', v2, 'memory.max')),
    ...(memory === undefined
      ? []
      : limitsUpwards(system, '/sys/fs/cgroup/memory', memory, 'memory.limit_in_bytes')),
  ]
  return limits.length === 0 ? undefined : Math.min(...limits)
}

function limitsUpwards(system: System, root: string, path: string, file: string): number[] {
  const names = path.split('/').filter((name) => name !== '')
  const folders = Array.from({ length: names.length + 1 }, (_, i) => [root, ...names.slice(0, i)].join('/'))
  return folders.flatMap((folder) => parseMemoryLimit(system.read(`${folder}/${file}`) ?? '') ?? [])
}

/** Of shared memory a gibibyte is reserved, and engines add guard pages of several. */
const ADDRESS_SPACE_LEAST = 16 * 2 ** 30

export function judgeAddressSpace(system: System): Finding {
  const check = 'address-space'
  const limit = parseLimit(system.read('/proc/self/limits') ?? '', 'Max address space')
  if (limit === undefined) return notSaid(check, 'the limit of address space (ulimit -v)')
  const figures = { soft: finite(limit.soft) }
  if (limit.soft >= ADDRESS_SPACE_LEAST) {
    return { check, verdict: 'ok', says: `address space: ${bound(limit.soft)} (ulimit -v)`, figures }
  }
  return {
    check,
    verdict: 'warning',
    says: `address space: limited to ${byteCount(limit.soft)} (ulimit -v)`,
    means: 'Shared memory is reserved as a whole, up to 1 GiB, and used as it is needed: it may not be had.',
    change: 'ulimit -v unlimited before it starts; limit the memory itself instead (cgroup)',
    figures,
  }
}

function bound(value: number): string {
  return value === Number.POSITIVE_INFINITY ? 'no limit' : count(value)
}

/** JSON has no infinity. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
