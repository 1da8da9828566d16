// Many writers: lanes that come into being while others write, and the reader that goes round them.

import type { Op, Program, Range, Scenario, StateView, Workbench } from '../program.ts'
import { constantRange, program, sharedRange } from '../program.ts'
import {
  dataRange,
  type RingBench,
  recordOf,
  scratchRanges,
  stagingOf,
  startRing,
  tablesAreConstant,
} from './bench.ts'
import { tableRange } from './region.ts'

const READER = 0
const LENGTH = 16

export interface Lane {
  at: number
  generation: number
}

/** Record `value` of writer `thread`: its bytes tell both. */
const marked = (thread: number, value: number) => recordOf(thread * 4 + value, LENGTH)

function laneWriter(bench: RingBench, thread: number, lane: Lane, records: number): Program {
  const token = bench.tokens[thread]!
  return program<number>({
    name: `writer ${thread}`,
    init: 0,
    next: (done) => {
      const value = 1 + (done >> 1)
      if (value > records) return undefined
      if ((done & 1) === 0) return { write: stagingOf(bench, token), data: marked(thread, value) }
      return { call: 'laneSet', args: [lane.at, lane.generation, token, LENGTH] }
    },
    done: (done) => done + 1,
  })
}

/** What came, as writer * 4 + value; 0 for what is no record. */
function mergingReader(bench: RingBench, calls: number, writers: number): Program {
  const { ring, generation, layout } = bench
  const token = bench.tokens[READER]!
  type State = readonly [calls: number, seen: readonly number[], missed: number]
  return program<State>({
    name: 'reader',
    init: [0, [], 0],
    next: ([done]) => (done < calls ? { call: 'manyToOneNext', args: [ring, generation, token] } : undefined),
    done: ([done, seen, missed], length, memory): State => {
      if (length < 0) return [done + 1, seen, missed]
      const at = stagingOf(bench, token)
      const gap = memory.f64(at - layout.SCRATCH_DATA_OFFSET! + layout.MAILBOX_MISSED_OFFSET!)
      return [done + 1, [...seen, markOf(memory.bytes(at, length), writers)], missed + gap]
    },
  })
}

function markOf(bytes: readonly number[], writers: number): number {
  for (let mark = 4; mark < (writers + 1) * 4; mark++) {
    if (recordOf(mark, LENGTH).every((byte, i) => byte === bytes[i])) return mark
  }
  return 0
}

function manyScenario(name: string, records: readonly number[], calls: number): Scenario {
  let bench: RingBench
  let lanes: Lane[]
  return {
    name,
    setup: (workbench: Workbench) => {
      bench = startRing(workbench, {
        kind: 'KIND_MANY_TO_ONE',
        capacity: 1,
        recordBytes: LENGTH,
        policy: 'drop-oldest',
        threads: 1 + records.length,
        maxWriters: records.length,
      })
      bench.call('readerTake', bench.ring, bench.generation, bench.tokens[READER]!, 1)
      lanes = records.map((_, i) => joinLane(bench, 1 + i))
    },
    threads: () => [
      mergingReader(bench, calls, records.length),
      ...records.map((count, i) => laneWriter(bench, 1 + i, lanes[i]!, count)),
    ],
    ranges: () => manyRanges(bench, lanes),
    terminal: (view) => manyFault(view, { ...bench, ...view }, records),
  }
}

/** A lane for a thread to write to. */
export function joinLane(
  { ring, generation, tokens, call, memory, layout }: RingBench,
  thread: number,
): Lane {
  const at = call('manyToOneJoin', ring, generation, tokens[thread]!, 1)
  if (at <= 0) throw new Error(`manyToOneJoin: ${at}`)
  return { at, generation: memory.u32(at + layout.OBJECT_GENERATION_OFFSET!) }
}

export function manyRanges(bench: RingBench, lanes: readonly Lane[]): Range[] {
  const { ring, layout } = bench
  const [tail, members, end] = [
    layout.TAIL_OFFSET!,
    layout.MEMBERS_OFFSET!,
    layout.LANES_OFFSET! + lanes.length * 8,
  ]
  return [
    tablesAreConstant(bench),
    constantRange(ring, tail),
    sharedRange(ring + tail, members - tail),
    constantRange(ring + members, end - members),
    ...lanes.flatMap(({ at }) => [
      constantRange(at, tail),
      sharedRange(at + tail, members - tail),
      dataRange(bench, at),
    ]),
    ...scratchRanges(bench),
  ]
}

