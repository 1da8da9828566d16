import { checkHost, integerOption, invalid } from '../core/check.ts'
import type { DropPolicy } from '../core/options.ts'
import type { SecurityPort } from '../ports.ts'
import { AddressRanges } from './address-ranges.ts'
import type { CollectorAlert } from './collector-alerts.ts'
import {
  type CollectorGudpOptions,
  type CollectorGudpSettings,
  checkCollectorGudp,
} from './gudp/transport-options.ts'
import type { Lines } from './lines.ts'
import type { LossOptions } from './made-to-lose.ts'
import type { Sink } from './sink.ts'

/** A sink that is a function. */
export type SinkFunction = (lines: Lines) => void | Promise<void>

export interface CollectorOptions {
  /** Where to listen: an address of this machine, or its name. Default `127.0.0.1`: this machine alone. */
  host?: string
  /** Default 0: the system chooses, and `address()` tells. */
  port?: number
  /** `'gudp'`: from exporters with the same transport, whose lines are acknowledged and arrive each once. Default `'udp'`. */
  transport?: 'udp' | 'gudp'
  gudp?: CollectorGudpOptions
  /** Where the lines go: one sink, */
  sink?: Sink | SinkFunction
  /** or several. Each gets all lines, and none slows another. */
  sinks?: readonly (Sink | SinkFunction)[]
  /** Addresses and CIDR ranges that are listened to; all others are refused and counted. Default: everybody. */
  allow?: readonly string[]
  /** `SO_RCVBUF` of each socket: what the kernel keeps while we are busy. Default 4 MiB, or what the system gives. */
  recvBufferBytes?: number
  /** Sockets that share the port, and with it the kernel's buffers. Needs Node 23 or Bun. Default 1. */
  sockets?: number
  /** Datagrams that may wait for each sink. Default 16384. */
  capacity?: number
  /** And their bytes. Default 8 MiB. */
  queueBytes?: number
  /** What a sink that is too slow loses: the oldest lines (the default), or the newest. */
  policy?: DropPolicy
  /** The most datagrams and bytes in one batch; the last of them may go beyond the bytes. Default 1024 and 256 KiB. */
  batchRecords?: number
  batchBytes?: number
  /** Source addresses and ports that are remembered. Default 1024. */
  maxSources?: number
  /** Heartbeats and sequence lines are for us: `'strip'` (the default). `'keep'`: the sinks get them, too. */
  heartbeats?: 'strip' | 'keep'
  /** Losses, bad lines, sinks in trouble, as they happen. */
  onAlert?: (alert: CollectorAlert) => void
  /** The least time between two alerts of the same kind. Default 1000. */
  alertIntervalMs?: number
  /** How long `close` waits for the sinks. Default 5000. */
  closeTimeoutMs?: number
  /** Throws datagrams away before anything looks at them: a network that loses, for tests and demonstrations. */
  loseForTest?: LossOptions
}

export interface CheckedCollectorOptions {
  readonly host: string
  readonly port: number
  readonly sinks: readonly (Sink & { readonly name: string })[]
  readonly allow: readonly string[] | undefined
  readonly recvBufferBytes: number
  readonly sockets: number
  readonly capacity: number
  readonly queueBytes: number
  readonly policy: DropPolicy
  readonly batchRecords: number
  readonly batchBytes: number
  readonly maxSources: number
  readonly keepsHeartbeats: boolean
  readonly onAlert: ((alert: CollectorAlert) => void) | undefined
  readonly alertIntervalMs: number
  readonly closeTimeoutMs: number
  readonly loseForTest: LossOptions | undefined
  /** `undefined`: over UDP as it is. */
  readonly gudp: CollectorGudpSettings | undefined
}

const LONGEST_MS = 0x7fffffff

