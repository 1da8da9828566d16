import { describe, expect, it } from 'vitest'
import type { Abi } from '../../src/core/abi.ts'
import { type Core, loadCore } from '../support/core.ts'

// Every entry of the ABI with every argument made up: what is no handle gets a code, nothing traps, and no other ring
// changes by a byte.

const CANARY = Uint8Array.from({ length: 64 }, (_, i) => i ^ 0x5a)

/** Calls that end a thread or a membership do their work when they are given the canary's own names; those are kept out. */
const SKIPPED = new Set(['regionInit'])

function random(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

function setUp(core: Core) {
  const { abi, layout } = core
  const keeper = abi.threadJoin(1)
  const ring = abi.ringCreate(layout.KIND_ONE_TO_ONE, 8, 64, 0, 1, keeper)
  for (let i = 0; i < 4; i++) {
    core.stage(keeper, CANARY)
    expect(abi.laneSet(ring, core.generation(ring), keeper, CANARY.length)).toBe(0)
  }
  return { keeper, ring, generation: core.generation(ring) }
}

function imageOf(core: Core, ring: number): string {
  const { layout } = core
  const data = core.u32(ring + layout.DATA_OFFSET!)
  const end = data + core.u32(ring + layout.MASK_OFFSET!) + 1 + 8 * 64
  return Buffer.from(core.u8().slice(ring, end)).toString('base64')
}

describe('the ABI', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`refuses what it is given at random, and harms nobody (seed ${seed})`, () => {
      const core = loadCore(256)
      const { keeper, ring } = setUp(core)
      const before = imageOf(core, ring)
      const next = random(seed)
      const { abi, layout } = core
      // Rings of the attacker's own, so that some of its handles are good; new ones when it has spoilt those.
      let attacker = 0
      let own: number[] = []
      const rearm = () => {
        if (own.length > 0 && own.every((address, i) => abi.isLive(address, generations[i]!))) return
        if (attacker !== 0) abi.threadLeave(attacker)
        attacker = abi.threadJoin(2)
        own = [layout.KIND_ONE_TO_ONE, layout.KIND_MANY_TO_ONE, layout.KIND_ONE_TO_MANY].map((kind) =>
          abi.ringCreate(kind, 4, 32, seed % 2, 4, attacker),
        )
        expect(Math.min(...own)).toBeGreaterThan(0)
        generations = own.map((address) => core.generation(address))
      }
      let generations: number[] = []
      const edges = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 4095, 4096, 4097, 65536, 2 ** 30, 2 ** 20]
      const argument = () => {
        const pick = next() % 8
        if (pick === 0) return edges[next() % edges.length]!
        if (pick === 1) return next() | 0
        if (pick === 2) return own[next() % own.length]!
        if (pick === 3) return generations[next() % generations.length]!
        if (pick === 4) return attacker
        if (pick === 5) return (next() % 512) * 4096
        if (pick === 6) return ring + (next() % 4096)
        return next() % 16
      }
      const names = Object.keys(abi).filter((name) => {
        return typeof abi[name as keyof Abi] === 'function' && !SKIPPED.has(name)
      }) as (keyof Abi)[]
      let accepted = 0
      for (let call = 0; call < 100_000; call++) {
        rearm()
        const name = names[next() % names.length]!
        const entry = abi[name] as (...args: number[]) => number
        const args = Array.from({ length: entry.length }, argument)
        if (next() % 4 !== 0) {
          // A good handle, so that the call gets past the first check.
          const one = next() % own.length
          args[0] = own[one]!
          args[1] = generations[one]!
          if (next() % 2 === 0) args[2] = attacker
        }
        // The canary's own name is only used by its owner.
        if (args.includes(keeper) || (name === 'threadEnd' && args[0] === 1)) continue
        if (entry(...args) >= 0) accepted++
      }
      expect(accepted).toBeGreaterThan(1000)
      expect(imageOf(core, ring)).toBe(before)
      for (let i = 0; i < 4; i++) {
        expect(abi.oneToOneNext(ring, core.generation(ring), keeper)).toBe(CANARY.length)
        const from = core.scratch(keeper) + layout.SCRATCH_DATA_OFFSET
        expect(core.u8().slice(from, from + CANARY.length)).toEqual(CANARY)
      }
    })
  }

  it('makes nothing of a shape that it cannot hold', () => {
    const { abi, layout } = loadCore()
    const token = abi.threadJoin(1)
    const before = abi.usedGranules()
    for (const [capacity, recordBytes] of [
      [0, 1],
      [1, 0],
      [2 ** 31 - 1, 2 ** 31 - 1],
      [-1, 4],
      [4, -1],
      [2 ** 24, 2 ** 24],
    ]) {
      for (const kind of [
        layout.KIND_ONE_TO_ONE,
        layout.KIND_MANY_TO_ONE,
        layout.KIND_ONE_TO_MANY,
        0,
        4,
        5,
        99,
      ]) {
        expect(abi.ringCreate(kind, capacity!, recordBytes!, 0, 4, token)).toBe(layout.INVALID)
      }
    }
    expect(abi.ringCreate(layout.KIND_MANY_TO_ONE, 4, 4, 0, 100_000, token)).toBe(layout.INVALID)
    expect(abi.ringCreate(layout.KIND_ONE_TO_ONE, 4, 4, 2, 1, token)).toBe(layout.INVALID)
    expect(abi.ringCreate(layout.KIND_ONE_TO_ONE, 4, 4, 0, 1, token + 1)).toBe(layout.INVALID)
    expect(abi.regionInit(16, 1)).toBe(layout.INVALID)
    expect(abi.usedGranules()).toBe(before)
  })
})
