// The read buffer of a connection: each record to one consumer, and nobody asleep while there is something for it.

import type { Op, Program, Scenario, StateView } from '../program.ts'
import { program } from '../program.ts'
import { stagingOf } from './bench.ts'
import {
  bellOf,
  CONTENT_BYTES,
  type Connection,
  type ConnectionShape,
  connectionRanges,
  DAEMON,
  isAsleep,
  isKilled,
  MODULE,
  mailboxOf,
  obituary,
  startConnection,
  type Touches,
  tokenOf,
} from './gudp-bench.ts'

const LANE = 0

// ---- programs ------------------------------------------------------------------------------------------

export type Taken = {
  readonly at: 'join' | 'enter' | 'take' | 'read' | 'taken' | 'putBack' | 'arm' | 'wait' | 'leave' | 'over'
  readonly seen: readonly number[]
  readonly place: number
  readonly word: number
  readonly end: number
}

interface Consuming {
  /** Stops when it has so many. */
  want?: number
  /** Gives up its first wait at any moment. */
  gives?: boolean
  /** Puts its first record back. */
  putsBack?: boolean
  /** Becomes a member first, and takes nothing. */
  joins?: boolean
}

/** Takes records until it has enough or is told of the end; sleeps while there are none. */
export function consumer(bench: Connection, thread: number, how: Consuming = {}): Program {
  const { want = Number.POSITIVE_INFINITY, gives = false, putsBack = false, joins = false } = how
  const { layout } = bench
  const args = [...bench.handle, LANE, tokenOf(bench, thread)]
  const mailbox = mailboxOf(bench, thread)
  return program<Taken>({
    name: `consumer ${thread}`,
    init: { at: joins ? 'join' : 'take', seen: [], place: 0, word: 0, end: 0 },
    next: ({ at, place, word }): Op | undefined => {
      if (at === 'join')
        return {
          call: 'objectJoin',
          args: [...bench.handle, layout.KIND_CONNECTION!, tokenOf(bench, thread)],
        }
      if (at === 'enter') return { call: 'connectionEnter', args: [...bench.handle, tokenOf(bench, thread)] }
      if (at === 'take') return { call: 'laneTake', args }
      if (at === 'read') return { read: place, bytes: CONTENT_BYTES }
      if (at === 'taken') return { call: 'laneTaken', args }
      if (at === 'putBack') return { call: 'lanePutBack', args }
      if (at === 'arm') return { call: 'laneArm', args }
      if (at === 'wait')
        return gives
          ? { wait: bellOf(bench, thread), value: word, timeout: true }
          : { wait: bellOf(bench, thread), value: word }
      return at === 'leave' ? { call: 'laneLeave', args } : undefined
    },
    done: (state, result, memory): Taken => {
      const { at, seen, place } = state
      if (at === 'join') return { ...state, at: 'enter' }
      if (at === 'enter' || at === 'leave') return { ...state, at: 'over' }
      if (at === 'take') {
        if (result === layout.EMPTY || result === layout.BUSY) return { ...state, at: 'arm' }
        if (result < 0) return { ...state, at: 'over', end: result }
        if (putsBack) return { ...state, at: 'putBack' }
        return { ...state, at: 'read', place: memory.u32(mailbox) }
      }
      if (at === 'read') {
        const [value] = memory.bytes(place, 1)
        return { ...state, at: 'taken', seen: [...seen, value!], place: 0 }
      }
      if (at === 'putBack') return { ...state, at: 'over' }
      if (at === 'taken') return { ...state, at: seen.length < want ? 'take' : 'over' }
      if (at === 'arm')
        return result === 0 ? { ...state, at: 'take' } : { ...state, at: 'wait', word: result }
      if (result === 2) return { ...state, at: 'leave', word: 0 }
      return { ...state, at: 'take', word: 0 }
    },
  })
}

type Put = { readonly at: 'stage' | 'put' | 'tell' | 'last' | 'over'; readonly put: number }

/**
 * The daemon: puts records 1, 2, …, tells of them when there is room for no more, and ends the connection if it is to: with `tells` false before it has told of
 * anything.
 */
