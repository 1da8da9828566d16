import { describe, expect, it } from 'vitest'
import { EDGES, imageOf, random } from '../support/fuzz.ts'
import {
  type Handle,
  loadSockets,
  openChannel,
  PLACES,
  type Sockets,
  span,
  startAt,
  stretches,
  TO_CLIENT,
  TO_SERVER,
  VERSION,
} from '../support/sockets.ts'

// Every entry of the second module with every argument made up, and the server's work on a channel whose client writes what it likes into it:
// nothing traps or hangs, nothing of others changes by a byte, and where the server is sent lies within the channel.

const GRANULE = 4096
/** Of a channel whose rings are 2 ** 12 bytes long. */
const LONGEST = 4096

/** Another's channels, with something in them, and its buffers. */
function setUp(sockets: Sockets) {
  const { core, abi, client, hub, layout } = sockets
  const channels = (['datagram', 'stream', 'listener'] as const).map(
    (type) => openChannel(sockets, type, 7).handle,
  )
  const [datagrams, stream] = channels as [Handle, Handle]
  for (const ring of [TO_SERVER, TO_CLIENT]) {
    const place = abi.datagramClaim!(...datagrams, ring, 20)
    core.u8().fill(0x5a, place, place + 20)
    expect(abi.datagramCommit!(...datagrams, ring, 20, 1)).toBe(0)
    expect(abi.streamCommit!(...stream, ring, 50)).toBe(0)
  }
  abi.channelAsk!(...stream, 10)
  const buffer = core.abi.bufferCreate(client, 2000)
  core.u8().fill(0x5a, buffer + core.layout.BUFFER_DATA_OFFSET, buffer + GRANULE)
  const image = () =>
    imageOf(
      core,
      ...channels.map(([at]) => [at, at + 2 * GRANULE] as const),
      [buffer, buffer + GRANULE],
      [hub[0], hub[0] + layout.HUB_STATUS_OFFSET!],
      [hub[0] + layout.HUB_READY_OFFSET! + PLACES / 8, hub[0] + GRANULE],
    )
  const handles: Handle[] = [hub, ...channels, [buffer, core.generation(buffer)]]
  return { handles, image }
}

/** An attacker's own channels and hub, so that some of its handles are good; new ones when it has spoilt those. */
class Attacker {
  readonly sockets: Sockets
  token = 0
  own: Handle[] = []
  private static readonly key = 3

  constructor(sockets: Sockets) {
    this.sockets = sockets
  }

  /** Whether it had to begin anew. */
  rearm(): boolean {
    const { core, abi, layout } = this.sockets
    const isGood = ([at, generation]: Handle) => core.abi.isLive(at, generation) !== 0
    if (this.own.length > 0 && this.own.every(isGood)) return false
    if (this.token !== 0) core.abi.threadLeave(this.token)
    this.token = core.abi.threadJoin(Attacker.key)
    const hub = abi.hubCreate!(this.token, PLACES, VERSION, 2)
    const named = (at: number): Handle => [at, core.generation(at)]
    expect(abi.hubServe!(...named(hub), this.token)).toBe(0)
    const channels = [layout.TYPE_DATAGRAM!, layout.TYPE_STREAM!, layout.TYPE_LISTENER!].map((type) =>
      abi.channelCreate!(this.token, ...named(hub), VERSION, type | (6 << 8) | (7 << 16)),
    )
    expect(Math.min(hub, ...channels)).toBeGreaterThan(0)
    this.own = [hub, ...channels].map(named)
    for (const channel of this.own.slice(1)) abi.hubAdd!(...this.own[0]!, ...channel)
    return true
  }
}

