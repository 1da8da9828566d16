// The stream ring by itself: the bytes come out as they went in, whatever the pieces.

import type { Scenario, StateView } from '../program.ts'
import {
  CLIENT,
  isKilled,
  MODULE,
  mailboxOf,
  SERVER,
  type SocketBench,
  socketRanges,
  startSockets,
  stretchesIn,
} from './socket-bench.ts'
import {
  argsOf,
  byteOf,
  type Drunk,
  type Poured,
  type Side,
  streamReceiver,
  streamSender,
  toClient,
  tokenOf,
  toServer,
} from './socket-programs.ts'

interface StreamCase {
  name: string
  chunks: readonly number[]
  upTo: number
  startAt: bigint
  producer: typeof SERVER | typeof CLIENT
}

const PATIENCE = 5

function streamScenario({ name, chunks, upTo, startAt, producer }: StreamCase): Scenario {
  let bench: SocketBench
  const consumer = producer === CLIENT ? SERVER : CLIENT
  const side = (thread: number): Side =>
    (producer === CLIENT ? toServer : toClient)(bench, bench.channels[0]!, thread, PATIENCE)
  const total = chunks.reduce((sum, bytes) => sum + bytes, 0)
  return {
    name,
    module: MODULE,
    setup: (workbench) => {
      bench = startSockets(workbench, { type: 'stream', threads: 2, clients: [CLIENT], startAt })
    },
    threads: () => {
      const both = [streamSender(side(producer), chunks), streamReceiver(side(consumer), upTo, total)]
      return producer === SERVER ? both : both.reverse()
    },
    ranges: () => socketRanges(bench, { sleeps: false }),
    invariant: ({ threads }) => (threads[consumer]!.state as unknown as Drunk).fault || undefined,
    terminal: (view) => restFault(view, { ...side(consumer), bench: { ...bench, ...view } }, producer),
  }
}

/** What was committed and not released is what there is to read. */
function restFault(view: StateView, side: Side, producer: number): string | undefined {
  const { bench, thread } = side
  const { sent, at, bytes } = view.threads[producer]!.state as unknown as Poured
  const { got, at: where, bytes: releasing } = view.threads[thread]!.state as unknown as Drunk
  const count = Math.max(0, bench.call('streamBytes', ...argsOf(side), side.ring, tokenOf(side), 0))
  const found = stretchesIn(bench.memory, mailboxOf(bench, thread), count).flatMap((stretch) =>
    bench.memory.bytes(...stretch),
  )
  // A call that a kill has cut short may have done its work.
  const mayBeSent = isKilled(view, producer) && at === 'commit' ? bytes : 0
  const mayBeGot = isKilled(view, thread) && where === 'done' ? releasing : 0
  for (const from of [got, got + mayBeGot]) {
    for (const to of [sent, sent + mayBeSent]) {
      if (count === to - from && found.every((byte, i) => byte === byteOf(from + i))) return undefined
    }
  }
  return `${sent} bytes sent, ${got} read, and there are ${JSON.stringify(found)}`
}

export const socketStreamScenarios: readonly Scenario[] = [
  streamScenario({ name: 'stream', chunks: [20, 20, 9], upTo: 12, startAt: 26n, producer: CLIENT }),
  streamScenario({
    name: 'stream-to-client',
    chunks: [32, 7, 30],
    upTo: 32,
    startAt: 2n ** 32n - 5n,
    producer: SERVER,
  }),
]
