// What threads do at a diode: the loops of `set`, of `Waiter` and of `drain`, one call of the core at a time.

import type { MemoryView } from '../memory-view.ts'
import type { Op, Program } from '../program.ts'
import { program } from '../program.ts'
import { type RingBench, stagingOf } from '../scenarios/bench.ts'
import { bytesOfEvent, eventIn, shortName } from './events.ts'

export interface Lane {
  readonly at: number
  readonly generation: number
}

export interface Writing {
  readonly lane: Lane
  readonly thread: number
  readonly writer: number
  readonly events: number
  readonly bytes: number
  /** Into the ring itself, and not by way of the scratch. */
  readonly claims?: boolean
}

export type WriterState = {
  readonly at: 'stage' | 'set' | 'claim' | 'fill' | 'commit' | 'leave' | 'over'
  readonly value: number
  readonly place: number
  readonly refused: number
}

/** Writes so many events, and leaves. */
export function writerProgram(bench: RingBench, writing: Writing): Program {
  const { lane, thread, writer, events, bytes, claims = false } = writing
  const token = bench.tokens[thread]!
  const args = [lane.at, lane.generation] as const
  const first = claims ? 'claim' : 'stage'
  const begin = (value: number, refused: number): WriterState => ({
    at: value > events ? 'leave' : first,
    value,
    place: 0,
    refused,
  })
  return program<WriterState>({
    name: `writer ${String.fromCharCode(65 + writer)}`,
    init: begin(1, 0),
    next: ({ at, value, place }): Op | undefined => {
      const data = bytesOfEvent({ writer, value }, bytes)
      if (at === 'stage') return { write: stagingOf(bench, token), data }
      if (at === 'set') return { call: 'laneSet', args: [...args, token, bytes] }
      if (at === 'claim') return { call: 'laneClaim', args: [...args, bytes] }
      if (at === 'fill') return { write: place, data }
      if (at === 'commit') return { call: 'laneCommit', args: [...args, bytes] }
      return at === 'leave' ? { call: 'writerLeave', args: [...args, token, 1] } : undefined
    },
    done: (state, result): WriterState => {
      const { at, value, refused } = state
      if (at === 'stage') return { ...state, at: 'set' }
      if (at === 'claim')
        return result < 0 ? begin(value + 1, refused + 1) : { ...state, at: 'fill', place: result }
      if (at === 'fill') return { ...state, at: 'commit' }
      if (at === 'leave') return { ...state, at: 'over' }
      return begin(value + 1, result < 0 ? refused + 1 : refused)
    },
  })
}

export interface Reading {
  readonly thread: number
  readonly name: string
  /** Takes the next record, or a batch in hand. */
  readonly take: { readonly call: string; readonly args: readonly number[] }
  /** Before sleeping. */
  readonly arm: { readonly call: string; readonly args: readonly number[] }
  /** A batch is read where it lies, and given back; where there is none, this tells whether that is the end. */
  readonly drains?: { readonly ask: { readonly call: string; readonly args: readonly number[] } }
}

export type ReaderState = {
  readonly at: 'look' | 'read' | 'release' | 'ask' | 'arm' | 'sleep' | 'over'
  readonly word: number
  readonly place: number
  readonly left: number
  readonly held: number
  readonly got: number
  readonly missed: number
  /** Of each writer, the last event that came. */
  readonly last: readonly number[]
  readonly fault: string
}

/** What a look at memory tells of the record there. */
interface Found {
  readonly bytes: readonly number[]
  readonly missed: number
}

const NOTHING: ReaderState = {
  at: 'look',
  word: 0,
  place: 0,
  left: 0,
  held: 0,
  got: 0,
  missed: 0,
  last: [],
  fault: '',
}

/** Takes what there is, sleeps while there is nothing, and ends when the writer has left. */
export function readerProgram(bench: RingBench, reading: Reading): Program {
  const { ring, generation, layout } = bench
  const { take, arm, drains } = reading
  const staging = stagingOf(bench, bench.tokens[reading.thread]!)
  const mailbox = staging - layout.SCRATCH_DATA_OFFSET!
  const headerBytes = layout.HEADER_BYTES!
  const missedNow = (memory: MemoryView) => memory.f64(mailbox + layout.MAILBOX_MISSED_OFFSET!)
  const longest = bench.memory.u32(ring + layout.CAPACITY_BYTES_OFFSET!)
  const taken = (state: ReaderState, result: number, memory: MemoryView): ReaderState => {
    if (result === layout.ENDED) return { ...state, at: 'over' }
    if (result < 0) return { ...state, at: drains && state.at === 'look' ? 'ask' : 'arm' }
    if (!drains || state.at === 'ask')
      return noted(state, { bytes: memory.bytes(staging, result), missed: missedNow(memory) })
    const place = memory.u32(mailbox + layout.MAILBOX_ADDRESS_OFFSET!)
    return {
      ...state,
      at: 'read',
      place,
      left: result,
      held: result,
      missed: state.missed + missedNow(memory),
    }
  }
  const read = (state: ReaderState, memory: MemoryView): ReaderState => {
    const bytes = memory.u32(state.place + layout.LENGTH_OFFSET!)
    const found = noted(state, {
      bytes: memory.bytes(state.place + headerBytes, Math.min(bytes, longest)),
      missed: 0,
    })
    const left = state.left - 1
    return {
      ...found,
      at: left > 0 ? 'read' : 'release',
      left,
      place: state.place + ((headerBytes + bytes + 7) & ~7),
    }
  }
  return program<ReaderState>({
    name: reading.name,
    init: NOTHING,
    next: ({ at, word, place, held }): Op | undefined => {
      if (at === 'look') return take
      if (at === 'read') return { read: place, bytes: headerBytes + longest }
      if (at === 'ask') return drains!.ask
      if (at === 'release') return { call: 'laneRelease', args: [ring, generation, held] }
      if (at === 'arm') return arm
      return at === 'sleep' ? { wait: ring + layout.BELL_OFFSET!, value: word } : undefined
    },
    done: (state, result, memory): ReaderState => {
      if (state.at === 'look' || state.at === 'ask') return taken(state, result, memory)
      if (state.at === 'read') return read(state, memory)
      if (state.at === 'arm')
        return result === 0 ? { ...state, at: 'look' } : { ...state, at: 'sleep', word: result }
      return { ...state, at: 'look', word: 0, place: 0, held: 0 }
    },
  })
}

/** One record more; of each writer they must come whole and in order. */
function noted(state: ReaderState, { bytes, missed }: Found): ReaderState {
  const event = eventIn(bytes)
  const known: ReaderState = { ...state, at: 'look', got: state.got + 1, missed: state.missed + missed }
  if (event === undefined) return { ...known, fault: `a torn record: ${String.fromCharCode(...bytes)}` }
  const { writer, value } = event
  const last = Array.from({ length: Math.max(state.last.length, writer + 1) }, (_, i) => state.last[i] ?? 0)
  if (value <= last[writer]!)
    return {
      ...known,
      fault: `${shortName(event)} came after ${shortName({ writer, value: last[writer]! })}`,
    }
  last[writer] = value
  return { ...known, last }
}
