import type { Cancel, Clock, DatagramSocket } from '../ports.ts'
import type { Flow } from './flow.ts'

/** The numbers of a pool; each only grows, but for `size`. */
export interface PoolCounts {
  /** A socket was there when one was asked for. */
  hits: number
  /** One had to be opened. */
  misses: number
  /** Taken out after an error. */
  replaced: number
  size: number
}

/** Where the exporter gets its sockets. All of it runs on the I/O thread. */
export interface SocketPool {
  /** A healthy socket for the next few datagrams; `undefined` while there is none: `onReady` is called when there is. */
  acquire(): Flow | undefined
  /** The kernel has refused a datagram on it, with a code that spoils a socket: it is not to be used again. */
  report(flow: Flow, code: string): void
  /** All that are open: each gets a last heartbeat. */
  flows(): Iterable<Flow>
  readonly counts: PoolCounts
  close(): void
}

/** What a pool of your own is given to work with. */
export interface PoolContext {
  /** Opens a socket to the exporter's peer, with the send buffer it was asked for. */
  connect(): Promise<DatagramSocket>
  /** What the exporter sends over: the socket that was opened, with a number and counts. Once for each. */
  flow(socket: DatagramSocket): Flow
  /** The bound: `poolSize`. */
  readonly size: number
  readonly clock: Clock
  /** A socket has become available after `acquire` had none. */
  onReady(): void
  /** No socket can be had: why. */
  onFailure(code: string): void
  /** A socket is about to be closed, and could still be sent with. */
  onRetire(flow: Flow): void
}

/** Makes the pool of an exporter, in place of the built-in one. */
export type PoolFactory = (context: PoolContext) => SocketPool

/** Sockets that cannot be opened, or are spoilt at once, are tried no more often. */
const RETRY_MS = 100
/** A socket beyond the first that nothing has gone over for so long is closed when the next is asked for. */
const IDLE_MS = 60_000

/** A bound on what a pool holds, and sockets only when they are needed: one, as long as the kernel takes what it is given. */
export class LazyPool implements SocketPool {
  readonly counts: PoolCounts = { hits: 0, misses: 0, replaced: 0, size: 0 }
  readonly #context: PoolContext
  #flows: Flow[] = []
  #isOpening = false
  #cancelRetry: Cancel | undefined
  #retryAtMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(context: PoolContext) {
    this.#context = context
  }

  acquire(): Flow | undefined {
    const flow = this.#leastBusy()
    if (flow === undefined) {
      this.#open()
      return undefined
    }
    this.counts.hits++
    // Still in the kernel's queue since the last time: its buffer is full, and another socket has one of its own.
    if (flow.inFlight > 0 && this.#flows.length < this.#context.size) this.#open()
    flow.lastUsedMs = this.#context.clock.now()
    if (this.#flows.length > 1) this.#shrink(flow.lastUsedMs)
    return flow
  }

  report(flow: Flow, _code: string): void {
    if (flow.isBroken) return
    this.counts.replaced++
    this.#retryAtMs = Math.max(this.#retryAtMs, flow.openedMs + RETRY_MS)
    this.#remove(flow)
  }

  flows(): Iterable<Flow> {
    return this.#flows
  }

  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
    for (const flow of this.#flows) this.#remove(flow)
  }

  /** The most recently used of those that have nothing in flight, else the one with least. */
  #leastBusy(): Flow | undefined {
    let best: Flow | undefined
    for (const flow of this.#flows) {
      if (
        best === undefined ||
        flow.inFlight < best.inFlight ||
        (flow.inFlight === best.inFlight && flow.lastUsedMs > best.lastUsedMs)
      ) {
        best = flow
      }
    }
    return best
  }

  #shrink(nowMs: number): void {
    for (const flow of this.#flows) {
      if (flow.inFlight > 0 || nowMs - flow.lastUsedMs < IDLE_MS) continue
      this.#context.onRetire(flow)
      this.#remove(flow)
      return
    }
  }

  /** One at a time. */
  #open(): void {
    if (this.#isOpening || this.#isClosed) return
    const { clock } = this.#context
    this.#isOpening = true
    this.counts.misses++
    const wait = this.#retryAtMs - clock.now()
    if (wait > 0) this.#cancelRetry = clock.after(wait, () => void this.#connect())
    else void this.#connect()
  }

  async #connect(): Promise<void> {
    let socket: DatagramSocket
    try {
      socket = await this.#context.connect()
    } catch (error) {
      this.#failed((error as { code?: string } | undefined)?.code ?? 'EOTHER')
      return
    }
    this.#add(socket)
  }

  #failed(code: string): void {
    this.#isOpening = false
    if (this.#isClosed) return
    this.#retryAtMs = this.#context.clock.now() + RETRY_MS
    this.#context.onFailure(code)
    this.#context.onReady() // it asks again, and so is tried again
  }

  #add(socket: DatagramSocket): void {
    this.#isOpening = false
    if (this.#isClosed) {
      socket.close()
      return
    }
    this.#flows.push(this.#context.flow(socket))
    this.counts.size = this.#flows.length
    this.#context.onReady()
  }

  #remove(flow: Flow): void {
    flow.isBroken = true
    this.#flows = this.#flows.filter((other) => other !== flow)
    this.counts.size = this.#flows.length
    flow.socket.close()
  }
}
