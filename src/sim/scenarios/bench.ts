import { type Layout, layoutOf } from '../layout.ts'
import { constantRange, privateRange, type Range, sharedRange, type Workbench } from '../program.ts'

/** A small region with threads and one ring in it, laid out before the exploration begins. */
export interface RingBench extends Workbench {
  ring: number
  generation: number
  tokens: number[]
  layout: Layout
  call(name: string, ...args: number[]): number
}

export interface RingShape {
  kind: 'KIND_ONE_TO_ONE' | 'KIND_ONE_TO_MANY' | 'KIND_MANY_TO_ONE'
  capacity: number
  recordBytes: number
  policy: 'drop-oldest' | 'drop-newest'
  threads: number
  maxWriters?: number
  /** Where its positions begin: near the end of the data, say, or near 2^32. */
  startAt?: bigint
}

const PAGES = 16

export function startRegion(bench: Workbench, threads: number): RingBench {
  const layout = layoutOf(bench)
  const call = (name: string, ...args: number[]) => Number(bench.core[name]!(...args))
  if (call('regionInit', PAGES, 1.5) !== 0) throw new Error('regionInit failed')
  const tokens = Array.from({ length: threads }, (_, i) => call('threadJoin', i + 1))
  return { ...bench, layout, call, tokens, ring: 0, generation: 0 }
}

/** The ring of a scenario; its first thread makes it, the others are members. */
export function startRing(workbench: Workbench, shape: RingShape): RingBench {
  const bench = startRegion(workbench, shape.threads)
  const { layout, call, tokens } = bench
  const policy = shape.policy === 'drop-oldest' ? 0 : 1
  const kind = layout[shape.kind]!
  bench.ring = call(
    'ringCreate',
    kind,
    shape.capacity,
    shape.recordBytes,
    policy,
    shape.maxWriters ?? 1,
    tokens[0]!,
  )
  if (bench.ring <= 0) throw new Error(`ringCreate: ${bench.ring}`)
  bench.generation = bench.memory.u32(bench.ring + layout.OBJECT_GENERATION_OFFSET!)
  for (const token of tokens.slice(1)) call('objectJoin', bench.ring, bench.generation, kind, token)
  if (shape.startAt !== undefined) startAt(bench, shape.startAt)
  return bench
}

/** As if the lane had been in use for long. */
function startAt(bench: RingBench, position: bigint): void {
  const { layout, ring, data, memory } = bench
  for (const cursor of ['TAIL_OFFSET', 'SEEN_HEAD_OFFSET', 'HEAD_OFFSET', 'RELEASED_OFFSET']) {
    data.setBigUint64(ring + layout[cursor]!, position, true)
  }
  const mask = BigInt(memory.u32(ring + layout.MASK_OFFSET!))
  const record = memory.u32(ring + layout.DATA_OFFSET!) + Number(position & mask)
  data.setBigUint64(record + layout.INDEX_OFFSET!, 0n, true)
  data.setUint32(record + layout.SUM_OFFSET!, 0xfffffff8, true)
}

export function scratchOf(bench: RingBench, token: number): number {
  const { layout, memory } = bench
  const slot = layout.THREADS_OFFSET! + (token & (layout.MAX_THREADS! - 1)) * layout.THREAD_BYTES!
  return memory.u32(slot + layout.THREAD_SCRATCH_OFFSET!)
}

/** Where a thread stages what it sets, and finds what it got. */
export function stagingOf(bench: RingBench, token: number): number {
  return scratchOf(bench, token) + bench.layout.SCRATCH_DATA_OFFSET!
}

/** Bytes of a lane's data that records can ever touch. */
export function dataRange(bench: RingBench, lane: number): Range {
  const { layout, memory } = bench
  const longest = memory.u32(lane + layout.CAPACITY_BYTES_OFFSET!)
  const bytes = memory.u32(lane + layout.MASK_OFFSET!) + 1 + longest + 4 * layout.HEADER_BYTES!
  return sharedRange(memory.u32(lane + layout.DATA_OFFSET!), (bytes + 7) & ~7)
}

const STAGED_BYTES = 64

/** Each thread's mailbox and the beginning of its staging. */
export function scratchRanges(bench: RingBench): Range[] {
  return bench.tokens.flatMap((token, thread) => {
    const scratch = scratchOf(bench, token)
    return [
      constantRange(scratch, 64),
      privateRange(thread, scratch + 64, bench.layout.SCRATCH_DATA_OFFSET! - 64 + STAGED_BYTES),
    ]
  })
}

/** The region's tables do not change while rings are only used: no scheduling points there. */
export function tablesAreConstant(bench: RingBench): Range {
  return constantRange(0, Math.min(...bench.tokens.map((token) => scratchOf(bench, token))))
}

/** The ring for threads that use it and do not come or go: the cursors, the bell, the data. */
export function laneRanges(bench: RingBench): Range[] {
  const { ring, layout } = bench
  const [tail, members] = [layout.TAIL_OFFSET!, layout.MEMBERS_OFFSET!]
  return [
    tablesAreConstant(bench),
    constantRange(ring, tail),
    sharedRange(ring + tail, members - tail),
    constantRange(ring + members, bench.memory.u32(ring + layout.DATA_OFFSET!) - ring - members),
    dataRange(bench, ring),
    ...scratchRanges(bench),
  ]
}

/** The bytes of record `value`: what a reader must find, all of it or nothing. */
export function recordOf(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value * 16 + i) & 0xff)
}

/** Which record these bytes are, or 0: torn. */
export function whichRecord(bytes: readonly number[], lengths: readonly number[]): number {
  for (let value = 1; value <= lengths.length; value++) {
    const expected = recordOf(value, lengths[value - 1]!)
    if (expected.length === bytes.length && expected.every((byte, i) => byte === bytes[i])) return value
  }
  return 0
}

/** Stages and sets a record at once, in `setup`. */
export function setNow(
  bench: RingBench,
  lane: number,
  generation: number,
  token: number,
  bytes: number[],
): number {
  const at = stagingOf(bench, token)
  bytes.forEach((byte, i) => {
    bench.data.setUint8(at + i, byte)
  })
  return bench.call('laneSet', lane, generation, token, bytes.length)
}

export interface Ledger {
  written: number
  dropped: number
  oversize: number
  read: number
  missed: number
  depth: number
}

/** The ring's own ledger, asked for when nothing runs. */
export function ledgerOf(bench: RingBench): Ledger {
  const token = bench.tokens[0]!
  bench.call('ringStats', bench.ring, bench.generation, token)
  const at = scratchOf(bench, token) + bench.layout.MAILBOX_STATS_OFFSET!
  const [written, dropped, oversize, read, missed, depth] = Array.from({ length: 6 }, (_, i) =>
    bench.memory.f64(at + i * 8),
  ) as [number, number, number, number, number, number]
  return { written, dropped, oversize, read, missed, depth }
}

/** What is wrong with a ledger, whoever was killed wherever. */
export function ledgerFault(ledger: Ledger, capacity: number, inHand = 0): string | undefined {
  const { written, read, missed, depth } = ledger
  if (Object.values(ledger).some((count) => !Number.isInteger(count) || count < 0)) {
    return `the ledger makes no sense: ${JSON.stringify(ledger)}`
  }
  if (written !== read + missed + depth)
    return `written is not read + missed + depth: ${JSON.stringify(ledger)}`
  return depth > capacity + inHand ? `${depth} records in a ring of ${capacity}` : undefined
}
