// Sleeping on both sides of a channel: whatever is published, and whoever ends, nobody sleeps for ever that has something to do.

import type { Op, Program, Scenario, StateView } from '../program.ts'
import {
  type Channel,
  CLIENT,
  isKilled,
  isListed,
  MODULE,
  type Obituary,
  obituary,
  SERVER,
  type SocketBench,
  type SocketShape,
  sleeperAmong,
  socketRanges,
  startSockets,
  type Touched,
} from './socket-bench.ts'
import {
  type Asking,
  argsOf,
  asker,
  type Drunk,
  datagramReceiver,
  datagramSender,
  orderFault,
  type Received,
  type Sent,
  streamReceiver,
  streamSender,
  takeRest,
  toClient,
  toServer,
} from './socket-programs.ts'
import { type Duties, type Serving, server } from './socket-server.ts'

interface EventCase {
  name: string
  shape: Partial<SocketShape>
  touched?: Partial<Touched>
  /** The server and its clients, in the order of their numbers. */
  threads(bench: SocketBench): Program[]
  /** Threads whose end the others are told of: when they are killed, or however they end. */
  told?: readonly number[]
  obituary?: Obituary
  killable?: readonly number[]
  terminal(view: StateView, bench: SocketBench): string | undefined
}

function eventScenario(event: EventCase): Scenario {
  let bench: SocketBench
  const { name, shape } = event
  let clients: number[] = []
  const killable =
    event.killable ?? Array.from({ length: 1 + (shape.clients?.length ?? 1) }, (_, thread) => thread)
  return {
    name,
    module: MODULE,
    killable,
    setup: (workbench) => {
      bench = startSockets(workbench, { type: 'datagram', threads: 2, clients: [CLIENT], ...shape })
    },
    threads: () => {
      const threads = event.threads(bench)
      clients = threads.map((_, thread) => thread).slice(1)
      const ends = (event.told ?? [SERVER, ...clients]).map((thread) =>
        obituary(bench, thread, event.obituary),
      )
      return [...threads, ...ends]
    },
    ranges: () => socketRanges(bench, { sleeps: true, ends: true, ...event.touched }),
    invariant: ({ threads }) => {
      const told = threads.find(({ state }) => (state as { fault?: string } | null)?.fault)
      return told && `${told.name}: ${(told.state as { fault: string }).fault}`
    },
    terminal: (view) => sleeperAmong(view, clients) ?? event.terminal(view, { ...bench, ...view }),
  }
}

/** WORK, SENT and ROOM: a channel that the server has not heard of, or has served. */
const ALL = 7

const received = (view: StateView, thread: number) => view.threads[thread]!.state as unknown as Received
const sent = (view: StateView, thread: number) => view.threads[thread]!.state as unknown as Sent
const serving = (view: StateView) => view.threads[SERVER]!.state as unknown as Serving

// ---- the server publishes, the client waits --------------------------------------------------------------

const TWO = [8, 3]

function publishing(
  bench: SocketBench,
  channel: Channel,
  lengths: readonly number[],
  last: readonly Op[] = [],
) {
  return datagramSender(toClient(bench, channel, SERVER, 1), lengths, last)
}

/** The server's last words, with which it has no more to say. */
const closes = (bench: SocketBench): Op => ({
  call: 'serverSays',
  args: [...argsOf({ channel: bench.channels[0]! }), bench.layout.SERVER_CLOSED!],
})

const receiving = eventScenario({
  name: 'socket-receive',
  shape: {},
  told: [SERVER],
  threads: (bench) => [
    publishing(bench, bench.channels[0]!, TWO),
    datagramReceiver(toClient(bench, bench.channels[0]!, CLIENT, 'sleeps'), TWO),
  ],
  terminal: (view) => {
    const { seen, end } = received(view, CLIENT)
    if (isKilled(view, CLIENT)) return orderFault(seen)
    return isKilled(view, SERVER) && end < 0 ? orderFault(seen) : orderFault(seen, TWO.length)
  },
})

