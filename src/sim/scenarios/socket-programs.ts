// What the two sides of a channel do, as programs: the loops of the TypeScript above the sockets, one call at a time.

import type { Op, Program } from '../program.ts'
import { program } from '../program.ts'
import { recordOf, whichRecord } from './bench.ts'
import {
  type Channel,
  mailboxOf,
  type Ring,
  type SocketBench,
  stretchesIn,
  TO_CLIENT,
  TO_SERVER,
} from './socket-bench.ts'

/** How often a side looks in vain before it gives up; `sleeps`: it waits at its bell until it is told. */
export type Patience = number | 'sleeps'

export interface Side {
  bench: SocketBench
  channel: Channel
  ring: Ring
  /** The thread that runs it, and the one whose token it uses: another task of the same client. */
  thread: number
  as?: number
  patience: Patience
}

export function argsOf({ channel }: Pick<Side, 'channel'>): [number, number] {
  return [channel.at, channel.generation]
}

export function tokenOf({ bench, thread, as }: Side): number {
  return bench.tokens[as ?? thread]!
}

/** Waits at the bell of the thread while it has this word. */
export function sleep(side: Side, word: number): Op {
  return { wait: side.bench.call('bellAddress', tokenOf(side)), value: word }
}

// ---- datagrams -----------------------------------------------------------------------------------------

export type Sent = {
  readonly at: 'claim' | 'write' | 'commit' | 'block' | 'wait' | 'last' | 'over'
  /** Datagrams that it is done with, and then calls that follow them. */
  readonly step: number
  /** Datagrams that were committed; one that is too long is not, and does no harm. */
  readonly sent: number
  readonly place: number
  readonly word: number
  readonly vain: number
}

/** Sends a datagram of each length, waits for room where there is none, and makes some more calls at the end. */
export function datagramSender(side: Side, lengths: readonly number[], last: readonly Op[] = []): Program {
  const { ring, patience, bench } = side
  const args = argsOf(side)
  const steps = lengths.length + last.length
  const start = (step: number, sent: number): Sent => ({
    at: step < lengths.length ? 'claim' : step < steps ? 'last' : 'over',
    step,
    sent,
    place: 0,
    word: 0,
    vain: 0,
  })
  return program<Sent>({
    name: ring === TO_CLIENT ? 'server' : 'sender',
    init: start(0, 0),
    next: ({ at, step, sent, place, word }): Op | undefined => {
      const bytes = lengths[step]!
      if (at === 'claim') return { call: 'datagramClaim', args: [...args, ring, bytes] }
      if (at === 'write') return { write: place, data: recordOf(sent + 1, bytes) }
      if (at === 'commit') return { call: 'datagramCommit', args: [...args, ring, bytes, 1] }
      if (at === 'block')
        return { call: 'channelBlock', args: [...args, tokenOf(side), bench.layout.WRITABLE!, bytes] }
      if (at === 'wait') return sleep(side, word)
      return at === 'last' ? last[step - lengths.length] : undefined
    },
    done: (state, result): Sent => {
      const { at, step, sent } = state
      if (at === 'claim') {
        if (result === bench.layout.FULL) return nothing(state, patience)
        if (result === bench.layout.OVERSIZE) return start(step + 1, sent)
        if (result < 0) return { ...state, at: 'over' }
        return { ...state, at: lengths[step]! > 0 ? 'write' : 'commit', place: result }
      }
      if (at === 'write') return { ...state, at: 'commit' }
      if (at === 'block') return { ...state, at: result === 0 ? 'claim' : 'wait', word: result }
      if (at === 'wait') return { ...state, at: 'claim', word: 0 }
      return start(step + 1, at === 'commit' ? sent + 1 : sent)
    },
  })
}

