import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Handle,
  loadSockets,
  openChannel,
  type Sockets,
  span,
  startAt,
  stretches,
  TO_CLIENT,
  TO_SERVER,
} from '../support/sockets.ts'

// The two lossless rings against arrays, at every place of a lap where they can begin, and near where narrower counters would wrap.

const LOG2 = [5, 6, 7, 8]
const BASES = [0n, 2n ** 32n - 64n, 2n ** 53n - 128n]
/** Bases are multiples of 64: what comes before them makes every index of a lap. */
const startsOf = (log2: number, step: number): bigint[] =>
  BASES.flatMap((base) => Array.from({ length: 2 ** log2 / step }, (_, i) => base + BigInt(i * step)))

/** Who produces and who consumes. */
interface Ends {
  ring: number
  producer: number
  consumer: number
}

const endsOf = ({ client, server }: Sockets, ring: number): Ends =>
  ring === TO_SERVER
    ? { ring, producer: client, consumer: server }
    : { ring, producer: server, consumer: client }

const patternOf = (seed: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => (seed * 31 + i * 7 + bytes) & 0xff)

// ---- datagrams -----------------------------------------------------------------------------------------

type DatagramStep =
  | { do: 'send'; bytes: number; claimed: number }
  | { do: 'claim'; bytes: number }
  | { do: 'peek' }
  | { do: 'unpack' }
  | { do: 'repack'; count: number }

const datagramStep = (longest: number): fc.Arbitrary<DatagramStep> => {
  const length = fc.oneof(fc.nat(longest), fc.nat(longest >> 2), fc.constantFrom(0, 1, 8, longest))
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('send' as const), bytes: length, claimed: length }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('claim' as const), bytes: length }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('peek' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('unpack' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('repack' as const), count: fc.integer({ min: 1, max: 3 }) }),
    },
  )
}

interface Item {
  bytes: number[]
  place: number
}

class Datagrams {
  readonly sockets: Sockets
  readonly handle: Handle
  readonly ends: Ends
  readonly size: number
  /** The ring as arrays: what waits, what is in hand. */
  waiting: Item[] = []
  hand: Item[] = []
  seed = 0

  constructor(sockets: Sockets, handle: Handle, ring: number, size: number) {
    this.sockets = sockets
    this.handle = handle
    this.ends = endsOf(sockets, ring)
    this.size = size
  }

  /** An item is never refused that fits together with all that has not come back; nothing is, when all has. */
  private mustFit(bytes: number): boolean {
    const footprint = (item: number) => (8 + item + 7) & ~7
    const held = [...this.waiting, ...this.hand]
    const used = held.reduce((sum, item) => sum + footprint(item.bytes.length), 0)
    return held.length === 0 || used + footprint(bytes) <= this.size
  }

  private claim(bytes: number): number {
    const { abi, layout, core } = this.sockets
    const place = abi.datagramClaim!(...this.handle, this.ends.ring, bytes)
    if (place === layout.FULL) {
      expect(this.mustFit(bytes)).toBe(false)
      return 0
    }
    this.isWithin(place, bytes)
    // Whatever is written there, it is nobody else's.
    core.u8().fill(0xee, place, place + bytes)
    return place
  }

  private isWithin(place: number, bytes: number): void {
    const first = this.handle[0] + this.sockets.layout.CHANNEL_DATA_OFFSET!
    const data = first + (this.ends.ring === TO_SERVER ? 0 : 2 * this.size)
    expect(place).toBeGreaterThanOrEqual(data + 8)
    expect(place + bytes).toBeLessThanOrEqual(data + 2 * this.size)
  }

  private look(entry: 'datagramPeek' | 'datagramUnpack'): void {
    const { abi, layout } = this.sockets
    const place = abi[entry]!(...this.handle, this.ends.ring, this.ends.consumer)
    const expected = this.waiting[0]
    if (expected === undefined) {
      expect(place).toBe(layout.EMPTY)
      return
    }
    expect(place).toBe(expected.place)
    expect(span(this.sockets, this.ends.consumer)[0]).toBe(expected.bytes.length)
    if (entry === 'datagramUnpack') this.hand.push(this.waiting.shift()!)
  }

  step(step: DatagramStep): void {
    const { abi, layout, core } = this.sockets
    if (step.do === 'send') {
      const place = this.claim(Math.max(step.claimed, step.bytes))
      if (place > 0) {
        const bytes = patternOf(++this.seed, step.bytes)
        core.u8().set(bytes, place)
        expect(abi.datagramCommit!(...this.handle, this.ends.ring, step.bytes, 1)).toBe(0)
        this.waiting.push({ bytes, place })
      }
    } else if (step.do === 'claim') this.claim(step.bytes)
    else if (step.do === 'peek') this.look('datagramPeek')
    else if (step.do === 'unpack') this.look('datagramUnpack')
    else {
      const expected = step.count <= this.hand.length ? 0 : layout.INVALID
      expect(abi.datagramRepack!(...this.handle, this.ends.ring, step.count)).toBe(expected)
      this.hand.splice(0, step.count)
    }
    for (const { bytes, place } of [...this.waiting, ...this.hand])
      expect(Buffer.compare(core.u8().subarray(place, place + bytes.length), Uint8Array.from(bytes))).toBe(0)
  }
}

