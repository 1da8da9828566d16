// A lane with its writer and its reader: the scenarios behind OneToOne, and behind each writer of a ManyToOne.

import type { Json, Op, Program, Scenario, StateView, Workbench } from '../program.ts'
import { program } from '../program.ts'
import {
  laneRanges,
  ledgerFault,
  ledgerOf,
  type RingBench,
  type RingShape,
  recordOf,
  setNow,
  stagingOf,
  startRing,
  whichRecord,
} from './bench.ts'
import { laneRaces } from './meant-races.ts'

const WRITER = 0
const READER = 1

/** Stages and sets records `from` to `to`, of these lengths. State: how many half-steps are done, and which were refused. */
export function setter(bench: RingBench, thread: number, lengths: readonly number[], from = 1): Program {
  const token = bench.tokens[thread]!
  const lane = bench.ring
  return program<readonly [number, readonly number[]]>({
    name: 'writer',
    init: [0, []],
    next: ([done]) => {
      const value = from + (done >> 1)
      if (value > lengths.length) return undefined
      const bytes = lengths[value - 1]!
      if ((done & 1) === 0) return { write: stagingOf(bench, token), data: recordOf(value, bytes) }
      return { call: 'laneSet', args: [lane, bench.generation, token, bytes] }
    },
    done: ([done, refused], result) => [
      done + 1,
      (done & 1) === 1 && result < 0 ? [...refused, from + (done >> 1)] : refused,
    ],
  })
}

/** Claims, writes in place, and commits, or gives up every `abortEvery`-th. */
function claimer(bench: RingBench, lengths: readonly number[], abortEvery: number): Program {
  const { ring, generation } = bench
  return program<readonly [number, number, number]>({
    name: 'writer',
    init: [1, 0, 0],
    next: ([value, phase, at]) => {
      if (value > lengths.length) return undefined
      const bytes = lengths[value - 1]!
      if (phase === 0) return { call: 'laneClaim', args: [ring, generation, bytes] }
      if (phase === 1) return { write: at, data: recordOf(value, bytes) }
      return value % abortEvery === 0
        ? { call: 'laneAbort', args: [ring, generation] }
        : { call: 'laneCommit', args: [ring, generation, bytes] }
    },
    done: ([value, phase, at], result) => {
      if (phase === 0) return result < 0 ? [value + 1, 0, 0] : [value, 1, result]
      return phase === 1 ? [value, 2, at] : [value + 1, 0, 0]
    },
  })
}

/** What a reader has found: values in order, 0 where the bytes were not a record, and how many it was told it missed. */
type Found = readonly [calls: number, seen: readonly number[], missed: number]

/** Calls `tryNext` so many times. */
export function nexter(
  bench: RingBench,
  thread: number,
  calls: number,
  lengths: readonly number[],
  entry = 'oneToOneNext',
): Program {
  const token = bench.tokens[thread]!
  const { layout, ring, generation } = bench
  return program<Found>({
    name: 'reader',
    init: [0, [], 0],
    next: ([done]) => (done < calls ? { call: entry, args: [ring, generation, token] } : undefined),
    done: ([done, seen, missed], length, memory) => {
      if (length < 0) return [done + 1, seen, missed]
      const at = stagingOf(bench, token)
      const gap = memory.f64(at - layout.SCRATCH_DATA_OFFSET! + layout.MAILBOX_MISSED_OFFSET!)
      return [done + 1, [...seen, whichRecord(memory.bytes(at, length), lengths)], missed + gap]
    },
  })
}

/** Drains as JavaScript does: a batch in hand, each record read where it lies, then released. */
type Draining = readonly [
  rounds: number,
  phase: number,
  at: number,
  left: number,
  held: number,
  seen: readonly number[],
  missed: number,
]

function drainer(bench: RingBench, rounds: number, limit: number, lengths: readonly number[]): Program {
  const token = bench.tokens[READER]!
  const { layout, ring, generation } = bench
  const mailbox = stagingOf(bench, token) - layout.SCRATCH_DATA_OFFSET!
  const { HEADER_BYTES, LENGTH_OFFSET } = layout as Record<string, number>
  const longest = Math.max(...lengths)
  const next = ([done, phase, at, , held]: Draining): Op | undefined => {
    if (done === rounds) return undefined
    if (phase === 0) return { call: 'oneToOneBatch', args: [ring, generation, token, limit] }
    if (phase === 1) return { read: at, bytes: HEADER_BYTES! + longest }
    return { call: 'laneRelease', args: [ring, generation, held] }
  }
  return program<Draining>({
    name: 'reader',
    init: [0, 0, 0, 0, 0, [], 0],
    next,
    done: ([done, phase, at, left, held, seen, missed], result, memory) => {
      if (phase === 0) {
        if (result < 0) return [done + 1, 0, 0, 0, 0, seen, missed]
        const gap = memory.f64(mailbox + layout.MAILBOX_MISSED_OFFSET!)
        return [
          done,
          1,
          memory.u32(mailbox + layout.MAILBOX_ADDRESS_OFFSET!),
          result,
          result,
          seen,
          missed + gap,
        ]
      }
      if (phase === 2) return [done + 1, 0, 0, 0, 0, seen, missed]
      const length = memory.u32(at + LENGTH_OFFSET!)
      const bytes = length <= longest ? memory.bytes(at + HEADER_BYTES!, length) : []
      const after = at + ((HEADER_BYTES! + length + 7) & ~7)
      return [done, left > 1 ? 1 : 2, after, left - 1, held, [...seen, whichRecord(bytes, lengths)], missed]
    },
  })
}

