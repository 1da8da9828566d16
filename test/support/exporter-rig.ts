import { LineRing, type LineRingHandle } from '../../src/core/line-ring.ts'
import { OneToMany } from '../../src/core/one-to-many.ts'
import { AlertInbox } from '../../src/net/alert-inbox.ts'
import { defaultThresholds } from '../../src/net/alert-levels.ts'
import type { Alert } from '../../src/net/alerts.ts'
import { counter } from '../../src/net/counters.ts'
import { type Ledger, readErrors, readLedger } from '../../src/net/exporter-ledger.ts'
import {
  type ExporterMessage,
  type ExporterServiceOptions,
  openExporterService,
} from '../../src/net/exporter-service.ts'
import { type ExporterStats, readExporterStats } from '../../src/net/exporter-stats.ts'
import type { PoolFactory } from '../../src/net/socket-pool.ts'
import { sequenceBytes } from '../../src/net/wire-lines.ts'
import type { AddressFamily, DatagramSocketOptions, Endpoint, Ports } from '../../src/ports.ts'
import { VirtualClock } from '../../src/sim/network/virtual-clock.ts'
import { type Script, ScriptedSocket } from './scripted-socket.ts'

export const SOURCE = '0123456789abcdef'
const STARTED_AT = '2026-11-20T10:00:00.000Z'

/** Turns of the loop after which nothing can still be on its way: promises of promises. */
const IDLE_TURNS = 8

type Address = { address: string; family: AddressFamily }

export interface RigOptions
  extends Partial<Omit<ExporterServiceOptions, 'ring' | 'alerts' | 'source' | 'startedAt'>> {
  capacity?: number
  policy?: 'drop-oldest' | 'drop-newest'
  /** What writers are let through with; by default what fits a datagram. */
  longestLine?: number
  /** What the sockets' kernel says. By default it takes everything. */
  script?: Script
  /** Throws to say that no socket can be opened. */
  onConnect?: (peer: Endpoint) => void
  resolve?: (host: string) => Address[] | Promise<Address[]>
  pool?: PoolFactory
}

/**
 * An exporter's service on a virtual clock and a scripted kernel, with real shared memory between it and the writer: what happens
 * is what a test says, in the order in which it says it.
 */
export class ExporterRig {
  readonly clock = new VirtualClock()
  readonly ring: LineRing
  readonly alerts: Alert[] = []
  readonly debugged: string[] = []
  /** All that were ever opened, and to where. */
  readonly sockets: ScriptedSocket[] = []
  readonly peers: Endpoint[] = []
  /** When a socket was asked for. */
  readonly connectsMs: number[] = []
  readonly #alertRing = new OneToMany(1024, null, { recordBytes: 1024 })
  readonly #reader = this.#alertRing.poller()
  readonly #inbox = new AlertInbox()
  readonly #options: RigOptions
  #service: Awaited<ReturnType<typeof openExporterService>> | undefined
  #waiting: { words: Int32Array; index: number; value: number; resolve: () => void }[] = []
  #happened = 0

  private constructor(options: RigOptions) {
    this.#options = options
    const { capacity = 64, policy = 'drop-oldest', maxDatagramBytes = 200, sequence = false } = options
    const { longestLine = maxDatagramBytes - 1 - (sequence ? sequenceBytes : 0) } = options
    this.ring = LineRing.create({
      capacity,
      policy,
      recordBytes: 64,
      maxWriters: 4,
      longestLine,
      newlines: 'refuse',
    })
  }

  /** Not started yet. */
  static make(options: RigOptions = {}): ExporterRig {
    return new ExporterRig(options)
  }

  /** Started, and all that takes no time is done. */
  static async open(options: RigOptions = {}): Promise<ExporterRig> {
    const rig = new ExporterRig(options)
    const starting = rig.start()
    starting.catch(() => {}) // it may reject while the loop still turns
    await rig.quiet()
    try {
      await starting
    } catch (error) {
      await rig.end()
      throw error
    }
    return rig
  }

  /** The one that was opened last. */
  get socket(): ScriptedSocket {
    return this.sockets.at(-1)!
  }

  /** How many wait at a word: to be woken, by the bell for instance. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** 0: stored. */
  write(line: string): number {
    return this.ring.write(line, true)
  }

  post(message: ExporterMessage): void {
    this.#service!.receive(message)
  }

