import type { LineRing } from '../core/line-ring.ts'
import { counter } from './counters.ts'
import { type Ledger, readErrors, readLedger } from './exporter-ledger.ts'

/** The ledger (`offered = sent + inRing + inFlight + dropped`) and all that was counted on the way. Over all threads. */
export interface ExporterStats extends Ledger {
  source: string
  /** Sent: payload bytes of events with their newlines, and datagrams of every kind. */
  bytes: number
  datagrams: number
  queue: { depth: number; capacity: number; highWater: number; bytes: number; capacityBytes: number }
  pool: {
    size: number
    max: number
    hits: number
    misses: number
    hitRate: number
    opened: number
    replaced: number
  }
  /** By the code of the kernel or the resolver: how often. */
  errors: Record<string, number>
  /** Datagrams that were sent a second time because the kernel had refused the first. */
  retries: number
  /**
   * `transport: 'gudp'`: connections that were lost and resumed, and events that went again to a collector that did not know whether it had them
   * (it was started anew): at most so many are there twice.
   */
  gudp: { resumed: number; resentEvents: number }
  metadata: { sent: number; hits: number; misses: number; ms: number }
  heartbeats: number
  resolver: { lookups: number; failures: number; changes: number }
  alerts: number
  ioRestarts: number
}

export function readExporterStats(ring: LineRing, source: string, poolSize: number): ExporterStats {
  const { outlet } = ring
  const get = (name: keyof typeof counter) => outlet.get(counter[name])
  const queue = ring.stats()
  const [hits, misses, opened] = [get('poolHits'), get('poolMisses'), get('poolOpened')]
  const errors = Object.entries(readErrors(outlet)).map(([code, { times }]) => [code, times] as const)
  return {
    source,
    ...readLedger(ring),
    bytes: get('sentBytes'),
    datagrams: get('sentDatagrams'),
    queue: {
      depth: queue.depth,
      capacity: queue.capacity,
      highWater: get('highWater'),
      bytes: queue.depthBytes,
      capacityBytes: queue.capacityBytes,
    },
    pool: {
      size: opened - get('poolClosed'),
      max: poolSize,
      hits,
      misses,
      hitRate: hits + misses === 0 ? 0 : hits / (hits + misses),
      opened,
      replaced: get('poolReplaced'),
    },
    errors: Object.fromEntries(errors),
    retries: get('retries'),
    gudp: { resumed: get('resumed'), resentEvents: get('resentEvents') },
    metadata: {
      sent: get('sentMetadata'),
      hits: get('metadataHits'),
      misses: get('metadataMisses'),
      ms: get('metadataMicros') / 1000,
    },
    heartbeats: get('sentHeartbeats'),
    resolver: {
      lookups: get('resolves'),
      failures: get('resolveFailures'),
      changes: get('addressChanges'),
    },
    alerts: get('alerts'),
    ioRestarts: get('ioRestarts'),
  }
}
