/** A socket as a line of `/proc/net/udp` or `/proc/net/udp6` has it. */
export interface UdpTableRow {
  /** As the kernel writes it there: hexadecimal, each word in the machine's order of bytes. */
  readonly hexAddress: string
  readonly port: number
  /** Bytes of memory that hold what has come and was not read yet. */
  readonly waitingBytes: number
  readonly inode: string
  /** Datagrams that found no room. */
  readonly drops: number
}

/** Columns: `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode ref pointer drops`. */
const LOCAL = 1
const QUEUES = 4
const INODE = 9
const DROPS = 12

/** The sockets of such a text; lines that are no socket (the title, a line cut off) are left out. */
export function parseUdpTable(text: string): UdpTableRow[] {
  return text.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/)
    const [, hexAddress, hexPort] =
      /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(columns[LOCAL] ?? '') ?? []
    const [, waiting] = /^[0-9A-F]+:([0-9A-F]+)$/.exec(columns[QUEUES] ?? '') ?? []
    const drops = columns[DROPS]
    if (hexAddress === undefined || waiting === undefined || drops === undefined || !/^\d+$/.test(drops))
      return []
    return {
      hexAddress,
      port: Number.parseInt(hexPort!, 16),
      waitingBytes: Number.parseInt(waiting, 16),
      inode: columns[INODE]!,
      drops: Number(drops),
    }
  })
}
