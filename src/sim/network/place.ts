import type { AddressFamily } from '../../ports.ts'
import { NetworkError } from './network-error.ts'

/** An address and a port. */
export interface Place {
  readonly address: string
  readonly port: number
}

export function textOf({ address, port }: Place): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

export function isSame(one: Place, other: Place): boolean {
  return one.port === other.port && one.address === other.address
}

/** By its looks only; addresses of simulated hosts are compared as they are written. */
export function familyOf(address: string): AddressFamily | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return 4
  return /^[\da-f.]*:[\da-f:.]*$/.test(address) ? 6 : undefined
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^127\.\d/.test(address)
}

export function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

export function checkPort(port: number, least: number): void {
  if (Number.isInteger(port) && port >= least && port <= 65_535) return
  throw new NetworkError('EINVAL', `${port} is not a port`)
}
