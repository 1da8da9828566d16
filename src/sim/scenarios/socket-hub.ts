// The hub's table: each channel has a place of its own, whoever comes and goes meanwhile.

import type { Op, Program, Scenario, StateView } from '../program.ts'
import { privateRange, program, script, sharedRange } from '../program.ts'
import { scratchRanges, tablesAreConstant } from './bench.ts'
import {
  type Channel,
  CLIENT,
  hubRanges,
  isKilled,
  isListed,
  MODULE,
  mailboxOf,
  makeChannel,
  PLACES,
  placeAt,
  SERVER,
  type SocketBench,
  startHub,
} from './socket-bench.ts'

interface TableCase {
  name: string
  /** How many channels each client adds. */
  adds: readonly number[]
  /** Places that are free; the server frees one more. The others are taken. */
  free: number
}

/** Adds its channels one after the other; its state is what it was told. */
function adder(bench: SocketBench, thread: number): Program {
  const mine = bench.channels.filter(({ sender }) => sender === thread)
  return program<readonly number[]>({
    name: `client ${thread}`,
    init: [],
    next: (told): Op | undefined => {
      const channel = mine[told.length]
      return channel && { call: 'hubAdd', args: [...bench.hub, channel.at, channel.generation] }
    },
    done: (told, index) => [...told, index],
  })
}

function tableScenario({ name, adds, free }: TableCase): Scenario {
  let bench: SocketBench
  return {
    name,
    module: MODULE,
    setup: (workbench) => {
      bench = startHub(workbench, 1 + adds.length)
      const leaves = makeChannel(bench, CLIENT, 'datagram')
      bench.call('hubAdd', ...bench.hub, leaves.at, leaves.generation)
      if (free < PLACES) {
        for (let place = 1 + free; place < PLACES; place++)
          bench.data.setBigUint64(placeAt(bench, place), 1n, true)
        bench.data.setUint32(topAt(bench), PLACES, true)
      }
      bench.channels = adds.flatMap((count, i) =>
        Array.from({ length: count }, () => makeChannel(bench, CLIENT + i, 'datagram')),
      )
    },
    threads: () => [
      script('server', [{ call: 'hubRemove', args: [...bench.hub, 0] }]),
      ...adds.map((_, i) => adder(bench, CLIENT + i)),
    ],
    ranges: () => [
      tablesAreConstant(bench),
      ...scratchRanges(bench),
      ...hubRanges(bench, { sleeps: false }),
      sharedRange(bench.hub[0] + bench.layout.HUB_STATUS_OFFSET!, 128),
      sharedRange(placeAt(bench, 0), Math.min(1 + free, 1 + bench.channels.length) * 8),
      ...bench.channels.map(({ at, sender }) => privateRange(sender, at, 128)),
      // The server becomes a member by the client's hand.
      ...bench.channels.map(({ at }) =>
        sharedRange(at + bench.layout.MEMBERS_OFFSET!, bench.tokens.length * 4),
      ),
    ],
    invariant: ({ memory }) => {
      // A walk that stops at the top meets every channel.
      for (let place = memory.u32(topAt(bench)); place <= bench.channels.length && place < PLACES; place++)
        if (memory.u32(placeAt(bench, place)) !== 0) return `place ${place} is taken, and above the top`
      return undefined
    },
    terminal: (view) => placesFault(view, { ...bench, ...view }, adds, free),
  }
}

/** The word behind the hint of where free places are. */
function topAt({ hub, layout }: SocketBench): number {
  return hub[0] + layout.HUB_SERVER_OFFSET! + 8
}

function placesFault(view: StateView, bench: SocketBench, adds: readonly number[], free: number) {
  let added = 0
  let refused = 0
  let cut = 0
  for (const [i, count] of adds.entries()) {
    const thread = CLIENT + i
    const told = view.threads[thread]!.state as readonly number[]
    if (isKilled(view, thread)) cut += count - told.length > 0 ? 1 : 0
    else if (told.length < count) return `${view.threads[thread]!.name} is not done`
    const mine = bench.channels.filter(({ sender }) => sender === thread)
    for (const [which, index] of told.entries()) {
      if (index < 0) {
        refused++
        continue
      }
      added++
      const fault = placeFault(bench, { ...mine[which]!, index })
      if (fault) return fault
    }
  }
  if (refused > 0 && added + cut < free) return `${refused} refused, with ${free - added} places free`
  let taken = 0
  for (let place = 0; place <= bench.channels.length; place++) {
    const handle = bench.memory.u32(placeAt(bench, place))
    if (bench.channels.some(({ at }) => at === handle)) taken++
  }
  return taken >= added && taken <= added + cut ? undefined : `${added} added, and ${taken} in the table`
}

/** The channel stands where its client was told, and is found there when it asks for something. */
function placeFault(bench: SocketBench, channel: Channel): string | undefined {
  const { call, hub, tokens, memory } = bench
  if (!isListed(bench, channel)) return `place ${channel.index} was given to another channel`
  call('channelAsk', channel.at, channel.generation, 0)
  const found = call('hubAck', ...hub, tokens[SERVER]!)
  if (found === channel.index && memory.u32(mailboxOf(bench, SERVER)) === channel.at) return undefined
  return `the channel at ${channel.index} is found at ${found}`
}

export const socketHubScenarios: readonly Scenario[] = [
  tableScenario({ name: 'hub-add', adds: [2, 1], free: PLACES }),
  tableScenario({ name: 'hub-full', adds: [2, 1], free: 2 }),
]
