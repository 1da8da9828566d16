import type { UdpTableRow } from '../../node/udp-table.ts'
import { count, counted } from '../format.ts'
import { type Finding, notSaid } from './finding.ts'
import { type Owner, ownersOf } from './owners.ts'
import { raiseSysctl } from './sysctl.ts'
import type { System } from './system.ts'
import { MORE_ROOM, newly } from './udp-counters.ts'

/** Named one by one; of the others the sum. */
const MOST_NAMED = 10

type Table = readonly UdpTableRow[] | undefined

/** The sockets that are open now and have dropped something. */
export function judgeSockets(system: System, before: Table, after: Table, ms: number): Finding[] {
  const check = 'socket'
  if (after === undefined) return [notSaid(check, 'drops of single sockets')]
  const losing = after.filter(({ drops }) => drops > 0).sort((a, b) => b.drops - a.drops)
  if (losing.length === 0) {
    const says = `no socket that is open now has dropped a datagram (of ${after.length})`
    return [{ check, verdict: 'ok', says, figures: { sockets: after.length } }]
  }
  const named = losing.slice(0, MOST_NAMED)
  const owners = ownersOf(system, new Set(named.map(({ inode }) => inode)))
  const earlier = new Map(before?.map(({ inode, drops }) => [inode, drops]))
  const change = `${raiseSysctl(system, 'net.core.rmem_max')}; ${MORE_ROOM}`
  const rows = named.map((row) => {
    const grown = row.drops - (earlier.get(row.inode) ?? row.drops)
    return { ...judgeSocket(row, grown, ms, owners.get(row.inode)), change }
  })
  const rest = losing.slice(MOST_NAMED)
  return rest.length === 0 ? rows : [...rows, { ...sumOf(rest), change }]
}

function judgeSocket(row: UdpTableRow, grown: number, ms: number, owner: Owner | undefined): Finding {
  const whose =
    owner === undefined ? 'whose program is not said here' : `of ${owner.program}, pid ${owner.pid}`
  const dropped = `${counted(row.drops, 'datagram')} dropped${newly(grown, ms)}`
  return {
    check: 'socket',
    verdict: grown > 0 ? 'problem' : 'warning',
    says: `the socket at port ${row.port}, ${whose}: ${dropped}; ${count(row.waitingBytes)} bytes wait in its buffer`,
    means:
      'They had no room in the receive buffer of this socket: it is read too slowly, or bursts are too long for it.',
    figures: { port: row.port, drops: row.drops, grown, waitingBytes: row.waitingBytes, ...owner },
  }
}

function sumOf(rest: readonly UdpTableRow[]): Finding {
  const drops = rest.reduce((sum, row) => sum + row.drops, 0)
  return {
    check: 'socket',
    verdict: 'warning',
    says: `${counted(rest.length, 'other socket')}: ${count(drops)} datagrams dropped`,
    means: 'They are in /proc/net/udp and /proc/net/udp6, the last column.',
    figures: { sockets: rest.length, drops },
  }
}