/** Values strictly upwards, whole, none twice; and what the reader was told it missed lies in the gaps. */
export function readingFault(
  seen: readonly number[],
  missed: number,
  first: number,
  refused: readonly number[] = [],
): string | undefined {
  if (seen.includes(0)) return `a torn record: ${JSON.stringify(seen)}`
  let expected = first
  let gaps = 0
  for (const value of seen) {
    if (value < expected) return `record ${value} came twice or out of order: ${JSON.stringify(seen)}`
    for (; expected < value; expected++) if (!refused.includes(expected)) gaps++
    expected++
  }
  return gaps === missed
    ? undefined
    : `${gaps} records lie in the gaps of ${JSON.stringify(seen)}, ${missed} were alerted`
}

interface LaneScenario extends Omit<RingShape, 'kind' | 'threads'> {
  name: string
  lengths: readonly number[]
  /** Records that are there when it begins. */
  before?: number
  /** Of those, records that the reader has in hand already. */
  inHand?: number
  writer?: 'set' | 'claim'
  reader: { calls: number } | { rounds: number; limit: number }
}

/** Records `1..before` are set, the first of them perhaps taken in hand, and then the threads start. */
function laneScenario(definition: LaneScenario): Scenario {
  const { name, lengths, capacity, before = 0, inHand = 0, reader } = definition
  let bench: RingBench
  const setup = (workbench: Workbench) => {
    bench = startRing(workbench, { ...definition, kind: 'KIND_ONE_TO_ONE', threads: 2 })
    const { ring, generation, tokens, call } = bench
    call('writerTake', ring, generation, tokens[WRITER]!, 1)
    call('readerTake', ring, generation, tokens[READER]!, 1)
    for (let value = 1; value <= before; value++) {
      setNow(bench, ring, generation, tokens[WRITER]!, recordOf(value, lengths[value - 1]!))
      if (value === inHand) call('oneToOneBatch', ring, generation, tokens[READER]!, inHand)
    }
  }
  return {
    name,
    races: { allow: laneRaces },
    setup,
    threads: () => [
      definition.writer === 'claim' ? claimer(bench, lengths, 3) : setter(bench, WRITER, lengths, before + 1),
      'calls' in reader
        ? nexter(bench, READER, reader.calls, lengths)
        : drainer(bench, reader.rounds, reader.limit, lengths),
    ],
    ranges: () => laneRanges(bench),
    terminal: (view) => laneFault(view, { ...bench, ...view }, capacity, definition),
  }
}

/** What the reader has, what is left, and the ledger must agree. */
function laneFault(
  view: StateView,
  bench: RingBench,
  capacity: number,
  definition: LaneScenario,
): string | undefined {
  const [writer, reader] = view.threads
  if (writer?.status === 'blocked' || reader?.status === 'blocked') return 'a thread is blocked'
  const state = reader!.state as readonly Json[]
  const seen = [...(state.at(-2) as readonly number[])]
  let missed = state.at(-1) as number
  const ledger = ledgerOf(bench)
  const inHand = bench.memory.u32(bench.ring + bench.layout.IN_HAND_OFFSET!)
  const fault = ledgerFault(ledger, capacity, inHand)
  if (fault !== undefined) return fault
  if (reader!.status === 'killed') return seen.includes(0) ? 'a torn record' : undefined
  if (ledger.read !== seen.length) return `${seen.length} records came, ${ledger.read} were counted as read`
  missed += drainRest(bench, definition.lengths, seen)
  const refused = definition.writer === 'claim' ? abortedBy(definition.lengths) : refusedBy(writer!.state)
  return readingFault(seen, missed, 1, refused)
}

function refusedBy(state: Json): readonly number[] {
  return (state as readonly Json[])[1] as readonly number[]
}

function abortedBy(lengths: readonly number[]): number[] {
  return lengths.map((_, i) => i + 1).filter((value) => value % 3 === 0)
}

