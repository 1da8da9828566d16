// What the two sides of a stream ring do: bytes, as a socket's channel has them.

import type { Op, Program } from '../program.ts'
import { program } from '../program.ts'
import { mailboxOf, stretchesIn, TO_SERVER } from '../scenarios/socket-bench.ts'
import { argsOf, type Side, sleep, tokenOf } from '../scenarios/socket-programs.ts'
import { bytesOfEvent } from './events.ts'
import {
  block,
  type ConsumerState,
  FIRST_EVENT,
  NOTHING_YET,
  type ProducerState,
  served,
  servingOp,
  type Traffic,
} from './ring-programs.ts'

/** Byte `i` of the stream: of the events one after the other. */
function streamByte(i: number, bytes: number): number {
  return bytesOfEvent({ writer: 0, value: Math.floor(i / bytes) + 1 }, bytes)[i % bytes]!
}

/** Writes as much of each event as there is room for, in up to two stretches. */
export function byteProducer(side: Side, { events, bytes }: Traffic): Program {
  const args = [...argsOf(side), TO_SERVER]
  const mailbox = mailboxOf(side.bench, side.thread)
  const sum = (stretches: ProducerState['stretches']) =>
    stretches.reduce((all, [, length]) => all + length, 0)
  return program<ProducerState>({
    name: 'producer',
    init: FIRST_EVENT,
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
      if (done + place < bytes) return { ...FIRST_EVENT, value, done: done + place }
      return { ...FIRST_EVENT, value: value + 1, at: value < events ? 'room' : 'over' }
    },
  })
}

/** Reads whatever there is, and lets go of it. */
export function byteConsumer(side: Side, { events, bytes }: Traffic): Program {
  const { layout } = side.bench
  const args = [...argsOf(side), TO_SERVER]
  const mailbox = mailboxOf(side.bench, side.thread)
  return program<ConsumerState>({
    name: 'consumer',
    init: NOTHING_YET,
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
      return { ...NOTHING_YET, got: all, at: all < events * bytes ? 'look' : 'over', fault: state.fault }
    },
  })
}
