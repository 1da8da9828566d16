import type { FlowCounts, SourceStats } from '../../src/net/source-stats.ts'
import type { CollectorStats } from '../../src/node/collector.ts'
import type { ExporterStats } from '../../src/node/udp.ts'

/** Figures of an exporter, each another number. */
export const exporterFigures: ExporterStats = {
  source: '0123456789abcdef',
  offered: 1000,
  sent: 900,
  inRing: 12,
  inFlight: 8,
  dropped: 80,
  droppedBy: { overwritten: 50, full: 10, oversize: 7, rawNewline: 3, ioThread: 0, EMSGSIZE: 10 },
  bytes: 250_000,
  datagrams: 180,
  queue: { depth: 12, capacity: 8192, highWater: 700, bytes: 3000, capacityBytes: 2_097_152 },
  pool: { size: 2, max: 10, hits: 170, misses: 11, hitRate: 170 / 181, opened: 3, replaced: 1 },
  errors: { EMSGSIZE: 4 },
  retries: 5,
  gudp: { resumed: 0, resentEvents: 0 },
  metadata: { sent: 2, hits: 1, misses: 1, ms: 0.5 },
  heartbeats: 6,
  resolver: { lookups: 9, failures: 1, changes: 0 },
  alerts: 3,
  ioRestarts: 0,
}

const noCounts: FlowCounts = {
  datagrams: 0,
  bytes: 0,
  received: 0,
  heartbeats: 0,
  lost: 0,
  lostDatagrams: 0,
  surplus: 0,
  gaps: 0,
  duplicates: 0,
  reordered: 0,
  late: 0,
  invalidUtf8: 0,
  truncated: 0,
  blank: 0,
  empty: 0,
  badHeartbeats: 0,
  badMetadata: 0,
  sent: 0,
}

const noSource = { ...noCounts, droppedAtSource: 0, droppedBy: {} }

export interface FlowFigures extends Partial<FlowCounts> {
  readonly port: number
}

/** A source of some flows; its counts are theirs. */
export function sourceFigures(
  id: string | undefined,
  flows: readonly FlowFigures[],
  droppedAtSource = 0,
): SourceStats {
  const all = flows.map((flow) => ({ ...noCounts, address: '10.0.0.7', lastSeen: 0, isOver: false, ...flow }))
  const sum = (name: keyof FlowCounts) => all.reduce((total, flow) => total + flow[name], 0)
  const sums = Object.fromEntries(Object.keys(noCounts).map((name) => [name, sum(name as keyof FlowCounts)]))
  return { ...noSource, ...sums, id, lastSeen: 0, flows: all, told: undefined, droppedAtSource }
}

/** Figures of a collector with these sources. */
export function collectorFigures(
  sources: readonly SourceStats[] = [],
  totals: Partial<CollectorStats['totals']> = {},
): CollectorStats {
  const sum = (name: keyof FlowCounts | 'droppedAtSource') =>
    sources.reduce((total, source) => total + source[name], 0)
  const sums = Object.fromEntries(
    [...Object.keys(noCounts), 'droppedAtSource'].map((name) => [name, sum(name as keyof FlowCounts)]),
  )
  return {
    totals: { ...noSource, ...sums, ...totals },
    sources,
    others: noSource,
    offered: 0,
    sinks: [],
    flows: sources.flatMap(({ flows }) => flows).length,
    flowsForgotten: 0,
    refused: 0,
    madeToLose: 0,
    receiveErrors: 0,
    kernelDrops: undefined,
    recvBufferBytes: 212_992,
    transport: 'udp',
    gudp: undefined,
  }
}
