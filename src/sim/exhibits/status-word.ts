import type { Op, Program, StateView } from '../program.ts'
import { constantRange, program, sharedRange } from '../program.ts'
import { type RingBench, scratchRanges, startRegion, tablesAreConstant } from '../scenarios/bench.ts'
import type { Exhibit, ExhibitScenario, Figure } from './exhibit.ts'

type Teller = { readonly at: 'working' | 'final' | 'over'; readonly done: number; readonly refused: number }

const REASONS = ['closed', 'reset', 'timed out']

/** Each says a few times how it goes, and then why it is over: what is final stays, and so does the first reason. */
function statusOf(tellers: number, times: number): Omit<ExhibitScenario, 'name'> {
  let bench: RingBench
  let status = 0
  let generation = 0
  const teller = (thread: number): Program =>
    program<Teller>({
      name: `says “${REASONS[thread]}”`,
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
      const first = (bench.call('statusLoad', status, generation) >>> bench.layout.FIRST_SHIFT!) - 1
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

export const statusExhibit: Exhibit = {
  id: 'status-word',
  title: 'Status word',
  about: 'Working or final, and never back, in one word: the reason that was first stays the first.',
  settings: [
    { name: 'threads', label: 'threads', default: 3, least: 2, most: 3 },
    { name: 'times', label: 'working states that each says', default: 2, least: 1, most: 9999 },
  ],
  build: ({ threads, times }) => statusOf(threads as number, times as number),
}
