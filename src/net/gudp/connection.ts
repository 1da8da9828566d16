import { checkTimeout, invalid } from '../../core/check.ts'
import type { SpillwayError } from '../../core/errors.ts'
import { type GudpCore, gudpCoreOf } from '../../core/gudp-core.ts'
import { keepAlive } from '../../core/keep-alive.ts'
import { joinConnection, LanePipe } from '../../core/lane-pipe.ts'
import type { Member } from '../../core/member.ts'
import { type EndReason, endReasons, FIRST_SHIFT } from '../../core/packet-machine.ts'
import type { Region } from '../../core/region.ts'
import { waitAsync } from '../../core/wait-async.ts'
import type { ChannelKind } from './channels.ts'
import { checkConnectionHandle, type GudpConnectionHandle } from './connection-handle.ts'
import { type GudpConnectionStats, readStats } from './connection-stats.ts'
import {
  MessageChannel,
  type RecvOptions,
  type RecvSyncOptions,
  type SendOptions,
  type SendSyncOptions,
} from './message-channel.ts'
import type { Place } from './path.ts'

/** Whether a connection is open, and how the network bears it. */
export interface GudpStatus {
  /** `'open'`, or why it is over. */
  readonly state: 'open' | EndReason
  /** As it was last, while it was open. */
  readonly congestion: 'good' | 'bad'
}

const LOOK_AGAIN_MS = 250

/** The message channels of a connection, each made when it is first asked for. */
export class GudpMessages {
  readonly #kinds: readonly ChannelKind[]
  readonly #open: (index: number) => MessageChannel

  /** @internal */
  constructor(kinds: readonly ChannelKind[], open: (index: number) => MessageChannel) {
    this.#kinds = kinds
    this.#open = open
  }

  /** The first reliable one. Throws where there is none. */
  get reliable(): MessageChannel {
    return this.#first('reliable')
  }

  /** The first unreliable one. Throws where there is none. */
  get unreliable(): MessageChannel {
    return this.#first('unreliable')
  }

  /** By its place in `channels`. */
  channel(index: number): MessageChannel {
    if (this.#kinds[index] !== undefined) return this.#open(index)
    throw invalid(`there is no message channel ${String(index)}: this connection has ${this.#kinds.length}`)
  }

  #first(kind: ChannelKind): MessageChannel {
    const index = this.#kinds.indexOf(kind)
    if (index >= 0) return this.#open(index)
    throw invalid(`this connection has no ${kind} channel: name one in \`channels\`, on both sides`)
  }
}

/**
 * A virtual connection, as any thread holds it: any number of threads may send and receive on it at once, each packet or message goes to one of them.
 * Made by `GudpDaemon`, or from the `handle` of another thread.
 */
export class GudpConnection implements AsyncDisposable {
  readonly handle: GudpConnectionHandle
  #messages: GudpMessages | undefined
  readonly #region: Region
  readonly #core: GudpCore
  readonly #member: Member
  /** By lane; most have never any but one. */
  #lanes: (MessageChannel | undefined)[] | undefined
  #lastStats: GudpConnectionStats | undefined
  #lastStatus: GudpStatus | undefined
  #closed: Promise<void> | undefined

  private constructor(handle: GudpConnectionHandle) {
    this.handle = handle
    this.#member = joinConnection(handle)
    this.#region = this.#member.region
    this.#core = gudpCoreOf(this.#region)
  }

  static from(handle: GudpConnectionHandle): GudpConnection {
    return new GudpConnection(checkConnectionHandle(handle))
  }

  get messages(): GudpMessages {
    this.#messages ??= new GudpMessages(this.handle.channels, (index) => this.#lane(index + 1))
    return this.#messages
  }

  get local(): Place {
    return this.handle.local
  }

  /** Where the peer was when the connection was made. */
  get peer(): Place {
    return this.handle.peer
  }

  // ---- packets -------------------------------------------------------------------------------------------

  /** One packet, as it is: it arrives once or not at all, in no certain order. `false`: there is no room now, or the connection is over. */
  send(packet: Uint8Array | string): boolean {
    if (this.handle.isBare && packet.length === 0) throw noEmptyPacket()
    return this.#lane(0).send(packet)
  }

  /** The same, and blocks until there is room. */
  sendSync(packet: Uint8Array | string, options?: SendSyncOptions): boolean {
    return this.#lane(0).sendSync(packet, options)
  }

  /** The same, when there is room. */
  sendWhenRoom(packet: Uint8Array | string, options?: SendOptions): Promise<boolean> {
    return this.#lane(0).sendWhenRoom(packet, options)
  }

