// Packing: from lanes that are written to all the while into a buffer that has not room for everything.

import type { Program, Scenario, StateView, Workbench } from '../program.ts'
import { program } from '../program.ts'
import { ledgerOf, recordOf, setNow } from './bench.ts'
import {
  LINE,
  type LineBench,
  lineRanges,
  markOf,
  orderFault,
  PACKER,
  packedBy,
  packLines,
  packRest,
  ROOM,
  setLine,
  stageLine,
  startLines,
} from './line-bench.ts'

/** Offers lines of these lengths, from `from` on. */
function lineWriter(bench: LineBench, thread: number, lengths: readonly number[], from = 1): Program {
  return program<number>({
    name: `writer ${thread}`,
    init: 0,
    next: (done) => {
      const bytes = lengths[done >> 1]
      if (bytes === undefined) return undefined
      if ((done & 1) === 0) return stageLine(bench, thread, from + (done >> 1), bytes)
      return setLine(bench, thread, bytes)
    },
    done: (done) => done + 1,
  })
}

type Packing = readonly [calls: number, seen: readonly number[], missed: number, unfit: number]

function packer(bench: LineBench, calls: number, to: number): Program {
  return program<Packing>({
    name: 'packer',
    init: [0, [], 0, 0],
    next: ([done]) => (done < calls ? packLines(bench, to) : undefined),
    done: ([done, seen, missed, unfit], end, memory): Packing => {
      const packed = packedBy(bench, memory, end)
      return [done + 1, [...seen, ...packed.lines], missed + packed.missed, unfit + packed.unfit]
    },
  })
}

const packedSoFar = (view: StateView) => view.threads[PACKER]!.state as unknown as Packing

/** What was written was packed, missed, or let go as unfit: once, whole, and each writer's in order. */
function packingFault(view: StateView, bench: LineBench): string | undefined {
  const [, before, told, unfit] = packedSoFar(view)
  if (view.threads[PACKER]!.status === 'killed') return orderFault(before)
  const rest = packRest(bench)
  const seen = [...before, ...rest.lines]
  const fault = orderFault(seen)
  if (fault !== undefined) return fault
  const ledger = ledgerOf(bench)
  const taken = seen.length + unfit + rest.unfit
  const missed = told + rest.missed
  if (ledger.depth !== 0) return `${ledger.depth} lines cannot be packed`
  if (taken !== ledger.read || ledger.written !== ledger.read + ledger.missed)
    return `${taken} were packed or unfit, the ledger says ${JSON.stringify(ledger)}`
  // A writer that dies having dropped a line for one that it did not write: the next line would tell of it.
  const killed = view.threads.some(({ status }) => status === 'killed')
  return missed === ledger.missed || (killed && missed < ledger.missed)
    ? undefined
    : `${ledger.missed} were missed, ${missed} told`
}

interface Packs {
  name: string
  capacity: number
  /** Lengths of the lines of each writer. */
  writers: readonly (readonly number[])[]
  calls: number
  /** Length of the stretch. */
  to: number
}

function packScenario({ name, capacity, writers, calls, to }: Packs): Scenario {
  let bench: LineBench
  return {
    name,
    setup: (workbench: Workbench) => {
      bench = startLines(workbench, {
        capacity,
        policy: 'drop-oldest',
        threads: 1 + writers.length,
        writers: writers.map((_, i) => 1 + i),
      })
    },
    threads: () => [
      packer(bench, calls, to),
      ...writers.map((lengths, i) => lineWriter(bench, 1 + i, lengths)),
    ],
    ranges: () => lineRanges(bench),
    terminal: (view) => packingFault(view, { ...bench, ...view }),
  }
}

/** Writes a line at once, in `setup`. */
function lineNow(bench: LineBench, thread: number, value: number): void {
  const { at, generation } = bench.lanes.get(thread)!
  setNow(bench, at, generation, bench.tokens[thread]!, recordOf(markOf(thread, value), LINE))
}

/**
 * The writer of the first lane drops its only line under the packer's eyes, again and again; in the second lies one that was
 * there before the call. It must be packed: a flush relies on it.
 */
const bareLane: Scenario = (() => {
  const [HASTY, QUIET] = [1, 2]
  let bench: LineBench
  return {
    name: 'pack-bare',
    setup: (workbench: Workbench) => {
      bench = startLines(workbench, {
        capacity: 1,
        policy: 'drop-oldest',
        threads: 3,
        writers: [HASTY, QUIET],
      })
      lineNow(bench, HASTY, 1)
      lineNow(bench, QUIET, 1)
    },
    threads: () => [packer(bench, 1, ROOM), lineWriter(bench, HASTY, [LINE, LINE], 2)],
    ranges: () => lineRanges(bench),
    terminal: (view) => {
      const [calls, seen] = packedSoFar(view)
      if (calls === 1 && !seen.includes(markOf(QUIET, 1))) return `packed ${JSON.stringify(seen)} and stopped`
      return packingFault(view, { ...bench, ...view })
    },
  }
})()

/** The tail is about to come round to the line that the packer has in hand. */
const lapped: Scenario = (() => {
  const WRITER = 1
  const LAP = 10
  let bench: LineBench
  return {
    name: 'pack-lapped',
    setup: (workbench: Workbench) => {
      bench = startLines(workbench, { capacity: 1, policy: 'drop-oldest', threads: 2, writers: [WRITER] })
      const { ring, generation, tokens, call } = bench
      lineNow(bench, WRITER, 1)
      call('manyToOneBatch', ring, generation, tokens[PACKER]!, 1)
      for (let line = 1; line < LAP; line++) lineNow(bench, WRITER, 1)
    },
    threads: () => [packer(bench, 1, ROOM), lineWriter(bench, WRITER, [LINE, LINE], 2)],
    ranges: () => lineRanges(bench),
    terminal: (view) => lappedFault(view, { ...bench, ...view }),
  }
})()

/** The first line is in hand and must come whole, whatever is written meanwhile; the others have its mark or later ones. */
function lappedFault(view: StateView, bench: LineBench): string | undefined {
  const [calls, before] = packedSoFar(view)
  if (view.threads[PACKER]!.status === 'killed') return before.includes(0) ? 'a torn line' : undefined
  const seen = [...before, ...packRest(bench).lines]
  const first = markOf(1, 1)
  if (calls === 1 && before[0] !== first) return `the line in hand came as ${JSON.stringify(before)}`
  return seen.some((mark, i) => mark === 0 || (i > 0 && mark < seen[i - 1]!))
    ? `packed ${JSON.stringify(seen)}`
    : undefined
}

export const packingScenarios: readonly Scenario[] = [
  // One line fits a stretch, so that there is always a rest in hand.
  packScenario({
    name: 'pack',
    capacity: 2,
    writers: [
      [LINE, LINE],
      [LINE, LINE],
    ],
    calls: 2,
    to: LINE + 4,
  }),
  packScenario({ name: 'pack-one', capacity: 2, writers: [[LINE, LINE, LINE]], calls: 3, to: LINE + 4 }),
  packScenario({
    name: 'pack-unfit',
    capacity: 2,
    writers: [[LINE, 2 * LINE, LINE]],
    calls: 2,
    to: LINE + 4,
  }),
  bareLane,
  lapped,
]
