import fc from 'fast-check'
import { type ExporterStats, UdpExporter } from 'spillway/udp'
import { describe, expect, it } from 'vitest'
import { readHeartbeat } from '../../src/net/wire-lines.ts'
import { ExporterRig, type RigOptions } from '../support/exporter-rig.ts'
import {
  AlertLog,
  deadPort,
  expectLaw,
  openExporter,
  openReceiver,
  TestThread,
} from '../support/exporters.ts'
import { ScriptedPool } from '../support/scripted-pool.ts'
import { eventsOf, type ScriptedSocket } from '../support/scripted-socket.ts'

type Step =
  | { readonly kind: 'write'; readonly lengths: number[] }
  | { readonly kind: 'answers'; readonly answers: (string | undefined)[] }
  | { readonly kind: 'release'; readonly answer: string | undefined }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'connects'; readonly fail: boolean }
  | { readonly kind: 'move' }

const answers = fc.option(
  fc.constantFrom(
    'never',
    'ECONNREFUSED',
    'EAGAIN',
    'ENOBUFS',
    'EMSGSIZE',
    'EPERM',
    'ENETUNREACH',
    'ECANCELED',
    'EODD',
  ),
  { nil: undefined, freq: 2 },
)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      lengths: fc.array(fc.integer({ min: 8, max: 220 }), { minLength: 1, maxLength: 40 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('answers' as const),
      answers: fc.array(answers, { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      answer: answers.filter((answer) => answer !== 'never'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 150 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('connects' as const), fail: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'move' as const }) },
)

const settings = fc.record({
  policy: fc.constantFrom('drop-oldest' as const, 'drop-newest' as const),
  capacity: fc.constantFrom(4, 64),
  maxDelayMs: fc.constantFrom(0, 5),
  oneEventPerDatagram: fc.boolean(),
  sequence: fc.boolean(),
  heartbeatMs: fc.constantFrom(0, 50),
  poolSize: fc.constantFrom(1, 3),
  metadata: fc.constantFrom(undefined, { bytes: Buffer.from('{"event":"agent_init","x":1}\n') }),
})

/** One run: what the steps say happens to an exporter, and what must hold after each of them. */
class Run {
  readonly rig: ExporterRig
  #world: World
  #offered = 0

  private constructor(rig: ExporterRig, world: World) {
    this.rig = rig
    this.#world = world
  }

  static async open(options: RigOptions): Promise<Run> {
    const world = new World()
    const rig = await ExporterRig.open({
      ...options,
      // One line of 220 bytes is too long; 64 bytes of record for each of four make room for the longest.
      maxDatagramBytes: 220,
      host: 'agent',
      resolveRefreshMs: 40,
      resolve: () => [{ address: world.address, family: 4 }],
      onConnect: () => {
        if (world.connectsFail) throw Object.assign(new Error('no'), { code: 'EMFILE' })
      },
      script: () => world.nextAnswer(),
    })
    return new Run(rig, world)
  }

  async take(step: Step): Promise<void> {
    const { rig } = this
    const world = this.#world
    if (step.kind === 'write') for (const length of step.lengths) this.#write(length)
    else if (step.kind === 'answers') world.answers = step.answers
    else if (step.kind === 'release') await rig.release(step.answer)
    else if (step.kind === 'flush') rig.askFlush()
    else if (step.kind === 'connects') world.connectsFail = step.fail
    else if (step.kind === 'move') world.move()
    else await rig.pass(step.ms, 5)
    await rig.quiet()
  }

  /** The network is well again, and there is time for everything. */
  async end(): Promise<void> {
    const { rig } = this
    this.#world.answers = [undefined]
    this.#world.connectsFail = false
    await rig.release()
    await rig.pass(300, 5)
    await rig.close(200)
  }

  /** The law of docs/exporter.md, held against what the writer and the sockets have seen. */
  checkLaw(): void {
    const ledger = this.rig.ledger()
    const { offered, sent, inRing, inFlight, dropped, droppedBy } = ledger
    const said = JSON.stringify(ledger)
    expect(offered, said).toBe(this.#offered)
    expect(sent + inRing + inFlight + dropped, said).toBe(offered)
    expect(Object.values(droppedBy).reduce((sum, events) => sum + events, 0)).toBe(dropped)
    expect(Math.min(sent, inRing, inFlight, dropped), said).toBeGreaterThanOrEqual(0)
    const byCode = Object.values(this.rig.errors()).reduce((sum, { events }) => sum + events, 0)
    expect(this.rig.ring.stats().read, 'what left the ring').toBe(sent + inFlight + byCode)
    const arrived = eventsOf(this.rig.taken())
    expect(sent, 'what the kernel took').toBe(arrived.length)
    expect(new Set(arrived).size, 'nothing goes twice').toBe(arrived.length)
  }

  checkEnd(): void {
    const { rig } = this
    const { inRing, inFlight, droppedBy } = rig.ledger()
    expect({ inRing, inFlight }).toEqual({ inRing: 0, inFlight: 0 })
    expect({ timers: rig.clock.timers, waiting: rig.waiting }).toEqual({ timers: 0, waiting: 0 })
    expect(rig.sockets.every((socket) => socket.isClosed)).toBe(true)
    for (const [reason, events] of Object.entries(droppedBy))
      expect(this.#toldOf(reason), reason).toBe(events)
    for (const [code, { times }] of Object.entries(rig.errors()))
      expect(this.#timesTold(code), code).toBe(times)
    for (const socket of rig.sockets) checkHeartbeats(socket)
  }

  #write(length: number): void {
    const line = `${this.#offered++} `.padEnd(length, 'x')
    this.rig.write(line)
  }

  /** The sum over all alerts of a reason or code. */
  #toldOf(reason: string): number {
    let events = 0
    for (const alert of this.rig.alerts) {
      if (alert.kind === 'drop' && alert.reason === reason) events += alert.events
      if (alert.kind === 'error' && alert.code === reason) events += alert.events
    }
    return events
  }

  #timesTold(code: string): number {
    let times = 0
    for (const alert of this.rig.alerts)
      if (alert.kind === 'error' && alert.code === code) times += alert.times
    return times
  }
}

/** What an exporter cannot know. */
class World {
  answers: (string | undefined)[] = [undefined]
  connectsFail = false
  #asked = 0
  #address = 1

  get address(): string {
    return `10.0.0.${this.#address}`
  }

  nextAnswer(): string | undefined {
    return this.answers[this.#asked++ % this.answers.length]
  }

  move(): void {
    this.#address = (this.#address % 250) + 1
  }
}

/** docs/wire.md: each tells exactly what went over its flow before it, and after the last nothing goes. */
function checkHeartbeats(socket: ScriptedSocket): void {
  let [lines, datagrams, bytes] = [0, 0, 0]
  let isOver = false
  for (const datagram of socket.taken) {
    const text = String(datagram)
    if (text.startsWith('{"event":"spillway.stats",')) {
      const heartbeat = readHeartbeat(datagram)!
      expect(heartbeat).toMatchObject({ lines, datagrams, bytes })
      isOver = heartbeat.last
    } else {
      expect(isOver, 'something goes after the last heartbeat').toBe(false)
      const own = text.replace(/^\{"spillway":".*\n/, '')
      lines += own.split('\n').length - 1
      datagrams++
      bytes += Buffer.byteLength(own)
    }
  }
}

describe('the ledger', () => {
  it('is exact, whatever the kernel, the resolver and the user do', async () => {
    const property = fc.asyncProperty(
      settings,
      fc.array(steps, { maxLength: 40 }),
      async (options, taken) => {
        const run = await Run.open(options)
        try {
          for (const step of taken) {
            await run.take(step)
            run.checkLaw()
          }
          await run.end()
          run.checkLaw()
          run.checkEnd()
        } finally {
          await run.rig.end()
        }
      },
    )
    await fc.assert(property, { numRuns: 400 }) // prints the seed and the smallest steps when it fails
  })
})

const PORT = 9 // nothing is sent there: the sockets are scripted

describe('a socket that has stopped', () => {
  const SLOTS = 4 // of 60,000 bytes
  const options = {
    port: PORT,
    capacity: 64,
    maxDatagramBytes: 60_000,
    oneEventPerDatagram: true,
    alertIntervalMs: 20,
  }

  /** An exporter whose slots are all under way, and whose ring is empty. */
  async function openStuck(policy: 'drop-oldest' | 'drop-newest') {
    const alerts = new AlertLog()
    const pool = new ScriptedPool(() => 'never')
    const exporter = await openExporter({
      ...options,
      policy,
      pool: pool.factory,
      onAlert: alerts.add,
    })
    for (let i = 0; i < SLOTS; i++) exporter.write(`slot ${i}`)
    await pool.hasBeenGiven(SLOTS)
    return { exporter, pool, alerts }
  }

  it('has the newest in the ring under drop-oldest, and the rest counted', async () => {
    const { exporter, pool, alerts } = await openStuck('drop-oldest')
    for (let i = 0; i < 1000; i++) expect(exporter.write(`${i}`)).toBe(true)
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({
      offered: 1004,
      inFlight: SLOTS,
      inRing: 64,
      droppedBy: { overwritten: 936 },
    })
    await alerts.until(() => alerts.dropped().overwritten === 936)
    const flushed = exporter.flush()
    const answering = setInterval(() => pool.release(), 1) // one slot after another is free again
    await flushed
    clearInterval(answering)
    expect(eventsOf(pool.taken()).slice(SLOTS)).toEqual(Array.from({ length: 64 }, (_, i) => `${936 + i}`))
    expect(exporter.stats()).toMatchObject({ offered: 1004, sent: 68, inFlight: 0, inRing: 0, dropped: 936 })
    await exporter.close()
    expect(alerts.dropped()).toEqual({ overwritten: 936 })
  })

  it('has the oldest in the ring under drop-newest, and the rest refused and counted', async () => {
    const { exporter, pool, alerts } = await openStuck('drop-newest')
    const answers = Array.from({ length: 1000 }, (_, i) => exporter.write(`${i}`))
    expect(answers.filter((isStored) => isStored)).toHaveLength(64)
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({
      offered: 1004,
      inFlight: SLOTS,
      inRing: 64,
      droppedBy: { full: 936 },
    })
    await alerts.until(() => alerts.dropped().full === 936)
    const flushed = exporter.flush()
    const answering = setInterval(() => pool.release(), 1)
    await flushed
    clearInterval(answering)
    expect(eventsOf(pool.taken()).slice(SLOTS)).toEqual(Array.from({ length: 64 }, (_, i) => `${i}`))
    await exporter.close()
    expect(alerts.dropped()).toEqual({ full: 936 })
  })

  it('does not hold up close for longer than closeTimeoutMs: what is left is dropped, by name', async () => {
    const alerts = new AlertLog()
    const pool = new ScriptedPool(() => 'never')
    const exporter = await openExporter({
      ...options,
      pool: pool.factory,
      closeTimeoutMs: 100,
      onAlert: alerts.add,
    })
    for (let i = 0; i < 50; i++) exporter.write(`${i}`)
    await pool.hasBeenGiven(SLOTS)
    const began = performance.now()
    await exporter.close()
    expect(performance.now() - began).toBeGreaterThanOrEqual(99)
    expect(performance.now() - began).toBeLessThan(2000)
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({
      offered: 50,
      sent: 0,
      inRing: 0,
      inFlight: 0,
      dropped: 50,
      droppedBy: { closed: 50 },
    })
    expect(alerts.dropped()).toEqual({ closed: 50 })
    expect(pool.isClosed).toBe(true)
  })

  it('has a flush end with how many wait, and the next one work', async () => {
    const { exporter, pool } = await openStuck('drop-oldest')
    for (let i = 0; i < 3; i++) exporter.write(`${i}`)
    await expect(exporter.flush({ timeoutMs: 30 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: expect.stringMatching(/^7 events .* after 30 ms/),
    })
    await expect(exporter.flush({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const flushed = exporter.flush()
    const answering = setInterval(() => pool.release(), 1)
    await flushed
    clearInterval(answering)
    expect(exporter.stats()).toMatchObject({ offered: 7, sent: 7, dropped: 0 })
  })
})

describe('close, while three threads write as fast as they can', () => {
  const THREADS = 3
  const flood = `
    const exporter = UdpExporter.from(data.handle)
    let stored = 0, refused = 0, code
    post('ready')
    try {
      for (;;) if (exporter.write('thread ' + data.thread + ' line ' + (stored + refused))) stored++; else refused++
    } catch (error) {
      code = error.code
    }
    await exporter.flush()
    post('over')
    await next() // the others are over, too
    const stats = exporter.stats()
    await exporter.close()
    return { code, stored, refused, stats }`

  interface End {
    readonly code: string
    readonly stored: number
    readonly refused: number
    readonly stats: ExporterStats
  }

  it.each(['drop-oldest', 'drop-newest'] as const)('ends with an exact ledger: %s', async (policy) => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, policy, capacity: 1024 })
    const { handle } = exporter
    const threads = Array.from({ length: THREADS }, (_, thread) => new TestThread(flood, { handle, thread }))
    await Promise.all(threads.map((thread) => thread.hasPosted(1)))
    await to.hasLines(10_000)
    await exporter.close()
    await Promise.all(threads.map((thread) => thread.hasPosted(2)))
    for (const thread of threads) thread.post('go')
    const ends = (await Promise.all(threads.map(({ result }) => result))) as End[]
    expect(ends.map(({ code }) => code)).toEqual(ends.map(() => 'ERR_CLOSED'))

    const offered = ends.reduce((sum, { stored, refused }) => sum + stored + refused, 0)
    const final = exporter.stats()
    for (const stats of [...ends.map((end) => end.stats), final]) {
      expectLaw(stats)
      // What a thread was told to be stored is there. One that was stopped in the middle of its last write may have stored it
      // and been refused.
      expect(stats.offered).toBeGreaterThanOrEqual(offered)
      expect(stats.offered).toBeLessThanOrEqual(offered + THREADS)
    }
    expect(final).toMatchObject({ inRing: 0, inFlight: 0 })
    expect(final.droppedBy.full).toBe(ends.reduce((sum, { refused }) => sum + refused, 0))
  })
})

describe('a handle', () => {
  it.each([
    [undefined],
    [null],
    [5],
    ['handle'],
    [[]],
    [{}],
    [{ topology: 'UdpExporter' }],
    [{ topology: 'UdpExporter', spillway: 1 }],
    [{ topology: 'UdpExporter', spillway: 1, ring: {}, alerts: {} }],
  ])('is not anything: %j', (garbage) => {
    expect(() => UdpExporter.from(garbage)).toThrowError(
      expect.objectContaining({ code: 'ERR_INVALID_HANDLE', message: expect.stringMatching(/handle/) }),
    )
  })

  it('is not that of another thing, nor half of one', async () => {
    const exporter = await openExporter({ port: PORT })
    const { handle } = exporter
    const damaged: unknown[] = [
      handle.ring,
      handle.alerts,
      { ...handle, ring: handle.alerts },
      { ...handle, alerts: handle.ring },
      { ...handle, alerts: undefined },
      { ...handle, ring: { ...handle.ring, address: -1 } },
      { ...handle, ring: { ...handle.ring, memory: {} } },
    ]
    for (const each of damaged) {
      expect(() => UdpExporter.from(each)).toThrowError(
        expect.objectContaining({ code: 'ERR_INVALID_HANDLE' }),
      )
    }
    const joined = UdpExporter.from(handle) // none of them has left anything behind
    expect(joined.write('x')).toBe(true)
    await joined.close()
  })

  it('is of one version', async () => {
    const { handle } = await openExporter({ port: PORT })
    expect(() => UdpExporter.from({ ...handle, spillway: 99 })).toThrowError(
      expect.objectContaining({ code: 'ERR_HANDLE_VERSION', message: expect.stringContaining('99') }),
    )
  })

  it('is stale when the exporter is closed', async () => {
    const exporter = await openExporter({ port: await deadPort() })
    await exporter.close()
    expect(() => UdpExporter.from(exporter.handle)).toThrowError(
      expect.objectContaining({ code: 'ERR_STALE_HANDLE' }),
    )
  })

  it('keeps to what it was, while another exporter has its memory', async () => {
    const to = await openReceiver()
    const first = await openExporter({ port: to.port })
    await first.close()
    const second = await openExporter({ port: to.port })
    expect(() => UdpExporter.from(first.handle)).toThrowError(
      expect.objectContaining({ code: 'ERR_STALE_HANDLE' }),
    )
    expect(second.write('mine')).toBe(true)
    await to.hasLines(1)
  })

  it('joins while another endpoint is still in a closed exporter, and is told at the first event', async () => {
    const exporter = await openExporter({ port: await deadPort() })
    const early = UdpExporter.from(exporter.handle)
    await exporter.close()
    const late = UdpExporter.from(exporter.handle)
    expect(() => late.write('x')).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
    await late.flush() // there is nobody to wait for
    await Promise.all([early.close(), late.close()])
  })
})