  /** The next packet; `undefined` when the connection is over and all that came has been received, or the time is up. */
  recv(options?: RecvOptions): Promise<Uint8Array | undefined> {
    return this.#lane(0).recv(options)
  }

  /** The same, and blocks. `{ timeoutMs: 0 }` only looks. */
  recvSync(options?: RecvSyncOptions): Uint8Array | undefined {
    return this.#lane(0).recvSync(options)
  }

  // ---- state ---------------------------------------------------------------------------------------------

  get status(): GudpStatus {
    if (!this.#member.isIn) return this.#lastStatus!
    const word = Atomics.load(this.#region.i32, (this.handle.address + this.#core.layout.STATUS_OFFSET) >> 2)
    const first = word >>> FIRST_SHIFT
    const isLost =
      first === 0 && this.#core.abi.connectionIsOver(this.handle.address, this.handle.generation) !== 0
    return {
      state: isLost ? 'lost' : first === 0 ? 'open' : endReasons[first - 1]!,
      congestion: (word & 1) === 0 ? 'good' : 'bad',
    }
  }

  get isOpen(): boolean {
    return this.status.state === 'open'
  }

  stats(): GudpConnectionStats {
    if (!this.#member.isIn) return this.#lastStats!
    return readStats(this.#region, this.#core, this.handle)
  }

  // ---- the end -------------------------------------------------------------------------------------------

  /** Until the peer has all that was sent on reliable channels, and everything else has been sent. `false`: not in time, or it is over. */
  async flush(options: RecvSyncOptions = {}): Promise<boolean> {
    const deadlineMs = performance.now() + checkTimeout(options.timeoutMs)
    for (const channel of this.#all()) {
      if (!(await channel.drained(deadlineMs - performance.now()))) return false
    }
    return true
  }

  /** The same, and blocks. */
  flushSync(options: RecvSyncOptions = {}): boolean {
    const deadlineMs = performance.now() + checkTimeout(options.timeoutMs)
    return this.#all().every((channel) => channel.drainedSync(deadlineMs - performance.now()))
  }

  /**
   * Ends the connection, for all threads and for the peer. What was sent goes out first, for five seconds at most; what has come can be received by other
   * threads still, not by this endpoint. Resolves when it is over. Idempotent.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    if (!this.#member.isIn) return
    if (this.isOpen) {
      this.#want(this.#core.layout.WANTS_CLOSE)
      await this.#over()
    }
    this.leave()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** This endpoint lets go of the connection, which goes on for others; it is closed when nobody has it any more. Idempotent. */
  leave(): void {
    if (!this.#member.isIn) return
    this.#lastStats = this.stats()
    const { state, congestion } = this.status
    this.#lastStatus = { state: state === 'open' ? 'closed' : state, congestion }
    for (const channel of this.#lanes ?? []) channel?.abandon()
    // Before: afterwards the memory may be another's.
    if (state === 'open') this.#want(this.#core.layout.WANTS_LEAVE)
    this.#member.leave()
  }

  #want(bit: number): void {
    this.#core.abi.connectionWant(this.handle.address, this.handle.generation, bit)
  }

  /** Whoever says that it is over wakes those who wait at the status; a daemon that dies says nothing. */
  async #over(): Promise<void> {
    const index = (this.handle.address + this.#core.layout.STATUS_OFFSET) >> 2
    const words = this.#region.i32
    keepAlive(1)
    try {
      for (let word = Atomics.load(words, index); this.isOpen; word = Atomics.load(words, index)) {
        const wait = waitAsync!(words, index, word, LOOK_AGAIN_MS)
        if (wait.async) await wait.value
      }
    } finally {
      keepAlive(-1)
    }
  }

  #lane(lane: number): MessageChannel {
    this.#lanes ??= []
    const known = this.#lanes[lane]
    if (known !== undefined) return known
    const pipe = this.#member.isIn ? new LanePipe(this.#member, lane) : undefined
    const channel = new MessageChannel(pipe, lane === 0 ? 'unreliable' : this.handle.channels[lane - 1]!)
    this.#lanes[lane] = channel
    return channel
  }

  /** Also those that were never used: others may have sent there. */
  #all(): MessageChannel[] {
    return Array.from({ length: this.handle.channels.length + 1 }, (_, lane) => this.#lane(lane))
  }
}

function noEmptyPacket(): SpillwayError {
  return invalid('a bare peer takes an empty packet for an acknowledgement: send at least one byte')
}
