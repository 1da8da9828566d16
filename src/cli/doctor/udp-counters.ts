import { count, seconds } from '../format.ts'
import { type Finding, notSaid } from './finding.ts'
import type { UdpCounters } from './proc-texts.ts'
import { raiseSysctl, type Sysctl } from './sysctl.ts'
import type { System } from './system.ts'

interface Meaning {
  readonly name: string
  readonly what: string
  readonly means: string
  /** To be raised first. */
  readonly sysctl?: Sysctl
  readonly change: string
  /** Losses of long ago are worth a word, and a datagram to nobody is not. */
  readonly past: 'warning' | 'ok'
  readonly growing: 'problem' | 'warning'
}

/** What helps a receive buffer, beside the system's limit. */
export const MORE_ROOM =
  'then as much for recvBufferBytes of the collector; longer datagrams (maxDatagramBytes) and more sockets help, too'

const meanings: readonly Meaning[] = [
  {
    name: 'RcvbufErrors',
    what: 'datagrams came and found the receive buffer of their socket full',
    means: 'They are lost. Whoever sent them was told nothing.',
    sysctl: 'net.core.rmem_max',
    change: MORE_ROOM,
    past: 'warning',
    growing: 'problem',
  },
  {
    name: 'SndbufErrors',
    what: 'datagrams were not sent, for want of room in the send buffer',
    means: 'An exporter sends them again, or counts them as dropped; other programs lose them.',
    sysctl: 'net.core.wmem_max',
    change: 'then as much for sendBufferBytes of the exporter',
    past: 'warning',
    growing: 'problem',
  },
  {
    name: 'InCsumErrors',
    what: 'datagrams came damaged',
    means: 'They are lost: a network card, a cable, or a driver that computes checksums wrongly.',
    change: 'look at ethtool -S <interface>, and try ethtool -K <interface> rx off',
    past: 'warning',
    growing: 'problem',
  },
  {
    name: 'MemErrors',
    what: 'datagrams found the memory for all UDP sockets of the system used up',
    means: 'They are lost, whatever the buffers of single sockets are set to.',
    change: 'raise the three numbers of net.ipv4.udp_mem (pages), or ask for smaller buffers',
    past: 'warning',
    growing: 'problem',
  },
  {
    name: 'NoPorts',
    what: 'datagrams came for a port where nobody listened',
    means: 'Something sends to a receiver that is not there.',
    change: 'find who sends, and where to: tcpdump -n icmp shows the refusals',
    past: 'ok',
    growing: 'warning',
  },
  {
    // What is not in one of the others.
    name: 'InErrors',
    what: 'datagrams were refused for other reasons (a filter, IPsec, too short)',
    means: 'They are lost.',
    change: 'look at nstat -az, and at the filters of the sockets',
    past: 'warning',
    growing: 'problem',
  },
]

/** What the kernel counts of one family: now, and in how far it is new. */
export interface WatchedCounters {
  readonly family: 4 | 6
  readonly before: UdpCounters | undefined
  readonly after: UdpCounters | undefined
  readonly ms: number
}

export function judgeUdp(system: System, { family, before, after, ms }: WatchedCounters): Finding[] {
  const check = family === 4 ? 'udp' : 'udp6'
  const title = `UDP over IPv${family}`
  if (after === undefined) return [notSaid(check, `errors of ${title}`)]
  const rows = meanings.flatMap((meaning): Finding[] => {
    const sinceBoot = countOf(after, meaning)
    if (sinceBoot === 0) return []
    const grown = before === undefined ? 0 : sinceBoot - countOf(before, meaning)
    const verdict = grown > 0 ? meaning.growing : meaning.past
    const says = `${title}: ${count(sinceBoot)} ${meaning.what} since boot${newly(grown, ms)} (${meaning.name})`
    const figures = { sinceBoot, grown, ms: Math.round(ms) }
    const finding = { check: `${check}.${meaning.name}`, verdict, says, figures }
    return [
      verdict === 'ok' ? finding : { ...finding, means: meaning.means, change: changeOf(system, meaning) },
    ]
  })
  if (rows.some(({ verdict }) => verdict !== 'ok')) return rows
  return [{ check, verdict: 'ok', says: `${title}: no losses since boot`, figures: { ...after } }, ...rows]
}

function countOf(counters: UdpCounters, { name }: Meaning): number {
  const { InErrors = 0, RcvbufErrors = 0, InCsumErrors = 0, MemErrors = 0 } = counters
  if (name === 'InErrors') return Math.max(0, InErrors - RcvbufErrors - InCsumErrors - MemErrors)
  return counters[name] ?? 0
}

function changeOf(system: System, { sysctl, change }: Meaning): string {
  return sysctl === undefined ? change : `${raiseSysctl(system, sysctl)}; ${change}`
}

export function newly(grown: number, ms: number): string {
  return grown > 0 ? `, ${count(grown)} of them in the last ${seconds(ms)}` : ''
}
