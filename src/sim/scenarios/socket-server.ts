// The loop of a socket server, without sockets: it serves the channels that want something, and sleeps when none does.

import type { Op, Program } from '../program.ts'
import { program } from '../program.ts'
import { recordOf, whichRecord } from './bench.ts'
import { mailboxOf, SERVER, type SocketBench, stretchesIn, TO_CLIENT, TO_SERVER } from './socket-bench.ts'
import { byteOf } from './socket-programs.ts'

/** What it does when a channel has its turn. */
export interface Duties {
  /** Takes datagrams of these lengths: all that are there, or one in a turn. */
  takes?: { lengths: readonly number[]; one?: boolean }
  /** Reads the stream, up to so many bytes at a time. */
  reads?: number
  /** Writes so many bytes of a stream, as there is room. */
  pours?: number
  /** Takes up a question of so many bytes, and answers it with as many. */
  answers?: number
  /** What it does after that many answers, at the end. */
  last?: { answers: number; ops: readonly Op[] }
}

type At =
  | 'ack'
  | 'count'
  | 'orphan'
  | 'remove'
  | 'arm'
  | 'wait'
  | 'question'
  | 'text'
  | 'write answer'
  | 'answer'
  | 'take'
  | 'read'
  | 'repack'
  | 'bytes'
  | 'read bytes'
  | 'done'
  | 'space'
  | 'pour'
  | 'commit'
  | 'serve'
  | 'undo'
  | 'last'
  | 'over'

export type Serving = {
  readonly at: At
  /** Whose turn it is, by its place among the bench's channels. */
  readonly turn: number
  readonly departures: number
  readonly word: number
  readonly place: number
  readonly bytes: number
  readonly left: ReturnType<typeof stretchesIn>
  /** Of each channel: datagrams taken by their numbers, questions the same, bytes read. */
  readonly seen: readonly (readonly number[])[]
  readonly asked: readonly number[]
  readonly got: number
  readonly poured: number
  readonly calls: number
  readonly fault: string
}

