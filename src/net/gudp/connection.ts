import { SpillwayError } from '../../core/errors.ts'
import { type GudpCore, gudpCoreOf } from '../../core/gudp-core.ts'
import { keepAlive } from '../../core/keep-alive.ts'
import { joinConnection, LanePipe } from '../../core/lane-pipe.ts'
import type { Member } from '../../core/member.ts'
import { type EndReason, endReasons, FIRST_SHIFT } from '../../core/packet-machine.ts'
import type { Region } from '../../core/region.ts'
import { waitAsync } from '../../core/wait-async.ts'
import { checkConnectionHandle, type GudpConnectionHandle } from './connection-handle.ts'
import { type GudpConnectionStats, readStats } from './connection-stats.ts'
import {
  checkTimeout,
  MessageChannel,
  type RecvOptions,
  type RecvSyncOptions,
  type SendOptions,
  type SendSyncOptions,
} from './message-channel.ts'
import type { Place } from './path.ts'

export interface GudpStatus {
  /** `'open'`, or why it is over. */
  readonly state: 'open' | EndReason
  /** As it was last, while it was open. */
  readonly congestion: 'good' | 'bad'
}

const LOOK_AGAIN_MS = 250

/** The message channels of a connection. */
export interface GudpMessages {
  /** The first reliable one. Throws where there is none. */
  readonly reliable: MessageChannel
  /** The first unreliable one. Throws where there is none. */
  readonly unreliable: MessageChannel
  /** By its place in `channels`. */
  channel(index: number): MessageChannel
}

/**
 * A virtual connection, as any thread holds it: any number of threads may send and receive on it at once, each packet or message goes to one of them.
 * Made by `GudpDaemon`, or from the `handle` of another thread.
 */
export class GudpConnection implements AsyncDisposable {
  readonly handle: GudpConnectionHandle
  readonly messages: GudpMessages
  readonly #region: Region
  readonly #core: GudpCore
  readonly #member: Member
  readonly #packets: MessageChannel
  readonly #channels: readonly MessageChannel[]
  #lastStats: GudpConnectionStats | undefined
  #lastStatus: GudpStatus | undefined
  #closed: Promise<void> | undefined

  private constructor(handle: GudpConnectionHandle) {
    this.handle = handle
    this.#member = joinConnection(handle)
    this.#region = this.#member.region
    this.#core = gudpCoreOf(this.#region)
    const pipe = (lane: number): LanePipe => new LanePipe(this.#member, lane)
    this.#packets = new MessageChannel(pipe(0), 'unreliable')
    this.#channels = handle.channels.map((kind, i) => new MessageChannel(pipe(i + 1), kind))
    const first = (kind: 'reliable' | 'unreliable'): MessageChannel => {
      const channel = this.#channels.find((one) => one.kind === kind)
      if (channel !== undefined) return channel
      throw new SpillwayError(
        'ERR_INVALID_ARGUMENT',
        `this connection has no ${kind} channel: name one in \`channels\`, on both sides`,
      )
    }
    this.messages = {
      get reliable() {
        return first('reliable')
      },
      get unreliable() {
        return first('unreliable')
      },
      channel: (index) => this.#channel(index),
    }
  }

  static from(handle: GudpConnectionHandle): GudpConnection {
    return new GudpConnection(checkConnectionHandle(handle))
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
    return this.#packets.send(packet)
  }

  /** The same, and blocks until there is room. */
  sendSync(packet: Uint8Array | string, options?: SendSyncOptions): boolean {
    return this.#packets.sendSync(packet, options)
  }

  /** The same, when there is room. */
  sendWhenRoom(packet: Uint8Array | string, options?: SendOptions): Promise<boolean> {
    return this.#packets.sendWhenRoom(packet, options)
  }

  /** The next packet; `undefined` when the connection is over and all that came has been received, or the time is up. */
  recv(options?: RecvOptions): Promise<Uint8Array | undefined> {
    return this.#packets.recv(options)
  }

  /** The same, and blocks. `{ timeoutMs: 0 }` only looks. */
  recvSync(options?: RecvSyncOptions): Uint8Array | undefined {
    return this.#packets.recvSync(options)
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
    for (const channel of [this.#packets, ...this.#channels]) {
      if (!(await channel.drained(deadlineMs - performance.now()))) return false
    }
    return true
  }

  /** The same, and blocks. */
  flushSync(options: RecvSyncOptions = {}): boolean {
    const deadlineMs = performance.now() + checkTimeout(options.timeoutMs)
    return [this.#packets, ...this.#channels].every((channel) =>
      channel.drainedSync(deadlineMs - performance.now()),
    )
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
    for (const channel of [this.#packets, ...this.#channels]) channel.abandon()
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

  #channel(index: number): MessageChannel {
    const channel = this.#channels[index]
    if (channel !== undefined) return channel
    throw new SpillwayError(
      'ERR_INVALID_ARGUMENT',
      `there is no message channel ${String(index)}: this connection has ${this.#channels.length}`,
    )
  }
}
