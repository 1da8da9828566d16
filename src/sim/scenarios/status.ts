// The status word: final is final, and the first reason stays.

import type { Op, Scenario, StateView, Workbench } from '../program.ts'
import { constantRange, program, sharedRange } from '../program.ts'
import { type RingBench, scratchRanges, startRegion, tablesAreConstant } from './bench.ts'

const [CONGESTED, CLOSED, TIMED_OUT] = [1, 0, 3]

export const statusScenarios: readonly Scenario[] = [
  (() => {
    let bench: RingBench
    let status = 0
    let generation = 0
    const calls = (): Op[] => [
      { call: 'statusSetWorking', args: [status, generation, CONGESTED] },
      { call: 'statusSetFinal', args: [status, generation, CLOSED] },
      { call: 'statusSetFinal', args: [status, generation, TIMED_OUT] },
    ]
    return {
      name: 'status',
      setup: (workbench: Workbench) => {
        bench = startRegion(workbench, 3)
        status = bench.call('statusCreate', bench.tokens[0]!)
        generation = bench.memory.u32(status + bench.layout.OBJECT_GENERATION_OFFSET!)
      },
      threads: () =>
        calls().map((op, thread) =>
          program<number>({
            name: ['worker', 'closer', 'timer'][thread]!,
            init: -1,
            next: (result) => (result < 0 ? op : undefined),
            done: (_, result) => result,
          }),
        ),
      ranges: () => {
        const word = status + bench.layout.STATUS_OFFSET!
        return [
          tablesAreConstant(bench),
          constantRange(status, word - status),
          sharedRange(word, 4),
          ...scratchRanges(bench),
        ]
      },
      terminal: (view: StateView) => statusFault(view, bench.call('statusLoad', status, generation)),
    }
  })(),
]

function statusFault(view: StateView, word: number): string | undefined {
  const [working, closed, timedOut] = view.threads.map(({ status, state }) =>
    status === 'finished' ? (state as number) : -1,
  )
  const first = word >>> 28
  const shown = `0x${word.toString(16)}`
  for (const [result, bit] of [
    [closed!, CLOSED],
    [timedOut!, TIMED_OUT],
  ] as const) {
    if (result < 0) continue
    if ((word & (1 << (16 + bit))) === 0) return `final bit ${bit} was set and is gone: ${shown}`
    if ((result === 1) !== (first === bit + 1))
      return `the first reason is ${first - 1}, and bit ${bit} answered ${result}`
  }
  if (working === 1 && (word & 0xffff) !== CONGESTED) return `working bits were set and are gone: ${shown}`
  return working === 0 && first === 0 ? 'refused, and not final' : undefined
}
