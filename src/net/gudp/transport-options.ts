import { checkInteger, invalid } from '../../core/check.ts'
import type { Strategy } from '../../core/packet-machine.ts'
import type { SecurityPort } from '../../ports.ts'
import { type ConnectionOptions, connectionSettings } from './connection-options.ts'
import { clientSecurity, type SecureOptions, serverSecurity } from './secure-options.ts'

/** Of an exporter with `transport: 'gudp'`. */
export interface ExporterGudpOptions {
  /** Encrypted, with a secret or a key that both sides know: see docs/gudp.md. Default: in the clear. */
  secure?: false | SecureOptions
  /** How fast it may go. Default `'paced'`: as much as is seen to arrive. */
  congestion?: Strategy
  /** Of `'paced'`: never more. Default 0: as much as the link carries. */
  maxBytesPerSecond?: number
  /** A collector that is silent for so long is taken for lost, and connected to anew. Default 5000. */
  timeoutMs?: number
  /** What is not acknowledged waits so long for a new connection; then it is dropped, as `ETIMEDOUT`. Default 30,000. */
  giveUpMs?: number
  /** How much may be sent and not acknowledged. It is held twice. Default 4 MiB. */
  memoryBytes?: number
  /** The longest datagram. Default 1472, an Ethernet's. */
  packetBytes?: number
  /** Tells datagrams of this program from others: the same on both sides. */
  protocolId?: number
}

/** Of a collector with `transport: 'gudp'`. */
export interface CollectorGudpOptions {
  /** As at the exporters. Default: in the clear. */
  secure?: false | SecureOptions
  /** Exporters at the same time; more are refused. Default 128. */
  maxConnections?: number
  /** What one exporter may have under way to here: memory that each connection has. Default 4 MiB. */
  windowBytes?: number
  /** An exporter that is silent for so long is gone. Default 10,000. */
  timeoutMs?: number
  protocolId?: number
}

export interface ExporterGudpSettings {
  readonly memoryBytes: number
  readonly packetBytes: number
  readonly giveUpMs: number
  readonly timeoutMs: number
  readonly secure: false | SecureOptions
  readonly connection: ConnectionOptions
}

export interface CollectorGudpSettings {
  readonly secure: false | SecureOptions
  readonly maxConnections: number
  readonly connection: ConnectionOptions
}

/** No line is longer than a datagram of UDP can be. */
export const LONGEST_MESSAGE = 65_536
/** A record's length, and what it is rounded up by. */
const RECORD_HEAD = 16
const SMALL_RING = LONGEST_MESSAGE + RECORD_HEAD
const HEARTBEATS_A_TIMEOUT = 3
const MOST_PACKETS = 4096
const FEWEST_PACKETS = 256
/** For packets of `send`: none are sent. */
const NO_PACKETS = 64
/** Of lines that share a datagram: so short ones still find room for their heads. */
const SHORTEST_DATAGRAM = 64

export function checkExporterGudp(
  given: ExporterGudpOptions | undefined,
  security: SecurityPort,
): ExporterGudpSettings {
  const options = object(given)
  const memoryBytes = integer(options, 'memoryBytes', 4 << 20, 1 << 16, 1 << 25)
  const timeoutMs = integer(options, 'timeoutMs', 5000, 100, 0x7fffffff)
  const packetBytes = integer(options, 'packetBytes', 1472, 256, 65_000)
  const secure = options.secure ?? false
  clientSecurity(secure, security)
  const connection: ConnectionOptions = {
    channels: ['reliable'],
    congestion: options.congestion ?? 'paced',
    maxBytesPerSecond: options.maxBytesPerSecond,
    timeoutMs,
    heartbeatMs: Math.max(10, Math.floor(Math.min(timeoutMs, 10_000) / HEARTBEATS_A_TIMEOUT)),
    maxDatagramBytes: packetBytes,
    windowPackets: powerOfTwo(memoryBytes / packetBytes),
    packetBufferBytes: NO_PACKETS,
    // A record for each slot, with its head; and room for what is nobody's event.
    channelSendBytes: memoryBytes + Math.ceil(memoryBytes / SHORTEST_DATAGRAM) * RECORD_HEAD + SMALL_RING,
    channelReceiveBytes: SMALL_RING,
    maxMessageBytes: LONGEST_MESSAGE,
    protocolId: options.protocolId,
  }
  connectionSettings(connection, { isSealed: secure !== false, isBare: false })
  return {
    memoryBytes,
    packetBytes,
    timeoutMs,
    giveUpMs: integer(options, 'giveUpMs', 30_000, 0, 0x7fffffff),
    secure,
    connection,
  }
}

export function checkCollectorGudp(
  given: CollectorGudpOptions | undefined,
  security: SecurityPort,
): CollectorGudpSettings {
  const options = object(given)
  const secure = options.secure ?? false
  serverSecurity(secure, security)
  const connection: ConnectionOptions = {
    channels: ['reliable'],
    congestion: 'none', // it sends acknowledgements, which wait for nobody
    timeoutMs: integer(options, 'timeoutMs', 10_000, 100, 0x7fffffff),
    packetBufferBytes: NO_PACKETS,
    channelSendBytes: SMALL_RING,
    channelReceiveBytes: integer(options, 'windowBytes', 4 << 20, 1 << 17, 1 << 26),
    maxMessageBytes: LONGEST_MESSAGE,
    protocolId: options.protocolId,
  }
  connectionSettings(connection, { isSealed: secure !== false, isBare: false })
  return { secure, maxConnections: integer(options, 'maxConnections', 128, 1, 32_768), connection }
}

function object<T extends object>(given: T | undefined): T {
  if (given === undefined) return {} as T
  if (typeof given === 'object' && given !== null) return given
  throw invalid(`gudp must be an object with options, not ${String(given)}`)
}

function integer<T extends object>(
  options: T,
  name: keyof T & string,
  standard: number,
  least: number,
  most: number,
): number {
  return checkInteger(`gudp.${name}`, options[name] ?? standard, least, most)
}

function powerOfTwo(least: number): number {
  let packets = FEWEST_PACKETS
  while (packets < least && packets < MOST_PACKETS) packets *= 2
  return packets
}
