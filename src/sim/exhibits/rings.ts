// The two lossless rings, as the channel of a socket has them: the client produces, the server consumes, and each sleeps when there is
// nothing for it to do.

import type { Op, Program, StateView } from '../program.ts'
import { program, sharedRange } from '../program.ts'
import {
  CLIENT,
  MODULE,
  mailboxOf,
  obituary,
  SERVER,
  type SocketBench,
  sleeperAmong,
  socketRanges,
  startSockets,
  stretchesIn,
  TO_SERVER,
} from '../scenarios/socket-bench.ts'
import { argsOf, type Side, sleep, tokenOf, toServer } from '../scenarios/socket-programs.ts'
import { bytesOfEvent, eventIn, MOST_EVENTS, shortName } from './events.ts'
import type { Exhibit, ExhibitScenario, Figure, Setting, Settings } from './exhibit.ts'

export type ProducerState = {
  readonly at: 'room' | 'fill' | 'commit' | 'block' | 'sleep' | 'over'
  readonly value: number
  readonly place: number
  readonly word: number
  /** Of a stream: what is left of the event, and the stretches that there is room in. */
  readonly done: number
  readonly stretches: readonly (readonly [at: number, bytes: number])[]
}

export type ConsumerState = {
  readonly at: 'look' | 'read' | 'back' | 'serve' | 'ack' | 'count' | 'arm' | 'sleep' | 'over'
  readonly value: number
  readonly place: number
  readonly bytes: number
  readonly word: number
  readonly departures: number
  readonly stretches: readonly (readonly [at: number, bytes: number])[]
  readonly got: number
  readonly fault: string
}

interface Traffic {
  readonly events: number
  readonly bytes: number
}

const FIRST: ProducerState = { at: 'room', value: 1, place: 0, word: 0, done: 0, stretches: [] }
const NONE: ConsumerState = {
  at: 'look',
  value: 1,
  place: 0,
  bytes: 0,
  word: 0,
  departures: 0,
  stretches: [],
  got: 0,
  fault: '',
}

/** The client, before it sleeps: it says what for, and looks again. */
const block = (side: Side, bytes: number): Op => ({
  call: 'channelBlock',
  args: [...argsOf(side), tokenOf(side), side.bench.layout.WRITABLE!, bytes],
})

/** The server, which has one bell for all its channels: it asks the hub which of them have work, and sleeps when none has. */
function servingOp(side: Side, { at, word, departures }: ConsumerState): Op | undefined {
  const { hub, layout } = side.bench
  const token = tokenOf(side)
  if (at === 'serve') return { call: 'channelServe', args: [...argsOf(side), layout.WORK! | layout.SENT!] }
  if (at === 'ack') return { call: 'hubAck', args: [...hub, token] }
  if (at === 'count') return { call: 'departures', args: [] }
  if (at === 'arm') return { call: 'hubAckWait', args: [...hub, token, departures] }
  return at === 'sleep' ? sleep(side, word) : undefined
}

function served(state: ConsumerState, result: number): ConsumerState {
  const { at } = state
  if (at === 'serve') return { ...state, at: result === 0 ? 'ack' : 'look' }
  if (at === 'ack') return { ...state, at: result < 0 ? 'count' : 'look' }
  if (at === 'count') return { ...state, at: 'arm', departures: result }
  if (at === 'arm') return result === 0 ? { ...state, at: 'ack' } : { ...state, at: 'sleep', word: result }
  return { ...state, at: 'ack', word: 0 }
}

// ---- datagrams: the bipartite ring -----------------------------------------------------------------------

/** Claims a place, writes the item there, and publishes it; sleeps while there is no room. */
function itemProducer(side: Side, { events, bytes }: Traffic): Program {
  const { layout } = side.bench
  const args = [...argsOf(side), TO_SERVER]
  return program<ProducerState>({
    name: 'producer',
    init: FIRST,
    next: ({ at, value, place, word }): Op | undefined => {
      if (at === 'room') return { call: 'datagramClaim', args: [...args, bytes] }
      if (at === 'fill') return { write: place, data: bytesOfEvent({ writer: 0, value }, bytes) }
      if (at === 'commit') return { call: 'datagramCommit', args: [...args, bytes, 1] }
      if (at === 'block') return block(side, bytes)
      return at === 'sleep' ? sleep(side, word) : undefined
    },
    done: (state, result): ProducerState => {
      const { at, value } = state
      if (at === 'room' && result === layout.FULL) return { ...state, at: 'block' }
      if (at === 'room')
        return result < 0 ? { ...state, at: 'over' } : { ...state, at: 'fill', place: result }
      if (at === 'fill') return { ...state, at: 'commit' }
      if (at === 'block')
        return result === 0 ? { ...state, at: 'room' } : { ...state, at: 'sleep', word: result }
      if (at === 'sleep') return { ...state, at: 'room', word: 0 }
      return { ...FIRST, value: value + 1, at: value < events ? 'room' : 'over' }
    },
  })
}

/** Takes an item in hand, reads it where it lies, and gives it back; sleeps while there is none. */
function itemConsumer(side: Side, { events }: Traffic): Program {
  const { layout } = side.bench
  const args = [...argsOf(side), TO_SERVER]
  const mailbox = mailboxOf(side.bench, side.thread)
  return program<ConsumerState>({
    name: 'consumer',
    init: NONE,
    next: (state): Op | undefined => {
      const { at, place, bytes } = state
      if (at === 'look') return { call: 'datagramUnpack', args: [...args, tokenOf(side)] }
      if (at === 'read') return { read: place, bytes }
      if (at === 'back') return { call: 'datagramRepack', args: [...args, 1] }
      return servingOp(side, state)
    },
    done: (state, result, memory): ConsumerState => {
      const { at, value, place, bytes } = state
      if (at === 'look' && result === layout.EMPTY) return { ...state, at: 'serve' }
      if (at === 'look')
        return result < 0
          ? { ...state, at: 'over' }
          : { ...state, at: 'read', place: result, bytes: memory.u32(mailbox) }
      if (at === 'read') return { ...state, at: 'back', fault: itemFault(memory.bytes(place, bytes), value) }
      if (at !== 'back') return served(state, result)
      return {
        ...NONE,
        value: value + 1,
        got: value,
        at: value < events ? 'look' : 'over',
        fault: state.fault,
      }
    },
  })
}