/** Words that a client may spoil: all of its channel's but for what the allocator and the members' list keep there. */
function spoil({ core, layout }: Sockets, [at]: Handle, bytes: number, next: () => number): void {
  const words = [
    [layout.VERSION_OFFSET!, layout.MEMBERS_OFFSET!],
    [layout.CLIENT_RING_OFFSET!, layout.CLIENT_RING_OFFSET! + 2 * layout.RING_BYTES!],
    [layout.CHANNEL_DATA_OFFSET!, bytes],
  ] as const
  const [from, to] = words[next() % 3]!
  // Cursors and the shape more often than the rest.
  const cursors = [0, 8, 128, 136].flatMap((cursor) => [
    layout.CLIENT_RING_OFFSET! + cursor,
    layout.SERVER_RING_OFFSET! + cursor,
  ])
  const chosen = [layout.SHAPE_OFFSET!, ...cursors]
  const offset = next() % 2 === 0 ? chosen[next() % chosen.length]! : from + ((next() % (to - from)) & ~3)
  const value = spoilt(core.u32(at + offset), next)
  new DataView(core.memory.buffer).setUint32(at + offset, value >>> 0, true)
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

describe('the ABI of the sockets', () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`refuses what it is given at random, and harms nobody (seed ${seed})`, () => {
      const sockets = loadSockets(256)
      const { abi, core, server, client } = sockets
      const { handles, image } = setUp(sockets)
      const before = image()
      const attacker = new Attacker(sockets)
      const next = random(seed)
      const argument = () => {
        const pick = next() % 8
        if (pick === 0) return EDGES[next() % EDGES.length]!
        if (pick === 1) return next() | 0
        if (pick <= 3) return attacker.own[next() % attacker.own.length]![pick - 2]!
        if (pick === 4) return attacker.token
        if (pick === 5) return (next() % 512) * GRANULE
        if (pick === 6) return handles[1]![0] + (next() % GRANULE)
        return next() % 16
      }
      const isOthers = (name: string, args: readonly number[]) =>
        args.includes(server) ||
        args.includes(client) ||
        (/^thread(End|Exited)$/.test(name) && (args[0] === 1 || args[0] === 2)) ||
        handles.some(([at, generation]) => args.some((arg, i) => arg === at && args[i + 1] === generation))
      const names = Object.keys(abi).filter((name) => name !== 'regionInit')
      let accepted = 0
      for (let call = 0; call < 60_000; call++) {
        attacker.rearm()
        if (next() % 8 === 0) spoil(sockets, attacker.own[1 + (next() % 3)]!, 2 * GRANULE, next)
        const name = names[next() % names.length]!
        const entry = abi[name]!
        const args = Array.from({ length: entry.length }, argument)
        if (next() % 4 !== 0) {
          const [at, generation] = attacker.own[next() % attacker.own.length]!
          args[0] = at
          args[1] = generation
          if (next() % 2 === 0) args[2] = next() % 2
          if (next() % 2 === 0) args[3] = attacker.token
        }
        if (isOthers(name, args)) continue
        if (entry(...args) >= 0) accepted++
      }
      expect(accepted).toBeGreaterThan(1000)
      expect(image() === before).toBe(true)
      expect(core.abi.isLive(...handles[0]!)).not.toBe(0)
    })
  }

  for (const type of ['datagram', 'stream'] as const) {
    // The shortest, and one whose data ends with its last granule.
    for (const log2 of [5, 12]) {
      it(`sends a server nowhere but into the channel, whatever is in it (${type}, 2^${log2} B)`, () => {
        const sockets = loadSockets(64)
        const { core, client, server } = sockets
        const guard = () => {
          const at = core.abi.bufferCreate(client, 2900)
          core.u8().fill(0x5a, at + core.layout.BUFFER_DATA_OFFSET, at + GRANULE)
          return at
        }
        const guards = [guard()]
        const { handle } = openChannel(sockets, type, log2)
        guards.push(guard())
        const bytes = guards[1]! - handle[0]
        expect([guards[0]! + GRANULE, bytes % GRANULE]).toEqual([handle[0], 0])
        const others = openChannel(sockets, type, 5).handle
        const image = () =>
          imageOf(core, ...guards.map((at) => [at, at + GRANULE] as const), [
            others[0],
            others[0] + 2 * GRANULE,
          ])
        const before = image()
        const next = random(log2 + (type === 'stream' ? 100 : 0))
        const work = new HostileWork(sockets, handle, bytes, next)
        const shape = core.u32(handle[0] + sockets.layout.SHAPE_OFFSET!)
        for (let round = 0; round < 3000; round++) {
          // A channel in order, somewhere in its lap, with something in it; then it is spoilt, while the server works on it.
          new DataView(core.memory.buffer).setUint32(handle[0] + sockets.layout.SHAPE_OFFSET!, shape, true)
          // Every other time near the end of the lap, and off the 8 bytes that items lie on.
          const start = next() % 2 === 0 ? next() % 2 ** log2 : 2 ** log2 - 1 - (next() % 16)
          const cursor = BigInt(next() % 2 === 0 ? start : start & ~7)
          for (const ring of [TO_SERVER, TO_CLIENT]) startAt(sockets, handle, ring, cursor)
          for (let i = next() % 4; i > 0; i--) work.send(client, TO_SERVER)
          for (let step = 0; step < 12; step++) {
            if (next() % 3 === 0) spoil(sockets, handle, bytes, next)
            work.step(server)
          }
        }
        expect(work.placed).toBeGreaterThan(1000)
        expect(image() === before).toBe(true)
      })
    }
  }

  it('makes nothing of a shape that it cannot hold, nor a hub of a number of channels', () => {
    const sockets = loadSockets()
    const { abi, layout, core, client, hub } = sockets
    const before = core.abi.usedGranules()
    for (const shape of [
      0, 1, 0x0505_00, 0x0505_04, 0x0404_01, 0x0504_01, 0x0405_01, 0x1b1b_01, 0x1_0505_01, -1,
    ])
      expect(abi.channelCreate!(client, ...hub, VERSION, shape)).toBe(layout.INVALID)
    expect(abi.channelCreate!(client + 128, ...hub, VERSION, 0x0505_01)).toBe(layout.INVALID)
    expect(abi.channelCreate!(client, hub[0], hub[1] + 1, VERSION, 0x0505_01)).toBe(layout.STALE)
    expect(abi.channelCreate!(client, ...hub, VERSION, 0x1a1a_01)).toBe(layout.OUT_OF_MEMORY)
    for (const channels of [0, -1, 63, 65, layout.MAX_CHANNELS! + 64])
      expect(abi.hubCreate!(client, channels, VERSION, 1)).toBe(layout.INVALID)
    expect(core.abi.usedGranules()).toBe(before)
  })

  it('takes no length for nothing that comes round to it: who reckons with it would stand still', () => {
    const sockets = loadSockets()
    const { abi, layout, core, client, server } = sockets
    const { handle } = openChannel(sockets, 'datagram', 6)
    const view = new DataView(core.memory.buffer)
    for (let bytes = 2 ** 32 - 16; bytes < 2 ** 32; bytes++) {
      startAt(sockets, handle, TO_CLIENT, 0n)
      for (let i = 0; i < 4; i++) abi.datagramCommit!(...handle, TO_CLIENT, 8)
      const place = abi.datagramUnpack!(...handle, TO_CLIENT, client)
      view.setUint32(place - layout.ITEM_HEADER_BYTES!, bytes, true)
      expect(abi.datagramRepack!(...handle, TO_CLIENT, 1)).toBe(layout.INVALID)
      // The client says that it has given it back all the same.
      core.setU64(handle[0] + layout.SERVER_RING_OFFSET! + layout.GIVEN_OFFSET!, 16n)
      expect(abi.datagramClaim!(...handle, TO_CLIENT, 8)).toBe(layout.CORRUPT)
      expect(abi.datagramUnpack!(...handle, TO_SERVER, server)).toBe(layout.EMPTY)
    }
  })

  it('takes one server, and no other after it', () => {
    const sockets = loadSockets()
    const { abi, layout, client, hub } = sockets
    expect(abi.hubServe!(...hub, client)).toBe(layout.INVALID)
    expect(sockets.core.u32(hub[0] + layout.HUB_SERVER_OFFSET!)).toBe(sockets.server)
  })

  it('takes no shape that reaches past the region for one, though a table entry seems to stand there', () => {
    const sockets = loadSockets(64)
    const { abi, layout, core } = sockets
    const { handle } = openChannel(sockets, 'datagram', 12)
    const view = new DataView(core.memory.buffer)
    // What would be the entry of the last granule, if the table went on: it lies in the channel.
    for (let at = handle[0] + layout.CHANNEL_DATA_OFFSET!; at < handle[0] + 5 * GRANULE; at += 8)
      view.setBigUint64(at, (BigInt(handle[1]) << 34n) | 3n, true)
    for (let first = 5; first <= 26; first++) {
      for (let second = 13; second <= 26; second++) {
        const shape = layout.TYPE_DATAGRAM! | (first << 8) | (second << 16)
        view.setUint32(handle[0] + layout.SHAPE_OFFSET!, shape, true)
        expect(abi.channelReady!(...handle, 7, 0)).toBe(layout.STALE)
      }
    }
  })
})