/** Each writer's records upwards and whole; over all of them, what did not come was alerted. */
function manyFault(view: StateView, bench: RingBench, records: readonly number[]): string | undefined {
  const { layout, memory, call, ring, generation, tokens } = bench
  const [reader, ...writers] = view.threads
  const [, before, told] = reader!.state as unknown as readonly [number, readonly number[], number]
  if (before.includes(0)) return `a torn record: ${JSON.stringify(before)}`
  if (reader!.status === 'killed') return undefined
  const seen = [...before]
  let missed = told
  const at = stagingOf(bench, tokens[READER]!)
  while (seen.length <= 4 * records.length) {
    const length = call('manyToOneNext', ring, generation, tokens[READER]!)
    if (length < 0) break
    missed += memory.f64(at - layout.SCRATCH_DATA_OFFSET! + layout.MAILBOX_MISSED_OFFSET!)
    seen.push(markOf(memory.bytes(at, length), records.length))
  }
  if (seen.includes(0)) return `a torn record: ${JSON.stringify(seen)}`
  let lost = 0
  for (const [i, count] of records.entries()) {
    const values = seen.filter((mark) => mark >> 2 === i + 1).map((mark) => mark & 3)
    if (values.some((value, k) => k > 0 && value <= values[k - 1]!))
      return `writer ${i + 1} came as ${values}`
    const last = writers[i]!.status === 'killed' ? (values.at(-1) ?? 0) : count
    if (last > 0 && values.at(-1) !== last) return `writer ${i + 1}: its last record, ${last}, was lost`
    lost += last - values.length
  }
  return lost === missed ? undefined : `${lost} did not come, ${missed} were alerted`
}

/** Two threads take the last places at once, and a third asks for one too many. */
function joinScenario(name: string, joiners: number, maxWriters: number): Scenario {
  let bench: RingBench
  return {
    name,
    setup: (workbench: Workbench) => {
      bench = startRing(workbench, {
        kind: 'KIND_MANY_TO_ONE',
        capacity: 1,
        recordBytes: 8,
        policy: 'drop-oldest',
        threads: joiners,
        maxWriters,
      })
    },
    threads: () =>
      bench.tokens.map((token, thread) =>
        program<number>({
          name: `joiner ${thread}`,
          init: 0,
          next: (got): Op | undefined =>
            got === 0 ? { call: 'manyToOneJoin', args: [bench.ring, bench.generation, token, 1] } : undefined,
          done: (_, lane) => lane,
        }),
      ),
    ranges: () => {
      const { ring, layout } = bench
      const [members, lanes] = [layout.MEMBERS_OFFSET!, layout.LANES_OFFSET!]
      return [
        ...tableRange(bench),
        constantRange(ring, members),
        constantRange(ring + members, lanes - members),
        sharedRange(ring + lanes, maxWriters * 8),
        sharedRange(ring + 4096, 4096 * (joiners + 1)),
        ...scratchRanges(bench),
      ]
    },
    terminal: (view) => joinFault(view, { ...bench, ...view }, maxWriters),
  }
}

function joinFault(view: StateView, bench: RingBench, maxWriters: number): string | undefined {
  const { call, tokens, layout, ring, generation } = bench
  const got = view.threads.filter(({ status }) => status === 'finished').map(({ state }) => state as number)
  const lanes = got.filter((lane) => lane > 0)
  if (new Set(lanes).size !== lanes.length) return `two writers have one lane: ${got}`
  const killed = view.threads.some(({ status }) => status === 'killed')
  const refused = got.filter((lane) => lane === layout.TOO_MANY_WRITERS).length
  if (lanes.length + refused !== got.length) return `joins answered ${got}`
  if (!killed && lanes.length !== Math.min(maxWriters, tokens.length))
    return `${lanes.length} writers found a lane: ${got}`
  // The dead are buried by a survivor, then all leave: nothing may be left.
  const alive = view.threads.map(({ status }) => status !== 'killed')
  const survivor = tokens[alive.indexOf(true)]!
  alive.forEach((lives, i) => {
    if (!lives) call('threadEnd', i + 1, survivor)
  })
  tokens.forEach((token, i) => {
    if (alive[i]) call('threadLeave', token)
  })
  if (call('isLive', ring, generation) !== 0) return 'the ring is still there'
  const used = call('usedGranules')
  return used === 0 ? undefined : `${used} granules are left`
}

export const manyScenarios: readonly Scenario[] = [
  manyScenario('many', [2, 1], 3),
  joinScenario('many-join', 2, 2),
  joinScenario('many-join-last', 2, 1),
]
