// What the two sides of a ring have in common: how they stand, and how each sleeps when there is nothing for it to do.

import type { Op } from '../program.ts'
import { argsOf, type Side, sleep, tokenOf } from '../scenarios/socket-programs.ts'

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

export interface Traffic {
  readonly events: number
  readonly bytes: number
}

export const FIRST_EVENT: ProducerState = { at: 'room', value: 1, place: 0, word: 0, done: 0, stretches: [] }
export const NOTHING_YET: ConsumerState = {
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
export const block = (side: Side, bytes: number): Op => ({
  call: 'channelBlock',
  args: [...argsOf(side), tokenOf(side), side.bench.layout.WRITABLE!, bytes],
})

/** The server, which has one bell for all its channels: it asks the hub which of them have work, and sleeps when none has. */
export function servingOp(side: Side, { at, word, departures }: ConsumerState): Op | undefined {
  const { hub, layout } = side.bench
  const token = tokenOf(side)
  if (at === 'serve') return { call: 'channelServe', args: [...argsOf(side), layout.WORK! | layout.SENT!] }
  if (at === 'ack') return { call: 'hubAck', args: [...hub, token] }
  if (at === 'count') return { call: 'departures', args: [] }
  if (at === 'arm') return { call: 'hubAckWait', args: [...hub, token, departures] }
  return at === 'sleep' ? sleep(side, word) : undefined
}

export function served(state: ConsumerState, result: number): ConsumerState {
  const { at } = state
  if (at === 'serve') return { ...state, at: result === 0 ? 'ack' : 'look' }
  if (at === 'ack') return { ...state, at: result < 0 ? 'count' : 'look' }
  if (at === 'count') return { ...state, at: 'arm', departures: result }
  if (at === 'arm') return result === 0 ? { ...state, at: 'ack' } : { ...state, at: 'sleep', word: result }
  return { ...state, at: 'ack', word: 0 }
}
