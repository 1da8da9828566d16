import { parseUdpTable, type UdpTableRow } from '../../node/udp-table.ts'
import { counted } from '../format.ts'
import { type Finding, notSaid } from './finding.ts'
import { judgeSockets } from './losing-sockets.ts'
import { parseSnmp, parseSnmp6, parseSoftnetDrops, type UdpCounters } from './proc-texts.ts'
import { raiseSysctl } from './sysctl.ts'
import type { System } from './system.ts'
import { judgeUdp, newly } from './udp-counters.ts'

/** What the kernel has counted up to now. */
export interface Counts {
  readonly atMs: number
  readonly udp4: UdpCounters | undefined
  readonly udp6: UdpCounters | undefined
  /** Packets that were dropped before any socket. */
  readonly softnet: number | undefined
  readonly sockets: readonly UdpTableRow[] | undefined
}

export function countNow(system: System, atMs: number): Counts {
  const tables = ['/proc/net/udp', '/proc/net/udp6'].flatMap((path) => system.read(path) ?? [])
  return {
    atMs,
    udp4: parseSnmp(system.read('/proc/net/snmp') ?? ''),
    udp6: parseSnmp6(system.read('/proc/net/snmp6') ?? ''),
    softnet: parseSoftnetDrops(system.read('/proc/net/softnet_stat') ?? ''),
    sockets: tables.length === 0 ? undefined : tables.flatMap(parseUdpTable),
  }
}

/** What was lost since boot, and what of it between the two. */
export function judgeDrops(system: System, before: Counts, after: Counts): Finding[] {
  const ms = after.atMs - before.atMs
  return [
    ...judgeUdp(system, { family: 4, before: before.udp4, after: after.udp4, ms }),
    ...judgeUdp(system, { family: 6, before: before.udp6, after: after.udp6, ms }),
    judgeSoftnet(system, before.softnet, after.softnet, ms),
    ...judgeSockets(system, before.sockets, after.sockets, ms),
  ]
}

function judgeSoftnet(
  system: System,
  before: number | undefined,
  after: number | undefined,
  ms: number,
): Finding {
  const check = 'softnet'
  if (after === undefined) return notSaid(check, 'packets dropped before the sockets')
  const grown = before === undefined ? 0 : after - before
  const figures = { sinceBoot: after, grown, ms: Math.round(ms) }
  if (after === 0)
    return { check, verdict: 'ok', says: 'no packet was dropped before the sockets since boot', figures }
  return {
    check,
    verdict: grown > 0 ? 'problem' : 'warning',
    says: `${counted(after, 'packet')} dropped before the sockets since boot${newly(grown, ms)} (softnet_stat)`,
    means: 'A processor had its queue of packets full. No socket and no counter of UDP knows of them.',
    change: raiseSysctl(system, 'net.core.netdev_max_backlog'),
    figures,
  }
}
