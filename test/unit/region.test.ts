import { describe, expect, it } from 'vitest'
import { loadCore, statsOf } from '../support/core.ts'

const DROP_OLDEST = 0

function region(pages?: number) {
  const core = loadCore(pages)
  const token = core.abi.threadJoin(1)
  const { KIND_ONE_TO_ONE, KIND_MANY_TO_ONE } = core.layout
  return {
    ...core,
    token,
    ring: (capacity = 4, by = token) =>
      core.abi.ringCreate(KIND_ONE_TO_ONE, capacity, 64, DROP_OLDEST, 1, by),
    manyToOne: (maxWriters: number, by = token) =>
      core.abi.ringCreate(KIND_MANY_TO_ONE, 4, 64, DROP_OLDEST, maxWriters, by),
    leave: (address: number, by = token) => core.abi.objectLeave(address, core.generation(address), by),
  }
}

describe('the allocator', () => {
  it('gives all memory back, over thousands of rings of many sizes', () => {
    const { abi, ring, leave, memory } = region()
    const before = abi.usedGranules()
    const open: number[] = []
    for (let round = 0; round < 5000; round++) {
      open.push(ring(1 + ((round * 37) % 300)))
      expect(open.at(-1)).toBeGreaterThan(0)
      if (open.length > 20) leave(open.splice((round * 7) % open.length, 1)[0]!)
    }
    for (const address of open) leave(address)
    expect(abi.usedGranules()).toBe(before)
    expect(memory.buffer.byteLength).toBeLessThan(8 * 2 ** 20)
  })

  it('makes one hole of two that lie side by side', () => {
    const { ring, leave } = region()
    const [first, second, third] = [ring(100), ring(100), ring(100)]
    leave(first)
    leave(second)
    expect(ring(200)).toBe(first)
    leave(third)
  })

  it('answers OUT_OF_MEMORY when the region is full, and goes on when something is given back', () => {
    const { ring, leave, layout, abi } = region(32)
    const rings: number[] = []
    let last = ring(1000)
    while (last > 0) {
      rings.push(last)
      last = ring(1000)
    }
    expect(last).toBe(layout.OUT_OF_MEMORY)
    leave(rings.pop()!)
    expect(ring(1000)).toBeGreaterThan(0)
    expect(abi.usedGranules()).toBeGreaterThan(0)
  })

  it('never takes a stale handle for what came after it', () => {
    const { ring, leave, abi, generation, layout, token } = region()
    const old = ring()
    const oldGeneration = generation(old)
    leave(old)
    const young = ring()
    expect(young).toBe(old)
    expect(abi.isLive(old, oldGeneration)).toBe(0)
    expect(abi.oneToOneNext(old, oldGeneration, token)).toBe(layout.STALE)
    expect(abi.objectJoin(old, oldGeneration, layout.KIND_ONE_TO_ONE, token)).toBe(layout.STALE)
    expect(abi.laneSet(old, oldGeneration, token, 1)).toBe(layout.STALE)
    expect(abi.isLive(young, generation(young))).toBe(1)
  })
})

