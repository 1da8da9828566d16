import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Core, loadCore, statsOf } from '../support/core.ts'

// The lane against an array, with a reader that holds batches in hand while the writer goes round and round: nothing that
// is in hand or in the ring may change, exactly the oldest may be lost, and the ledger closes after every step.

type Step =
  | { do: 'set'; bytes: number }
  | { do: 'next' }
  | { do: 'take'; limit: number }
  | { do: 'release'; records: number }
  | { do: 'claim'; bytes: number; commit: number }

const step = (longest: number): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), bytes: fc.nat(longest + 4) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('next' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('take' as const), limit: fc.integer({ min: 1, max: 5 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), records: fc.nat(5) }) },
    {
      weight: 1,
      arbitrary: fc
        .record({
          do: fc.constant('claim' as const),
          bytes: fc.nat(longest),
          commit: fc.integer({ min: -1, max: longest }),
        })
        .map((s) => ({ ...s, commit: Math.min(s.commit, s.bytes) })),
    },
  )

/** What a lane promises, on arrays. A record is its length and a seed that its bytes follow from. */
class ArrayLane {
  ring: number[][] = []
  hand: number[][] = []
  written = 0
  dropped = 0
  oversize = 0
  read = 0
  missed = 0
  readonly capacity: number
  readonly capacityBytes: number
  readonly dropsOldest: boolean

  constructor(capacity: number, recordBytes: number, dropsOldest: boolean) {
    this.capacity = capacity
    this.capacityBytes = capacity * recordBytes
    this.dropsOldest = dropsOldest
  }

  set(record: number[]): 'stored' | 'full' | 'oversize' {
    if (record.length > this.capacityBytes) {
      this.oversize++
      return 'oversize'
    }
    const bytes = () => this.ring.reduce((sum, each) => sum + each.length, 0)
    while (this.ring.length >= this.capacity || bytes() + record.length > this.capacityBytes) {
      if (!this.dropsOldest) {
        this.dropped++
        return 'full'
      }
      this.ring.shift()
      this.missed++
    }
    this.ring.push(record)
    this.written++
    return 'stored'
  }
}

class RealLane {
  readonly core: Core
  readonly token: number
  readonly address: number
  readonly generation: number

  constructor(core: Core, capacity: number, recordBytes: number, policy: number, startAt: bigint) {
    this.core = core
    this.token = core.abi.threadJoin(1)
    this.address = core.abi.ringCreate(
      core.layout.KIND_ONE_TO_ONE,
      capacity,
      recordBytes,
      policy,
      1,
      this.token,
    )
    expect(this.address).toBeGreaterThan(0)
    this.generation = core.generation(this.address)
    this.startAt(startAt)
  }

  /** As if the lane had been in use for long: positions and sums near where narrower counters would wrap. */
  startAt(position: bigint): void {
    const { core, address } = this
    const {
      TAIL_OFFSET,
      SEEN_HEAD_OFFSET,
      HEAD_OFFSET,
      RELEASED_OFFSET,
      DATA_OFFSET,
      MASK_OFFSET,
      SUM_OFFSET,
    } = core.layout as Record<string, number>
    for (const offset of [TAIL_OFFSET, SEEN_HEAD_OFFSET, HEAD_OFFSET, RELEASED_OFFSET])
      core.setU64(address + offset!, position)
    const record =
      core.u32(address + DATA_OFFSET!) + Number(position & BigInt(core.u32(address + MASK_OFFSET!)))
    core.setU64(record, 0n)
    new DataView(core.memory.buffer).setUint32(record + SUM_OFFSET!, 0xfffffff0, true)
  }

  /** Bytes of the records in hand, as they lie in the ring. */
  batch(limit: number): number[][] {
    const { core, address, generation, token } = this
    const records = core.abi.oneToOneBatch(address, generation, token, limit)
    if (records < 0) return []
    let at = core.u32(core.scratch(token) + core.layout.MAILBOX_ADDRESS_OFFSET)
    return Array.from({ length: records }, () => {
      const length = core.u32(at + core.layout.LENGTH_OFFSET)
      const from = at + core.layout.HEADER_BYTES
      at += (core.layout.HEADER_BYTES + length + 7) & ~7
      return Array.from(core.u8().subarray(from, from + length))
    })
  }
}

function recordOf(seed: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (seed * 31 + i * 7 + bytes) & 0xff)
}

