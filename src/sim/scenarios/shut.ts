// Shutting the outlet while another thread writes. What holds: a line is stored exactly when `outletSet` said so; after one
// was refused none is stored; one offered after `outletShut` has returned is refused; and what had been stored before that
// is found by whoever drains after it. A call that had found the outlet open may store its line after the drain: that one
// is in the ring at the last look, after `outletEnd`, or its writer is told that it was refused.

import type { Op, Program, Scenario, StateView, Workbench } from '../program.ts'
import { program } from '../program.ts'
import { ledgerOf } from './bench.ts'
import {
  type LineBench,
  lineRanges,
  orderFault,
  PACKER,
  packedBy,
  packLines,
  packRest,
  setLine,
  stageLine,
  startLines,
} from './line-bench.ts'

const WRITER = 1
/** Counts the lines that the writer knows to be stored. */
const STORED = 2

/** Looks whether the other has said that it is shut, offers a line, and counts it if it is stored. */
type Writing = readonly [
  phase: 'look' | 'stage' | 'set' | 'count',
  offered: number,
  wasShut: boolean,
  answers: readonly (readonly [wasShut: boolean, answer: number])[],
]

function writer(bench: LineBench, lines: number): Program {
  const { outlet } = bench
  return program<Writing>({
    name: 'writer',
    init: ['look', 0, false, []],
    next: ([phase, offered]): Op | undefined => {
      if (offered === lines) return undefined
      if (phase === 'look') return { call: 'outletAsked', args: outlet }
      if (phase === 'stage') return stageLine(bench, WRITER, offered + 1)
      if (phase === 'set') return setLine(bench, WRITER)
      return { call: 'outletAdd', args: [...outlet, STORED, 1] }
    },
    done: ([phase, offered, wasShut, answers], result): Writing => {
      if (phase === 'look') return ['stage', offered, result === 1, answers]
      if (phase === 'stage') return ['set', offered, wasShut, answers]
      if (phase === 'count') return ['look', offered + 1, false, answers]
      const now = [...answers, [wasShut, result] as const]
      return result === 0 ? ['count', offered, wasShut, now] : ['look', offered + 1, false, now]
    },
  })
}

/** Shuts the outlet, says so, notes what it knows to be stored before, and drains; then ends it, and takes a last look. */
type Closing = readonly [
  phase: 'note' | 'shut' | 'say' | 'drain' | 'end' | 'look' | 'over',
  stored: number,
  seen: readonly number[],
]

function closer(bench: LineBench): Program {
  const { outlet } = bench
  return program<Closing>({
    name: 'closer',
    init: ['note', 0, []],
    next: ([phase]): Op | undefined => {
      if (phase === 'note') return { call: 'outletGet', args: [...outlet, STORED] }
      if (phase === 'shut') return { call: 'outletShut', args: outlet }
      if (phase === 'say') return { call: 'outletAsk', args: outlet }
      if (phase === 'end') return { call: 'outletEnd', args: outlet }
      return phase === 'drain' || phase === 'look' ? packLines(bench) : undefined
    },
    done: ([phase, stored, seen], result, memory): Closing => {
      if (phase === 'note') return ['shut', result, seen]
      if (phase === 'shut') return ['say', stored, seen]
      if (phase === 'say') return ['drain', stored, seen]
      if (phase === 'end') return ['look', stored, seen]
      const { lines } = packedBy(bench, memory, result)
      const after = phase === 'drain' ? 'end' : 'over'
      return [lines.length > 0 ? phase : after, stored, [...seen, ...lines]]
    },
  })
}

function shutScenario(name: string, lines: number): Scenario {
  let bench: LineBench
  return {
    name,
    setup: (workbench: Workbench) => {
      bench = startLines(workbench, { capacity: lines, policy: 'drop-newest', threads: 2, writers: [WRITER] })
    },
    threads: () => [closer(bench), writer(bench, lines)],
    ranges: () => lineRanges(bench),
    terminal: (view) => shutFault(view, { ...bench, ...view }),
  }
}

function shutFault(view: StateView, bench: LineBench): string | undefined {
  const { CLOSED } = bench.layout as { CLOSED: number }
  const [phase, stored, drained] = view.threads[PACKER]!.state as unknown as Closing
  const [, , , answers] = view.threads[WRITER]!.state as unknown as Writing
  const shown = JSON.stringify(answers)
  if (answers.some(([wasShut, answer]) => wasShut && answer !== CLOSED))
    return `stored when it was shut: ${shown}`
  const refused = answers.findIndex(([, answer]) => answer === CLOSED)
  if (refused >= 0 && answers.slice(refused).some(([, answer]) => answer !== CLOSED))
    return `stored after one was refused: ${shown}`
  if (phase === 'over' && drained.length < stored)
    return `${stored} were stored, the drain found ${drained.length}`
  const { written } = ledgerOf(bench)
  const said = answers.filter(([, answer]) => answer === 0).length
  const killed = (thread: number) => view.threads[thread]!.status === 'killed'
  if (phase === 'over' && drained.length < said)
    return `${said} were said to be stored, the last look found ${drained.length}`
  // One that is killed in the call may have stored its line and not said so; one that came too late for the last look is refused.
  const unsaid = Number(killed(WRITER) || refused >= 0)
  if (written < said || written > said + unsaid) return `${written} were stored: ${shown}`
  if (killed(PACKER)) return orderFault(drained)
  const all = [...drained, ...packRest(bench).lines]
  return (
    orderFault(all) ?? (all.length === written ? undefined : `${written} were stored, ${all.length} came out`)
  )
}

export const shutScenarios: readonly Scenario[] = [shutScenario('shut', 3)]
