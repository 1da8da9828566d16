/**
 * Texts of /proc, read for what they say. A text that is cut off, or of another kind, says less; none is an error.
 *
 * @module
 */

/** Counters of UDP by their names, without the protocol: `InErrors`, `RcvbufErrors`, ... */
export type UdpCounters = Readonly<Record<string, number>>

/** `/proc/net/snmp`: two lines for each protocol, names and numbers. */
export function parseSnmp(text: string): UdpCounters | undefined {
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp: '))
    .map((line) => line.trim().split(/\s+/).slice(1))
  if (names === undefined || values === undefined) return undefined
  return numbersOf(names.map((name, i) => [name, values[i]]))
}

/** `/proc/net/snmp6`: a line for each counter, `Udp6InErrors  0`. */
export function parseSnmp6(text: string): UdpCounters | undefined {
  return numbersOf(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^Udp6(\w+)\s+(\S+)$/.exec(line.trim()) ?? []
      return name === undefined ? [] : [[name, value]]
    }),
  )
}

function numbersOf(entries: readonly (readonly (string | undefined)[])[]): UdpCounters | undefined {
  const whole = entries.filter(([, value]) => value !== undefined && /^\d+$/.test(value))
  if (whole.length === 0) return undefined
  return Object.fromEntries(whole.map(([name, value]) => [name!, Number(value)]))
}

/** `/proc/net/softnet_stat`: a line for each processor, the second number, in hexadecimal, is what its queue had no room for. */
export function parseSoftnetDrops(text: string): number | undefined {
  const drops = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[1])
    .filter((word) => word !== undefined && /^[0-9a-f]{8}$/.test(word))
  return drops.length === 0 ? undefined : drops.reduce((sum, word) => sum + Number.parseInt(word!, 16), 0)
}

export interface Limit {
  readonly soft: number
  readonly hard: number
}

/** A line of `/proc/self/limits`, `Max open files  1024  4096  files`. No limit is `Infinity`. */
export function parseLimit(text: string, name: string): Limit | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  const [soft, hard] = line?.slice(name.length).trim().split(/\s+/) ?? []
  const of = (word: string | undefined) =>
    word === 'unlimited'
      ? Number.POSITIVE_INFINITY
      : word !== undefined && /^\d+$/.test(word)
        ? Number(word)
        : undefined
  const limit = { soft: of(soft), hard: of(hard) }
  return limit.soft === undefined || limit.hard === undefined ? undefined : (limit as Limit)
}

/** `/proc/self/cgroup`: the path of this process in the one tree (v2), or in that of the memory (v1). */
export function parseCgroups(text: string): { v2: string | undefined; memory: string | undefined } {
  const lines = text.split('\n').map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line.trim()))
  const pathOf = (test: (controllers: string) => boolean) =>
    lines.find((line) => line !== null && test(line[1]!))?.[2]
  return {
    v2: pathOf((controllers) => controllers === ''),
    memory: pathOf((controllers) => controllers.split(',').includes('memory')),
  }
}

/** Above this it is no limit: v1 writes the largest number of pages there is. */
const LARGEST_LIMIT = 2 ** 60

/** `memory.max` (v2) or `memory.limit_in_bytes` (v1). No limit is `Infinity`. */
export function parseMemoryLimit(text: string): number | undefined {
  const word = text.trim()
  if (word === 'max') return Number.POSITIVE_INFINITY
  if (!/^\d+$/.test(word)) return undefined
  return Number(word) >= LARGEST_LIMIT ? Number.POSITIVE_INFINITY : Number(word)
}