function daemon(bench: Connection, records: number, ends?: number, before = 0, tells = true): Program {
  const token = tokenOf(bench, DAEMON)
  const after = (put: number): Put['at'] => {
    if (put < records) return 'stage'
    return ends === undefined ? 'over' : 'last'
  }
  return program<Put>({
    name: 'daemon',
    init: { at: after(before), put: before },
    next: ({ at, put }): Op | undefined => {
      if (at === 'stage') return { write: stagingOf(bench, token), data: [put + 1, 0, 0, 0] }
      if (at === 'put') return { call: 'lanePut', args: [...bench.handle, LANE, token, CONTENT_BYTES] }
      if (at === 'tell') return { call: 'connectionTell', args: [...bench.handle, token] }
      return at === 'last' ? { call: 'connectionFinish', args: [...bench.handle, ends!] } : undefined
    },
    done: ({ at, put }, result): Put => {
      if (at === 'stage') return { at: 'put', put }
      if (at === 'last') return { at: 'over', put }
      if (at === 'tell') return { at: put < records ? 'put' : after(put), put }
      if (result !== 0) return { at: 'tell', put }
      if (put + 1 < records) return { at: 'stage', put: put + 1 }
      return { at: tells ? 'tell' : after(put + 1), put: put + 1 }
    },
  })
}

/** Somebody who says that it is over, and is not the daemon. */
function finisher(bench: Connection, bit: number): Program {
  return program<boolean>({
    name: 'finisher',
    init: false,
    next: (isDone) => (isDone ? undefined : { call: 'connectionFinish', args: [...bench.handle, bit] }),
    done: () => true,
  })
}

// ---- scenarios -----------------------------------------------------------------------------------------

interface ReadCase {
  name: string
  shape: ConnectionShape
  records: number
  consumers: readonly number[]
  touches?: Touches
  /** Threads that may be killed; of the others the lives cost nothing. */
  dies?: readonly number[]
  prepare?(bench: Connection): void
  threads(bench: Connection): Program[]
  terminal?(view: StateView, bench: Connection): string | undefined
}

function readScenario(read: ReadCase): Scenario {
  let bench: Connection
  const dies = read.dies ?? read.consumers
  return {
    name: read.name,
    module: MODULE,
    killable: dies,
    setup: (workbench) => {
      bench = startConnection(workbench, read.shape)
      read.prepare?.(bench)
    },
    threads: () => [...read.threads(bench), ...dies.map((thread) => obituary(bench, thread))],
    ranges: () => connectionRanges(bench, { receives: true, dies, ...read.touches }),
    terminal: (view) =>
      recordFault(view, bench, read) ?? read.terminal?.(view, { ...bench, ...view } as Connection),
  }
}

const taken = (view: StateView, thread: number) => view.threads[thread]!.state as unknown as Taken

/** Each record was taken once, and what was not is not slept over. */
function recordFault(view: StateView, bench: Connection, { consumers, records }: ReadCase) {
  const seen = consumers.flatMap((thread) => taken(view, thread).seen)
  // One that was killed with a record in its hand may have left it to another.
  const inHand = consumers.flatMap((thread) => {
    const { seen: own, at } = taken(view, thread)
    return isKilled(view, thread) && at === 'taken' ? own.slice(-1) : []
  })
  const once = seen.filter((value, i) => !(inHand.includes(value) && seen.indexOf(value) !== i))
  const isOnce = new Set(once).size === once.length
  if (!isOnce) return `taken ${JSON.stringify(seen)}`
  const depth = bench.call('laneDepth', ...bench.handle, LANE)
  const sleeper = consumers.find((thread) => isAsleep(view, thread))
  if (sleeper !== undefined && depth > 0) return `lost wake-up: ${sleeper} sleeps, and ${depth} bytes wait`
  const put = (view.threads[DAEMON]!.state as unknown as Put).put
  if (!isKilled(view, DAEMON) && put !== records) return `${put} of ${records} were put`
  const left = put * 8 - depth
  return isKilled(view, DAEMON) || once.length * 8 === left || inHand.length > 0
    ? undefined
    : `taken ${JSON.stringify(seen)} of ${put}, and ${depth} bytes wait`
}

/** All have been told of the end, and nothing is left. */
function endFault(view: StateView, bench: Connection, consumers: readonly number[]): string | undefined {
  const asleep = consumers.find((thread) => isAsleep(view, thread))
  if (asleep !== undefined) return `${asleep} sleeps, though it is over`
  const other = consumers.find(
    (thread) => !isKilled(view, thread) && taken(view, thread).end !== bench.layout.ENDED,
  )
  if (other !== undefined) return `${other} ended with ${taken(view, other).end}`
  const depth = bench.call('laneDepth', ...bench.handle, LANE)
  return depth > 0 && consumers.some((thread) => !isKilled(view, thread))
    ? `${depth} bytes are left`
    : undefined
}

const [CLOSED, RESET] = [0, 2]

