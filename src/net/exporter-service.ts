import { useGudpModule } from '../core/gudp-core.ts'
import type { DiodeHandle } from '../core/handle.ts'
import type { LineRing, LineRingHandle } from '../core/line-ring.ts'
import { SharedBytes, type SharedBytesHandle } from '../core/shared-bytes.ts'
import type { AddressFamily, DatagramPort, DatagramSocket, Endpoint } from '../ports.ts'
import { Addresses } from './addresses.ts'
import { alertRecord } from './alert-inbox.ts'
import type { AlertThresholds } from './alert-levels.ts'
import { Alerter } from './alerter.ts'
import type { Alert } from './alerts.ts'
import { Announcements } from './announcements.ts'
import { counter, errorCounters, wireErrorOf } from './counters.ts'
import { Delivery } from './delivery.ts'
import { droppedBy, readLedger } from './exporter-ledger.ts'
import { ExporterMemory } from './exporter-memory.ts'
import { Flow } from './flow.ts'
import { GudpDatagrams } from './gudp/gudp-datagrams.ts'
import type { ExporterGudpSettings } from './gudp/transport-options.ts'
import type { Service, ServiceContext } from './io-service.ts'
import { Outgoing } from './outgoing.ts'
import { Slots, slotCount } from './slots.ts'
import { LazyPool, type PoolCounts, type PoolFactory, type SocketPool } from './socket-pool.ts'
import { sequenceBytes, writeSequenceLine } from './wire-lines.ts'

/** What the exporter's opener tells the I/O thread: settings and handles. */
export interface ExporterServiceOptions {
  readonly ring: LineRingHandle
  /** Where alerts go, as JSON: a `OneToMany` that any thread may read. */
  readonly alerts: DiodeHandle
  readonly source: string
  readonly startedAt: string
  readonly host: string
  readonly port: number
  readonly family: AddressFamily | undefined
  readonly resolveRefreshMs: number
  readonly sendBufferBytes: number
  readonly poolSize: number
  readonly maxDatagramBytes: number
  readonly maxDelayMs: number
  readonly oneEventPerDatagram: boolean
  readonly sequence: boolean
  readonly heartbeatMs: number
  readonly metadata: ServiceMetadata | undefined
  readonly metadataIntervalMs: number
  readonly alertIntervalMs: number
  readonly thresholds: AlertThresholds
  /** `undefined`: over UDP as it is. */
  readonly gudp: ExporterGudp | undefined
}

export interface ExporterGudp extends ExporterGudpSettings {
  /** As the opener has compiled it. */
  readonly module: WebAssembly.Module
}

/** The marshalled event: in shared memory, or, where that could not be had, as it is. */
export type ServiceMetadata =
  | { readonly handle: SharedBytesHandle; readonly length: number }
  | { readonly bytes: Uint8Array }

export type ExporterMessage =
  | { readonly kind: 'send-metadata' }
  | { readonly kind: 'metadata'; readonly metadata: ServiceMetadata }

/** How long a name server may take. */
const RESOLVE_MS = 5000
/** Codes that speak of the peer, the datagram or the moment. After any other a socket is not worth keeping. */
const KEEPS_SOCKET = new Set(['ECONNREFUSED', 'EMSGSIZE', 'EAGAIN', 'ENOBUFS', 'ECANCELED'])

const lazyPool: PoolFactory = (pool) => new LazyPool(pool)

const METADATA_SENT = { message: 'the metadata event was sent' }

const NO_COUNTS: PoolCounts = { hits: 0, misses: 0, replaced: 0, size: 0 }

/** The exporter's side on the I/O thread: drains the ring, sends, counts, tells. See docs/exporter.md. */
export async function openExporterService(
  options: ExporterServiceOptions,
  context: ServiceContext,
  makePool: PoolFactory = lazyPool,
): Promise<Service> {
  const service = new ExporterService(options, context, makePool)
  try {
    await service.start()
  } catch (error) {
    await service.close()
    throw error
  }
  return service
}

