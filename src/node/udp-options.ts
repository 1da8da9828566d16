import { checkHost, integerOption, invalid } from '../core/check.ts'
import type { DropPolicy } from '../core/options.ts'
import type { NewlineRule } from '../core/outlet.ts'
import { type AlertThresholds, checkThresholds } from '../net/alert-levels.ts'
import type { Alert } from '../net/alerts.ts'
import {
  checkExporterGudp,
  type ExporterGudpOptions,
  type ExporterGudpSettings,
} from '../net/gudp/transport-options.ts'
import { applyPreset, type PresetName } from '../net/presets.ts'
import type { PoolFactory } from '../net/socket-pool.ts'
import { sequenceBytes } from '../net/wire-lines.ts'
import type { AddressFamily } from '../ports.ts'
import type { IoThread } from './io-thread.ts'
import type { Logger } from './logging.ts'
import { security } from './security.ts'

/** Where events go, how they are packed, and what may wait. */
export interface UdpExporterOptions {
  /** A name or an IP address. Names are looked up at `open`, and again in the background later. */
  host: string
  port: number
  /** 4 or 6: only such addresses. Default: as the resolver answers. */
  family?: AddressFamily
  /** Settings for a receiver that is known: `'vector'`, `'rsyslog'`, `'seed'`, ... What is given beside it wins. */
  preset?: PresetName
  /** `SO_SNDBUF` of each socket. Default: the system's. */
  sendBufferBytes?: number
  /** The most sockets that may be open. Default 10, with gudp 1. */
  poolSize?: number
  /** Events that one writing thread may have waiting. Default 8192. */
  capacity?: number
  /** When a ring is full: lose the oldest (the default), or refuse the newest. */
  policy?: DropPolicy
  /** Average bytes of an event, for which room is made. Default 256. */
  recordBytes?: number
  /** Threads that may write at the same time. Default 64. */
  maxWriters?: number
  /** The longest datagram; a line that does not fit one is dropped and counted. Default 1400 (65507 with one event a datagram). */
  maxDatagramBytes?: number
  /** How long an event may wait for others to share its datagram. Default 5. */
  maxDelayMs?: number
  /** One event, one datagram, at once. Default false. */
  oneEventPerDatagram?: boolean
  /** A line in front of each datagram that numbers it: the receiver then sees each loss, double and reordering. Default false. */
  sequence?: boolean
  /** Fields beside those of the `agent_init` event that is sent at start; `false`: none is sent. */
  metadata?: Record<string, unknown> | false
  /** Sends it again and again. Default 0: at start and when the address has changed. */
  metadataIntervalMs?: number
  /** Keeps the marshalled metadata over restarts. */
  metadataCacheFile?: string
  /** Only towards our own collector. */
  metadataCompression?: 'deflate' | 'brotli' | false
  /** A line with the ledger, that often while there is traffic; `false`: none. Default 10000. */
  heartbeatMs?: number | false
  /** Lookups of the host's name are not repeated sooner. Default 60000. */
  resolveRefreshMs?: number
  /**
   * `'gudp'`: to a spillway collector with the same transport. What is sent is acknowledged, and sent again where it was lost: `sent` in the ledger then means
   * that the collector has it. Default `'udp'`.
   */
  transport?: 'udp' | 'gudp'
  gudp?: ExporterGudpOptions
  /** Losses, errors, levels, as they happen: see `Alert`. */
  onAlert?: (alert: Alert) => void
  /** The least time between two alerts of the same kind. Default 1000. */
  alertIntervalMs?: number
  /** When an alert of kind `level` is raised, and when it recovers. */
  thresholds?: Partial<AlertThresholds>
  /** Sends what waits when SIGTERM, SIGINT or SIGHUP ends the process. Default false. */
  handleSignals?: boolean
  /** How long `close` waits for what is still to be sent. Default 5000. */
  closeTimeoutMs?: number
  /** Your own pool. It cannot travel to the I/O thread: the sockets are then on the calling thread. */
  pool?: PoolFactory
  /** Instead of the one that all exporters share. */
  ioThread?: IoThread
  /** Instead of `JSON.stringify`. */
  serialize?: (event: unknown) => string | Uint8Array
  /** Instead of the default check (a JSON value): an event it answers `false` to is refused with `ERR_INVALID_EVENT`. */
  validate?: (event: unknown) => boolean
  /** A newline inside what is given to `write`: made a space (the default; in JSON it can only be white space), or refused and counted. */
  newlines?: NewlineRule
  /** Gets what is said for debugging, and the alerts. pino, console, or anything with such methods. */
  logger?: Logger
}

const LARGEST_DATAGRAM = 65535
const LARGEST_UDP4 = 65507