/** The channel comes to another thread, while the first one's wait still stands in it. */
const handedOver = eventScenario({
  name: 'socket-handed-over',
  shape: { threads: 3, clients: [CLIENT] },
  touched: { owns: true },
  told: [SERVER],
  threads: (bench) => {
    const [channel] = bench.channels as [Channel]
    const args = argsOf({ channel })
    const before = bench.tokens[CLIENT + 1]!
    bench.call('channelOwn', ...args, before)
    bench.call('channelBlock', ...args, before, bench.layout.READABLE!, 0)
    const first = { call: 'channelOwn', args: [...args, bench.tokens[CLIENT]!] }
    return [
      publishing(bench, channel, TWO),
      datagramReceiver(toClient(bench, channel, CLIENT, 'sleeps'), TWO, TWO.length, first),
    ]
  },
  terminal: (view) => {
    const { seen } = received(view, CLIENT)
    return orderFault(seen, isKilled(view, SERVER) || isKilled(view, CLIENT) ? undefined : TWO.length)
  },
})

/** What the server has published before it closes or stops is received before the client is told so. */
function lastWords(name: string, says: (bench: SocketBench) => Op): Scenario {
  return eventScenario({
    name,
    shape: {},
    touched: { changes: true },
    told: [SERVER],
    threads: (bench) => [
      publishing(bench, bench.channels[0]!, [8], [says(bench)]),
      datagramReceiver(toClient(bench, bench.channels[0]!, CLIENT, 'sleeps'), [8], 2),
    ],
    terminal: (view, bench) => {
      const { seen, end } = received(view, CLIENT)
      if (isKilled(view, CLIENT)) return orderFault(seen)
      if (end !== bench.layout.GONE) return `the client was not told that the server has gone: ${end}`
      return orderFault(seen, isKilled(view, SERVER) ? undefined : 1)
    },
  })
}

const REASON = 7

/** Bytes, and then the end of the stream. */
const ending = eventScenario({
  name: 'socket-end',
  shape: { type: 'stream', startAt: 27n },
  told: [SERVER],
  threads: (bench) => {
    const says = {
      call: 'serverSays',
      args: [...argsOf({ channel: bench.channels[0]! }), bench.layout.SERVER_ENDED!],
    }
    return [
      streamSender(toClient(bench, bench.channels[0]!, SERVER, 1), [9, 4], [says]),
      streamReceiver(toClient(bench, bench.channels[0]!, CLIENT, 'sleeps'), 32, Number.POSITIVE_INFINITY),
    ]
  },
  terminal: (view, bench) => {
    if (isKilled(view, CLIENT)) return undefined
    const { got, end } = view.threads[CLIENT]!.state as unknown as Drunk
    if (end === bench.layout.ENDED_STREAM) return got === 13 ? undefined : `ended after ${got} of 13 bytes`
    return isKilled(view, SERVER) && end === bench.layout.GONE ? undefined : `it ended with ${end}`
  },
})

/** Bytes, and then a failure: the server says why, and that it has closed the socket. Both come behind the bytes, the reason first. */
const failing = eventScenario({
  name: 'socket-failure',
  shape: { type: 'stream' },
  told: [SERVER],
  threads: (bench) => {
    const channel = bench.channels[0]!
    const says = [
      { call: 'serverFails', args: [...argsOf({ channel }), REASON] },
      { call: 'serverSays', args: [...argsOf({ channel }), bench.layout.SERVER_CLOSED!] },
    ]
    return [
      streamSender(toClient(bench, channel, SERVER, 1), [9], says),
      streamReceiver(toClient(bench, channel, CLIENT, 'sleeps'), 32, Number.POSITIVE_INFINITY),
    ]
  },
  terminal: (view, bench) => {
    if (isKilled(view, CLIENT)) return undefined
    const { got, end } = view.threads[CLIENT]!.state as unknown as Drunk
    if (end === bench.layout.FAILED) return got === 9 ? undefined : `it failed after ${got} of 9 bytes`
    return isKilled(view, SERVER) && end === bench.layout.GONE ? undefined : `it ended with ${end}`
  },
})