describe('threads', () => {
  it('joins as many as there are slots, and gives the slots back', () => {
    const { abi, layout, token } = region()
    const tokens = [token]
    let joined = abi.threadJoin(0)
    while (joined > 0) {
      tokens.push(joined)
      joined = abi.threadJoin(0)
    }
    expect(joined).toBe(layout.TOO_MANY_THREADS)
    expect(tokens.length).toBe(layout.MAX_THREADS)
    for (const one of tokens) abi.threadLeave(one)
    expect(abi.usedGranules()).toBe(0)
    expect(abi.threadJoin(0)).toBeGreaterThan(0)
  })

  it('keeps a ring while one member is left, also when the others died', () => {
    const { abi, token, ring, generation, layout, leave } = region()
    const other = abi.threadJoin(77)
    const address = ring()
    expect(abi.objectJoin(address, generation(address), layout.KIND_ONE_TO_ONE, other)).toBe(0)
    leave(address)
    expect(abi.isLive(address, generation(address))).toBe(1)
    abi.threadEnd(77, token)
    expect(abi.isLive(address, generation(address))).toBe(0)
    expect(abi.threadEnd(77, token)).toBe(0)
  })

  it('gives back all that a dead thread held: its rings with their lanes, its scratch, its slot', () => {
    const { abi, token, manyToOne, ring, generation } = region()
    const before = abi.usedGranules()
    for (let life = 0; life < 300; life++) {
      const dying = abi.threadJoin(1000 + life)
      expect(dying).toBeGreaterThan(0)
      ring(10, dying)
      const many = manyToOne(3, dying)
      expect(abi.manyToOneJoin(many, generation(many), dying, 1)).toBeGreaterThan(0)
      expect(abi.manyToOneJoin(many, generation(many), dying, 2)).toBeGreaterThan(0)
      expect(abi.threadEnd(1000 + life, token)).toBe(1)
      expect(abi.usedGranules()).toBe(before)
    }
  })

  it('hands the lane of a dead writer on, with what it had written', () => {
    const core = region()
    const { abi, token, manyToOne, generation, layout, stage, scratch, u8 } = core
    const ring = manyToOne(1)
    for (let life = 0; life < 10; life++) {
      const writer = abi.threadJoin(50 + life)
      expect(abi.objectJoin(ring, generation(ring), layout.KIND_MANY_TO_ONE, writer)).toBe(0)
      const lane = abi.manyToOneJoin(ring, generation(ring), writer, 9)
      expect(lane).toBeGreaterThan(0)
      expect(abi.manyToOneJoin(ring, generation(ring), token, 1)).toBe(layout.TOO_MANY_WRITERS)
      stage(writer, Uint8Array.of(life))
      expect(abi.laneSet(lane, generation(lane), writer, 1)).toBe(0)
      abi.laneClaim(lane, generation(lane), 20) // it dies with a claim open
      abi.threadEnd(50 + life, token)
      if (life % 2 === 0) continue
      for (const expected of [life - 1, life]) {
        expect(abi.manyToOneNext(ring, generation(ring), token)).toBe(1)
        expect(u8()[scratch(token) + layout.SCRATCH_DATA_OFFSET]).toBe(expected)
      }
    }
    expect(statsOf(core, ring, token)).toMatchObject({ written: 10, read: 10, missed: 0, depth: 0 })
  })

  it('counts what a dead reader had in hand as missed', () => {
    const core = region()
    const { abi, ring, generation, layout, stage, token } = core
    const address = ring(4)
    const reader = abi.threadJoin(60)
    abi.objectJoin(address, generation(address), layout.KIND_ONE_TO_ONE, reader)
    abi.readerTake(address, generation(address), reader, 1)
    for (let i = 0; i < 4; i++) {
      stage(token, Uint8Array.of(i))
      abi.laneSet(address, generation(address), token, 1)
    }
    expect(abi.oneToOneBatch(address, generation(address), reader, 3)).toBe(3)
    expect(abi.readerTake(address, generation(address), token, 2)).toBe(layout.TAKEN)
    abi.threadEnd(60, token)
    expect(abi.readerTake(address, generation(address), token, 2)).toBe(1)
    expect(statsOf(core, address, token)).toMatchObject({ written: 4, read: 0, missed: 3, depth: 1 })
    expect(abi.oneToOneNext(address, generation(address), token)).toBe(1)
    expect(core.f64(core.scratch(token) + layout.MAILBOX_MISSED_OFFSET)).toBe(3)
    expect(statsOf(core, address, token)).toMatchObject({ written: 4, read: 1, missed: 3, depth: 0 })
  })
})

describe('the status word', () => {
  it('is working, then final, and never back; the first reason stays', () => {
    const { abi, token, generation, layout } = region()
    const status = abi.statusCreate(token)
    const load = () => abi.statusLoad(status, generation(status))
    expect(abi.statusSetWorking(status, generation(status), 0x1234)).toBe(1)
    expect(load()).toBe(0x1234)
    expect(abi.statusSetWorking(status, generation(status), 0x10000)).toBe(layout.INVALID)
    expect(abi.statusSetFinal(status, generation(status), 12)).toBe(layout.INVALID)
    expect(abi.statusSetFinal(status, generation(status), 11)).toBe(1)
    expect(abi.statusSetFinal(status, generation(status), 0)).toBe(0)
    expect(load()).toBe((0xc0000000 + (1 << 27) + (1 << 16) + 0x1234) >>> 0)
    expect(abi.statusSetWorking(status, generation(status), 1)).toBe(0)
    expect(load()).toBe((0xc0000000 + (1 << 27) + (1 << 16) + 0x1234) >>> 0)
  })
})
