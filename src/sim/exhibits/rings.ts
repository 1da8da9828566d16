// The two lossless rings, as the channel of a socket has them: the client produces, the server consumes, and each sleeps when there is
// nothing for it to do.

import type { StateView } from '../program.ts'
import { sharedRange } from '../program.ts'
import {
  CLIENT,
  MODULE,
  obituary,
  SERVER,
  type SocketBench,
  sleeperAmong,
  socketRanges,
  startSockets,
} from '../scenarios/socket-bench.ts'
import { type Side, toServer } from '../scenarios/socket-programs.ts'
import { eventIn, MOST_EVENTS } from './events.ts'
import type { Exhibit, ExhibitScenario, Figure, Setting, Settings } from './exhibit.ts'
import { itemConsumer, itemProducer } from './item-programs.ts'
import type { ConsumerState, ProducerState, Traffic } from './ring-programs.ts'
import { byteConsumer, byteProducer } from './stream-programs.ts'

/** WORK, SENT and ROOM: a channel that the server has not heard of yet. */
const ALL_WORK = 7

function ringScenario(type: 'datagram' | 'stream', settings: Settings): Omit<ExhibitScenario, 'name'> {
  const traffic: Traffic = { events: settings.events as number, bytes: settings.bytes as number }
  const log2 = Math.log2(settings.ring as number)
  let bench: SocketBench
  const side = (thread: number): Side => toServer(bench, bench.channels[0]!, thread, 'sleeps')
  const consumed = (view: StateView) => view.threads[SERVER]!.state as unknown as ConsumerState
  const [producer, consumer] =
    type === 'datagram' ? [itemProducer, itemConsumer] : [byteProducer, byteConsumer]
  return {
    module: MODULE,
    killable: [SERVER, CLIENT],
    setup: (workbench) => {
      bench = startSockets(workbench, { type, threads: 2, clients: [CLIENT], log2, serverWaits: ALL_WORK })
    },
    threads: () => [
      consumer(side(SERVER), traffic),
      producer(side(CLIENT), traffic),
      obituary(bench, SERVER),
      obituary(bench, CLIENT),
    ],
    ranges: () => [
      ...socketRanges(bench, { sleeps: true, ends: true }),
      sharedRange(bench.channels[0]!.at + bench.layout.CHANNEL_DATA_OFFSET!, 8 * (1 << log2)),
    ],
    eventIn,
    invariant: (view) => consumed(view).fault || undefined,
    terminal: (view) => {
      const isKilled = view.threads.some(({ status }) => status === 'killed')
      return isKilled ? undefined : sleeperAmong(view, [SERVER, CLIENT])
    },
    figures: (view): Figure[] => [
      {
        thread: SERVER,
        label: type === 'datagram' ? 'items consumed' : 'bytes consumed',
        value: consumed(view).got,
      },
      {
        thread: CLIENT,
        label: 'events produced',
        value: (view.threads[CLIENT]!.state as unknown as ProducerState).value - 1,
      },
    ],
  }
}

const ringSettings: readonly Setting[] = [
  { name: 'ring', label: 'bytes of the ring', default: '32', choices: ['32', '64'] },
  { name: 'events', label: 'events', default: 6, least: 1, most: MOST_EVENTS },
  { name: 'bytes', label: 'bytes of an event', default: 8, least: 5, most: 24 },
]

export const ringExhibits: readonly Exhibit[] = [
  {
    id: 'bipartite-ring',
    title: 'Bipartite ring',
    about:
      'Lossless, for whole items: each is read where it lies, and its place comes back to the producer. Full, it makes the producer sleep. It is a socket’s channel: the producer is the client, the consumer the server on the I/O thread.',
    settings: ringSettings,
    build: (settings) => ringScenario('datagram', settings),
  },
  {
    id: 'stream-ring',
    title: 'Stream ring',
    about:
      'Lossless, for bytes: a write or a read that reaches the end goes on at the start, in two stretches. It is a socket’s channel: the producer is the client, the consumer the server on the I/O thread.',
    settings: ringSettings,
    build: (settings) => ringScenario('stream', settings),
  },
]
