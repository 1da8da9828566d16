import type { MemoryView } from '../memory-view.ts'
import { constantRange, type Op, privateRange, type Range, sharedRange, type Workbench } from '../program.ts'
import { type RingBench, recordOf, scratchOf, stagingOf, startRing } from './bench.ts'
import { joinLane, type Lane, manyRanges } from './many.ts'

/** An exporter's shared memory: a many-to-one ring of lines, its outlet, and a buffer to pack into. Thread 0 packs. */
export interface LineBench extends RingBench {
  outlet: readonly [address: number, generation: number]
  buffer: readonly [address: number, generation: number]
  /** One for each thread that writes, by its number. */
  lanes: Map<number, Lane>
}

export interface LineShape {
  capacity: number
  policy: 'drop-oldest' | 'drop-newest'
  threads: number
  /** Numbers of the threads that write. */
  writers: readonly number[]
}

export const PACKER = 0
/** Bytes of a line, its newline not counted. */
export const LINE = 8
/** The whole buffer: room for all lines that a scenario can have waiting. */
export const ROOM = 96

export function startLines(workbench: Workbench, shape: LineShape): LineBench {
  const ring = startRing(workbench, {
    kind: 'KIND_MANY_TO_ONE',
    capacity: shape.capacity,
    recordBytes: LINE,
    policy: shape.policy,
    threads: shape.threads,
    maxWriters: shape.writers.length,
  })
  const { call, tokens, layout, memory } = ring
  call('readerTake', ring.ring, ring.generation, tokens[PACKER]!, 1)
  const lanes = new Map(shape.writers.map((thread) => [thread, joinLane(ring, thread)]))
  const named = (address: number) =>
    [address, memory.u32(address + layout.OBJECT_GENERATION_OFFSET!)] as const
  const outlet = named(call('outletCreate', tokens[PACKER]!, 2 * LINE, layout.REFUSE_NEWLINES!))
  const buffer = named(call('bufferCreate', tokens[PACKER]!, ROOM))
  for (const token of tokens.slice(1)) call('objectJoin', ...outlet, layout.KIND_OUTLET!, token)
  return { ...ring, outlet, buffer, lanes }
}

/** Threads that use it and do not come or go. */
export function lineRanges(bench: LineBench): Range[] {
  const { layout, outlet, buffer } = bench
  const { CLOSED_OFFSET, MEMBERS_OFFSET, COUNTERS_OFFSET, BUFFER_DATA_OFFSET } = layout as Record<
    string,
    number
  >
  return [
    ...manyRanges(bench, [...bench.lanes.values()]),
    constantRange(outlet[0], COUNTERS_OFFSET!),
    sharedRange(outlet[0] + CLOSED_OFFSET!, MEMBERS_OFFSET! - CLOSED_OFFSET!),
    sharedRange(outlet[0] + COUNTERS_OFFSET!, 4 * 8),
    constantRange(buffer[0], BUFFER_DATA_OFFSET!),
    privateRange(PACKER, buffer[0] + BUFFER_DATA_OFFSET!, ROOM),
  ]
}

/** Names line `value` of a thread; its bytes tell both, and none of them is a newline. */
export const markOf = (thread: number, value: number): number => thread * 4 + value

export function stageLine(bench: LineBench, thread: number, value: number, bytes = LINE): Op {
  return { write: stagingOf(bench, bench.tokens[thread]!), data: recordOf(markOf(thread, value), bytes) }
}

export function setLine(bench: LineBench, thread: number, bytes = LINE): Op {
  const { at, generation } = bench.lanes.get(thread)!
  return { call: 'outletSet', args: [...bench.outlet, at, generation, bench.tokens[thread]!, bytes, 0] }
}

/** Packs into the first `to` bytes of the buffer. */
export function packLines(bench: LineBench, to = ROOM): Extract<Op, { call: string }> {
  const { ring, generation, tokens, buffer } = bench
  const limit = 100
  return { call: 'linePack', args: [ring, generation, tokens[PACKER]!, ...buffer, 0, 0, to, limit] }
}

export interface Packed {
  /** Marks of the lines, 0 for what is no line. */
  lines: readonly number[]
  missed: number
  unfit: number
  isFull: boolean
}

/** What a call of `linePack` that answered `end` has left in the buffer and in the mailbox. */
export function packedBy(bench: LineBench, memory: MemoryView, end: number): Packed {
  const { layout, buffer, tokens } = bench
  const scratch = scratchOf(bench, tokens[PACKER]!)
  const count = memory.u32(scratch + layout.PACK_LINES_OFFSET!)
  const lines = linesIn(memory.bytes(buffer[0] + layout.BUFFER_DATA_OFFSET!, Math.max(end, 0)))
  return {
    lines: lines.length === count ? lines : [0],
    missed: memory.f64(scratch + layout.MAILBOX_MISSED_OFFSET!),
    unfit: memory.u32(scratch + layout.PACK_UNFIT_OFFSET!),
    isFull: memory.u32(scratch + layout.PACK_FULL_OFFSET!) !== 0,
  }
}

function linesIn(bytes: readonly number[]): number[] {
  const marks: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at)
    marks.push(end < 0 ? 0 : markIn(bytes.slice(at, end)))
    at = end < 0 ? bytes.length : end + 1
  }
  return marks
}

function markIn(line: readonly number[]): number {
  const mark = line[0]! >> 4
  return recordOf(mark, line.length).every((byte, i) => byte === line[i]) ? mark : 0
}

/** Packs what is left when nothing runs any more. */
export function packRest(bench: LineBench): Packed {
  const { call, args } = packLines(bench)
  const all = { lines: [] as number[], missed: 0, unfit: 0, isFull: false }
  for (;;) {
    const packed = packedBy(bench, bench.memory, bench.call(call, ...(args as number[])))
    all.lines.push(...packed.lines)
    all.missed += packed.missed
    all.unfit += packed.unfit
    if (packed.lines.length === 0) return all
  }
}

/** What is wrong with these lines, in the order in which they were packed. */
export function orderFault(marks: readonly number[]): string | undefined {
  const last = new Map<number, number>()
  for (const mark of marks) {
    const [writer, value] = [mark >> 2, mark & 3]
    if (mark === 0 || value <= (last.get(writer) ?? 0)) return `packed ${JSON.stringify(marks)}`
    last.set(writer, value)
  }
  return undefined
}
