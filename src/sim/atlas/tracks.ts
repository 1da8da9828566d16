// The data of a ring, with what is in it now.

import type { Layout } from '../layout.ts'
import type { MemoryView } from '../memory-view.ts'

/** `waiting`: published, and not taken; `in hand`: taken, and read where it lies; `done`: given back, not yet freed. */
export type SpanState = 'waiting' | 'in hand' | 'done'

/** A record, an item, or a stretch of a stream. */
export interface Span {
  readonly address: number
  readonly headerBytes: number
  /** Of the content. */
  readonly bytes: number
  readonly state: SpanState
  /** How many were written before it, where it says so. */
  readonly index?: number
}

/** Somewhere in a ring, as a byte count. */
export interface Place {
  readonly label: string
  readonly position: number
}

export interface Cursor {
  readonly label: string
  readonly address: number
}

/** The bytes of a ring; from `bytes` on the overhang, where the end of a record may lie. */
export interface Track {
  readonly title: string
  readonly address: number
  readonly bytes: number
  readonly overhang: number
  readonly cursors: readonly Cursor[]
  readonly spans: readonly Span[]
}

/** A walk that comes to no end has met memory that makes no sense. */
const MOST_SPANS = 4096

/** Positions are byte counts that never wrap; beyond 2^53 they are not exact, which no scenario comes to. */
interface Ring {
  readonly address: number
  readonly bytes: number
}

function placeOf({ address, bytes }: Ring, position: number): number {
  return address + (position % bytes)
}

/** The position after something that takes up `size`: the next lap's start when it reaches the end of the data. */
function after({ bytes }: Ring, position: number, size: number): number {
  const at = position % bytes
  return at + size > bytes - 1 ? position - at + bytes : position + size
}

const padded = (bytes: number) => Math.ceil(bytes / 8) * 8

/** Records between two positions, as a reader would find them. */
function spansBetween(ring: Ring, from: number, to: number, read: (at: number) => Found): Span[] {
  const spans: Span[] = []
  for (let position = from; position < to && spans.length < MOST_SPANS; ) {
    const address = placeOf(ring, position)
    const { headerBytes, bytes, skips, state, index } = read(position)
    const size = skips ?? padded(headerBytes + bytes)
    if (size === 0 || bytes > ring.bytes) break // no record can be so
    if (skips === undefined)
      spans.push({ address, headerBytes, bytes, state, ...(index !== undefined && { index }) })
    position = after(ring, position, size)
  }
  return spans
}

interface Found {
  readonly headerBytes: number
  readonly bytes: number
  readonly state: SpanState
  readonly skips?: number
  readonly index?: number
}

/** `places`: where others read, who take nothing out. */
export function laneTrack(
  memory: MemoryView,
  layout: Layout,
  lane: number,
  places: readonly Place[] = [],
): Track {
  const word = (name: string) => Number(memory.u64(lane + layout[name]!))
  const bytes = memory.u32(lane + layout.MASK_OFFSET!) + 1
  const ring: Ring = { address: memory.u32(lane + layout.DATA_OFFSET!), bytes }
  const headerBytes = layout.HEADER_BYTES!
  const tail = word('TAIL_OFFSET')
  const head = word('HEAD_OFFSET') - (word('HEAD_OFFSET') % 2)
  const inHand = memory.u32(lane + layout.IN_HAND_OFFSET!)
  const released = word('RELEASED_OFFSET')
  const from = inHand > 0 ? Math.min(released, head) : head
  const spans = spansBetween(ring, from, tail, (position) => {
    const at = placeOf(ring, position)
    const length = memory.u32(at + layout.LENGTH_OFFSET!)
    const state = position < head ? 'in hand' : 'waiting'
    const skip = layout.SKIP! >>> 0
    if (length >= skip) return { headerBytes, bytes: 0, state, skips: length - skip }
    return { headerBytes, bytes: length, state, index: Number(memory.u64(at + layout.INDEX_OFFSET!)) }
  })
  const cursor = (label: string, position: number): Cursor => ({ label, address: placeOf(ring, position) })
  const cursors = [
    cursor('head', head),
    cursor('tail', tail),
    ...(inHand > 0 ? [cursor('released', released)] : []),
    ...places.map(({ label, position }) => cursor(label, position)),
  ]
  const overhang = memory.u32(lane + layout.CAPACITY_BYTES_OFFSET!) + headerBytes
  return { title: 'data', address: ring.address, bytes, overhang, cursors, spans }
}

/** The rings of a channel that somebody has used; of a new one the ring to the server. */
export function channelTracks(memory: MemoryView, layout: Layout, channel: number): Track[] {
  const shape = memory.u32(channel + layout.SHAPE_OFFSET!)
  const isStream = (shape & 0xff) === layout.TYPE_STREAM
  const sizes = [0, 1].map((ring) => 2 ** ((shape >>> (8 + 8 * ring)) & 0xff))
  const first = sizes[0]! * (isStream ? 1 : 2)
  const rings = [
    { title: 'to the server', cursors: channel + layout.CLIENT_RING_OFFSET!, offset: 0, bytes: sizes[0]! },
    {
      title: 'to the client',
      cursors: channel + layout.SERVER_RING_OFFSET!,
      offset: first,
      bytes: sizes[1]!,
    },
  ]
  const used = rings.filter(({ cursors }) => memory.u64(cursors + layout.TAIL_OFFSET!) > 0n)
  return (used.length > 0 ? used : rings.slice(0, 1)).map(({ title, cursors, offset, bytes }) => {
    const address = channel + layout.CHANNEL_DATA_OFFSET! + offset
    return ringTrack(memory, layout, { title, cursors, address, bytes, isStream })
  })
}

interface RingPlace {
  readonly title: string
  readonly cursors: number
  readonly address: number
  readonly bytes: number
  readonly isStream: boolean
}

function ringTrack(memory: MemoryView, layout: Layout, place: RingPlace): Track {
  const { title, cursors: at, address, bytes, isStream } = place
  const ring: Ring = { address, bytes }
  const word = (name: string) => Number(memory.u64(at + layout[name]!))
  const [tail, freed, taken, given] = [
    word('TAIL_OFFSET'),
    word('FREED_OFFSET'),
    word('TAKEN_OFFSET'),
    word('GIVEN_OFFSET'),
  ]
  const cursor = (label: string, position: number): Cursor => ({ label, address: placeOf(ring, position) })
  if (isStream) {
    const spans = stretches(ring, given, tail)
    return {
      title,
      address,
      bytes,
      overhang: 0,
      cursors: [cursor('given', given), cursor('tail', tail)],
      spans,
    }
  }
  const headerBytes = layout.ITEM_HEADER_BYTES!
  const spans = spansBetween(ring, Math.min(freed, given), tail, (position) => ({
    headerBytes,
    bytes: memory.u32(placeOf(ring, position)),
    state: position < given ? 'done' : position < taken ? 'in hand' : 'waiting',
  }))
  const cursors = [
    cursor('freed', freed),
    cursor('given', given),
    cursor('taken', taken),
    cursor('tail', tail),
  ]
  return { title, address, bytes, overhang: bytes, cursors, spans }
}

function stretches(ring: Ring, from: number, to: number): Span[] {
  const spans: Span[] = []
  for (let position = from; position < to; ) {
    const bytes = Math.min(to - position, ring.bytes - (position % ring.bytes))
    spans.push({ address: placeOf(ring, position), headerBytes: 0, bytes, state: 'waiting' })
    position += bytes
  }
  return spans
}