class ExporterService implements Service {
  readonly #options: ExporterServiceOptions
  readonly #context: ServiceContext
  readonly #makePool: PoolFactory
  readonly #memory: ExporterMemory
  readonly #ring: LineRing
  readonly #alerter: Alerter
  readonly #gudp: GudpDatagrams | undefined
  readonly #datagrams: DatagramPort
  readonly #addresses: Addresses
  readonly #announcements: Announcements
  readonly #delivery: Delivery
  readonly #outgoing: Outgoing
  /** There from `start` on. */
  #pool!: SocketPool
  #poolSeen: PoolCounts = NO_COUNTS
  /** As of the last survey. */
  #offered = 0
  /** Events that had left the ring when the flows said goodbye. */
  #packedAtGoodbye = -1
  #isClosed = false

  constructor(options: ExporterServiceOptions, context: ServiceContext, makePool: PoolFactory) {
    this.#options = options
    this.#context = context
    this.#makePool = makePool
    const { ports } = context
    const { clock } = ports
    this.#alerter = new Alerter({
      clock,
      intervalMs: options.alertIntervalMs,
      thresholds: options.thresholds,
      offered: () => this.#offered,
      publish: (alert) => this.#publish(alert),
    })
    this.#addresses = new Addresses({
      host: options.host,
      port: options.port,
      family: options.family,
      resolver: ports.resolver,
      clock,
      refreshMs: options.resolveRefreshMs,
      timeoutMs: RESOLVE_MS,
      onChange: (endpoint) => this.#moved(endpoint),
      onFailure: (code) => this.#failed(code),
    })
    const { maxDatagramBytes, gudp } = options
    const slotTotal =
      gudp !== undefined || ports.datagrams.keepsOrder ? slotCount(maxDatagramBytes, gudp?.memoryBytes) : 1
    this.#memory = new ExporterMemory(options, slotTotal * maxDatagramBytes)
    // After it: what a daemon takes of memory is then of the one that the ring is in.
    this.#gudp = gudp && openGudp(ports, gudp)
    this.#datagrams = this.#gudp ?? ports.datagrams
    const { ring, packer, slotBytes } = this.#memory
    const { outlet } = ring
    this.#ring = ring
    this.#announcements = new Announcements({
      outlet,
      clock,
      source: options.source,
      startedAt: options.startedAt,
      heartbeatMs: options.heartbeatMs,
      metadataIntervalMs: options.metadataIntervalMs,
      totals: () => this.#totals(),
      flows: () => this.#pool.flows(),
      onDue: () => this.#outgoing.wake(),
      onAnswered: () => this.#outgoing.answered(),
      onMetadataSent: () => this.#metadataSent(),
      onRefused: (code, flow) => {
        this.#refused(code, flow)
        this.#tellFailure(code)
      },
    })
    this.#delivery = new Delivery({
      outlet,
      clock,
      onDone: (slot) => this.#outgoing.done(slot),
      onAgain: (slot) => this.#outgoing.sendAgain(slot),
      onRefused: (code, flow) => this.#refused(code, flow),
      onFailure: (code) => this.#tellFailure(code),
    })
    const slots = new Slots(slotBytes, options.maxDatagramBytes, (slot, code) =>
      this.#delivery.answered(slot, code),
    )
    this.#outgoing = new Outgoing({
      outlet,
      clock,
      packer,
      slots,
      delivery: this.#delivery,
      announcements: this.#announcements,
      maxDelayMs: options.maxDelayMs,
      oneEventPerDatagram: options.oneEventPerDatagram,
      sequenceBytes: options.sequence ? sequenceBytes : 0,
      writeSequence: (head, flow) => writeSequenceLine(head, options.source, flow.sequence++),
      acquire: () => this.#acquire(),
      changed: (words, index, value) => ports.changed(words, index, value),
      survey: () => this.#survey(),
      onFailure: (code) => this.#tellFailure(code),
      onDrained: () => this.#drained(),
    })
  }

  /** Rejects when the host has no address, or may not be sent to. */
  async start(): Promise<void> {
    this.#countClosed() // those that died with an I/O thread before this one
    const peer = await this.#addresses.resolve()
    if (this.#makePool === lazyPool) this.#datagrams.permit?.(peer) // one of the user's own may need no permission
    this.#pool = this.#openPool(peer)
    const { metadata } = this.#options
    if (metadata !== undefined) this.#useMetadata(metadata)
    this.#outgoing.wake()
  }

  receive(message: unknown): void {
    const given = message as ExporterMessage
    if (given.kind === 'send-metadata') this.#sendMetadata()
    else if (given.kind === 'metadata') this.#useMetadata(given.metadata)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    if (this.#pool !== undefined) this.#survey()
    this.#alerter.flush()
    this.#isClosed = true
    this.#outgoing.close()
    this.#delivery.close()
    this.#announcements.close()
    this.#addresses.close()
    this.#pool?.close()
    this.#countClosed()
    this.#alerter.close()
    this.#letWaitersGo()
    this.#memory.leave()
    await this.#gudp?.close()
  }

  /** Those in other threads whose flush nobody would serve, now or later; and our own wait at the bell. */
  #letWaitersGo(): void {
    const { outlet } = this.#ring
    if (outlet.isClosed()) outlet.serveForGood()
    this.#ring.wake()
  }

  // ---- sockets ---------------------------------------------------------------------------------------

  #openPool(peer: Endpoint): SocketPool {
    const { clock } = this.#context.ports
    const { sendBufferBytes, poolSize } = this.#options
    const pool = this.#makePool({
      size: poolSize,
      clock,
      connect: () =>
        this.#datagrams.connect({
          peer,
          sendBufferBytes,
          onError: (code) => this.#heard(code),
          onWarning: (message) => this.#alerter.note('warning', { message }),
          onResumed: () => this.#resumed(),
          onResent: (events) => this.#resent(events),
        }),
      flow: (socket) => this.#makeFlow(socket),
      onReady: () => this.#outgoing.wake(),
      onFailure: (code) => this.#failed(code),
      onRetire: (flow) => this.#retire(flow),
    })
    this.#poolSeen = NO_COUNTS
    return pool
  }

  /** Numbered over all pools, and over the I/O threads that have died. */
  #makeFlow(socket: DatagramSocket): Flow {
    const { outlet } = this.#ring
    outlet.add(counter.poolOpened, 1)
    return new Flow(socket, outlet.get(counter.poolOpened), this.#context.ports.clock.now())
  }

  #retire(flow: Flow): void {
    this.#announcements.last(flow)
    flow.isBroken = true
  }

  #acquire(): Flow | undefined {
    this.#addresses.touch()
    this.#alerter.peerAnswersAgain()
    return this.#pool.acquire()
  }

  /** The name has another address now: what comes goes there. */
  #moved(endpoint: Endpoint): void {
    const before = this.#pool
    for (const flow of before.flows()) this.#retire(flow)
    before.close()
    this.#countPool()
    this.#countClosed()
    this.#pool = this.#openPool(endpoint)
    this.#ring.outlet.add(counter.addressChanges, 1)
    this.#alerter.note('address', {
      message: `${this.#options.host} is now ${endpoint.address}: sending there`,
      address: endpoint.address,
    })
    this.#announcements.metadataIsDue()
  }

  // ---- what goes wrong -------------------------------------------------------------------------------

  /** A socket says something that belongs to no datagram in hand. */
  #heard(code: string): void {
    this.#ring.outlet.add(errorCounters(wireErrorOf(code)).times, 1)
    if (code === 'ECONNREFUSED') this.#peerRefused()
    this.#tellFailure(code)
  }

  #refused(code: string, flow: Flow): void {
    if (code === 'ECONNREFUSED') this.#peerRefused()
    if (KEEPS_SOCKET.has(code) || flow.isBroken) return
    this.#pool.report(flow, code)
    flow.isBroken = true
    this.#announcements.metadataIsOwed()
  }

  #resumed(): void {
    this.#ring.outlet.add(counter.resumed, 1)
  }

  #resent(events: number): void {
    this.#ring.outlet.add(counter.resentEvents, events)
    this.#alerter.note('warning', {
      message: `the collector cannot tell whether it had ${events} events that were not acknowledged: sent again, they may be there twice`,
      events,
    })
  }

  #peerRefused(): void {
    this.#alerter.peerRefused()
    this.#addresses.suspect()
  }

  /** No socket, or no address. */
  #failed(code: string): void {
    this.#ring.outlet.add(errorCounters(wireErrorOf(code)).times, 1)
    this.#tellFailure(code)
  }

  #tellFailure(code: string): void {
    const { outlet } = this.#ring
    const error = wireErrorOf(code)
    const { times, events } = errorCounters(error)
    this.#alerter.failed(error, outlet.get(times), outlet.get(events))
  }

  // ---- telling ---------------------------------------------------------------------------------------

  #survey(): void {
    const { outlet } = this.#ring
    const ring = this.#ring.stats()
    outlet.raise(counter.highWater, ring.depth)
    const { overwritten, full, oversize, rawNewline } = droppedBy(outlet, ring)
    this.#offered = ring.written + full + oversize + rawNewline
    this.#alerter.queue(ring.depth, ring.capacity)
    this.#alerter.dropped('overwritten', overwritten)
    this.#alerter.dropped('full', full)
    this.#alerter.dropped('oversize', oversize)
    this.#alerter.dropped('rawNewline', rawNewline)
    this.#countPool()
    this.#countAddresses()
  }

  #countPool(): void {
    const { hits, misses, replaced, size } = this.#pool.counts
    const seen = this.#poolSeen
    this.#grow(counter.poolHits, hits - seen.hits)
    this.#grow(counter.poolMisses, misses - seen.misses)
    this.#grow(counter.poolReplaced, replaced - seen.replaced)
    this.#poolSeen = { hits, misses, replaced, size }
    this.#countClosed(size)
  }

  /** Of all that were ever opened so many are open. */
  #countClosed(open = 0): void {
    const { outlet } = this.#ring
    outlet.raise(counter.poolClosed, Math.max(0, outlet.get(counter.poolOpened) - open))
  }

  /** What a pool of the user's says is not taken for granted. */
  #grow(which: number, amount: number): void {
    if (amount > 0) this.#ring.outlet.add(which, amount)
  }

  #countAddresses(): void {
    const { outlet } = this.#ring
    outlet.raise(counter.resolves, this.#addresses.resolves)
    outlet.raise(counter.resolveFailures, this.#addresses.failures)
  }

  /**
   * Everything that was asked for is sent. Once the exporter is closed the flows say goodbye, and that is to be waited for. They say it
   * again should a line come after it that another thread was about to store when the exporter was closed.
   */
  #drained(): boolean {
    const { outlet } = this.#ring
    if (!outlet.isClosed()) return false
    this.#alerter.flush()
    const packed = outlet.get(counter.packedEvents)
    if (packed !== this.#packedAtGoodbye) {
      this.#packedAtGoodbye = packed
      // Where nobody is there to hear it any more, it is not waited for.
      for (const flow of this.#pool.flows()) if (flow.socket.isOpen !== false) this.#announcements.last(flow)
      if (this.#announcements.inFlight > 0) return true
    }
    for (const flow of this.#pool.flows()) flow.socket.rest?.()
    return false
  }

  #totals() {
    const { offered, sent, inRing, inFlight, dropped, droppedBy } = readLedger(this.#ring)
    const told = Object.fromEntries(Object.entries(droppedBy).filter(([, events]) => events > 0))
    return { offered, sent, inRing: inRing + inFlight, dropped, droppedBy: told }
  }

  #useMetadata(metadata: ServiceMetadata): void {
    if ('bytes' in metadata) {
      this.#announcements.setMetadata(metadata.bytes, undefined)
      return
    }
    const bytes = joinBytes(metadata.handle)
    if (bytes !== undefined) this.#announcements.setMetadata(bytes.view(0, metadata.length), bytes)
  }

  #sendMetadata(): void {
    if (!this.#announcements.hasMetadata()) return // no reason to open a socket
    const flow = this.#acquire()
    if (flow === undefined || this.#announcements.mustWait(flow)) this.#announcements.metadataIsDue()
    else this.#announcements.resend(flow)
  }

  #metadataSent(): void {
    this.#context.ports.debug('Cached metadata event sent over UDP')
    this.#alerter.note('metadata', METADATA_SENT)
  }

  #publish(alert: Alert): void {
    if (this.#isClosed) return
    this.#ring.outlet.add(counter.alerts, 1)
    this.#memory.alerts.set(alertRecord(alert))
    this.#context.post({ kind: 'alerts' })
  }
}

function openGudp(ports: ServiceContext['ports'], { module, ...settings }: ExporterGudp): GudpDatagrams {
  useGudpModule(module)
  return new GudpDatagrams(ports, settings)
}

/** `undefined`: it is gone. Whoever sent the handle has let go of it since, and newer metadata is on its way. */
function joinBytes(handle: SharedBytesHandle): SharedBytes | undefined {
  try {
    return SharedBytes.from(handle)
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_STALE_HANDLE') return undefined
    throw error
  }
}