export type Received = {
  readonly at: 'first' | 'look' | 'read' | 'repack' | 'block' | 'wait' | 'over'
  /** The datagrams, by their numbers; 0: not one that was sent. */
  readonly seen: readonly number[]
  readonly place: number
  readonly bytes: number
  readonly word: number
  readonly vain: number
  /** Why it is over. */
  readonly end: number
}

const nothingReceived: Received = { at: 'look', seen: [], place: 0, bytes: 0, word: 0, vain: 0, end: 0 }

/** Takes datagrams until it has so many, or is told that there will be none. Another call may come before. */
export function datagramReceiver(
  side: Side,
  lengths: readonly number[],
  want = lengths.length,
  first?: Op,
): Program {
  const { ring, patience, bench } = side
  const args = argsOf(side)
  const mailbox = mailboxOf(bench, side.as ?? side.thread)
  return program<Received>({
    name: 'receiver',
    init: first ? { ...nothingReceived, at: 'first' } : nothingReceived,
    next: ({ at, place, bytes, word }): Op | undefined => {
      if (at === 'first') return first
      if (at === 'look') return { call: 'datagramUnpack', args: [...args, ring, tokenOf(side)] }
      if (at === 'read') return { read: place, bytes }
      if (at === 'repack') return { call: 'datagramRepack', args: [...args, ring, 1] }
      if (at === 'block')
        return { call: 'channelBlock', args: [...args, tokenOf(side), bench.layout.READABLE!, 0] }
      return at === 'wait' ? sleep(side, word) : undefined
    },
    done: (state, result, memory): Received => {
      const { at, seen, place, bytes } = state
      if (at === 'look') {
        if (result === bench.layout.EMPTY) return nothing(state, patience)
        if (result < 0) return { ...state, at: 'over', end: result }
        const length = memory.u32(mailbox)
        if (length === 0) return { ...state, at: 'repack', seen: [...seen, whichRecord([], lengths)] }
        return { ...state, at: 'read', place: result, bytes: length }
      }
      if (at === 'read')
        return { ...state, at: 'repack', seen: [...seen, whichRecord(memory.bytes(place, bytes), lengths)] }
      if (at === 'repack') return { ...state, at: seen.length === want ? 'over' : 'look', place: 0, bytes: 0 }
      if (at === 'block') return { ...state, at: result === 0 ? 'look' : 'wait', word: result }
      return { ...state, at: 'look', word: 0 }
    },
  })
}

function nothing<S extends { at: string; vain: number }>(state: S, patience: Patience): S {
  if (patience === 'sleeps') return { ...state, at: 'block' }
  return state.vain + 1 < patience ? { ...state, vain: state.vain + 1 } : { ...state, at: 'over' }
}

/** What is wrong with what was received: each once, in order, and, when it must be whole, all. */
export function orderFault(seen: readonly number[], all?: number): string | undefined {
  const inOrder = seen.every((value, i) => value === i + 1)
  return inOrder && (all === undefined || seen.length === all)
    ? undefined
    : `received ${JSON.stringify(seen)}`
}

/** Takes what is left when nothing runs any more. */
export function takeRest(side: Side, lengths: readonly number[]): number[] {
  const { bench, ring } = side
  const seen: number[] = []
  for (;;) {
    const place = bench.call('datagramUnpack', ...argsOf(side), ring, tokenOf(side))
    if (place < 0) return seen
    const bytes = bench.memory.u32(mailboxOf(bench, side.as ?? side.thread))
    seen.push(whichRecord(bench.memory.bytes(place, bytes), lengths))
  }
}

export function toServer(bench: SocketBench, channel: Channel, thread: number, patience: Patience): Side {
  return { bench, channel, ring: TO_SERVER, thread, patience }
}

export function toClient(bench: SocketBench, channel: Channel, thread: number, patience: Patience): Side {
  return { bench, channel, ring: TO_CLIENT, thread, patience }
}

// ---- streams -------------------------------------------------------------------------------------------

