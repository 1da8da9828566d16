import { describe, expect, it } from 'vitest'
import type { Abi } from '../../src/core/abi.ts'
import { type Core, loadCore } from '../support/core.ts'
import { EDGES, imageOf, random } from '../support/fuzz.ts'

// Every entry of the ABI with every argument made up: what is no handle gets a code, nothing traps, and no other ring
// changes by a byte.

const CANARY = Uint8Array.from({ length: 64 }, (_, i) => i ^ 0x5a)

/** Calls that end a thread or a membership do their work when they are given the canary's own names; those are kept out. */
const SKIPPED = new Set(['regionInit'])

function setUp(core: Core) {
  const { abi, layout } = core
  const keeper = abi.threadJoin(1)
  const ring = abi.ringCreate(layout.KIND_ONE_TO_ONE, 8, 64, 0, 1, keeper)
  for (let i = 0; i < 4; i++) {
    core.stage(keeper, CANARY)
    expect(abi.laneSet(ring, core.generation(ring), keeper, CANARY.length)).toBe(0)
  }
  const outlet = abi.outletCreate(keeper, 100, 0)
  abi.outletAdd(outlet, core.generation(outlet), 7, 1000)
  const buffer = abi.bufferCreate(keeper, CANARY.length)
  core.u8().set(CANARY, buffer + layout.BUFFER_DATA_OFFSET)
  return { keeper, ring, outlet, buffer }
}

/** The canary's objects, byte by byte. */
function canaryOf(core: Core, { ring, outlet, buffer }: ReturnType<typeof setUp>): string {
  const { layout } = core
  const data = core.u32(ring + layout.DATA_OFFSET!)
  const end = data + core.u32(ring + layout.MASK_OFFSET!) + 1 + 8 * 64
  return imageOf(core, [ring, end], [outlet, outlet + 4096], [buffer, buffer + 4096])
}

describe('the ABI', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`refuses what it is given at random, and harms nobody (seed ${seed})`, () => {
      const core = loadCore(256)
      const canary = setUp(core)
      const { keeper, ring } = canary
      const before = canaryOf(core, canary)
      const handles = [ring, canary.outlet, canary.buffer].map((at) => [at, core.generation(at)])
      const next = random(seed)
      const { abi, layout } = core
      // Rings and other objects of the attacker's own, so that some of its handles are good; new ones when it has spoilt those.
      let attacker = 0
      let own: number[] = []
      const rearm = () => {
        if (own.length > 0 && own.every((address, i) => abi.isLive(address, generations[i]!))) return
        if (attacker !== 0) abi.threadLeave(attacker)
        attacker = abi.threadJoin(2)
        own = [layout.KIND_ONE_TO_ONE, layout.KIND_MANY_TO_ONE, layout.KIND_ONE_TO_MANY].map((kind) =>
          abi.ringCreate(kind, 4, 32, seed % 2, 4, attacker),
        )
        own.push(abi.outletCreate(attacker, 20, seed % 2), abi.bufferCreate(attacker, 2000))
        expect(Math.min(...own)).toBeGreaterThan(0)
        generations = own.map((address) => core.generation(address))
      }
      let generations: number[] = []
      const argument = () => {
        const pick = next() % 8
        if (pick === 0) return EDGES[next() % EDGES.length]!
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
        // The canary's own name is only used by its owner, and who guesses a whole handle has it.
        if (args.includes(keeper) || (name === 'threadEnd' && args[0] === 1)) continue
        if (
          handles.some(([at, generation]) => args.some((arg, i) => arg === at && args[i + 1] === generation))
        )
          continue
        if (entry(...args) >= 0) accepted++
      }
      expect(accepted).toBeGreaterThan(1000)
      expect(canaryOf(core, canary) === before).toBe(true)
      for (let i = 0; i < 4; i++) {
        expect(abi.oneToOneNext(ring, core.generation(ring), keeper)).toBe(CANARY.length)
        const from = core.scratch(keeper) + layout.SCRATCH_DATA_OFFSET
        expect(core.u8().slice(from, from + CANARY.length)).toEqual(CANARY)
      }
    })
  }

  it('writes nowhere but into what it is given, where the handles are good and the rest is made up', () => {
    const core = loadCore(256)
    const { abi, layout } = core
    const keeper = abi.threadJoin(1)
    const attacker = abi.threadJoin(2)
    const next = random(9)
    const good = (address: number): [number, number] => [address, core.generation(address)]
    const outlet = good(abi.outletCreate(attacker, 40, layout.ESCAPE_NEWLINES))
    const ring = good(abi.ringCreate(layout.KIND_MANY_TO_ONE, 8, 40, 0, 2, attacker))
    const lanes = [1, 2].map((endpoint) => good(abi.manyToOneJoin(...ring, attacker, endpoint)))
    // Each buffer lies between two of the keeper's, granule by granule.
    const guards = [abi.bufferCreate(keeper, 2900)]
    const buffer = good(abi.bufferCreate(attacker, 2944))
    guards.push(abi.bufferCreate(keeper, 2944))
    expect(guards).toEqual([buffer[0] - 4096, buffer[0] + 4096])
    for (const guard of guards) core.u8().fill(0x5a, guard + layout.BUFFER_DATA_OFFSET, guard + 4096)
    const guarded = () => guards.map((at) => Buffer.from(core.u8().slice(at, at + 4096)).toString('base64'))
    const before = guarded()
    const edges = [0, 1, 2, 40, 41, 2927, 2928, 2929, 2943, 2944, 2945, -1, 2 ** 31 - 1, -(2 ** 31)]
    const number = () => (next() % 3 === 0 ? edges[next() % edges.length]! : next() % 3000)
    const calls: (() => number)[] = [
      () => abi.outletSet(...outlet, ...lanes[next() % 2]!, attacker, number() % 80, next() % 2),
      () => abi.outletSet(...outlet, ...lanes[next() % 2]!, attacker, number(), 1),
      () => abi.linePack(...ring, attacker, ...buffer, number() % 100, number(), number(), number()),
      () => abi.lineSplit(...buffer, attacker, number(), number()),
      () => abi.outletAdd(...outlet, number(), number()),
      () => abi.outletRaise(...outlet, number(), number()),
    ]
    const accepted = calls.map(() => 0)
    for (let call = 0; call < 60_000; call++) {
      const which = next() % calls.length
      if (calls[which]!() >= 0) accepted[which]!++
    }
    expect(Math.min(...accepted)).toBeGreaterThan(200)
    expect(guarded().join() === before.join()).toBe(true)
  })

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
    for (const [longestLine, rule] of [
      [0, 0],
      [layout.SCRATCH_BYTES - 1, 0],
      [100, 2],
      [-1, 0],
    ])
      expect(abi.outletCreate(token, longestLine!, rule!)).toBe(layout.INVALID)
    expect(abi.outletCreate(token + 1, 100, 0)).toBe(layout.INVALID)
    for (const bytes of [0, -1, 2 ** 28 + 1]) expect(abi.bufferCreate(token, bytes)).toBe(layout.INVALID)
    expect(abi.bufferCreate(token + 1, 100)).toBe(layout.INVALID)
    expect(abi.bufferCreate(token, 2 ** 28)).toBe(layout.OUT_OF_MEMORY)
    expect(abi.usedGranules()).toBe(before)
  })
})