// ---- the client sends, the server waits ------------------------------------------------------------------

/** What a server that sleeps has left: nothing of a client that lives, and no channel of one that does not. */
function leftFault(view: StateView, bench: SocketBench, lengths: readonly (readonly number[])[]) {
  if (isKilled(view, SERVER)) return undefined
  for (const [i, channel] of bench.channels.entries()) {
    const seen = serving(view).seen[i]!
    if (isKilled(view, channel.sender)) {
      if (isListed(bench, channel)) return `the server sleeps, and has not put away channel ${i}`
      const fault = orderFault(seen)
      if (fault) return fault
      continue
    }
    const rest = takeRest(toServer(bench, channel, SERVER, 1), lengths[i]!)
    if (rest.length > 0) return `lost wake-up: the server sleeps, and in channel ${i} are ${rest.length}`
    const fault = orderFault(seen, sent(view, channel.sender).sent)
    if (fault) return fault
  }
  return undefined
}

function sending(
  name: string,
  lengths: readonly (readonly number[])[],
  duties: Partial<Duties> = {},
): Scenario {
  const clients = lengths.map((_, i) => CLIENT + i)
  return eventScenario({
    name,
    shape: { threads: 1 + clients.length, clients, serverWaits: ALL },
    touched: { changes: true },
    threads: (bench) => [
      server(bench, { takes: { lengths: lengths[0]! }, ...duties }),
      ...clients.map((client, i) =>
        datagramSender(toServer(bench, bench.channels[i]!, client, 'sleeps'), lengths[i]!),
      ),
    ],
    terminal: (view, bench) => leftFault(view, bench, lengths),
  })
}

const pouring = eventScenario({
  name: 'socket-room',
  shape: { type: 'stream' },
  touched: { changes: true },
  threads: (bench) => [
    server(bench, { pours: 50 }),
    streamReceiver(toClient(bench, bench.channels[0]!, CLIENT, 'sleeps'), 25, 50),
  ],
  terminal: (view) => {
    const { got } = view.threads[CLIENT]!.state as unknown as Drunk
    return isKilled(view, SERVER) || isKilled(view, CLIENT) || got === 50 ? undefined : `${got} of 50 bytes`
  },
})

const streaming = eventScenario({
  name: 'socket-stream',
  shape: { type: 'stream', serverWaits: ALL },
  touched: { changes: true },
  threads: (bench) => [
    server(bench, { reads: 20 }),
    streamSender(toServer(bench, bench.channels[0]!, CLIENT, 'sleeps'), [32, 23]),
  ],
  terminal: (view) => {
    if (isKilled(view, SERVER) || isKilled(view, CLIENT)) return undefined
    const total = (view.threads[CLIENT]!.state as unknown as { sent: number }).sent
    const { got } = serving(view)
    return got === total
      ? undefined
      : `lost wake-up: the server sleeps, and has read ${got} of ${total} bytes`
  },
})

// ---- two waits at once -----------------------------------------------------------------------------------

/** Two tasks of one client at one channel: one waits for a datagram, the other for room. Being told of one leaves the other. */
const twoWaits = eventScenario({
  name: 'socket-two-waits',
  shape: { sender: CLIENT + 1 },
  killable: [SERVER],
  told: [SERVER],
  threads: (bench) => {
    const [channel] = bench.channels as [Channel]
    // The ring is full; the server takes one, and then publishes one.
    for (let i = 0; i < 2; i++) bench.call('datagramCommit', ...argsOf({ channel }), 0, 8, 1)
    const took: Op[] = [
      { call: 'datagramUnpack', args: [...argsOf({ channel }), 0, bench.tokens[SERVER]!] },
      { call: 'datagramRepack', args: [...argsOf({ channel }), 0, 1] },
    ]
    return [
      publishing(bench, channel, [8], took),
      datagramReceiver(toClient(bench, channel, CLIENT, 'sleeps'), [8]),
      datagramSender({ ...toServer(bench, channel, CLIENT + 1, 'sleeps'), as: CLIENT }, [8]),
    ]
  },
  terminal: (view) => {
    if (isKilled(view, SERVER)) return undefined
    if (sent(view, CLIENT + 1).sent !== 1) return 'the other task found no room'
    return orderFault(received(view, CLIENT).seen, 1)
  },
})

