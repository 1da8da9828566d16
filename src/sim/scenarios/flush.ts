// Flushing: no wake-up is lost on either side, and what is served has been packed.

import type { Op, Program, Scenario, StateView, Workbench } from '../program.ts'
import { program } from '../program.ts'
import {
  type LineBench,
  lineRanges,
  markOf,
  orderFault,
  PACKER,
  packedBy,
  packLines,
  packRest,
  setLine,
  stageLine,
  startLines,
} from './line-bench.ts'

/** The loop of the I/O thread. It never ends: in the end it sleeps. */
type Serving = readonly [
  phase: 'look' | 'pack' | 'serve' | 'arm' | 'wait',
  asked: number,
  served: number,
  word: number,
  seen: readonly number[],
]

function server(bench: LineBench): Program {
  const { ring, generation, outlet, layout } = bench
  return program<Serving>({
    name: 'packer',
    init: ['look', 0, 0, 0, []],
    next: ([phase, asked, , word]): Op => {
      if (phase === 'look') return { call: 'outletAsked', args: outlet }
      if (phase === 'pack') return packLines(bench)
      if (phase === 'serve') return { call: 'outletServe', args: [...outlet, asked] }
      if (phase === 'arm') return { call: 'outletArm', args: [...outlet, ring, generation, asked] }
      return { wait: ring + layout.BELL_OFFSET!, value: word }
    },
    done: ([phase, asked, served, , seen], result, memory): Serving => {
      if (phase === 'look') return ['pack', result, served, 0, seen]
      if (phase === 'pack') {
        const { lines } = packedBy(bench, memory, result)
        if (lines.length > 0) return ['pack', asked, served, 0, [...seen, ...lines]]
        return [asked === served ? 'arm' : 'serve', asked, served, 0, seen]
      }
      if (phase === 'serve') return ['arm', asked, asked, 0, seen]
      return phase === 'arm' && result !== 0
        ? ['wait', asked, served, result, seen]
        : ['look', asked, served, 0, seen]
    },
  })
}

const packedSoFar = (view: StateView) => (view.threads[PACKER]!.state as unknown as Serving)[4]

/** Writes so many lines, one flush after each. */
type Flushing = readonly [
  phase: 'stage' | 'set' | 'ask' | 'wake' | 'look' | 'wait',
  flushed: number,
  ticket: number,
  served: number,
]

function flusher(bench: LineBench, thread: number, flushes: number, writes: boolean): Program {
  const { outlet, ring, generation, layout } = bench
  const first = writes ? 'stage' : 'ask'
  const after = { stage: 'set', set: 'ask', ask: 'wake', wake: 'look', wait: 'look' } as const
  return program<Flushing>({
    name: `asker ${thread}`,
    init: [first, 0, 0, 0],
    next: ([phase, flushed, , served]): Op | undefined => {
      if (flushed === flushes) return undefined
      if (phase === 'stage') return stageLine(bench, thread, flushed + 1)
      if (phase === 'set') return setLine(bench, thread)
      if (phase === 'ask') return { call: 'outletAsk', args: outlet }
      if (phase === 'wake') return { call: 'ringWake', args: [ring, generation] }
      if (phase === 'look') return { call: 'outletServed', args: outlet }
      return { wait: outlet[0] + layout.SERVED_OFFSET!, value: served }
    },
    done: ([phase, flushed, ticket], result): Flushing => {
      if (phase === 'look') {
        if (((result - ticket) | 0) >= 0) return [first, flushed + 1, 0, 0]
        return ['wait', flushed, ticket, result]
      }
      return [after[phase], flushed, phase === 'ask' ? result : ticket, 0]
    },
  })
}

/** `lines[i]`: how many lines thread `i + 1` writes and flushes; 0 for one that only asks. */
function flushScenario(name: string, lines: readonly number[]): Scenario {
  let bench: LineBench
  return {
    name,
    setup: (workbench: Workbench) => {
      bench = startLines(workbench, {
        capacity: 2,
        policy: 'drop-newest',
        threads: 1 + lines.length,
        writers: lines.flatMap((count, i) => (count > 0 ? [1 + i] : [])),
      })
    },
    threads: () => [
      server(bench),
      ...lines.map((count, i) => flusher(bench, 1 + i, Math.max(count, 1), count > 0)),
    ],
    ranges: () => lineRanges(bench),
    invariant: (view) => servedTooEarly(view, lines),
    terminal: (view) => sleepFault(view, { ...bench, ...view }, lines),
  }
}

/** A thread whose flush is over finds its lines packed. */
function servedTooEarly(view: StateView, lines: readonly number[]): string | undefined {
  const seen = packedSoFar(view)
  for (const [i, count] of lines.entries()) {
    if (count === 0) continue
    const [, flushed] = view.threads[1 + i]!.state as unknown as Flushing
    for (let value = 1; value <= flushed; value++)
      if (!seen.includes(markOf(1 + i, value)))
        return `line ${value} of asker ${1 + i} is flushed and not packed`
  }
  return undefined
}

function sleepFault(view: StateView, bench: LineBench, lines: readonly number[]): string | undefined {
  const [packer, ...askers] = view.threads
  if (packer!.status === 'killed') return orderFault(packedSoFar(view))
  const asleep = askers.find(({ status }) => status === 'blocked')
  if (asleep !== undefined) return `lost wake-up: ${asleep.name} waits, and the packer sleeps`
  const rest = packRest(bench).lines
  const seen = [...packedSoFar(view), ...rest]
  const killed = askers.some(({ status }) => status === 'killed')
  if (rest.length > 0 && !killed) return 'lost wake-up: lines are there, and the packer sleeps'
  const wanted = lines.reduce((sum, count) => sum + count, 0)
  if (!killed && seen.length !== wanted) return `packed ${JSON.stringify(seen)} of ${wanted}`
  return orderFault(seen)
}

export const flushScenarios: readonly Scenario[] = [
  flushScenario('flush', [3]),
  flushScenario('flush-two', [1, 0]),
  flushScenario('flush-writers', [1, 1]),
]
