import { describe, expect, it } from 'vitest'
import { Flow } from '../../src/net/flow.ts'
import { LazyPool } from '../../src/net/socket-pool.ts'
import { VirtualClock } from '../../src/sim/network/virtual-clock.ts'
import { ScriptedSocket } from '../support/scripted-socket.ts'

/** A pool whose sockets open when a test says so, or at once. */
class Rig {
  readonly clock = new VirtualClock()
  readonly sockets: ScriptedSocket[] = []
  readonly retired: Flow[] = []
  readonly failures: string[] = []
  readonly connectsMs: number[] = []
  /** What `connect` ends with: a code, or a socket. */
  fails: string | undefined
  ready = 0
  readonly pool: LazyPool
  #held: (() => void)[] | undefined

  constructor(size = 10) {
    this.pool = new LazyPool({
      size,
      clock: this.clock,
      connect: () => this.#connect(),
      flow: (socket) => new Flow(socket, this.sockets.length, this.clock.now()),
      onReady: () => this.ready++,
      onFailure: (code) => this.failures.push(code),
      onRetire: (flow) => {
        if (this.sockets[flow.number - 1]?.isClosed) throw new Error('closed before it could say goodbye')
        this.retired.push(flow)
      },
    })
  }

  /** From here on sockets take their time to open, until the answer is called. */
  holdConnects(): () => Promise<void> {
    const held: (() => void)[] = []
    this.#held = held
    return async () => {
      this.#held = undefined
      for (const go of held) go()
      await settled()
    }
  }

  /** Asks until there is one. */
  async acquire(): Promise<Flow> {
    const flow = this.pool.acquire()
    if (flow !== undefined) return flow
    await settled()
    return this.pool.acquire()!
  }

  async #connect(): Promise<ScriptedSocket> {
    this.connectsMs.push(this.clock.now())
    if (this.#held !== undefined) await new Promise<void>((resolve) => this.#held!.push(resolve))
    if (this.fails !== undefined) throw Object.assign(new Error('no socket'), { code: this.fails })
    const socket = new ScriptedSocket(
      () => undefined,
      (call) => this.clock.soon(call),
    )
    this.sockets.push(socket)
    return socket
  }
}