/** A server's calls on one channel, and what it then does: write and read where it was sent. */
class HostileWork {
  readonly sockets: Sockets
  readonly handle: Handle
  readonly bytes: number
  readonly next: () => number
  placed = 0

  constructor(sockets: Sockets, handle: Handle, bytes: number, next: () => number) {
    this.sockets = sockets
    this.handle = handle
    this.bytes = bytes
    this.next = next
  }

  private isWithin(place: number, bytes: number): void {
    const first = this.handle[0] + this.sockets.layout.CHANNEL_DATA_OFFSET!
    if (place < first || place + bytes > this.handle[0] + this.bytes)
      expect.fail(`sent to ${place}..${place + bytes}, outside ${first}..${this.handle[0] + this.bytes}`)
    this.placed++
  }

  private write(place: number, bytes: number): void {
    this.isWithin(place, bytes)
    this.sockets.core.u8().fill(0xee, place, place + bytes)
  }

  /** Short, or about as long as the ring takes. */
  private length(): number {
    const { next } = this
    return next() % 3 === 0 ? LONGEST - 8 + (next() % 10) : next() % 40
  }

  send(token: number, ring: number): void {
    const { abi } = this.sockets
    const length = this.length()
    const place = abi.datagramClaim!(...this.handle, ring, length)
    if (place > 0) {
      this.write(place, length)
      abi.datagramCommit!(...this.handle, ring, this.next() % 8 === 0 ? length * 2 : length, this.next() % 2)
    }
    const room = abi.streamSpace!(...this.handle, ring, token)
    if (room <= 0) return
    const [, , second] = span(this.sockets, token)
    for (const [to, bytes] of stretches(this.sockets, token, room)) this.write(to, bytes)
    this.isWithin(second, 0)
    abi.streamCommit!(...this.handle, ring, this.next() % (room + 2))
  }

