// A role whose holder is killed anywhere, buried, and succeeded by another thread, while the other side goes on.

import type { Op, Program, Range, Scenario, StateView, Workbench } from '../program.ts'
import { program, sharedRange } from '../program.ts'
import {
  dataRange,
  ledgerFault,
  ledgerOf,
  type RingBench,
  recordOf,
  scratchRanges,
  setNow,
  stagingOf,
  startRing,
  whichRecord,
} from './bench.ts'
import { nexter, setter } from './lane.ts'
import { laneRaces } from './meant-races.ts'
import { tableRange } from './region.ts'

const [WRITER, READER, HEIR] = [0, 1, 2]
const LENGTH = 16

/** Waits for the end of a thread, buries it if it was killed, and does what its heir does. */
function heir(
  bench: RingBench,
  dead: number,
  take: 'writerTake' | 'readerTake',
  then: readonly Op[],
): Program {
  const { ring, generation, tokens } = bench
  const token = tokens[HEIR]!
  const all: readonly Op[] = [
    { call: 'threadEnd', args: [dead + 1, token] },
    { call: take, args: [ring, generation, token, 9] },
    ...then,
  ]
  return program<readonly number[]>({
    name: 'heir',
    init: [],
    next: (results): Op | undefined => {
      if (results.length === 0) return { join: dead }
      return results[0] === 0 ? undefined : all[results.length - 1]
    },
    done: (results, result) => [...results, result],
  })
}

interface Succession {
  name: string
  capacity: number
  dead: number
  before: number
  records: number
  calls: number
  /** The reader has record 1 in hand when it begins. */
  inHand?: boolean
}

function succession({ name, capacity, dead, before, records, calls, inHand }: Succession): Scenario {
  const lengths = Array.from({ length: before + records + 1 }, () => LENGTH)
  const last = lengths.length
  let bench: RingBench
  return {
    name,
    races: { allow: laneRaces },
    killable: [dead],
    setup: (workbench: Workbench) => {
      bench = startRing(workbench, {
        kind: 'KIND_ONE_TO_ONE',
        capacity,
        recordBytes: LENGTH,
        policy: 'drop-oldest',
        threads: 3,
      })
      const { ring, generation, tokens, call } = bench
      call('writerTake', ring, generation, tokens[WRITER]!, 1)
      call('readerTake', ring, generation, tokens[READER]!, 1)
      for (let value = 1; value <= before; value++) {
        setNow(bench, ring, generation, tokens[WRITER]!, recordOf(value, LENGTH))
        if (inHand && value === 1) call('oneToOneBatch', ring, generation, tokens[READER]!, 1)
      }
    },
    threads: () => {
      const { ring, generation, tokens } = bench
      const token = tokens[HEIR]!
      const asWriter: Op[] = [
        { write: stagingOf(bench, token), data: recordOf(last, LENGTH) },
        { call: 'laneSet', args: [ring, generation, token, LENGTH] },
      ]
      const asReader: Op[] = [{ call: 'oneToOneNext', args: [ring, generation, token] }]
      return [
        setter(bench, WRITER, lengths.slice(0, before + records), before + 1),
        nexter(bench, READER, calls, lengths),
        dead === WRITER
          ? heir(bench, dead, 'writerTake', asWriter)
          : heir(bench, dead, 'readerTake', asReader),
      ]
    },
    ranges: () => successionRanges(bench),
    terminal: (view) => successionFault(view, { ...bench, ...view }, lengths, capacity, dead),
  }
}

function successionRanges(bench: RingBench): Range[] {
  const { ring, layout, tokens } = bench
  return [
    ...tableRange(bench),
    sharedRange(ring, layout.MEMBERS_OFFSET! + tokens.length * 4),
    dataRange(bench, ring),
    ...scratchRanges(bench),
  ]
}

function successionFault(
  view: StateView,
  bench: RingBench,
  lengths: readonly number[],
  capacity: number,
  dead: number,
): string | undefined {
  const { call, tokens, ring, generation, memory } = bench
  const [, reader, heirs] = view.threads
  const killed = view.threads[dead]!.status === 'killed'
  if (view.threads.some(({ status }) => status === 'blocked')) return 'a thread is blocked'
  const took = (heirs!.state as readonly number[])[2]
  if (killed && took !== 1) return `the heir could not take over: ${took}`
  const fault = ledgerFault(ledgerOf(bench), capacity, memory.u32(ring + bench.layout.IN_HAND_OFFSET!))
  if (fault !== undefined) return fault
  // Whoever reads now finds the rest, whole and in order.
  const token = tokens[killed && dead === READER ? HEIR : READER]!
  const rest: number[] = []
  while (rest.length <= lengths.length) {
    const length = call('oneToOneNext', ring, generation, token)
    if (length < 0) break
    rest.push(whichRecord(memory.bytes(stagingOf(bench, token), length), lengths))
  }
  const before = (reader!.state as unknown as readonly [number, readonly number[]])[1]
  const seen = [...before, ...rest]
  if (seen.some((value, i) => value === 0 || (i > 0 && value <= seen[i - 1]!)))
    return `read ${JSON.stringify(seen)}`
  if (killed && dead === WRITER && seen.at(-1) !== lengths.length)
    return `the heir's record was lost: ${JSON.stringify(seen)}`
  const ledger = ledgerOf(bench)
  return ledger.depth === 0 ? ledgerFault(ledger, capacity) : `${ledger.depth} records cannot be read`
}

export const successionScenarios: readonly Scenario[] = [
  succession({ name: 'writer-dies', capacity: 2, dead: WRITER, before: 2, records: 2, calls: 2 }),
  succession({ name: 'reader-dies', capacity: 2, dead: READER, before: 2, records: 2, calls: 2 }),
  // The tail is about to come round to what the one who dies may have in hand.
  succession({
    name: 'reader-dies-lapped',
    capacity: 2,
    dead: READER,
    before: 6,
    records: 3,
    calls: 1,
    inHand: true,
  }),
]