/** The other task gives its wait up, at any moment. */
const givenUp = eventScenario({
  name: 'socket-given-up',
  shape: { sender: CLIENT + 1 },
  killable: [SERVER],
  told: [SERVER],
  threads: (bench) => {
    const [channel] = bench.channels as [Channel]
    const token = bench.tokens[CLIENT]!
    const { WRITABLE } = bench.layout as Record<string, number>
    for (let i = 0; i < 2; i++) bench.call('datagramCommit', ...argsOf({ channel }), 0, 8, 1)
    return [
      publishing(bench, channel, [8]),
      datagramReceiver(toClient(bench, channel, CLIENT, 'sleeps'), [8]),
      {
        name: 'gives up',
        init: [],
        next: (results): Op | undefined => {
          const [count, word] = [(results as number[]).length, (results as number[])[0]!]
          if (count === 0)
            return { call: 'channelBlock', args: [...argsOf({ channel }), token, WRITABLE!, 8] }
          if (count === 1 && word !== 0)
            return { wait: bench.call('bellAddress', token), value: word, timeout: true }
          return count === 2
            ? { call: 'channelUnblock', args: [...argsOf({ channel }), WRITABLE!] }
            : undefined
        },
        done: (results, result) => [...(results as number[]), result],
      },
    ]
  },
  terminal: (view) => (isKilled(view, SERVER) ? undefined : orderFault(received(view, CLIENT).seen, 1)),
})

/** One client, two channels, one wait: it blocks at both, and waits for the word of the first. */
const polling = eventScenario({
  name: 'socket-poll',
  shape: { clients: [CLIENT, CLIENT] },
  told: [SERVER],
  threads: (bench) => {
    const [one, other] = bench.channels as [Channel, Channel]
    const commit = { call: 'datagramCommit', args: [...argsOf({ channel: one }), 1, 0, 1] }
    return [publishing(bench, other, [0], [commit, commit]), poller(bench, [one, other], 3)]
  },
  terminal: (view, bench) => {
    if (isKilled(view, CLIENT)) return undefined
    const { taken, end } = view.threads[CLIENT]!.state as unknown as Polled
    if (isKilled(view, SERVER))
      return end === bench.layout.GONE || taken === 3 ? undefined : `ended with ${end}`
    return taken === 3 ? undefined : `${taken} of 3`
  },
})

type Polled = {
  readonly at: 'look' | 'repack' | 'block' | 'wait' | 'over'
  readonly turn: number
  readonly taken: number
  readonly word: number
  readonly end: number
}

function poller(bench: SocketBench, channels: readonly Channel[], want: number): Program {
  const token = bench.tokens[CLIENT]!
  const both = (state: Polled, next: Polled): Polled =>
    state.turn + 1 < channels.length ? { ...state, turn: state.turn + 1 } : next
  const start: Polled = { at: 'look', turn: 0, taken: 0, word: 0, end: 0 }
  return {
    name: 'poller',
    init: start,
    next: (json): Op | undefined => {
      const { at, turn, word } = json as Polled
      const args = argsOf({ channel: channels[turn]! })
      if (at === 'look') return { call: 'datagramUnpack', args: [...args, 1, token] }
      if (at === 'repack') return { call: 'datagramRepack', args: [...args, 1, 1] }
      if (at === 'block') return { call: 'channelBlock', args: [...args, token, bench.layout.READABLE!, 0] }
      return at === 'wait' ? { wait: bench.call('bellAddress', token), value: word } : undefined
    },
    done: (json, result): Polled => {
      const state = json as Polled
      const { at, turn, taken, word } = state
      if (at === 'look') {
        if (result > 0) return { ...state, at: 'repack' }
        if (result === bench.layout.EMPTY) return both(state, { ...state, at: 'block', turn: 0, word: 0 })
        return { ...state, at: 'over', end: result }
      }
      if (at === 'repack') return { ...state, at: taken + 1 < want ? 'look' : 'over', taken: taken + 1 }
      if (at === 'wait' || result === 0) return { ...state, at: 'look', turn: 0, word: 0 }
      const first = turn === 0 ? result : word
      return both({ ...state, word: first }, { ...state, at: 'wait', turn: 0, word: first })
    },
  }
}