  private receive(token: number): void {
    const { abi } = this.sockets
    const entry = this.next() % 2 === 0 ? abi.datagramPeek! : abi.datagramUnpack!
    const place = entry(...this.handle, TO_SERVER, token)
    if (place > 0) this.isWithin(place, span(this.sockets, token)[0])
    const waiting = abi.streamBytes!(...this.handle, TO_SERVER, token, this.next() % 4)
    if (waiting <= 0) return
    for (const [from, bytes] of stretches(this.sockets, token, waiting)) this.isWithin(from, bytes)
    abi.streamDone!(...this.handle, TO_SERVER, this.next() % (waiting + 2))
  }

  step(token: number): void {
    const { abi, hub } = this.sockets
    const { handle, next } = this
    const calls: (() => unknown)[] = [
      () => this.send(token, TO_CLIENT),
      () => this.send(token, TO_CLIENT),
      () => this.receive(token),
      () => this.receive(token),
      () => abi.datagramRepack!(...handle, TO_SERVER, next() % 4),
      () => expect(abi.channelQuestion!(...handle)).toBeLessThanOrEqual(this.sockets.layout.TEXT_BYTES!),
      () => abi.channelAnswer!(...handle, next() % 1200),
      () => abi.channelServe!(...handle, 7),
      () => abi.serverHears!(...handle),
      () => abi.serverSays!(...handle, next() % 8),
      () => abi.serverFails!(...handle, next() % 100),
      () => abi.serverPends!(...handle, next() % 10),
      () => abi.hubAck!(...hub, token),
      () => abi.hubOrphan!(...hub, token, 0),
    ]
    calls[next() % calls.length]!()
  }
}