export const gudpReadScenarios: readonly Scenario[] = [
  readScenario({
    name: 'gudp-read',
    shape: { threads: 3, inRecords: 3 },
    records: 2,
    consumers: [1, 2],
    dies: [],
    threads: (bench) => [daemon(bench, 2), consumer(bench, 1), consumer(bench, 2, { want: 1 })],
  }),
  // One may be killed with the record in its hand, or when it has just been signalled.
  readScenario({
    name: 'gudp-read-killed',
    shape: { threads: 3 },
    records: 1,
    consumers: [1, 2],
    dies: [1],
    threads: (bench) => [daemon(bench, 1), consumer(bench, 1), consumer(bench, 2)],
  }),
  readScenario({
    name: 'gudp-read-full',
    shape: { threads: 2, inRecords: 1 },
    records: 3,
    consumers: [1],
    dies: [],
    threads: (bench) => [daemon(bench, 3), consumer(bench, 1)],
  }),
  readScenario({
    name: 'gudp-read-end',
    shape: { threads: 3 },
    records: 1,
    consumers: [1, 2],
    dies: [],
    touches: { ends: true },
    threads: (bench) => [daemon(bench, 1, CLOSED), consumer(bench, 1), consumer(bench, 2)],
    terminal: (view, bench) => endFault(view, bench, [1, 2]),
  }),
  readScenario({
    name: 'gudp-read-end-untold',
    shape: { threads: 3 },
    records: 1,
    consumers: [1, 2],
    dies: [],
    touches: { ends: true },
    threads: (bench) => [daemon(bench, 1, CLOSED, 0, false), consumer(bench, 1), consumer(bench, 2)],
    terminal: (view, bench) => endFault(view, bench, [1, 2]),
  }),
  // It is over, and one may be killed with the last record in its hand, or before it tells the others.
  readScenario({
    name: 'gudp-read-end-killed',
    shape: { threads: 3 },
    records: 1,
    consumers: [1, 2],
    dies: [1],
    prepare: (bench) => {
      putNow(bench)
      bench.call('connectionFinish', ...bench.handle, CLOSED)
    },
    threads: (bench) => [daemon(bench, 1, undefined, 1), consumer(bench, 1), consumer(bench, 2)],
    terminal: (view, bench) => endFault(view, bench, [1, 2]),
  }),
  readScenario({
    name: 'gudp-read-daemon-dies',
    shape: { threads: 3 },
    records: 1,
    consumers: [1, 2],
    dies: [DAEMON],
    threads: (bench) => [daemon(bench, 1), consumer(bench, 1), consumer(bench, 2)],
    terminal: (view, bench) => (isKilled(view, DAEMON) ? endFault(view, bench, [1, 2]) : undefined),
  }),
  readScenario({
    name: 'gudp-read-final-by-any',
    shape: { threads: 4 },
    records: 0,
    consumers: [1, 2],
    dies: [],
    touches: { ends: true },
    prepare: (bench) => {
      asleep(bench, 1)
    },
    threads: (bench) => [
      daemon(bench, 0, RESET),
      consumer(bench, 1),
      consumer(bench, 2),
      finisher(bench, CLOSED),
    ],
    terminal: (view, bench) => {
      const word = bench.memory.u32(bench.at + bench.layout.STATUS_OFFSET!)
      const both = (1 << (16 + CLOSED)) | (1 << (16 + RESET))
      if ((word & both) !== both) return `a reason is lost: 0x${word.toString(16)}`
      return endFault(view, bench, [1, 2])
    },
  }),
  readScenario({
    name: 'gudp-read-given-up',
    shape: { threads: 3 },
    records: 1,
    consumers: [1, 2],
    dies: [],
    threads: (bench) => [daemon(bench, 1), consumer(bench, 1, { gives: true }), consumer(bench, 2)],
  }),
  readScenario({
    name: 'gudp-read-put-back',
    shape: { threads: 3 },
    records: 1,
    consumers: [1, 2],
    dies: [1],
    threads: (bench) => [daemon(bench, 1), consumer(bench, 1, { putsBack: true }), consumer(bench, 2)],
  }),
  readScenario({
    name: 'gudp-read-stale-bit',
    shape: { threads: 3, outside: [1] },
    records: 1,
    consumers: [1, 2],
    touches: { joins: true },
    dies: [1],
    // The slot of thread 1 was that of a thread that died while it waited.
    prepare: (bench) => asleep(bench, 1),
    threads: (bench) => [daemon(bench, 1), consumer(bench, 1, { joins: true }), consumer(bench, 2)],
  }),
]

/** The first record, put before anything else. */
function putNow(bench: Connection): void {
  const token = tokenOf(bench, DAEMON)
  bench.data.setUint32(stagingOf(bench, token), 1, true)
  bench.call('lanePut', ...bench.handle, LANE, token, CONTENT_BYTES)
  bench.call('connectionTell', ...bench.handle, token)
}

/** As if the thread had armed and gone to sleep, and been woken by something else. */
function asleep(bench: Connection, thread: number): void {
  bench.call('laneArm', ...bench.handle, LANE, tokenOf(bench, thread))
}
