import type { AddressFamily } from '../ports.ts'

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = new RegExp(`^${BYTE}(?:\\.${BYTE}){3}$`)
/** Whether the groups are right is left to URL; this keeps out what would end its brackets early. A zone may follow. */
const IPV6 = /^([0-9a-f:.]*:[0-9a-f:.]*)(?:%[\w.-]+)?$/i

/** The family of an IP address, or `undefined` if it is a name. */
export function ipFamily(host: string): AddressFamily | undefined {
  if (IPV4.test(host)) return 4
  const groups = IPV6.exec(host)?.[1]
  return groups !== undefined && URL.canParse(`http://[${groups}]`) ? 6 : undefined
}
