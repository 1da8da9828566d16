import type { Op, Program, StateView } from '../program.ts'
import { constantRange, program, sharedRange } from '../program.ts'
import { type RingBench, scratchRanges, startRegion, tablesAreConstant } from '../scenarios/bench.ts'
import { type Locking, monitorScenario } from '../scenarios/gudp-monitor.ts'
import type { Exhibit, ExhibitScenario, Figure, Setting } from './exhibit.ts'

const turns: Setting = { name: 'turns', label: 'turns of each producer', default: 3, least: 1, most: 2000 }

/** Producers add one to a counter under the lock, and signal; consumers wait until it is more than none, and take one. */
function monitorExhibit(producers: number, consumers: number, each: number): Omit<ExhibitScenario, 'name'> {
  const all = producers * each
  const scenario = monitorScenario({
    turns: [
      ...Array.from({ length: producers }, (_, i) => ({
        name: `producer ${i + 1}`,
        turns: each,
        adds: 1 as const,
        wakes: 'monitorSignal' as const,
      })),
      ...Array.from({ length: consumers }, (_, i) => ({
        name: `consumer ${i + 1}`,
        // What there is, shared out: the first ones take the rest.
        turns: Math.floor(all / consumers) + (i < all % consumers ? 1 : 0),
        adds: -1 as const,
      })),
    ],
  })
  return {
    ...scenario,
    figures: (view) =>
      Array.from(
        { length: producers + consumers },
        (_, thread): Figure => ({
          thread,
          label: thread < producers ? 'added' : 'taken',
          value: (view.threads[thread]!.state as unknown as Locking).done,
        }),
      ),
  }
}

type Teller = { readonly at: 'working' | 'final' | 'over'; readonly done: number; readonly refused: number }

const REASONS = ['closed', 'reset', 'timed out']

/** Each says a few times how it goes, and then why it is over: what is final stays, and so does the first reason. */
function statusExhibit(tellers: number, times: number): Omit<ExhibitScenario, 'name'> {
  let bench: RingBench
  let status = 0
  let generation = 0
  const teller = (thread: number): Program =>
    program<Teller>({
      name: `${REASONS[thread]}`,
      init: { at: 'working', done: 0, refused: 0 },
      next: ({ at, done }): Op | undefined => {
        const args = [status, generation]
        if (at === 'working')
          return { call: 'statusSetWorking', args: [...args, (done & 0xff) * 16 + thread + 1] }
        return at === 'final' ? { call: 'statusSetFinal', args: [...args, thread] } : undefined
      },
      done: ({ at, done, refused }, result): Teller => {
        if (at === 'final') return { at: 'over', done, refused: result }
        const over = result === 0 || done + 1 === times
        return { at: over ? 'final' : 'working', done: done + 1, refused }
      },
    })
  return {
    setup: (workbench) => {
      bench = startRegion(workbench, tellers)
      status = bench.call('statusCreate', bench.tokens[0]!)
      generation = bench.memory.u32(status + bench.layout.OBJECT_GENERATION_OFFSET!)
    },
    threads: () => bench.tokens.map((_, thread) => teller(thread)),
    ranges: () => [
      tablesAreConstant(bench),
      constantRange(status, bench.layout.STATUS_OFFSET!),
      sharedRange(status + bench.layout.STATUS_OFFSET!, 4),
      ...scratchRanges(bench),
    ],
    terminal: (view) => {
      const first = (bench.call('statusLoad', status, generation) >>> 28) - 1
      const told = view.threads.findIndex(({ state }) => (state as unknown as Teller).refused === 1)
      return told >= 0 && told !== first
        ? `${REASONS[told]} was told that it was first; the word says ${first}`
        : undefined
    },
    figures: (view: StateView) =>
      view.threads.map(
        ({ state }, thread): Figure => ({ thread, label: 'said', value: (state as unknown as Teller).done }),
      ),
  }
}

export const syncExhibits: readonly Exhibit[] = [
  {
    id: 'monitor',
    title: 'Mutex and condition',
    about:
      'A mutex that survives the death of its owner, and a condition to sleep for: producers count up and signal, consumers wait and count down.',
    settings: [
      { name: 'producers', label: 'producers', default: 1, least: 1, most: 2 },
      { name: 'consumers', label: 'consumers', default: 2, least: 1, most: 2 },
      turns,
    ],
    build: ({ producers, consumers, turns: each }) =>
      monitorExhibit(producers as number, consumers as number, each as number),
  },
  {
    id: 'status-word',
    title: 'Status word',
    about: 'Working or final, and never back, in one word: the reason that was first stays the first.',
    settings: [
      { name: 'threads', label: 'threads', default: 3, least: 2, most: 3 },
      { name: 'times', label: 'working states that each says', default: 2, least: 1, most: 9999 },
    ],
    build: ({ threads, times }) => statusExhibit(threads as number, times as number),
  },
]
