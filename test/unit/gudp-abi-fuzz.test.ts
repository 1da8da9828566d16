import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Core, loadCore } from '../support/core.ts'
import { EDGES, imageOf, random } from '../support/fuzz.ts'

// Every entry of the third module with every argument made up, on connections and monitors into which the attacker writes what it likes:
// nothing traps or hangs, nothing of others changes by a byte, and where a call sends a thread lies within the connection.

const module = new WebAssembly.Module(readFileSync(new URL('../../build/gudp.wasm', import.meta.url)))
const GRANULE = 4096
const PLACES = 64

type Handle = readonly [address: number, generation: number]

interface Gudp {
  readonly core: Core
  readonly abi: Record<string, (...args: number[]) => number>
  readonly layout: Record<string, number>
}

function load(): Gudp {
  const core = loadCore(256)
  const { exports } = new WebAssembly.Instance(module, { env: { memory: core.memory } })
  const abi: Gudp['abi'] = {}
  const layout: Gudp['layout'] = {}
  for (const [name, item] of Object.entries(exports)) {
    if (typeof item === 'function') abi[name] = item as (...args: number[]) => number
    else if (item instanceof WebAssembly.Global) layout[name] = item.value
  }
  return { core, abi, layout }
}

/** A hub, a connection with a lane of each kind in it, and a monitor, of the thread. */
function open({ core, abi, layout }: Gudp, token: number): Handle[] {
  const named = (at: number): Handle => {
    expect(at).toBeGreaterThan(0)
    return [at, core.generation(at)]
  }
  const hub = named(abi.hubCreate!(token, PLACES, 1, 1))
  expect(abi.hubServe!(...hub, token)).toBe(0)
  configure({ core, abi, layout }, token, hub)
  const connection = named(abi.connectionCreate!(token, 0))
  expect(abi.hubPut!(...hub, 0, ...connection)).toBe(0)
  return [connection, named(abi.monitorCreate!(token)), hub]
}

function configure({ core, layout }: Gudp, token: number, hub: Handle): void {
  const view = new DataView(core.memory.buffer, core.scratch(token) + layout.SCRATCH_DATA_OFFSET!)
  const set = (offset: number, ...values: number[]) =>
    values.forEach((value, i) => {
      view.setUint32(offset + 4 * i, value, true)
    })
  set(layout.CONFIG_HUB_OFFSET!, ...hub, 0, 32, 0, 128, 128, 0, 0, 2)
  set(layout.CONFIG_LANE_OFFSET!, layout.LANE_PACKETS!, 256, 128, 100)
  set(layout.CONFIG_LANE_OFFSET! + 16, layout.LANE_STREAM!, 8192, 8192, 1000)
}

/** Something else, a little off, or next to where numbers come round. */
function spoilt(value: number, next: () => number): number {
  const pick = next() % 6
  if (pick === 0) return next()
  if (pick === 1) return EDGES[next() % EDGES.length]!
  if (pick === 2) return -(next() % 32)
  if (pick === 3) return value ^ (1 << (next() % 32))
  return pick === 4 ? value + (next() % 64) - 32 : next() % 4096
}

/** Spoils a word, but for what the allocator and the list of members keep there. */
function spoil({ core, layout }: Gudp, [at]: Handle, bytes: number, next: () => number): void {
  const lane = layout.FIRST_LANE_OFFSET! + (next() % 2) * layout.LANE_BYTES!
  const chosen = [
    ...['BYTES_OFFSET', 'LANES_OFFSET', 'DAEMON_OFFSET', 'INDEX_OFFSET', 'STATUS_OFFSET'].map(
      (name) => layout[name]!,
    ),
    ...Object.entries(layout)
      .filter(([name]) => /^(IN|OUT)_\w+_OFFSET$/.test(name) || /^LONGEST_OFFSET$/.test(name))
      .flatMap(([, offset]) => [lane + offset, lane + offset + 4]),
  ]
  const anywhere = next() % 2 === 0 ? 8 + (next() % 630) : 1152 + (next() % (bytes - 1152))
  const offset = (next() % 4 === 0 ? anywhere : chosen[next() % chosen.length]!) & ~3
  if (offset >= layout.MEMBERS_OFFSET! && offset < 1152) return
  const value = spoilt(core.u32(at + offset), next)
  new DataView(core.memory.buffer).setUint32(at + offset, value >>> 0, true)
}