/** Promises of promises have come to their end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve()
}

describe('a lazy pool', () => {
  it('opens nothing before it is asked, one socket when it is, and says when that is there', async () => {
    const { pool, sockets, clock } = new Rig()
    expect(sockets).toHaveLength(0)
    expect(pool.acquire()).toBeUndefined()
    await settled()
    expect(sockets).toHaveLength(1)
    expect(pool.acquire()?.socket).toBe(sockets[0])
    expect(pool.counts).toEqual({ hits: 1, misses: 1, replaced: 0, size: 1 })
    expect(clock.timers).toBe(0)
  })

  it('opens one at a time, however often it is asked', async () => {
    const rig = new Rig()
    const open = rig.holdConnects()
    for (let i = 0; i < 5; i++) expect(rig.pool.acquire()).toBeUndefined()
    expect(rig.connectsMs).toHaveLength(1)
    await open()
    expect(rig.ready).toBe(1)
    expect(rig.pool.counts).toEqual({ hits: 0, misses: 1, replaced: 0, size: 1 })
  })

  it('gives the same socket as long as the kernel takes what it is given', async () => {
    const rig = new Rig()
    const first = await rig.acquire()
    for (let i = 0; i < 100; i++) {
      rig.clock.advance(1)
      expect(rig.pool.acquire()).toBe(first)
    }
    expect(rig.pool.counts).toMatchObject({ hits: 101, misses: 1, size: 1 })
  })

  it('grows while something is stuck in the queue of every socket, up to its bound', async () => {
    const rig = new Rig(3)
    for (let i = 0; i < 10; i++) {
      const flow = await rig.acquire()
      flow.inFlight++
      await settled()
    }
    expect(rig.sockets).toHaveLength(3)
    expect([...rig.pool.flows()].map((flow) => flow.inFlight).sort()).toEqual([3, 3, 4])
    expect(rig.pool.counts).toEqual({ hits: 10, misses: 3, replaced: 0, size: 3 })
  })

  it('prefers a socket with nothing in flight, and of those the one used last', async () => {
    const rig = new Rig(2)
    const first = await rig.acquire()
    first.inFlight = 1
    rig.pool.acquire()
    await settled()
    const second = await rig.acquire()
    expect(second).not.toBe(first)
    rig.clock.advance(1)
    rig.pool.acquire()
    first.inFlight = 0
    expect(rig.pool.acquire()).toBe(second)
  })

  it('shrinks: what nothing has gone over for a minute says goodbye, and is closed', async () => {
    const rig = new Rig(3)
    while (rig.sockets.length < 3) {
      const flow = await rig.acquire()
      flow.inFlight++
      await settled()
    }
    for (const flow of rig.pool.flows()) flow.inFlight = 0
    rig.clock.advance(59_999)
    const kept = rig.pool.acquire()!
    expect(rig.sockets.filter((socket) => socket.isClosed)).toHaveLength(0)
    rig.clock.advance(1)
    for (let i = 0; i < 5; i++) expect(rig.pool.acquire()).toBe(kept)
    expect(rig.retired).toHaveLength(2)
    expect(rig.retired).not.toContain(kept)
    expect(rig.sockets.filter((socket) => socket.isClosed)).toHaveLength(2)
    expect(rig.pool.counts).toMatchObject({ replaced: 0, size: 1 })
  })

  it('never retires a socket with something in flight', async () => {
    const rig = new Rig(2)
    const stuck = await rig.acquire()
    stuck.inFlight = 1
    rig.pool.acquire()
    await settled()
    rig.clock.advance(600_000)
    for (let i = 0; i < 5; i++) expect(rig.pool.acquire()).not.toBe(stuck)
    expect(rig.retired).toEqual([])
  })
})

describe('a socket that was reported', () => {
  it('is closed, and not given again; another is opened when it is asked for', async () => {
    const rig = new Rig()
    const first = await rig.acquire()
    rig.clock.advance(1000)
    rig.pool.report(first, 'EPERM')
    expect(first.isBroken).toBe(true)
    expect(rig.sockets[0]!.isClosed).toBe(true)
    expect(rig.connectsMs).toHaveLength(1)
    expect(await rig.acquire()).not.toBe(first)
    expect(rig.pool.counts).toEqual({ hits: 2, misses: 2, replaced: 1, size: 1 })
  })

  it('counts once, however many of its datagrams come back', async () => {
    const rig = new Rig()
    const flow = await rig.acquire()
    for (let i = 0; i < 5; i++) rig.pool.report(flow, 'EPERM')
    expect(rig.pool.counts).toMatchObject({ replaced: 1, size: 0 })
  })

  it('is not replaced more often than ten times a second', async () => {
    const rig = new Rig()
    for (let ms = 0; ms < 1000; ms++) {
      const flow = rig.pool.acquire()
      if (flow !== undefined) rig.pool.report(flow, 'EPERM')
      await settled()
      rig.clock.advance(1)
    }
    expect(rig.connectsMs.length).toBeGreaterThanOrEqual(9)
    expect(rig.connectsMs.length).toBeLessThanOrEqual(11)
  })
})

describe('a socket that cannot be opened', () => {
  it('is tried again at most once in 100 ms, and only while it is asked for', async () => {
    const rig = new Rig()
    rig.fails = 'EMFILE'
    for (let ms = 0; ms < 1000; ms++) {
      rig.pool.acquire()
      await settled()
      rig.clock.advance(1)
    }
    await settled()
    const gaps = rig.connectsMs.slice(1).map((ms, i) => ms - rig.connectsMs[i]!)
    expect(gaps.length).toBeGreaterThanOrEqual(9)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100)
    expect(new Set(rig.failures)).toEqual(new Set(['EMFILE']))

    rig.clock.advance(1000) // the one that waited
    await settled()
    const tried = rig.connectsMs.length
    rig.clock.advance(60_000)
    await settled()
    expect(rig.connectsMs).toHaveLength(tried)
    expect(rig.clock.timers).toBe(0)
  })

  it('is there when it can be opened again', async () => {
    const rig = new Rig()
    rig.fails = 'EMFILE'
    rig.pool.acquire()
    await settled()
    expect(rig.ready).toBe(1) // whoever waits must ask again
    rig.fails = undefined
    expect(rig.pool.acquire()).toBeUndefined()
    rig.clock.advance(100)
    await settled()
    expect(rig.ready).toBe(2)
    expect(rig.pool.acquire()?.socket).toBe(rig.sockets[0])
  })

  it('may be refused in the call itself', async () => {
    const failures: string[] = []
    const pool = new LazyPool({
      size: 1,
      clock: new VirtualClock(),
      connect: () => {
        throw Object.assign(new Error('at once'), { code: 'ENOBUFS' })
      },
      flow: () => expect.unreachable(),
      onReady: () => {},
      onFailure: (code) => failures.push(code),
      onRetire: () => {},
    })
    expect(pool.acquire()).toBeUndefined()
    await settled()
    expect(failures).toEqual(['ENOBUFS'])
  })
})

describe('a pool that is closed', () => {
  it('closes its sockets, and the one that is just being opened', async () => {
    const rig = new Rig(2)
    const flow = await rig.acquire()
    flow.inFlight = 1
    const open = rig.holdConnects()
    rig.pool.acquire()
    rig.pool.close()
    expect(flow.isBroken).toBe(true)
    await open()
    expect(rig.sockets.map((socket) => socket.isClosed)).toEqual([true, true])
    expect(rig.pool.counts.size).toBe(0)
    expect(rig.pool.acquire()).toBeUndefined()
  })

  it('tries no more', async () => {
    const rig = new Rig()
    rig.fails = 'EMFILE'
    rig.pool.acquire()
    await settled()
    rig.pool.acquire()
    rig.pool.close()
    expect(rig.clock.timers).toBe(0)
    rig.clock.advance(1000)
    await settled()
    expect(rig.connectsMs).toHaveLength(1)
    expect(rig.failures).toEqual(['EMFILE'])
  })
})