  /** Until nothing happens any more without the clock going on. */
  async quiet(): Promise<void> {
    for (let idle = 0; idle < IDLE_TURNS; idle++) {
      const before = this.#happened
      await Promise.resolve()
      this.#wakeWaiting()
      this.clock.advance(0)
      if (this.#happened !== before) idle = 0
    }
  }

  /** Lets time pass, and what has to happen in it. */
  async pass(ms: number, stepMs = 1): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.quiet()
      this.clock.advance(Math.min(stepMs, ms - passed))
    }
    await this.quiet()
  }

  /** The kernel answers for all that it has not answered for. */
  async release(answer?: string): Promise<void> {
    for (const socket of this.sockets) socket.release(answer)
    await this.quiet()
  }

  /** What was given to sockets, in order for each. */
  given(): { readonly text: string; readonly answer: string | undefined }[] {
    return this.sockets.flatMap((socket) => socket.given)
  }

  /** What sockets took. */
  taken(): Buffer[] {
    return this.sockets.flatMap((socket) => socket.taken)
  }

  /** Asks for a flush, and answers a call that says whether it was served. */
  askFlush(): () => boolean {
    const { outlet } = this.ring
    const ticket = outlet.askFlush()
    this.ring.wake()
    return () => outlet.isServed(ticket)
  }

  /** As `UdpExporter.close` does it: refuses, flushes for so long, ends. */
  async close(waitMs = 10): Promise<void> {
    this.ring.outlet.shut()
    const isServed = this.askFlush()
    await this.quiet()
    for (let waited = 0; waited < waitMs && !isServed(); waited++) await this.pass(1)
    await this.#service?.close()
    await this.quiet()
  }

  /** As another endpoint would. */
  join(handle: LineRingHandle): LineRing {
    return LineRing.from(handle)
  }

  /** Gives the memory back. After it only what was read before can be looked at. */
  async end(): Promise<void> {
    await this.close()
    this.#alertRing.close()
    this.ring.close()
  }

  ledger(): Ledger {
    return readLedger(this.ring)
  }

  stats(): ExporterStats {
    return readExporterStats(this.ring, SOURCE, this.#options.poolSize ?? 10)
  }

  errors(): Record<string, { times: number; events: number }> {
    return readErrors(this.ring.outlet)
  }

  count(name: keyof typeof counter): number {
    const at = counter[name]
    return this.ring.outlet.get(at)
  }

  async start(): Promise<void> {
    const {
      pool,
      capacity: _,
      policy: __,
      longestLine: ___,
      script: ____,
      onConnect: _____,
      resolve: ______,
      ...given
    } = this.#options
    const options: ExporterServiceOptions = {
      host: '127.0.0.1',
      port: 9999,
      family: undefined,
      resolveRefreshMs: 60_000,
      sendBufferBytes: 0,
      poolSize: 10,
      maxDatagramBytes: 200,
      maxDelayMs: 0,
      oneEventPerDatagram: false,
      sequence: false,
      heartbeatMs: 0,
      metadata: undefined,
      metadataIntervalMs: 0,
      alertIntervalMs: 1000,
      thresholds: defaultThresholds,
      gudp: undefined,
      ...given,
      ring: this.ring.handle,
      alerts: this.#alertRing.handle,
      source: SOURCE,
      startedAt: STARTED_AT,
    }
    const context = { ports: this.#ports(), post: () => this.#readAlerts() }
    this.#service = await openExporterService(options, context, pool)
  }

  #ports(): Ports {
    return {
      clock: {
        now: () => this.clock.now(),
        after: (ms, call) => this.clock.after(ms, this.#noted(call)),
        soon: (call) => this.clock.soon(this.#noted(call)),
      },
      datagrams: { keepsOrder: true, connect: (options) => this.#connect(options) },
      resolver: { resolve: async (host) => (await this.#options.resolve?.(host)) ?? [] },
      changed: (words, index, value) => {
        if (Atomics.load(words, index) !== value) return undefined
        return new Promise((resolve) => this.#waiting.push({ words, index, value, resolve }))
      },
      debug: (message) => void this.debugged.push(message),
    } satisfies Partial<Ports> as unknown as Ports
  }

  /** What happens makes the loop turn on. */
  #noted(call: () => void): () => void {
    return () => {
      this.#happened++
      call()
    }
  }

  async #connect({ peer }: DatagramSocketOptions): Promise<ScriptedSocket> {
    this.#happened++
    this.connectsMs.push(this.clock.now())
    this.#options.onConnect?.(peer)
    const script: Script = (datagram, socket) => this.#options.script?.(datagram, socket)
    const socket = new ScriptedSocket(script, (call) => this.clock.soon(this.#noted(call)))
    this.sockets.push(socket)
    this.peers.push(peer)
    return socket
  }

  #wakeWaiting(): void {
    this.#waiting = this.#waiting.filter(({ words, index, value, resolve }) => {
      if (Atomics.load(words, index) === value) return true
      this.#happened++
      resolve()
      return false
    })
  }

  #readAlerts(): void {
    for (let record = this.#reader.tryNext(); record !== undefined; record = this.#reader.tryNext()) {
      this.alerts.push(this.#inbox.receive(record))
    }
  }
}
