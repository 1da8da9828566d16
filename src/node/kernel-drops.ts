import { readFileSync } from 'node:fs'
import { parseUdpTable } from './udp-table.ts'

/**
 * Datagrams that the kernel had no room for, by our port: what Linux says in /proc. `undefined` where it does not say.
 */
export function kernelDrops(port: number): number | undefined {
  const sockets = ['/proc/net/udp', '/proc/net/udp6'].flatMap((path) => parseUdpTable(textOf(path)))
  const ours = sockets.filter((socket) => socket.port === port)
  return ours.length === 0 ? undefined : ours.reduce((sum, { drops }) => sum + drops, 0)
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // another system, or not permitted
  }
}
