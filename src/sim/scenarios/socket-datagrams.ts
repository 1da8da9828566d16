// The bipartite ring by itself: each item once, whole, in order; and what is in hand stays as it is.

import type { Op, Program, Scenario, StateView } from '../program.ts'
import { program } from '../program.ts'
import { whichRecord } from './bench.ts'
import {
  CLIENT,
  isKilled,
  MODULE,
  mailboxOf,
  SERVER,
  type SocketBench,
  socketRanges,
  startSockets,
} from './socket-bench.ts'
import {
  argsOf,
  datagramSender,
  orderFault,
  type Sent,
  type Side,
  takeRest,
  toClient,
  tokenOf,
  toServer,
} from './socket-programs.ts'

type Item = readonly [place: number, bytes: number]

type Held = {
  readonly at: 'peek' | 'unpack' | 'read' | 'repack' | 'over'
  readonly hand: readonly Item[]
  /** What the peek has said. */
  readonly next: Item
  readonly read: number
  readonly vain: number
  readonly seen: readonly number[]
  readonly fault: string
}

/** Takes two in hand before it reads either, and gives them back one after the other; what it peeks at is what it then gets. */
function holder(side: Side, lengths: readonly number[]): Program {
  const { bench, ring, patience } = side
  const args = [...argsOf(side), ring]
  const mailbox = mailboxOf(bench, side.thread)
  /** To the next item in hand that has bytes to read. */
  const reading = (state: Held): Held => {
    const item = state.hand[state.read]
    if (item === undefined) return { ...state, at: 'repack' }
    if (item[1] > 0) return { ...state, at: 'read' }
    return reading({ ...state, read: state.read + 1, seen: [...state.seen, whichRecord([], lengths)] })
  }
  const vainly = (state: Held): Held => {
    if (state.hand.length > 0) return reading(state)
    const vain = state.vain + 1
    return vain < (patience as number) ? { ...state, vain } : { ...state, at: 'over' }
  }
  return program<Held>({
    name: 'holder',
    init: { at: 'peek', hand: [], next: [0, 0], read: 0, vain: 0, seen: [], fault: '' },
    next: ({ at, hand, read }): Op | undefined => {
      if (at === 'peek') return { call: 'datagramPeek', args: [...args, tokenOf(side)] }
      if (at === 'unpack') return { call: 'datagramUnpack', args: [...args, tokenOf(side)] }
      if (at === 'repack') return { call: 'datagramRepack', args: [...args, 1] }
      return at === 'read' ? { read: hand[read]![0], bytes: hand[read]![1] } : undefined
    },
    done: (state, result, memory): Held => {
      const { at, hand, next, read, seen } = state
      if (at === 'peek') {
        if (result === bench.layout.EMPTY) return vainly(state)
        if (result < 0) return { ...state, at: 'over', fault: `peek: ${result}` }
        return { ...state, at: 'unpack', next: [result, memory.u32(mailbox)] }
      }
      if (at === 'unpack') {
        if (result !== next[0] || memory.u32(mailbox) !== next[1])
          return { ...state, at: 'over', fault: `peeked at ${next[0]}, unpacked ${result}` }
        const taken = { ...state, hand: [...hand, next], next: [0, 0] as const }
        return taken.hand.length < 2 ? { ...taken, at: 'peek' } : reading(taken)
      }
      if (at === 'read') {
        const found = whichRecord(memory.bytes(...hand[read]!), lengths)
        return reading({ ...state, read: read + 1, seen: [...seen, found] })
      }
      if (result !== 0) return { ...state, at: 'over', fault: `repack: ${result}` }
      const left = hand.slice(1)
      return { ...state, at: left.length > 0 ? 'repack' : 'peek', hand: left, read: 0 }
    },
  })
}

interface RingCase {
  name: string
  lengths: readonly number[]
  startAt: bigint
  /** Whose ring: the client's, or the server's. */
  producer: typeof SERVER | typeof CLIENT
  patience: number
}

const LONGEST = 32

function ringScenario({ name, lengths, startAt, producer, patience }: RingCase): Scenario {
  let bench: SocketBench
  const fitting = lengths.filter((bytes) => bytes <= LONGEST)
  const sides = (): [producing: Side, consuming: Side] => {
    const channel = bench.channels[0]!
    const side = producer === CLIENT ? toServer : toClient
    return [
      side(bench, channel, producer, patience),
      side(bench, channel, producer === CLIENT ? SERVER : CLIENT, patience),
    ]
  }
  return {
    name,
    module: MODULE,
    setup: (workbench) => {
      bench = startSockets(workbench, { type: 'datagram', threads: 2, clients: [CLIENT], startAt })
    },
    threads: () => {
      const [producing, consuming] = sides()
      const both = [datagramSender(producing, lengths), holder(consuming, fitting)]
      return producer === SERVER ? both : both.reverse()
    },
    ranges: () => socketRanges(bench, { sleeps: false }),
    invariant: ({ threads }) => {
      const { fault, seen } = threads[producer === SERVER ? CLIENT : SERVER]!.state as unknown as Held
      return fault || orderFault(seen)
    },
    terminal: (view) => wholeFault(view, { ...bench, ...view }, sides(), producer, fitting),
  }
}

/** What is committed is received, in hand, or still there. */
function wholeFault(
  view: StateView,
  bench: SocketBench,
  [, consuming]: readonly [Side, Side],
  producer: number,
  lengths: readonly number[],
): string | undefined {
  const { sent, at } = view.threads[producer]!.state as unknown as Sent
  const { seen, hand, read, at: where } = view.threads[consuming.thread]!.state as unknown as Held
  const rest = takeRest({ ...consuming, bench }, lengths)
  // A call that a kill has cut short may have done its work: one more in the ring, or one fewer.
  const mayBeSent = isKilled(view, producer) && at === 'commit' ? sent + 1 : sent
  const mayBeTaken = isKilled(view, consuming.thread) && where === 'unpack' ? 1 : 0
  const unread = where === 'repack' || where === 'over' ? 0 : hand.length - read
  const first = seen.length + unread + 1
  for (const from of [first, first + mayBeTaken]) {
    for (const to of [sent, mayBeSent]) {
      const left = Array.from({ length: Math.max(to - from + 1, 0) }, (_, i) => from + i)
      if (JSON.stringify(left) === JSON.stringify(rest)) return undefined
    }
  }
  return `${sent} sent, ${first - 1} taken, and in the ring are ${JSON.stringify(rest)}`
}

export const socketDatagramScenarios: readonly Scenario[] = [
  // 24 of 32: an item of 8 bytes runs on into the overhang, and the next begins at the start.
  ringScenario({ name: 'datagrams', lengths: [8, 0, 5, 12], startAt: 24n, producer: CLIENT, patience: 5 }),
  ringScenario({
    name: 'datagrams-to-client',
    lengths: [3, 32, 0, 8],
    startAt: 2n ** 32n - 8n,
    producer: SERVER,
    patience: 5,
  }),
  ringScenario({
    name: 'datagrams-lap',
    lengths: [8, 16, 8],
    startAt: 2n ** 32n - 32n,
    producer: CLIENT,
    patience: 5,
  }),
  ringScenario({
    name: 'datagrams-oversize',
    lengths: [8, LONGEST + 1, 3],
    startAt: 0n,
    producer: CLIENT,
    patience: 3,
  }),
]