export interface CheckedUdpOptions extends Omit<UdpExporterOptions, 'heartbeatMs' | 'thresholds' | 'gudp'> {
  /** `undefined`: over UDP as it is. */
  gudp: ExporterGudpSettings | undefined
  sendBufferBytes: number
  poolSize: number
  capacity: number
  policy: DropPolicy
  recordBytes: number
  maxWriters: number
  maxDatagramBytes: number
  maxDelayMs: number
  oneEventPerDatagram: boolean
  sequence: boolean
  metadataIntervalMs: number
  heartbeatMs: number
  resolveRefreshMs: number
  alertIntervalMs: number
  closeTimeoutMs: number
  newlines: NewlineRule
  thresholds: AlertThresholds
  /** Bytes of the longest line, its newline not counted. */
  longestLine: number
}

function milliseconds(options: object, name: string, standard: number): number {
  const value = (options as Record<string, unknown>)[name] ?? standard
  if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) return value
  throw invalid(`${name} must be a number of milliseconds from 0, not ${String(value)}`)
}

function optional(options: object, name: string, type: 'function' | 'boolean' | 'string'): void {
  const value = (options as Record<string, unknown>)[name]
  if (value !== undefined && typeof value !== type)
    throw invalid(`${name} must be a ${type}, not ${String(value)}`)
}

function checkTransport({
  transport = 'udp',
  gudp,
  pool,
}: UdpExporterOptions): ExporterGudpSettings | undefined {
  if (transport !== 'udp' && transport !== 'gudp')
    throw invalid(`transport must be 'udp' or 'gudp', not ${String(transport)}`)
  if (transport === 'udp') {
    if (gudp !== undefined) throw invalid("gudp has options of transport 'gudp': set that, too")
    return undefined
  }
  if (pool !== undefined) throw invalid("a pool of your own is for transport 'udp': with 'gudp' leave it out")
  return checkExporterGudp(gudp, security)
}

/** Every option with its default, or an error that says which is wrong and how. */
export function checkUdpOptions(given: UdpExporterOptions): CheckedUdpOptions {
  if (typeof given !== 'object' || given === null)
    throw invalid('UdpExporter.open takes an object: { host, port }')
  const options = applyPreset(given)
  const { host, family, metadata, pool, newlines = 'escape' } = options
  checkHost('host', host)
  if (family !== undefined && family !== 4 && family !== 6)
    throw invalid(`family must be 4 or 6, not ${String(family)}`)
  const gudp = checkTransport(options)
  if (metadata !== undefined && metadata !== false && (typeof metadata !== 'object' || metadata === null)) {
    throw invalid(`metadata must be an object with fields, or false, not ${String(metadata)}`)
  }
  if (newlines !== 'escape' && newlines !== 'refuse')
    throw invalid(`newlines must be 'escape' or 'refuse', not ${newlines}`)
  if (pool !== undefined && typeof pool !== 'function')
    throw invalid('pool must be a function that makes a SocketPool')
  for (const name of ['onAlert', 'serialize', 'validate']) optional(options, name, 'function')
  for (const name of ['oneEventPerDatagram', 'sequence', 'handleSignals']) optional(options, name, 'boolean')
  optional(options, 'metadataCacheFile', 'string')
  const oneEventPerDatagram = options.oneEventPerDatagram ?? false
  const sequence = options.sequence ?? false
  const longestDatagram = integerOption(
    options,
    'maxDatagramBytes',
    oneEventPerDatagram ? LARGEST_UDP4 : 1400,
    sequence ? 128 : 16,
    LARGEST_DATAGRAM,
  )
  const longestLine = longestDatagram - 1 - (sequence ? sequenceBytes : 0)
  const capacity = integerOption(options, 'capacity', 8192, 1, 1 << 20)
  const recordBytes = integerOption(options, 'recordBytes', 256, 1, 1 << 20)
  return {
    ...options,
    port: integerOption(options, 'port', Number.NaN, 1, 65535),
    gudp,
    sendBufferBytes: integerOption(options, 'sendBufferBytes', 0, 0, 0x7fffffff),
    poolSize: integerOption(options, 'poolSize', gudp === undefined ? 10 : 1, 1, 1024),
    capacity,
    policy: options.policy ?? 'drop-oldest',
    recordBytes: Math.max(recordBytes, Math.ceil(longestLine / capacity)),
    maxWriters: integerOption(options, 'maxWriters', 64, 1, 256),
    maxDatagramBytes: longestDatagram,
    maxDelayMs: milliseconds(options, 'maxDelayMs', 5),
    oneEventPerDatagram,
    sequence,
    metadataIntervalMs: milliseconds(options, 'metadataIntervalMs', 0),
    heartbeatMs: options.heartbeatMs === false ? 0 : milliseconds(options, 'heartbeatMs', 10_000),
    resolveRefreshMs: milliseconds(options, 'resolveRefreshMs', 60_000),
    alertIntervalMs: milliseconds(options, 'alertIntervalMs', 1000),
    closeTimeoutMs: milliseconds(options, 'closeTimeoutMs', 5000),
    newlines,
    thresholds: checkThresholds(options.thresholds),
    longestLine,
  }
}
