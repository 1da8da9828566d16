import type { AddressFamily, Endpoint } from '../../ports.ts'
import { parseAddress } from '../address-ranges.ts'
import { socketError } from './codes.ts'

/** Where to, or from where: `host` and `address` are the same. */
export interface SocketAddress {
  readonly host?: string | undefined
  readonly address?: string | undefined
  readonly port?: number | undefined
}

export interface HostAndPort {
  readonly host: string
  readonly port: number
}

/** The family of an IP address; `undefined` for what is none, a name perhaps. */
export function familyOf(host: string): AddressFamily | undefined {
  const bytes = parseAddress(host)
  if (bytes === undefined) return undefined
  return host.includes(':') ? 6 : 4
}

export function anyAddress(family: AddressFamily): string {
  return family === 6 ? '::' : '0.0.0.0'
}

export function loopback(family: AddressFamily): string {
  return family === 6 ? '::1' : '127.0.0.1'
}

/** What a user gave as an address, checked. Names are left for the server to look up. */
export function checkAddress(
  given: SocketAddress | undefined,
  family: AddressFamily,
  call: string,
  defaultHost: string,
): HostAndPort {
  if (given !== undefined && (typeof given !== 'object' || given === null))
    throw socketError('EINVAL', call, 'an address is an object: { host, port }')
  const host = given?.host ?? given?.address ?? defaultHost
  const port = given?.port ?? 0
  if (typeof host !== 'string' || host === '')
    throw socketError('EINVAL', call, `host must be an IP address or a name, not ${String(host)}`)
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw socketError('EINVAL', call, `port must be an integer from 0 to 65535, not ${String(port)}`)
  const isOf = familyOf(host)
  if (isOf !== undefined && isOf !== family)
    throw socketError(
      'EAFNOSUPPORT',
      call,
      `${host} is no IPv${family} address, and this is an IPv${family} socket`,
    )
  return { host, port }
}

/** `(port, host?)` or `({ port, host })`, as `node:net` and `node:dgram` take them; and what comes after. */
export function takeAddress<Options>(args: readonly unknown[]): {
  address: SocketAddress | undefined
  options: Options | undefined
} {
  const [first, second, third] = args
  if (typeof first !== 'number')
    return { address: first as SocketAddress | undefined, options: second as Options | undefined }
  if (typeof second === 'string') return { address: { port: first, host: second }, options: third as Options }
  return { address: { port: first }, options: second as Options }
}

// ---- in a datagram ring --------------------------------------------------------------------------------
//
//   0             1        2        4           8
//  ┌─────────────┬────────┬────────┬───────────┬──────────────────────┬─────────┐
//  │ text bytes  │ family │ port   │ payload   │ address as text, padded│ payload │
//  │ u8          │ u8     │ u16    │ bytes u32 │ to 8                   │         │
//  └─────────────┴────────┴────────┴───────────┴──────────────────────┴─────────┘

const HEAD_BYTES = 8
/** The longest text of an address, its zone among it, that a datagram has room for. */
const TEXT_BYTES = 63
const MOST_TEXTS = 1024

const padded = (bytes: number) => (bytes + 7) & ~7

/** The addresses that datagrams are sent to, as they go into their heads: one that comes again is not looked at again. */
export class AddressWriter {
  readonly #texts = new Map<string, AddressText>()

  /** `undefined` for what is no IP address. */
  textOf(host: string): AddressText | undefined {
    const known = this.#texts.get(host)
    if (known !== undefined) return known
    const family = familyOf(host)
    if (family === undefined || host.length > TEXT_BYTES) return undefined
    const text = { bytes: Uint8Array.from(host, (char) => char.charCodeAt(0)), family }
    if (this.#texts.size >= MOST_TEXTS) this.#texts.clear()
    this.#texts.set(host, text)
    return text
  }
}

export interface AddressText {
  readonly bytes: Uint8Array
  readonly family: AddressFamily
}

/** Bytes of a datagram with an address of so many bytes before its payload. */
export function headBytes(text: Uint8Array): number {
  return HEAD_BYTES + padded(text.length)
}

export const NO_TEXT: Uint8Array = new Uint8Array(0)

export function putHead(
  memory: Uint8Array,
  at: number,
  text: Uint8Array,
  family: number,
  port: number,
  payload: number,
): void {
  memory[at] = text.length
  memory[at + 1] = family
  memory[at + 2] = port
  memory[at + 3] = port >> 8
  memory[at + 4] = payload
  memory[at + 5] = payload >> 8
  memory[at + 6] = payload >> 16
  memory[at + 7] = payload >> 24
  if (text.length > 0) memory.set(text, at + HEAD_BYTES)
}

/** Reads the heads of datagrams; the address of the one before is not decoded again. */
export class AddressReader {
  /** Of the head that was read last. */
  host = ''
  family: AddressFamily | 0 = 0
  port = 0
  /** Where its payload begins, and how long it is. */
  payloadAt = 0
  payload = 0
  #length = 0
  readonly #last = new Uint8Array(TEXT_BYTES)

  /** `false`: what lies there can be no datagram of so many bytes. */
  read(memory: Uint8Array, at: number, bytes: number): boolean {
    const length = memory[at]!
    const payload =
      memory[at + 4]! + memory[at + 5]! * 256 + memory[at + 6]! * 65536 + memory[at + 7]! * 2 ** 24
    const family = memory[at + 1]!
    if (bytes < HEAD_BYTES || length > TEXT_BYTES) return false
    if (HEAD_BYTES + padded(length) + payload !== bytes || (family !== 0 && family !== 4 && family !== 6))
      return false
    this.family = family
    this.port = memory[at + 2]! + memory[at + 3]! * 256
    this.payloadAt = at + HEAD_BYTES + padded(length)
    this.payload = payload
    if (!this.#isLast(memory, at + HEAD_BYTES, length)) this.#decode(memory, at + HEAD_BYTES, length)
    return true
  }

  get endpoint(): Endpoint {
    return { address: this.host, port: this.port, family: this.family === 6 ? 6 : 4 }
  }

  #isLast(memory: Uint8Array, at: number, length: number): boolean {
    if (length !== this.#length) return false
    for (let i = 0; i < length; i++) if (memory[at + i] !== this.#last[i]) return false
    return true
  }

  #decode(memory: Uint8Array, at: number, length: number): void {
    this.#length = length
    let host = ''
    for (let i = 0; i < length; i++) {
      const byte = memory[at + i]!
      this.#last[i] = byte
      host += String.fromCharCode(byte)
    }
    this.host = host
  }
}
