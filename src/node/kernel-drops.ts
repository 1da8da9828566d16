import { readFileSync } from 'node:fs'

/** Columns of the table: `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode ref pointer drops`. */
const LOCAL_ADDRESS = 1
const DROPS = 12

/**
 * Datagrams that the kernel had no room for, by our port: what Linux says in /proc. `undefined` where it does not say.
 */
export function kernelDrops(port: number): number | undefined {
  const rows = ['/proc/net/udp', '/proc/net/udp6'].flatMap((path) => rowsOf(path, port))
  return rows.length === 0 ? undefined : rows.reduce((sum, row) => sum + Number(row[DROPS] ?? 0), 0)
}

function rowsOf(path: string, port: number): string[][] {
  let table: string
  try {
    table = readFileSync(path, 'latin1')
  } catch {
    return [] // another system, or not permitted
  }
  const hexPort = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  return rows.filter((row) => row[LOCAL_ADDRESS]?.endsWith(hexPort))
}
