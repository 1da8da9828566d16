// The send buffer of a connection: senders on several threads, and the daemon that takes what they send and sleeps meanwhile.

import type { Op, Program, Scenario, StateView } from '../program.ts'
import { program } from '../program.ts'
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
  tokenOf,
} from './gudp-bench.ts'

const LANE = 0

export type Sending = {
  readonly at: 'claim' | 'write' | 'commit' | 'abort' | 'arm' | 'wait' | 'leave' | 'drain' | 'over'
  readonly sent: number
  readonly place: number
  readonly word: number
  readonly end: number
}

interface Sender {
  records?: number
  /** Of its content; its number is the first byte. */
  bytes?: number
  /** Gives up its first wait at any moment. */
  gives?: boolean
  /** Waits at last until all is freed. */
  drains?: boolean
  /** Sends nothing after all. */
  aborts?: boolean
}

/** Sends records whose first byte is its number; sleeps while there is no room or another one in the way. */
function sender(bench: Connection, thread: number, how: Sender = {}): Program {
  const { records = 1, bytes = CONTENT_BYTES, gives = false, drains = false, aborts = false } = how
  const { layout } = bench
  const args = [...bench.handle, LANE, tokenOf(bench, thread)]
  const mailbox = mailboxOf(bench, thread)
  const isSent = (sent: number) => sent === records
  return program<Sending>({
    name: `sender ${thread}`,
    init: { at: 'claim', sent: 0, place: 0, word: 0, end: 0 },
    next: ({ at, sent, place, word }): Op | undefined => {
      if (at === 'claim') return { call: 'laneClaim', args: [...args, bytes] }
      if (at === 'write') return { write: place, data: [thread, 0, 0, 0] }
      if (at === 'commit') return { call: 'laneCommit', args: [...args, bytes] }
      if (at === 'abort') return { call: 'laneAbort', args }
      if (at === 'arm' || at === 'drain')
        return { call: 'laneSendArm', args: [...args, isSent(sent) ? layout.ALL_FREED! : bytes] }
      if (at === 'wait')
        return gives
          ? { wait: bellOf(bench, thread), value: word, timeout: true }
          : { wait: bellOf(bench, thread), value: word }
      return at === 'leave' ? { call: 'laneSendLeave', args } : undefined
    },
    done: (state, result, memory): Sending => {
      const { at, sent } = state
      if (at === 'claim') {
        if (result === layout.FULL || result === layout.BUSY) return { ...state, at: 'arm' }
        if (result < 0) return { ...state, at: 'over', end: result }
        return { ...state, at: aborts ? 'abort' : 'write', place: memory.u32(mailbox) }
      }
      if (at === 'write') return { ...state, at: 'commit', place: 0 }
      if (at === 'commit') {
        if (!isSent(sent + 1)) return { ...state, at: 'claim', sent: sent + 1 }
        return { ...state, at: drains ? 'drain' : 'over', sent: sent + 1 }
      }
      if (at === 'leave' || at === 'abort') return { ...state, at: 'over', place: 0 }
      if (at === 'wait') {
        if (result === 2) return { ...state, at: 'leave', word: 0 }
        return { ...state, at: isSent(sent) ? 'drain' : 'claim', word: 0 }
      }
      if (result !== 0) return { ...state, at: 'wait', word: result }
      if (at === 'arm') return { ...state, at: 'claim' }
      return { ...state, at: 'leave' }
    },
  })
}

type Served = {
  readonly at:
    | 'ack'
    | 'gone'
    | 'wants'
    | 'oldest'
    | 'read'
    | 'free'
    | 'tell'
    | 'arm'
    | 'wait'
    | 'last'
    | 'over'
  readonly got: readonly number[]
  readonly place: number
  readonly departures: number
  readonly word: number
}

/** The daemon's loop: sleeps at its bell until the hub tells of a connection, or of somebody who has gone. */
function daemon(bench: Connection, endsAfter = Number.POSITIVE_INFINITY): Program {
  const { layout, hub } = bench
  const token = tokenOf(bench, DAEMON)
  const args = [...bench.handle, LANE, token]
  const mailbox = mailboxOf(bench, DAEMON)
  return program<Served>({
    name: 'daemon',
    init: { at: 'ack', got: [], place: 0, departures: 0, word: 0 },
    next: ({ at, place, departures, word }): Op | undefined => {
      if (at === 'ack') return { call: 'hubAck', args: [...hub, token] }
      if (at === 'gone') return { call: 'departures', args: [] }
      if (at === 'wants') return { call: 'connectionWants', args: [...bench.handle] }
      if (at === 'oldest') return { call: 'laneOldest', args }
      if (at === 'read') return { read: place, bytes: CONTENT_BYTES }
      if (at === 'free') return { call: 'laneFree', args }
      if (at === 'tell') return { call: 'connectionTell', args: [...bench.handle, token] }
      if (at === 'arm') return { call: 'hubAckWait', args: [...hub, token, departures] }
      if (at === 'wait') return { wait: bellOf(bench, DAEMON), value: word }
      return at === 'last' ? { call: 'connectionFinish', args: [...bench.handle, layout.CLOSED!] } : undefined
    },
    done: (state, result, memory): Served => {
      const { at, got, place, departures } = state
      if (at === 'ack') return { ...state, at: result >= 0 ? 'wants' : 'gone' }
      if (at === 'gone') return { ...state, at: result === departures ? 'arm' : 'wants', departures: result }
      if (at === 'wants') return { ...state, at: 'oldest' }
      if (at === 'oldest')
        return result < 0 ? { ...state, at: 'tell' } : { ...state, at: 'read', place: memory.u32(mailbox) }
      if (at === 'tell') return { ...state, at: 'ack' }
      if (at === 'read') return { ...state, at: 'free', place: 0, got: [...got, memory.bytes(place, 1)[0]!] }
      if (at === 'free') return { ...state, at: got.length >= endsAfter ? 'last' : 'oldest' }
      if (at === 'last') return { ...state, at: 'over' }
      if (at === 'arm') return result === 0 ? { ...state, at: 'ack' } : { ...state, at: 'wait', word: result }
      return { ...state, at: 'ack', word: 0 }
    },
  })
}