export function server(bench: SocketBench, duties: Duties): Program {
  const { hub, tokens, layout, channels } = bench
  const { takes, reads = 0, pours = 0, answers = 0, last } = duties
  const token = tokens[SERVER]!
  const mailbox = mailboxOf(bench, SERVER)
  const phases: readonly At[] = [
    ...(answers > 0 ? ['question' as const] : []),
    ...(takes ? ['take' as const] : []),
    ...(reads > 0 ? ['bytes' as const] : []),
    ...(pours > 0 ? ['space' as const] : []),
  ]
  /** What it does next in a channel's turn. */
  const beyond = (at: At): At => phases[phases.indexOf(at) + 1] ?? 'serve'
  const bits = (state: Serving): number =>
    layout.WORK! | (takes || reads ? layout.SENT! : 0) | (state.poured < pours ? layout.ROOM! : 0)
  const added = (lists: readonly (readonly number[])[], turn: number, value: number) =>
    lists.map((list, i) => (i === turn ? [...list, value] : list))

  return program<Serving>({
    name: 'server',
    init: {
      at: pours > 0 ? 'space' : 'ack',
      turn: 0,
      departures: 0,
      word: 0,
      place: 0,
      bytes: 0,
      left: [],
      seen: channels.map(() => []),
      asked: channels.map(() => 0),
      got: 0,
      poured: 0,
      calls: 0,
      fault: '',
    },
    next: (state): Op | undefined => {
      const { at, turn, departures, word, place, bytes, left } = state
      const channel = [channels[turn]!.at, channels[turn]!.generation] as const
      switch (at) {
        case 'ack':
          return { call: 'hubAck', args: [...hub, token] }
        case 'count':
          return { call: 'departures', args: [] }
        case 'orphan':
          return { call: 'hubOrphan', args: [...hub, token, 0] }
        case 'remove':
          return { call: 'hubRemove', args: [...hub, place] }
        case 'arm':
          return { call: 'hubAckWait', args: [...hub, token, departures] }
        case 'wait':
          return { wait: bench.call('bellAddress', token), value: word }
        case 'question':
          return { call: 'channelQuestion', args: channel }
        case 'text':
          return { read: channel[0] + layout.QUESTION_OFFSET!, bytes: answers }
        case 'write answer':
          return { write: channel[0] + layout.ANSWER_OFFSET!, data: recordOf(place, answers) }
        case 'answer':
          return { call: 'channelAnswer', args: [...channel, answers] }
        case 'take':
          return { call: 'datagramUnpack', args: [...channel, TO_SERVER, token] }
        case 'read':
          return { read: place, bytes }
        case 'repack':
          return { call: 'datagramRepack', args: [...channel, TO_SERVER, 1] }
        case 'bytes':
          return { call: 'streamBytes', args: [...channel, TO_SERVER, token, 0] }
        case 'read bytes':
          return { read: left[0]![0], bytes: left[0]![1] }
        case 'done':
          return { call: 'streamDone', args: [...channel, TO_SERVER, bytes] }
        case 'space':
          return { call: 'streamSpace', args: [...channel, TO_CLIENT, token] }
        case 'pour': {
          const first = state.poured + bytes - left.reduce((sum, [, part]) => sum + part, 0)
          const [to, length] = left[0]!
          return { write: to, data: Array.from({ length }, (_, i) => byteOf(first + i)) }
        }
        case 'commit':
          return { call: 'streamCommit', args: [...channel, TO_CLIENT, bytes] }
        case 'serve':
          return { call: 'channelServe', args: [...channel, bits(state)] }
        case 'undo':
          return { call: 'hubAckUndo', args: [...hub, channels[turn]!.index] }
        case 'last':
          return last!.ops[state.calls]
        default:
          return undefined
      }
    },
    done: (state, result, memory): Serving => {
      const { at, turn, place, bytes, left, seen, asked } = state
      const idle = { ...state, turn: 0, place: 0, bytes: 0, left: [], word: 0 }
      const to = (next: At): Serving => ({ ...state, at: next })
      switch (at) {
        case 'ack': {
          if (result < 0) return { ...idle, at: 'count' }
          const whose = channels.findIndex((one) => one.at === memory.u32(mailbox))
          return whose < 0 ? { ...idle, at: 'ack' } : { ...state, at: phases[0] ?? 'serve', turn: whose }
        }
        case 'count':
          return { ...state, at: result === state.departures ? 'arm' : 'orphan', departures: result }
        case 'orphan':
          return result < 0 ? { ...idle, at: 'arm' } : { ...state, at: 'remove', place: result }
        case 'remove':
          return { ...idle, at: 'orphan' }
        case 'arm':
          return { ...state, at: result === 0 ? 'ack' : 'wait', word: result }
        case 'wait':
          return { ...idle, at: 'ack' }
        case 'question':
          if (result < 0) return to(beyond('question'))
          if (result !== answers) return { ...state, at: 'over', fault: `a question of ${result} bytes` }
          return to('text')
        case 'text': {
          const found = whichQuestion(memory.bytes(channels[turn]!.at + layout.QUESTION_OFFSET!, answers))
          if (found !== asked[turn]! + 1) return { ...state, at: 'over', fault: `question ${found}` }
          return {
            ...state,
            at: 'write answer',
            place: found,
            asked: asked.map((last, i) => (i === turn ? found : last)),
          }
        }
        case 'write answer':
          return { ...state, at: 'answer', place: 0 }
        case 'answer':
          return last && asked[turn] === last.answers ? to('last') : to(beyond('question'))
        case 'take':
          if (result < 0) return to(beyond('take'))
          return memory.u32(mailbox) === 0
            ? { ...state, at: 'repack', seen: added(seen, turn, whichRecord([], takes!.lengths)) }
            : { ...state, at: 'read', place: result, bytes: memory.u32(mailbox) }
        case 'read': {
          const found = whichRecord(memory.bytes(place, bytes), takes!.lengths)
          return { ...state, at: 'repack', place: 0, bytes: 0, seen: added(seen, turn, found) }
        }
        case 'repack':
          return to(takes!.one ? beyond('take') : 'take')
        case 'bytes': {
          if (result < 0) return to(beyond('bytes'))
          const part = Math.min(result, reads)
          return { ...state, at: 'read bytes', bytes: part, left: stretchesIn(memory, mailbox, part) }
        }
        case 'read bytes': {
          const first = state.got + bytes - left.reduce((sum, [, part]) => sum + part, 0)
          if (memory.bytes(...left[0]!).some((byte, i) => byte !== byteOf(first + i)))
            return { ...state, at: 'over', fault: `other bytes than were sent at ${first}` }
          return { ...state, at: left.length > 1 ? 'read bytes' : 'done', left: left.slice(1) }
        }
        case 'done':
          return { ...state, at: 'bytes', got: state.got + bytes, bytes: 0 }
        case 'space': {
          const part = Math.min(Math.max(result, 0), pours - state.poured)
          if (part === 0) return to('serve')
          return { ...state, at: 'pour', bytes: part, left: stretchesIn(memory, mailbox, part) }
        }
        case 'pour':
          return { ...state, at: left.length > 1 ? 'pour' : 'commit', left: left.slice(1) }
        case 'commit':
          return { ...state, at: 'space', poured: state.poured + bytes, bytes: 0 }
        case 'serve':
          if (result === 0) return { ...idle, at: 'ack' }
          return to(takes?.one ? 'undo' : phases[0]!)
        case 'undo':
          return { ...idle, at: 'ack' }
        default:
          return {
            ...state,
            at: state.calls + 1 < last!.ops.length ? 'last' : 'over',
            calls: state.calls + 1,
          }
      }
    },
  })
}

/** Questions and answers are records of their numbers. */
export function whichQuestion(text: readonly number[]): number {
  return text[0]! >> 4 > 0 && recordOf(text[0]! >> 4, text.length).every((byte, i) => byte === text[i])
    ? text[0]! >> 4
    : 0
}
