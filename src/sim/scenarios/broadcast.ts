// One writer and pollers, which take nothing out of the ring.

import type { Op, Program, Range, Scenario, StateView, Workbench } from '../program.ts'
import { constantRange, program, sharedRange } from '../program.ts'
import {
  dataRange,
  type RingBench,
  recordOf,
  scratchRanges,
  setNow,
  stagingOf,
  startRing,
  tablesAreConstant,
  whichRecord,
} from './bench.ts'
import { readingFault, setter } from './lane.ts'
import { pollerRaces } from './meant-races.ts'

const WRITER = 0
const LENGTH = 16

function poller(bench: RingBench, thread: number, calls: number, lengths: readonly number[]): Program {
  const token = bench.tokens[thread]!
  const { layout, ring, generation } = bench
  type State = readonly [calls: number, seen: readonly number[], missed: number]
  return program<State>({
    name: `poller ${thread}`,
    init: [0, [], 0],
    next: ([done]) =>
      done < calls ? { call: 'pollerNext', args: [ring, generation, thread - 1, token] } : undefined,
    done: ([done, seen, missed], length, memory): State => {
      if (length < 0) return [done + 1, seen, missed]
      const at = stagingOf(bench, token)
      const gap = memory.f64(at - layout.SCRATCH_DATA_OFFSET! + layout.MAILBOX_MISSED_OFFSET!)
      return [done + 1, [...seen, whichRecord(memory.bytes(at, length), lengths)], missed + gap]
    },
  })
}

/** Sets, and after a refusal looks which pollers have stood still for too long. */
function patientSetter(bench: RingBench, records: number): Program {
  const { ring, generation, tokens } = bench
  const token = tokens[WRITER]!
  type State = readonly [value: number, phase: number, refused: readonly number[]]
  return program<State>({
    name: 'writer',
    init: [1, 0, []],
    next: ([value, phase]): Op | undefined => {
      if (value > records) return undefined
      if (phase === 0) return { write: stagingOf(bench, token), data: recordOf(value, LENGTH) }
      if (phase === 1) return { call: 'laneSet', args: [ring, generation, token, LENGTH] }
      return { call: 'pollersExpire', args: [ring, generation, token, value * 1000, 1000] }
    },
    done: ([value, phase, refused], result): State => {
      if (phase === 0) return [value, 1, refused]
      if (phase === 1 && result < 0) return [value, 2, [...refused, value]]
      return [value + 1, 0, refused]
    },
  })
}

interface BroadcastScenario {
  name: string
  policy: 'drop-oldest' | 'drop-newest'
  /** Records set before the threads start; the pollers have joined before them. */
  before: number
  records: number
  /** Calls of each poller. */
  pollers: readonly number[]
  killable?: readonly number[]
}

function broadcastScenario({
  name,
  policy,
  before,
  records,
  pollers,
  killable,
}: BroadcastScenario): Scenario {
  const lengths = Array.from({ length: before + records }, () => LENGTH)
  let bench: RingBench
  return {
    name,
    races: { allow: pollerRaces },
    ...(killable !== undefined && { killable }),
    setup: (workbench: Workbench) => {
      bench = startRing(workbench, {
        kind: 'KIND_ONE_TO_MANY',
        capacity: 2,
        recordBytes: LENGTH,
        policy,
        threads: 1 + pollers.length,
      })
      const { ring, generation, tokens, call } = bench
      call('writerTake', ring, generation, tokens[WRITER]!, 1)
      pollers.forEach((_, i) => {
        call('pollerJoin', ring, generation, tokens[1 + i]!, 1)
      })
      for (let value = 1; value <= before; value++) {
        setNow(bench, ring, generation, tokens[WRITER]!, recordOf(value, LENGTH))
      }
    },
    threads: () => [
      policy === 'drop-newest' ? patientSetter(bench, records) : setter(bench, WRITER, lengths, before + 1),
      ...pollers.map((calls, i) => poller(bench, 1 + i, calls, lengths)),
    ],
    ranges: () => broadcastRanges(bench, pollers.length),
    terminal: (view) => broadcastFault(view, { ...bench, ...view }, lengths),
  }
}

function broadcastRanges(bench: RingBench, pollers: number): Range[] {
  const { ring, layout, memory } = bench
  const [tail, members] = [layout.TAIL_OFFSET!, layout.MEMBERS_OFFSET!]
  const slots = ring + layout.POLLERS_OFFSET!
  const used = slots + pollers * layout.POLLER_BYTES!
  return [
    tablesAreConstant(bench),
    constantRange(ring, tail),
    sharedRange(ring + tail, members - tail),
    constantRange(ring + members, slots - ring - members),
    sharedRange(slots, used - slots),
    constantRange(used, memory.u32(ring + layout.DATA_OFFSET!) - used),
    dataRange(bench, ring),
    ...scratchRanges(bench),
  ]
}

/** Each poller for itself: what it read and what it still finds, upwards, whole, and the gaps as it was told. */
function broadcastFault(view: StateView, bench: RingBench, lengths: readonly number[]): string | undefined {
  const { layout, memory, call, ring, generation, tokens } = bench
  const [writer, ...pollers] = view.threads
  const refused = (writer!.state as readonly unknown[]).at(-1) as readonly number[]
  for (const [i, { name, status, state }] of pollers.entries()) {
    const [, before, told] = state as unknown as readonly [number, readonly number[], number]
    if (status === 'killed') {
      if (before.includes(0)) return `${name}: a torn record`
      continue
    }
    const seen = [...before]
    let missed = told
    const at = stagingOf(bench, tokens[1 + i]!)
    while (seen.length <= lengths.length) {
      const length = call('pollerNext', ring, generation, i, tokens[1 + i]!)
      if (length < 0) break
      missed += memory.f64(at - layout.SCRATCH_DATA_OFFSET! + layout.MAILBOX_MISSED_OFFSET!)
      seen.push(whichRecord(memory.bytes(at, length), lengths))
    }
    const fault = readingFault(seen, missed, 1, refused)
    if (fault !== undefined) return `${name}: ${fault}`
  }
  return undefined
}

export const broadcastScenarios: readonly Scenario[] = [
  broadcastScenario({ name: 'broadcast-two', policy: 'drop-oldest', before: 0, records: 3, pollers: [2, 2] }),
  // The writer laps the poller while it copies: eight records are a lap of the memory.
  broadcastScenario({ name: 'broadcast-lapped', policy: 'drop-oldest', before: 8, records: 7, pollers: [2] }),
  broadcastScenario({ name: 'broadcast-newest', policy: 'drop-newest', before: 0, records: 4, pollers: [2] }),
  broadcastScenario({
    name: 'broadcast-newest-two',
    policy: 'drop-newest',
    before: 0,
    records: 3,
    pollers: [2, 1],
  }),
]