/** Reads what is left, at the end. Answers how many were missed on the way. */
function drainRest(bench: RingBench, lengths: readonly number[], seen: number[]): number {
  const { layout, memory, call, ring, generation } = bench
  const token = bench.tokens[READER]!
  const at = stagingOf(bench, token)
  let missed = 0
  while (seen.length <= lengths.length) {
    const length = call('oneToOneNext', ring, generation, token)
    if (length < 0) break
    missed += memory.f64(at - layout.SCRATCH_DATA_OFFSET! + layout.MAILBOX_MISSED_OFFSET!)
    seen.push(whichRecord(memory.bytes(at, length), lengths))
  }
  return missed
}

/** Sixteen bytes are two granules of a copy: a record that can be torn. */
const SMALL = { capacity: 2, recordBytes: 16 } as const
const records = (count: number, bytes = 16) => Array.from({ length: count }, () => bytes)

/**
 * Enough records, of 32 bytes each with their headers, to bring the tail right round the 256 bytes of data of a ring of this shape: the next
 * one would lie where the first is.
 */
const LAP = 8
const NEAR_2_TO_32 = 2n ** 32n - 64n

export const laneScenarios: readonly Scenario[] = [
  laneScenario({
    name: 'lane-oldest',
    ...SMALL,
    policy: 'drop-oldest',
    lengths: records(4),
    reader: { calls: 3 },
  }),
  laneScenario({
    name: 'lane-of-one',
    capacity: 1,
    recordBytes: 16,
    policy: 'drop-oldest',
    lengths: records(4),
    reader: { calls: 3 },
  }),
  // The reader drains while the writer, whose ring is full from the start, moves the head at every record.
  laneScenario({
    name: 'lane-full',
    capacity: 3,
    recordBytes: 16,
    policy: 'drop-oldest',
    before: 3,
    lengths: records(7),
    reader: { rounds: 2, limit: 3 },
  }),
  laneScenario({
    name: 'lane-newest',
    ...SMALL,
    policy: 'drop-newest',
    lengths: records(4),
    reader: { calls: 3 },
  }),
  laneScenario({
    name: 'lane-sizes',
    ...SMALL,
    policy: 'drop-oldest',
    lengths: [0, 12, 32, 5],
    reader: { calls: 3 },
  }),
  laneScenario({
    name: 'lane-near-2-to-32',
    ...SMALL,
    policy: 'drop-oldest',
    startAt: NEAR_2_TO_32,
    lengths: records(4),
    reader: { calls: 3 },
  }),
  laneScenario({
    name: 'lane-overhang',
    ...SMALL,
    policy: 'drop-oldest',
    startAt: 240n,
    lengths: records(4, 15),
    reader: { calls: 3 },
  }),
  laneScenario({
    name: 'lane-batch',
    ...SMALL,
    policy: 'drop-oldest',
    lengths: records(4),
    reader: { rounds: 2, limit: 2 },
  }),
  // The tail has come round to what the reader has in hand: it must go behind it.
  laneScenario({
    name: 'lane-hole',
    ...SMALL,
    policy: 'drop-oldest',
    before: LAP - 2,
    inHand: 1,
    lengths: records(LAP + 1),
    reader: { rounds: 2, limit: 1 },
  }),
  // It takes one while the tail is coming round, and has it in hand when the tail is there.
  laneScenario({
    name: 'lane-hole-taken',
    ...SMALL,
    policy: 'drop-oldest',
    before: 2,
    lengths: records(LAP + 2),
    reader: { rounds: 1, limit: 1 },
  }),
  // The same with `tryNext`, which copies.
  laneScenario({
    name: 'lane-next-lapped',
    ...SMALL,
    policy: 'drop-oldest',
    before: 2,
    lengths: records(LAP + 2),
    reader: { calls: 1 },
  }),
  laneScenario({
    name: 'lane-newest-short',
    capacity: 2,
    recordBytes: 16,
    policy: 'drop-newest',
    lengths: records(4, 4),
    reader: { calls: 2 },
  }),
  laneScenario({
    name: 'lane-hole-newest',
    ...SMALL,
    policy: 'drop-newest',
    before: 2,
    inHand: 2,
    lengths: records(5),
    reader: { rounds: 3, limit: 2 },
  }),
  // The reader takes one just as the tail comes round.
  laneScenario({
    name: 'lane-lapped',
    ...SMALL,
    policy: 'drop-oldest',
    before: LAP - 1,
    lengths: records(LAP + 2),
    reader: { calls: 3 },
  }),
  laneScenario({
    name: 'lane-claim',
    ...SMALL,
    policy: 'drop-oldest',
    writer: 'claim',
    lengths: records(4),
    reader: { calls: 3 },
  }),
]
