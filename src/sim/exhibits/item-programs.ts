// What the two sides of a bipartite ring do: datagrams, as a socket's channel has them.

import type { Op, Program } from '../program.ts'
import { program } from '../program.ts'
import { mailboxOf, TO_SERVER } from '../scenarios/socket-bench.ts'
import { argsOf, type Side, sleep, tokenOf } from '../scenarios/socket-programs.ts'
import { bytesOfEvent, eventIn, shortName } from './events.ts'
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

/** Claims a place, writes the item there, and publishes it; sleeps while there is no room. */
export function itemProducer(side: Side, { events, bytes }: Traffic): Program {
  const { layout } = side.bench
  const args = [...argsOf(side), TO_SERVER]
  return program<ProducerState>({
    name: 'producer',
    init: FIRST_EVENT,
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
      return { ...FIRST_EVENT, value: value + 1, at: value < events ? 'room' : 'over' }
    },
  })
}

/** Takes an item in hand, reads it where it lies, and gives it back; sleeps while there is none. */
export function itemConsumer(side: Side, { events }: Traffic): Program {
  const { layout } = side.bench
  const args = [...argsOf(side), TO_SERVER]
  const mailbox = mailboxOf(side.bench, side.thread)
  return program<ConsumerState>({
    name: 'consumer',
    init: NOTHING_YET,
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
        ...NOTHING_YET,
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
