// Sleeping at the bell: no wake-up may be lost, whoever comes, leaves, or is killed.

import type { Op, Program, Scenario, StateView, Workbench } from '../program.ts'
import { program } from '../program.ts'
import { laneRanges, type RingBench, recordOf, stagingOf, startRing, whichRecord } from './bench.ts'
import { laneRaces } from './meant-races.ts'

const WRITER = 0
const READER = 1

const LENGTH = 8

/** Sets so many records, and leaves or just stops. */
function leaver(bench: RingBench, records: number, leaves: boolean): Program {
  const { ring, generation, tokens } = bench
  const token = tokens[WRITER]!
  return program<number>({
    name: 'writer',
    init: 0,
    next: (done) => {
      const value = 1 + (done >> 1)
      if (value > records) {
        return leaves && done === records * 2
          ? { call: 'writerLeave', args: [ring, generation, token, 1] }
          : undefined
      }
      if ((done & 1) === 0) return { write: stagingOf(bench, token), data: recordOf(value, LENGTH) }
      return { call: 'laneSet', args: [ring, generation, token, LENGTH] }
    },
    done: (done) => done + 1,
  })
}

/** The loop of `Waiter`: look, arm and look again, wait. It ends at ENDED. */
function waiter(bench: RingBench, records: number): Program {
  const { ring, generation, tokens, layout } = bench
  const token = tokens[READER]!
  const bell = ring + layout.BELL_OFFSET!
  const lengths = Array.from({ length: records }, () => LENGTH)
  type State = readonly [phase: 'look' | 'arm' | 'wait' | 'over', word: number, seen: readonly number[]]
  return program<State>({
    name: 'reader',
    init: ['look', 0, []],
    next: ([phase, word]): Op | undefined => {
      if (phase === 'look') return { call: 'oneToOneNext', args: [ring, generation, token] }
      if (phase === 'arm') return { call: 'ringArm', args: [ring, generation] }
      return phase === 'wait' ? { wait: bell, value: word } : undefined
    },
    done: ([phase, , seen], result, memory): State => {
      if (phase === 'arm') return [result === 0 ? 'look' : 'wait', result, seen]
      if (phase === 'wait') return ['look', 0, seen]
      if (result === layout.ENDED) return ['over', 0, seen]
      if (result < 0) return ['arm', 0, seen]
      return ['look', 0, [...seen, whichRecord(memory.bytes(stagingOf(bench, token), result), lengths)]]
    },
  })
}

function bellScenario(name: string, records: number, leaves: boolean): Scenario {
  let bench: RingBench
  return {
    name,
    races: { allow: laneRaces },
    setup: (workbench: Workbench) => {
      bench = startRing(workbench, {
        kind: 'KIND_ONE_TO_ONE',
        capacity: 2,
        recordBytes: LENGTH,
        policy: 'drop-newest',
        threads: 2,
      })
      bench.call('writerTake', bench.ring, bench.generation, bench.tokens[WRITER]!, 1)
      bench.call('readerTake', bench.ring, bench.generation, bench.tokens[READER]!, 1)
    },
    threads: () => [leaver(bench, records, leaves), waiter(bench, records)],
    ranges: () => laneRanges(bench),
    terminal: (view) => sleepFault(view, { ...bench, ...view }, leaves),
  }
}

function sleepFault(view: StateView, bench: RingBench, leaves: boolean): string | undefined {
  const [writer, reader] = view.threads
  if (reader!.status === 'killed') return undefined
  const seen = (reader!.state as readonly [string, number, readonly number[]])[2]
  if (seen.some((value, i) => value !== i + 1)) return `read ${JSON.stringify(seen)}`
  if (reader!.status !== 'blocked') return undefined
  if (writer!.status !== 'killed' && leaves) return 'lost wake-up: the reader sleeps, and the writer has left'
  const left = bench.call('oneToOneNext', bench.ring, bench.generation, bench.tokens[READER]!)
  // A writer that dies between publishing and ringing cannot ring: what a runtime tells of its death does.
  const rung = bench.call('ringArm', bench.ring, bench.generation)
  return left >= 0 && rung !== 0 && !diedBeforeRinging(writer!.op)
    ? 'lost wake-up: a record is there'
    : undefined
}

/** Killed within `laneSet`: it may have been between the tail and the bell. */
function diedBeforeRinging(op: Op | undefined): boolean {
  return op !== undefined && 'call' in op && (op.call === 'laneSet' || op.call === 'writerLeave')
}

export const waitingScenarios: readonly Scenario[] = [
  bellScenario('bell', 2, true),
  bellScenario('bell-three', 3, true),
  bellScenario('bell-stay', 2, false),
]
