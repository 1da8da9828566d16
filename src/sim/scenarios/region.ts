// The allocator, membership, and what the dead leave.

import type { Op, Program, Range, Scenario, StateView, Workbench } from '../program.ts'
import { program, sharedRange } from '../program.ts'
import { type RingBench, scratchOf, scratchRanges, startRegion, startRing } from './bench.ts'
import { memberRaces } from './meant-races.ts'

const ONE_TO_ONE = 1
const GRANULE = 4096

/** Header, thread slots, and the table as far as a scenario can need it. */
export function tableRange(bench: RingBench): Range[] {
  const { layout, tokens } = bench
  const threads = layout.THREADS_OFFSET! + tokens.length * layout.THREAD_BYTES!
  const top = scratchOf(bench, tokens.at(-1)!) / GRANULE + 17 + 12
  const table = layout.TABLE_OFFSET!
  return [sharedRange(0, threads), sharedRange(table, top * 8)]
}

const STOLEN = 'another thread has made something of this ring'

/** Makes a ring of a capacity of its own, looks whether it is still so, and leaves it. */
function maker(bench: RingBench, thread: number): Program {
  const token = bench.tokens[thread]!
  const capacity = thread + 1
  const { CAPACITY_OFFSET, OBJECT_GENERATION_OFFSET } = bench.layout as Record<string, number>
  type State = readonly [phase: number | typeof STOLEN, ring: number, generation: number]
  return program<State>({
    name: `maker ${thread}`,
    init: [0, 0, 0],
    next: ([phase, ring, generation]): Op | undefined => {
      if (phase === 0) return { call: 'ringCreate', args: [ONE_TO_ONE, capacity, 8, 0, 1, token] }
      if (phase === 1) return { read: ring, bytes: CAPACITY_OFFSET! + 4 }
      return phase === 2 ? { call: 'objectLeave', args: [ring, generation, token] } : undefined
    },
    done: ([phase, ring, generation], result, memory): State => {
      if (phase === 0) return [1, result, 0]
      if (phase === 2) return [3, ring, generation]
      if (memory.u32(ring + CAPACITY_OFFSET!) !== capacity) return [STOLEN, ring, 0]
      return [2, ring, memory.u32(ring + OBJECT_GENERATION_OFFSET!)]
    },
  })
}

/** The dead are buried by the first survivor, all leave, and nothing may be left. */
function leftoverFault(view: StateView, bench: RingBench): string | undefined {
  const { call, tokens } = bench
  const alive = tokens.map((_, i) => view.threads[i]?.status !== 'killed')
  const survivor = alive.indexOf(true)
  for (const { name, status, state } of view.threads) {
    const said = (state as readonly unknown[])[0]
    if (status === 'blocked') return `${name} is blocked`
    if (typeof said === 'string') return `${name}: ${said}`
  }
  alive.forEach((lives, i) => {
    if (!lives) call('threadEnd', i + 1, tokens[survivor]!)
  })
  alive.forEach((lives, i) => {
    if (lives) call('threadLeave', tokens[i]!)
  })
  const used = call('usedGranules')
  return used === 0 ? undefined : `${used} granules are left when all have gone`
}

const makers: Scenario = (() => {
  let bench: RingBench
  return {
    name: 'region-makers',
    setup: (workbench: Workbench) => {
      bench = startRegion(workbench, 2)
    },
    threads: () => [maker(bench, 0), maker(bench, 1)],
    ranges: () => [...tableRange(bench), ...objectRange(bench, 4), ...scratchRanges(bench)],
    terminal: (view: StateView) => leftoverFault(view, { ...bench, ...view }),
  }
})()

/** Where new objects go: behind the last thread's scratch. */
function objectRange(bench: RingBench, granules: number): Range[] {
  return [sharedRange(scratchOf(bench, bench.tokens.at(-1)!) + 17 * GRANULE, granules * GRANULE)]
}

/**
 * A ring whose only member leaves while another thread joins by handle; the first then makes a new ring, in the same place.
 * A member word that was written too late would keep that one alive for ever.
 */