describe('a bipartite ring behaves as an array', () => {
  for (const log2 of LOG2) {
    it(`of ${2 ** log2} bytes, from every place of a lap`, () => {
      const sockets = loadSockets()
      const { handle } = openChannel(sockets, 'datagram', log2)
      for (const ring of [TO_SERVER, TO_CLIENT]) {
        for (const start of startsOf(log2, 8)) {
          fc.assert(
            fc.property(fc.array(datagramStep(2 ** log2), { maxLength: 60 }), (steps) => {
              startAt(sockets, handle, ring, start)
              const datagrams = new Datagrams(sockets, handle, ring, 2 ** log2)
              for (const step of steps) datagrams.step(step)
            }),
            { numRuns: 2 ** (11 - log2) },
          )
        }
      }
    })
  }
})

// ---- streams -------------------------------------------------------------------------------------------

type StreamStep = { do: 'write'; bytes: number } | { do: 'read'; skipped: number; bytes: number }

const streamStep = (size: number): fc.Arbitrary<StreamStep> => {
  const length = fc.oneof(fc.nat(size + 2), fc.nat(9))
  return fc.oneof(
    fc.record({ do: fc.constant('write' as const), bytes: length }),
    fc.record({ do: fc.constant('read' as const), skipped: fc.nat(size), bytes: length }),
  )
}

/** Another one than a lap before. */
const byteOf = (i: number): number => (i * 7 + (i >> 8)) & 0xff

class Stream {
  readonly sockets: Sockets
  readonly handle: Handle
  readonly ends: Ends
  readonly size: number
  waiting: number[] = []
  written = 0

  constructor(sockets: Sockets, handle: Handle, ring: number, size: number) {
    this.sockets = sockets
    this.handle = handle
    this.ends = endsOf(sockets, ring)
    this.size = size
  }

  step(step: StreamStep): void {
    const { ring } = this.ends
    const args = [...this.handle, ring]
    const { abi, core } = this.sockets
    if (step.do === 'write') {
      const room = abi.streamSpace!(...args, this.ends.producer)
      // It may not have heard of the newest room, but it never takes a ring with room for a full one.
      const free = this.size - this.waiting.length
      expect(room).toBeLessThanOrEqual(free)
      expect(room > 0).toBe(free > 0)
      const bytes = Array.from({ length: Math.min(step.bytes, room) }, (_, i) => byteOf(this.written + i))
      let at = 0
      for (const [to, count] of stretches(this.sockets, this.ends.producer, bytes.length)) {
        this.isWithin(to, count)
        core.u8().set(bytes.slice(at, at + count), to)
        at += count
      }
      expect(abi.streamCommit!(...args, bytes.length)).toBe(0)
      this.waiting.push(...bytes)
      this.written += bytes.length
      return
    }
    expect(this.look(step.skipped)).toEqual(this.waiting.slice(step.skipped))
    const count = Math.min(step.bytes, this.waiting.length)
    expect(abi.streamDone!(...args, count)).toBe(0)
    this.waiting.splice(0, count)
    expect(this.look(0)).toEqual(this.waiting)
  }

  private look(skipped: number): number[] {
    const { abi, core } = this.sockets
    const count = abi.streamBytes!(...this.handle, this.ends.ring, this.ends.consumer, skipped)
    if (count < 0) return []
    return stretches(this.sockets, this.ends.consumer, count).flatMap(([from, part]) => {
      this.isWithin(from, part)
      return Array.from(core.u8().subarray(from, from + part))
    })
  }

  private isWithin(place: number, bytes: number): void {
    const first = this.handle[0] + this.sockets.layout.CHANNEL_DATA_OFFSET!
    const data = first + (this.ends.ring === TO_SERVER ? 0 : this.size)
    expect(place).toBeGreaterThanOrEqual(data)
    expect(place + bytes).toBeLessThanOrEqual(data + this.size)
  }
}

describe('a stream ring behaves as an array', () => {
  for (const log2 of LOG2) {
    it(`of ${2 ** log2} bytes, from every place of a lap`, () => {
      const sockets = loadSockets()
      const { handle } = openChannel(sockets, 'stream', log2)
      startsOf(log2, 1).forEach((start, i) => {
        const ring = i % 2 === 0 ? TO_SERVER : TO_CLIENT
        fc.assert(
          fc.property(fc.array(streamStep(2 ** log2), { maxLength: 30 }), (steps) => {
            startAt(sockets, handle, ring, start)
            const stream = new Stream(sockets, handle, ring, 2 ** log2)
            for (const step of steps) stream.step(step)
          }),
          { numRuns: 2 ** (9 - log2) },
        )
      })
    })
  }
})