describe('the ABI of GUDP', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`refuses what it is given at random, and harms nobody (seed ${seed})`, () => {
      const gudp = load()
      const { core, abi, layout } = gudp
      const daemon = core.abi.threadJoin(1)
      const user = core.abi.threadJoin(2)
      const theirs = open(gudp, daemon)
      for (const [i, kind] of [layout.KIND_CONNECTION!, layout.KIND_MONITOR!].entries())
        expect(abi.objectJoin!(...theirs[i]!, kind, user)).toBe(0)
      core.stage(daemon, new Uint8Array(20).fill(0x5a))
      expect(abi.lanePut!(...theirs[0]!, 0, daemon, 20)).toBe(0)
      expect(abi.laneTake!(...theirs[0]!, 0, user)).toBe(20) // and has the lock
      const [[connection], [monitor], [hub]] = theirs as [Handle, Handle, Handle]
      const bytes = core.u32(connection + layout.BYTES_OFFSET!)
      const image = () =>
        imageOf(
          core,
          [connection, connection + bytes],
          [monitor, monitor + GRANULE],
          [hub, hub + layout.HUB_STATUS_OFFSET!],
        )
      const before = image()
      const next = random(seed)
      let token = 0
      let own: Handle[] = []
      const rearm = () => {
        if (own.length > 0 && own.every(([at, generation]) => core.abi.isLive(at, generation) !== 0)) return
        if (token !== 0) core.abi.threadLeave(token)
        token = core.abi.threadJoin(3)
        own = open(gudp, token)
      }
      const argument = () => {
        const pick = next() % 8
        if (pick === 0) return EDGES[next() % EDGES.length]!
        if (pick === 1) return next() | 0
        if (pick <= 3) return own[next() % own.length]![pick - 2]!
        if (pick === 4) return token
        if (pick === 5) return (next() % 512) * GRANULE
        return pick === 6 ? connection + (next() % GRANULE) : next() % 16
      }
      const isOthers = (name: string, args: readonly number[]) =>
        args.includes(daemon) ||
        args.includes(user) ||
        (/^thread(End|Exited)$/.test(name) && (args[0] === 1 || args[0] === 2)) ||
        theirs.some(([at, generation]) => args.some((arg, i) => arg === at && args[i + 1] === generation))
      const names = Object.keys(abi).filter((name) => name !== 'regionInit')
      let accepted = 0
      for (let call = 0; call < 40_000; call++) {
        rearm()
        if (next() % 8 === 0) spoil(gudp, own[0]!, 3 * GRANULE, next)
        if (next() % 8 === 0) spoil(gudp, own[1]!, GRANULE, next)
        if (next() % 8 === 0) configure(gudp, token, own[2]!)
        const name = names[next() % names.length]!
        const entry = abi[name]!
        const args = Array.from({ length: entry.length }, argument)
        if (next() % 4 !== 0) {
          const [at, generation] = own[/^monitor/.test(name) ? 1 : /^hub/.test(name) ? 2 : 0]!
          args[0] = at
          args[1] = generation
          if (args.length > 2) args[2] = /^lane/.test(name) ? next() % 2 : token
          if (args.length > 3 && /^lane/.test(name)) args[3] = token
        }
        if (isOthers(name, args)) continue
        if (entry(...args) >= 0) accepted++
      }
      expect(accepted).toBeGreaterThan(1000)
      expect(image() === before).toBe(true)
      expect(abi.laneTaken!(...theirs[0]!, 0, user)).toBe(0)
      expect(abi.laneDepth!(...theirs[0]!, 0)).toBe(0)
    })

    it(`sends a thread nowhere but into the connection, whatever is in it (seed ${seed})`, () => {
      const gudp = load()
      const { core, abi, layout } = gudp
      const daemon = core.abi.threadJoin(1)
      const user = core.abi.threadJoin(2)
      const next = random(seed + 100)
      let sent = 0
      for (let round = 0; round < 300; round++) {
        const guards = [core.abi.bufferCreate(daemon, 2900)]
        const [connection, monitor, hub] = open(gudp, daemon) as [Handle, Handle, Handle]
        expect(abi.objectJoin!(...connection, layout.KIND_CONNECTION!, user)).toBe(0)
        guards.push(core.abi.bufferCreate(daemon, 2900))
        const image = () => imageOf(core, ...[...guards, monitor[0]].map((at) => [at, at + GRANULE] as const))
        const before = image()
        const end =
          connection[0] + Math.ceil(core.u32(connection[0] + layout.BYTES_OFFSET!) / GRANULE) * GRANULE
        const go = (token: number, bytes: number, writes: boolean) => {
          const at = core.scratch(token) + layout.MAILBOX_SPAN_OFFSET!
          const [first, part, second] = [0, 4, 8].map((offset) => core.u32(at + offset)) as [
            number,
            number,
            number,
          ]
          for (const [place, length] of [
            [first, part],
            [second, bytes - part],
          ] as const) {
            const isIn =
              length >= 0 && place > connection[0] + layout.FIRST_LANE_OFFSET! && place + length <= end
            if (!isIn) expect.fail(`sent to ${place}..${place + length}, of ${connection[0]}..${end}`)
            if (writes) core.u8().fill(0xee, place, place + length)
          }
          sent++
        }
        for (let step = 0; step < 40; step++) {
          if (next() % 3 === 0) spoil(gudp, connection, end - connection[0], next)
          const lane = next() % 2
          const length = next() % 4 === 0 ? next() % 1100 : next() % 60
          const args = [...connection, lane] as const
          const pick = next() % 6
          if (pick === 0) abi.lanePut!(...args, daemon, length)
          else if (pick === 1) {
            if (abi.laneClaim!(...args, user, length) !== 0) continue
            go(user, length, true)
            if (abi.laneCommit!(...args, user, next() % 4 === 0 ? length * 2 : length) !== 0)
              abi.laneAbort!(...args, user)
          } else if (pick === 2) {
            const bytes = abi.laneOldest!(...args, daemon)
            if (bytes >= 0) go(daemon, bytes, false)
            abi.laneFree!(...args, daemon)
          } else if (pick === 3) {
            const bytes = abi.laneTake!(...args, user)
            if (bytes >= 0) go(user, bytes, false)
            if (next() % 2 === 0) abi.laneTaken!(...args, user)
            else abi.lanePutBack!(...args, user)
          } else if (pick === 4) {
            abi.laneArm!(...args, user)
            abi.laneSendArm!(...args, user, length)
          } else {
            abi.laneLeave!(...args, user)
            abi.laneSendLeave!(...args, user)
            abi.connectionEnter!(...connection, user)
          }
        }
        expect(image() === before).toBe(true)
        for (const token of [user, daemon]) abi.objectLeave!(...connection, token)
        for (const handle of [monitor, hub, ...guards.map((at): Handle => [at, core.generation(at)])])
          abi.objectLeave!(...handle, daemon)
      }
      expect(core.abi.usedGranules()).toBe(2 * 17)
      expect(sent).toBeGreaterThan(500)
    })
  }

  it('makes no connection of a configuration that makes no sense', () => {
    const gudp = load()
    const { core, abi, layout } = gudp
    const token = core.abi.threadJoin(1)
    const used = core.abi.usedGranules()
    const wrong: [offset: number, value: number][] = [
      [layout.CONFIG_WINDOW_OFFSET!, 16],
      [layout.CONFIG_WINDOW_OFFSET!, 33],
      [layout.CONFIG_WINDOW_OFFSET!, 8192],
      [layout.CONFIG_PACKET_OFFSET!, 100],
      [layout.CONFIG_FRAGMENT_OFFSET!, 8],
      [layout.CONFIG_STRATEGY_OFFSET!, 99],
      [layout.CONFIG_LANES_OFFSET!, 0],
      [layout.CONFIG_LANES_OFFSET!, 17],
      [layout.CONFIG_LANE_OFFSET!, 9],
      [layout.CONFIG_LANE_OFFSET! + 4, 12],
      [layout.CONFIG_LANE_OFFSET! + 4, -8],
      [layout.CONFIG_LANE_OFFSET! + 12, 125],
      [layout.CONFIG_LANE_OFFSET! + 12, -1],
      [layout.CONFIG_LANE_OFFSET! + 20, 4096],
    ]
    for (const [offset, value] of wrong) {
      configure(gudp, token, [0, 0])
      new DataView(core.memory.buffer).setInt32(
        core.scratch(token) + layout.SCRATCH_DATA_OFFSET! + offset,
        value,
        true,
      )
      expect(abi.connectionCreate!(token, 0), `${offset}: ${value}`).toBe(layout.INVALID)
    }
    expect(core.abi.usedGranules()).toBe(used)
  })
})