/** Every option with its default, or an error that says which is wrong and how. */
export function checkCollectorOptions(
  given: CollectorOptions,
  security: SecurityPort,
): CheckedCollectorOptions {
  if (typeof given !== 'object' || given === null) throw invalid('Collector.open takes an object: { sink }')
  const { host = '127.0.0.1', policy = 'drop-oldest', heartbeats = 'strip', onAlert, loseForTest } = given
  checkHost('host', host)
  if (policy !== 'drop-oldest' && policy !== 'drop-newest')
    throw invalid(`policy must be 'drop-oldest' or 'drop-newest', not ${String(policy)}`)
  if (heartbeats !== 'strip' && heartbeats !== 'keep')
    throw invalid(`heartbeats must be 'strip' or 'keep', not ${String(heartbeats)}`)
  if (onAlert !== undefined && typeof onAlert !== 'function') throw invalid('onAlert must be a function')
  return {
    host,
    policy,
    onAlert,
    sinks: checkSinks(given),
    allow: checkAllow(given.allow),
    keepsHeartbeats: heartbeats === 'keep',
    loseForTest: checkLoss(loseForTest),
    gudp: checkGudp(given, security),
    port: integerOption(given, 'port', 0, 0, 65535),
    recvBufferBytes: integerOption(given, 'recvBufferBytes', 4 * 2 ** 20, 0, 2 ** 30),
    sockets: integerOption(given, 'sockets', 1, 1, 64),
    capacity: integerOption(given, 'capacity', 16384, 1, 2 ** 20),
    queueBytes: integerOption(given, 'queueBytes', 8 * 2 ** 20, 2 ** 17, 2 ** 27),
    batchRecords: integerOption(given, 'batchRecords', 1024, 1, 2 ** 16),
    batchBytes: integerOption(given, 'batchBytes', 2 ** 18, 1, 2 ** 26),
    maxSources: integerOption(given, 'maxSources', 1024, 1, 2 ** 16),
    alertIntervalMs: integerOption(given, 'alertIntervalMs', 1000, 0, LONGEST_MS),
    closeTimeoutMs: integerOption(given, 'closeTimeoutMs', 5000, 0, LONGEST_MS),
  }
}

function checkGudp(
  { transport = 'udp', gudp, sockets = 1 }: CollectorOptions,
  security: SecurityPort,
): CollectorGudpSettings | undefined {
  if (transport !== 'udp' && transport !== 'gudp')
    throw invalid(`transport must be 'udp' or 'gudp', not ${String(transport)}`)
  if (transport === 'udp') {
    if (gudp !== undefined) throw invalid("gudp has options of transport 'gudp': set that, too")
    return undefined
  }
  if (sockets !== 1) throw invalid("transport 'gudp' has one socket: leave out sockets")
  return checkCollectorGudp(gudp, security)
}

function checkSinks({ sink, sinks }: CollectorOptions): (Sink & { readonly name: string })[] {
  if (sinks !== undefined && !Array.isArray(sinks)) throw invalid('sinks must be an array')
  const given = [...(sink === undefined ? [] : [sink]), ...(sinks ?? [])]
  if (given.length === 0)
    throw invalid('a collector needs a sink: a function that takes lines, fileSink(path), or stdoutSink()')
  const names = new Set<string>()
  return given.map((each) => {
    const named = asSink(each)
    const name = freeName(named.name ?? 'sink', names)
    names.add(name)
    return {
      name,
      write: (lines) => named.write(lines),
      ...(named.open && { open: (context) => named.open?.(context) }),
      ...(named.flush && { flush: () => named.flush?.() }),
      ...(named.close && { close: () => named.close?.() }),
      ...(named.stats && { stats: () => named.stats?.() ?? {} }),
    }
  })
}

function asSink(given: Sink | SinkFunction): Sink {
  if (typeof given === 'function') return { write: given, ...(given.name && { name: given.name }) }
  if (typeof given?.write === 'function') return given
  throw invalid(`a sink is a function, or an object with a method write(lines), not ${String(given)}`)
}

/** Two sinks of one name could not be told apart in `stats()`. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name
  for (let n = 2; ; n++) if (!taken.has(`${name} ${n}`)) return `${name} ${n}`
}

function checkAllow(allow: readonly string[] | undefined): readonly string[] | undefined {
  if (allow === undefined) return undefined
  if (!Array.isArray(allow)) throw invalid("allow must be an array, such as ['10.0.0.0/8']")
  new AddressRanges(allow) // throws at what is no range, here rather than on the I/O thread
  return [...allow]
}

function checkLoss(loss: LossOptions | undefined): LossOptions | undefined {
  if (loss === undefined) return undefined
  const { percent, seed = 1 } = loss
  if (!(percent >= 0 && percent <= 100))
    throw invalid(`loseForTest.percent must be from 0 to 100, not ${String(percent)}`)
  if (!Number.isInteger(seed)) throw invalid(`loseForTest.seed must be an integer, not ${String(seed)}`)
  return { percent, seed }
}