// ---- questions -------------------------------------------------------------------------------------------

function asking(name: string, questions: number, more: Partial<EventCase> = {}): Scenario {
  return eventScenario({
    name,
    shape: { serverWaits: ALL },
    touched: { changes: true },
    threads: (bench) => [
      server(bench, { answers: 4 }),
      asker(toServer(bench, bench.channels[0]!, CLIENT, 'sleeps'), questions, 4),
    ],
    terminal: (view, bench) => {
      if (isKilled(view, CLIENT))
        return isListed(bench, bench.channels[0]!)
          ? 'the server sleeps, and has not put away the channel'
          : undefined
      const { answered, end } = view.threads[CLIENT]!.state as unknown as Asking
      if (isKilled(view, SERVER) && end === bench.layout.GONE) return undefined
      return answered === questions ? undefined : `${answered} answers, and ended with ${end}`
    },
    ...more,
  })
}

/** The server answers, and stops. */
const askingLast = eventScenario({
  name: 'socket-ask-stop',
  shape: { serverWaits: ALL },
  touched: { changes: true },
  told: [SERVER],
  threads: (bench) => [
    server(bench, { answers: 4, last: { answers: 1, ops: [{ call: 'hubStop', args: [...bench.hub] }] } }),
    asker(toServer(bench, bench.channels[0]!, CLIENT, 'sleeps'), 1, 4),
  ],
  terminal: (view, bench) => {
    if (isKilled(view, CLIENT)) return undefined
    const { answered, end } = view.threads[CLIENT]!.state as unknown as Asking
    if (isKilled(view, SERVER))
      return answered === 1 || end === bench.layout.GONE ? undefined : `ended with ${end}`
    return answered === 1 ? undefined : 'the last answer was not found'
  },
})

// ---- ends ------------------------------------------------------------------------------------------------

/** A client's thread ends without a word: the server, about to sleep, finds the channel that nobody owns. */
const orphaned = eventScenario({
  name: 'socket-orphan',
  shape: { serverWaits: ALL },
  touched: { changes: true },
  told: [CLIENT],
  obituary: { always: true },
  threads: (bench) => [
    server(bench, { takes: { lengths: [8] } }),
    datagramSender(toServer(bench, bench.channels[0]!, CLIENT, 'sleeps'), [8]),
  ],
  terminal: (view, bench) =>
    !isKilled(view, SERVER) && isListed(bench, bench.channels[0]!)
      ? 'the server sleeps, and has not put away the channel'
      : undefined,
})

export const socketEventScenarios: readonly Scenario[] = [
  receiving,
  handedOver,
  lastWords('socket-close', closes),
  lastWords('socket-stop', (bench) => ({ call: 'hubStop', args: [...bench.hub] })),
  ending,
  failing,
  sending('socket-send', [[8, 0, 8]]),
  sending('socket-send-two', [[8], [8]]),
  sending('socket-turns', [[8, 0]], { takes: { lengths: [8, 0], one: true } }),
  pouring,
  streaming,
  twoWaits,
  givenUp,
  polling,
  asking('socket-ask', 2),
  asking('socket-buried', 1, {
    shape: { threads: 3, serverWaits: ALL },
    touched: { changes: true, buries: true },
    obituary: { entry: 'threadEnd', by: 2 },
  }),
  askingLast,
  orphaned,
]