/** Byte `i` of a stream: what a reader must find there. */
export const byteOf = (i: number): number => (i * 7 + 1) & 0xff

type Stretches = ReturnType<typeof stretchesIn>

export type Poured = {
  readonly at: 'space' | 'write' | 'commit' | 'block' | 'wait' | 'last' | 'over'
  /** Bytes committed; chunks begun; calls made at the end. */
  readonly sent: number
  readonly chunk: number
  readonly calls: number
  readonly bytes: number
  readonly left: Stretches
  readonly word: number
  readonly vain: number
}

/** Writes chunks of these lengths, or of each as much as there is room for, and makes some more calls at the end. */
export function streamSender(side: Side, chunks: readonly number[], last: readonly Op[] = []): Program {
  const { ring, patience, bench } = side
  const args = [...argsOf(side), ring]
  const mailbox = mailboxOf(bench, side.thread)
  const after = (state: Poured): Poured => {
    if (state.chunk < chunks.length) return { ...state, at: 'space' }
    return { ...state, at: state.calls < last.length ? 'last' : 'over' }
  }
  const start: Poured = { at: 'space', sent: 0, chunk: 0, calls: 0, bytes: 0, left: [], word: 0, vain: 0 }
  return program<Poured>({
    name: ring === TO_CLIENT ? 'server' : 'sender',
    init: after(start),
    next: ({ at, sent, bytes, left, calls, word }): Op | undefined => {
      if (at === 'space') return { call: 'streamSpace', args: [...args, tokenOf(side)] }
      if (at === 'write') {
        const [place, length] = left[0]!
        const first = sent + bytes - left.reduce((sum, [, part]) => sum + part, 0)
        return { write: place, data: Array.from({ length }, (_, i) => byteOf(first + i)) }
      }
      if (at === 'commit') return { call: 'streamCommit', args: [...args, bytes] }
      if (at === 'block')
        return { call: 'channelBlock', args: [...argsOf(side), tokenOf(side), bench.layout.WRITABLE!, 0] }
      if (at === 'wait') return sleep(side, word)
      return at === 'last' ? last[calls] : undefined
    },
    done: (state, result, memory): Poured => {
      const { at, left, bytes } = state
      if (at === 'space') {
        if (result === 0) return nothing(state, patience)
        if (result < 0) return { ...state, at: 'over' }
        const part = Math.min(result, chunks[state.chunk]!)
        return { ...state, at: 'write', bytes: part, left: stretchesIn(memory, mailbox, part) }
      }
      if (at === 'write') return { ...state, at: left.length > 1 ? 'write' : 'commit', left: left.slice(1) }
      if (at === 'commit')
        return after({ ...state, sent: state.sent + bytes, chunk: state.chunk + 1, bytes: 0 })
      if (at === 'block') return { ...state, at: result === 0 ? 'space' : 'wait', word: result }
      if (at === 'wait') return { ...state, at: 'space', word: 0 }
      return after({ ...state, calls: state.calls + 1 })
    },
  })
}

export type Drunk = {
  readonly at: 'look' | 'read' | 'done' | 'block' | 'wait' | 'over'
  /** Bytes read and released. */
  readonly got: number
  readonly bytes: number
  readonly left: Stretches
  readonly word: number
  readonly vain: number
  readonly end: number
  readonly fault: string
}