interface SendCase {
  name: string
  shape: Partial<ConnectionShape>
  senders: readonly number[]
  dies?: readonly number[]
  ends?: boolean
  prepare?(bench: Connection): void
  threads(bench: Connection): Program[]
}

function sendScenario(send: SendCase): Scenario {
  let bench: Connection
  const dies = send.dies ?? send.senders
  return {
    name: send.name,
    module: MODULE,
    killable: dies,
    setup: (workbench) => {
      bench = startConnection(workbench, { threads: 1 + send.senders.length, ...send.shape })
      send.prepare?.(bench)
    },
    threads: () => [...send.threads(bench), ...dies.map((thread) => obituary(bench, thread))],
    ranges: () => connectionRanges(bench, { sends: true, ends: send.ends ?? false, dies }),
    terminal: (view) => sendFault(view, bench, send),
  }
}

const sending = (view: StateView, thread: number) => view.threads[thread]!.state as unknown as Sending

/** Nobody sleeps but the daemon, which has all that was sent. */
function sendFault(
  view: StateView,
  bench: Connection,
  { senders, ends = false }: SendCase,
): string | undefined {
  const asleep = senders.find((thread) => isAsleep(view, thread))
  if (asleep !== undefined) return `lost wake-up: sender ${asleep} sleeps`
  if (isKilled(view, DAEMON) || ends) {
    const other = senders.find((thread) => {
      const { end } = sending(view, thread)
      return end !== 0 && end !== bench.layout.ENDED
    })
    return other === undefined ? undefined : `sender ${other} ended with ${sending(view, other).end}`
  }
  const { got } = view.threads[DAEMON]!.state as unknown as Served
  for (const thread of senders) {
    const { sent, at, end } = sending(view, thread)
    if (end !== 0) return `sender ${thread} ended with ${end}`
    const received = got.filter((value) => value === thread).length
    const mayBe = isKilled(view, thread) && at === 'commit' ? 1 : 0
    if (received < sent || received > sent + mayBe) return `sender ${thread}: ${received} of ${sent} came`
  }
  return undefined
}

export const gudpSendScenarios: readonly Scenario[] = [
  sendScenario({
    name: 'gudp-send',
    shape: { outRecords: 1 },
    senders: [1, 2],
    dies: [],
    threads: (bench) => [daemon(bench), sender(bench, 1), sender(bench, 2)],
  }),
  // The daemon sleeps already, so that it is there only for what wakes it.
  sendScenario({
    name: 'gudp-send-killed',
    shape: { outRecords: 2 },
    senders: [1, 2],
    dies: [1],
    threads: (bench) => [daemon(bench), sender(bench, 1), sender(bench, 2)],
  }),
  sendScenario({
    name: 'gudp-send-room',
    shape: { outRecords: 1 },
    senders: [1],
    threads: (bench) => [daemon(bench), sender(bench, 1, { records: 2, drains: true })],
  }),
  sendScenario({
    name: 'gudp-send-daemon-dies',
    shape: { outRecords: 1 },
    senders: [1],
    dies: [DAEMON],
    threads: (bench) => [daemon(bench), sender(bench, 1, { records: 2, drains: true })],
  }),
  sendScenario({
    name: 'gudp-send-end',
    shape: { outRecords: 1 },
    senders: [1, 2],
    dies: [],
    ends: true,
    threads: (bench) => [daemon(bench, 1), sender(bench, 1), sender(bench, 2)],
  }),
  sendScenario({
    name: 'gudp-send-given-up',
    shape: { outRecords: 2 },
    senders: [1, 2],
    dies: [],
    threads: (bench) => [daemon(bench), sender(bench, 1, { gives: true }), sender(bench, 2)],
  }),
  sendScenario({
    name: 'gudp-send-abort',
    shape: { outRecords: 2 },
    senders: [1, 2],
    dies: [],
    threads: (bench) => [daemon(bench), sender(bench, 1, { aborts: true }), sender(bench, 2)],
  }),
  // One needs the whole ring, the other a part of it.
  sendScenario({
    name: 'gudp-send-sizes',
    shape: { outRecords: 2, longest: 12 },
    senders: [1, 2],
    dies: [],
    threads: (bench) => [daemon(bench), sender(bench, 1, { bytes: 12 }), sender(bench, 2)],
  }),
]
