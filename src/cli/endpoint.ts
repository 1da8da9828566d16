import { isIPv6 } from 'node:net'
import { usageError } from './exit.ts'

/** `host:port` or `[v6]:port`, as it stands in a URL. */
export function parseEndpoint(text: string, least = 1): { host: string; port: number } {
  const [, v6, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text) ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (host === undefined || (v6 !== undefined && !isIPv6(v6.replace(/%.*$/, ''))))
    throw usageError(`where to must be host:port or [v6 address]:port, not '${text}'`)
  if (port < least || port > 65_535) throw usageError(`a port is from ${least} to 65535, not ${digits}`)
  return { host, port }
}

/** The other way. */
export function renderEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