function itemFault(bytes: readonly number[], expected: number): string {
  const event = eventIn(bytes)
  if (event === undefined) return `a torn item: ${String.fromCharCode(...bytes)}`
  return event.value === expected ? '' : `${shortName(event)} came in place of ${expected}`
}

// ---- streams ---------------------------------------------------------------------------------------------

/** Byte `i` of the stream: of the events one after the other. */
function streamByte(i: number, bytes: number): number {
  return bytesOfEvent({ writer: 0, value: Math.floor(i / bytes) + 1 }, bytes)[i % bytes]!
}

/** Writes as much of each event as there is room for, in up to two stretches. */
function byteProducer(side: Side, { events, bytes }: Traffic): Program {
  const args = [...argsOf(side), TO_SERVER]
  const mailbox = mailboxOf(side.bench, side.thread)
  const sum = (stretches: ProducerState['stretches']) =>
    stretches.reduce((all, [, length]) => all + length, 0)
  return program<ProducerState>({
    name: 'producer',
    init: FIRST,
    next: ({ at, value, done, place, stretches, word }): Op | undefined => {
      if (at === 'room') return { call: 'streamSpace', args: [...args, tokenOf(side)] }
      if (at === 'fill') {
        const [where, length] = stretches[0]!
        const first = (value - 1) * bytes + done + place - sum(stretches)
        return { write: where, data: Array.from({ length }, (_, i) => streamByte(first + i, bytes)) }
      }
      if (at === 'commit') return { call: 'streamCommit', args: [...args, place] }
      if (at === 'block') return block(side, 0)
      return at === 'sleep' ? sleep(side, word) : undefined
    },
    done: (state, result, memory): ProducerState => {
      const { at, value, done, place, stretches } = state
      if (at === 'room' && result === 0) return { ...state, at: 'block' }
      if (at === 'room') {
        if (result < 0) return { ...state, at: 'over' }
        const part = Math.min(result, bytes - done)
        return { ...state, at: 'fill', place: part, stretches: stretchesIn(memory, mailbox, part) }
      }
      if (at === 'fill')
        return { ...state, at: stretches.length > 1 ? 'fill' : 'commit', stretches: stretches.slice(1) }
      if (at === 'block')
        return result === 0 ? { ...state, at: 'room' } : { ...state, at: 'sleep', word: result }
      if (at === 'sleep') return { ...state, at: 'room', word: 0 }
      if (done + place < bytes) return { ...FIRST, value, done: done + place }
      return { ...FIRST, value: value + 1, at: value < events ? 'room' : 'over' }
    },
  })
}

/** Reads whatever there is, and lets go of it. */
function byteConsumer(side: Side, { events, bytes }: Traffic): Program {
  const { layout } = side.bench
  const args = [...argsOf(side), TO_SERVER]
  const mailbox = mailboxOf(side.bench, side.thread)
  return program<ConsumerState>({
    name: 'consumer',
    init: NONE,
    next: (state): Op | undefined => {
      const { at, bytes: part, stretches } = state
      if (at === 'look') return { call: 'streamBytes', args: [...args, tokenOf(side), 0] }
      if (at === 'read') return { read: stretches[0]![0], bytes: stretches[0]![1] }
      if (at === 'back') return { call: 'streamDone', args: [...args, part] }
      return servingOp(side, state)
    },
    done: (state, result, memory): ConsumerState => {
      const { at, got, bytes: part, stretches } = state
      if (at === 'look' && result === layout.EMPTY) return { ...state, at: 'serve' }
      if (at === 'look') {
        if (result < 0) return { ...state, at: 'over' }
        return { ...state, at: 'read', bytes: result, stretches: stretchesIn(memory, mailbox, result) }
      }
      if (at === 'read') {
        const first = got + part - stretches.reduce((all, [, length]) => all + length, 0)
        const wrong = memory
          .bytes(...stretches[0]!)
          .findIndex((byte, i) => byte !== streamByte(first + i, bytes))
        const fault = wrong < 0 ? '' : `byte ${first + wrong} is not what was written`
        return { ...state, at: stretches.length > 1 ? 'read' : 'back', stretches: stretches.slice(1), fault }
      }
      if (at !== 'back') return served(state, result)
      const all = got + part
      return { ...NONE, got: all, at: all < events * bytes ? 'look' : 'over', fault: state.fault }
    },
  })
}

/** WORK, SENT and ROOM: a channel that the server has not heard of yet. */
const ALL_WORK = 7

// ---- both ------------------------------------------------------------------------------------------------

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
      'Lossless, for whole items: each is read where it lies, and its place comes back to the producer. Full, it makes the producer sleep.',
    settings: ringSettings,
    build: (settings) => ringScenario('datagram', settings),
  },
  {
    id: 'stream-ring',
    title: 'Stream ring',
    about:
      'Lossless, for bytes: a write or a read that reaches the end goes on at the start, in two stretches.',
    settings: ringSettings,
    build: (settings) => ringScenario('stream', settings),
  },
]