/** Reads up to so many bytes at a time, until it has `want` or is told that there will be no more. */
export function streamReceiver(side: Side, upTo: number, want: number): Program {
  const { ring, patience, bench } = side
  const args = [...argsOf(side), ring]
  const mailbox = mailboxOf(bench, side.thread)
  return program<Drunk>({
    name: 'receiver',
    init: { at: 'look', got: 0, bytes: 0, left: [], word: 0, vain: 0, end: 0, fault: '' },
    next: ({ at, bytes, left, word }): Op | undefined => {
      if (at === 'look') return { call: 'streamBytes', args: [...args, tokenOf(side), 0] }
      if (at === 'read') return { read: left[0]![0], bytes: left[0]![1] }
      if (at === 'done') return { call: 'streamDone', args: [...args, bytes] }
      if (at === 'block')
        return { call: 'channelBlock', args: [...argsOf(side), tokenOf(side), bench.layout.READABLE!, 0] }
      return at === 'wait' ? sleep(side, word) : undefined
    },
    done: (state, result, memory): Drunk => {
      const { at, got, bytes, left } = state
      if (at === 'look') {
        if (result === bench.layout.EMPTY) return nothing(state, patience)
        if (result < 0) return { ...state, at: 'over', end: result }
        const part = Math.min(result, upTo)
        return { ...state, at: 'read', bytes: part, left: stretchesIn(memory, mailbox, part) }
      }
      if (at === 'read') {
        const first = got + bytes - left.reduce((sum, [, part]) => sum + part, 0)
        const found = memory.bytes(...left[0]!)
        if (found.some((byte, i) => byte !== byteOf(first + i)))
          return { ...state, at: 'over', fault: `at byte ${first} there is ${JSON.stringify(found)}` }
        return { ...state, at: left.length > 1 ? 'read' : 'done', left: left.slice(1) }
      }
      if (at === 'done')
        return { ...state, at: got + bytes >= want ? 'over' : 'look', got: got + bytes, bytes: 0 }
      if (at === 'block') return { ...state, at: result === 0 ? 'look' : 'wait', word: result }
      return { ...state, at: 'look', word: 0 }
    },
  })
}

// ---- questions -----------------------------------------------------------------------------------------

export type Asking = {
  readonly at: 'write' | 'ask' | 'look' | 'read' | 'block' | 'wait' | 'over'
  /** Questions that have their answer. */
  readonly answered: number
  readonly word: number
  readonly end: number
  readonly fault: string
}

/** Asks so many questions of so many bytes, one after the other, and waits for each answer. */
export function asker(side: Side, questions: number, bytes: number): Program {
  const { bench, channel } = side
  const args = argsOf(side)
  return program<Asking>({
    name: 'asker',
    init: { at: 'write', answered: 0, word: 0, end: 0, fault: '' },
    next: ({ at, answered, word }): Op | undefined => {
      if (at === 'write')
        return { write: channel.at + bench.layout.QUESTION_OFFSET!, data: recordOf(answered + 1, bytes) }
      if (at === 'ask') return { call: 'channelAsk', args: [...args, bytes] }
      if (at === 'look') return { call: 'channelAnswered', args }
      if (at === 'read') return { read: channel.at + bench.layout.ANSWER_OFFSET!, bytes }
      if (at === 'block')
        return { call: 'channelBlock', args: [...args, tokenOf(side), bench.layout.ANSWERED!, 0] }
      return at === 'wait' ? sleep(side, word) : undefined
    },
    done: (state, result, memory): Asking => {
      const { at, answered } = state
      if (at === 'write') return { ...state, at: 'ask' }
      if (at === 'ask') return { ...state, at: 'look' }
      if (at === 'look') {
        if (result === bench.layout.EMPTY) return { ...state, at: 'block' }
        return result < 0 ? { ...state, at: 'over', end: result } : { ...state, at: 'read' }
      }
      if (at === 'read') {
        const expected = recordOf(answered + 1, bytes)
        const found = memory.bytes(channel.at + bench.layout.ANSWER_OFFSET!, bytes)
        if (found.some((byte, i) => byte !== expected[i]))
          return { ...state, at: 'over', fault: `answer ${answered + 1} is ${JSON.stringify(found)}` }
        return { ...state, at: answered + 1 < questions ? 'write' : 'over', answered: answered + 1 }
      }
      if (at === 'block') return { ...state, at: result === 0 ? 'look' : 'wait', word: result }
      return { ...state, at: 'look', word: 0 }
    },
  })
}