function run(
  shape: { capacity: number; recordBytes: number; policy: number; startAt: bigint },
  steps: Step[],
): void {
  const { capacity, recordBytes, policy } = shape
  const model = new ArrayLane(capacity, recordBytes, policy === 0)
  const core = loadCore(64)
  const lane = new RealLane(core, capacity, recordBytes, policy, shape.startAt)
  const { abi, layout } = core
  const { address, generation, token } = lane
  let seed = 0
  for (const one of steps) {
    if (one.do === 'set') {
      const record = recordOf(++seed, one.bytes)
      core.stage(token, Uint8Array.from(record))
      const code = abi.laneSet(address, generation, token, record.length)
      const expected = { stored: 0, full: layout.FULL, oversize: layout.OVERSIZE }[model.set(record)]
      expect(code).toBe(expected)
    } else if (one.do === 'claim') {
      const fullBefore = policy === 1 && !fits(model, one.bytes)
      const at = abi.laneClaim(address, generation, one.bytes)
      if (fullBefore) {
        expect(at).toBe(layout.FULL)
        model.dropped++
      } else if (one.commit < 0) {
        core.u8().fill(0xee, at, at + one.bytes)
        expect(abi.laneAbort(address, generation)).toBe(0)
      } else {
        const record = recordOf(++seed, one.commit)
        core.u8().fill(0xee, at, at + one.bytes)
        core.u8().set(record, at)
        expect(abi.laneCommit(address, generation, one.commit)).toBe(0)
        expect(model.set(record)).toBe('stored')
      }
    } else if (one.do === 'next') {
      const length = abi.oneToOneNext(address, generation, token)
      const expected = model.hand.shift() ?? model.ring.shift()
      if (expected === undefined) expect(length).toBe(layout.EMPTY)
      else {
        model.read++
        const from = core.scratch(token) + layout.SCRATCH_DATA_OFFSET
        expect(Array.from(core.u8().subarray(from, from + length))).toEqual(expected)
      }
    } else if (one.do === 'take') {
      const batch = lane.batch(one.limit)
      if (model.hand.length === 0) model.hand = model.ring.splice(0, batch.length)
      // A batch may stop short of the limit (a lap's end, its share of the slack), never at nothing.
      expect(batch.length).toBeGreaterThanOrEqual(Math.min(1, model.hand.length))
    } else {
      const records = Math.min(one.records, model.hand.length)
      expect(abi.laneRelease(address, generation, records)).toBe(0)
      model.hand.splice(0, records)
      model.read += records
    }
    check(lane, model)
  }
  while (model.hand.length + model.ring.length > 0) {
    const batch = lane.batch(100)
    const expected = model.hand.length > 0 ? model.hand : model.ring.splice(0, batch.length)
    expect(batch).toEqual(expected)
    model.hand = []
    model.read += batch.length
    expect(batch.length).toBeGreaterThan(0)
    abi.laneRelease(address, generation, batch.length)
  }
  check(lane, model)
}

function fits(model: ArrayLane, bytes: number): boolean {
  const held = model.ring.reduce((sum, each) => sum + each.length, 0)
  return model.ring.length < model.capacity && held + bytes <= model.capacityBytes
}

/** The ledger, and every byte in hand. */
function check(lane: RealLane, model: ArrayLane): void {
  expect(statsOf(lane.core, lane.address, lane.token)).toEqual({
    written: model.written,
    dropped: model.dropped,
    oversize: model.oversize,
    read: model.read,
    missed: model.missed,
    depth: model.ring.length + model.hand.length,
    depthBytes: [...model.ring, ...model.hand].reduce((sum, each) => sum + each.length, 0),
  })
  if (model.hand.length > 0) expect(lane.batch(1000)).toEqual(model.hand)
}

const shapes = [
  { capacity: 1, recordBytes: 8 },
  { capacity: 2, recordBytes: 8 },
  { capacity: 3, recordBytes: 20 },
  { capacity: 5, recordBytes: 1 },
  { capacity: 16, recordBytes: 33 },
]
const starts = [0n, 2n ** 32n - 64n, 2n ** 53n - 128n]

describe('a lane behaves as an array', () => {
  for (const shape of shapes) {
    for (const policy of [0, 1]) {
      for (const startAt of starts) {
        it(`${policy === 0 ? 'drop-oldest' : 'drop-newest'}, ${shape.capacity} × ${shape.recordBytes} B, from ${startAt}`, () => {
          fc.assert(
            fc.property(fc.array(step(shape.capacity * shape.recordBytes), { maxLength: 120 }), (steps) =>
              run({ ...shape, policy, startAt }, steps),
            ),
            { numRuns: 60 },
          )
        })
      }
    }
  }
})