const joinWhileLeaving: Scenario = (() => {
  let bench: RingBench
  return {
    name: 'region-join-while-leaving',
    races: { allow: memberRaces },
    setup: (workbench: Workbench) => {
      const alone = startRing(workbench, {
        kind: 'KIND_ONE_TO_ONE',
        capacity: 1,
        recordBytes: 8,
        policy: 'drop-oldest',
        threads: 1,
      })
      bench = { ...alone, tokens: [...alone.tokens, alone.call('threadJoin', 2)] }
    },
    threads: () => [leaverThenMaker(bench), joiner(bench)],
    ranges: () => [
      ...tableRange(bench),
      sharedRange(bench.ring, GRANULE),
      ...objectRange(bench, 2),
      ...scratchRanges(bench),
    ],
    terminal: (view: StateView) => leftoverFault(view, { ...bench, ...view }),
  }
})()

function leaverThenMaker(bench: RingBench): Program {
  const token = bench.tokens[0]!
  return program<readonly [number]>({
    name: 'leaver',
    init: [0],
    next: ([phase]): Op | undefined => {
      if (phase === 0) return { call: 'objectLeave', args: [bench.ring, bench.generation, token] }
      return phase === 1 ? { call: 'statusCreate', args: [token] } : undefined
    },
    done: ([phase]) => [phase + 1],
  })
}

/** Joins by handle: either it is refused, or the ring is there until it leaves. */
function joiner(bench: RingBench): Program {
  const token = bench.tokens[1]!
  return program<readonly [number | string]>({
    name: 'joiner',
    init: [0],
    next: ([phase]): Op | undefined => {
      if (phase === 0) return { call: 'objectJoin', args: [bench.ring, bench.generation, ONE_TO_ONE, token] }
      return phase === 1 ? { call: 'objectLeave', args: [bench.ring, bench.generation, token] } : undefined
    },
    done: ([phase], result) => {
      if (phase === 0) return [result < 0 ? 9 : 1]
      return [result < 0 ? 'joined a ring that was gone' : 2]
    },
  })
}

/** A thread that buries another is killed in the middle; a third buries both. */
const buriedTwice: Scenario = (() => {
  let bench: RingBench
  return {
    name: 'region-burial',
    killable: [0],
    setup: (workbench: Workbench) => {
      bench = startRegion(workbench, 3)
      bench.call('ringCreate', ONE_TO_ONE, 1, 8, 0, 1, bench.tokens[2]!)
      const many = bench.call('ringCreate', 3, 1, 8, 0, 2, bench.tokens[2]!)
      const generation = bench.memory.u32(many + bench.layout.OBJECT_GENERATION_OFFSET!)
      bench.call('manyToOneJoin', many, generation, bench.tokens[2]!, 1)
    },
    threads: () => [
      program<number>({
        name: 'undertaker',
        init: 0,
        next: (done) => (done === 0 ? { call: 'threadEnd', args: [3, bench.tokens[0]!] } : undefined),
        done: () => 1,
      }),
      program<number>({
        name: 'second undertaker',
        init: 0,
        next: (phase): Op | undefined => {
          if (phase === 0) return { join: 0 }
          // It may have died before it so much as noticed the first one's death.
          if (phase <= 2) return { call: 'threadEnd', args: [phase === 1 ? 1 : 3, bench.tokens[1]!] }
          return undefined
        },
        done: (phase, result) => (phase === 0 && result === 0 ? 9 : phase + 1),
      }),
    ],
    ranges: () => [
      ...tableRange(bench),
      ...objectRange(bench, 4),
      sharedRange(scratchOf(bench, bench.tokens[0]!), 64),
      sharedRange(scratchOf(bench, bench.tokens[1]!), 64),
      sharedRange(scratchOf(bench, bench.tokens[2]!), 64),
    ],
    terminal: (view: StateView) => burialFault(view, { ...bench, ...view }),
  }
})()

function burialFault(view: StateView, bench: RingBench): string | undefined {
  const { call, tokens } = bench
  for (const [i, { status }] of view.threads.entries())
    if (status !== 'killed') call('threadLeave', tokens[i]!)
  const used = call('usedGranules')
  return used === 0 ? undefined : `${used} granules are left when all have gone`
}

export const regionScenarios: readonly Scenario[] = [makers, joinWhileLeaving, buriedTwice]
