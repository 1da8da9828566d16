import { SpillwayError } from '../../core/errors.ts'
import type { LanePipe } from '../../core/lane-pipe.ts'
import type { ChannelKind } from './channels.ts'

export interface RecvSyncOptions {
  /** How long to wait. Default: for ever. */
  readonly timeoutMs?: number | undefined
}

export interface RecvOptions extends RecvSyncOptions {
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export type SendSyncOptions = RecvSyncOptions
export type SendOptions = RecvOptions

/** One message channel of a connection. On a reliable one every message arrives, once and in order; on an unreliable one it may be lost, and overtaken. */
export class MessageChannel {
  readonly kind: ChannelKind
  readonly #pipe: LanePipe

  constructor(pipe: LanePipe, kind: ChannelKind) {
    this.#pipe = pipe
    this.kind = kind
  }

  /** The longest message. */
  get maxMessageBytes(): number {
    return this.#pipe.longest
  }

  /** `false`: there is no room now, or the connection is over. Throws for one that is too long. */
  send(message: Uint8Array | string): boolean {
    return this.#pipe.trySend(message)
  }

  /** The same, and blocks until there is room. `false`: not in time, or the connection is over. */
  sendSync(message: Uint8Array | string, { timeoutMs }: SendSyncOptions = {}): boolean {
    return this.#pipe.sendSync(message, checkTimeout(timeoutMs))
  }

  /** The same, when there is room. */
  sendWhenRoom(message: Uint8Array | string, { timeoutMs, signal }: SendOptions = {}): Promise<boolean> {
    return this.#pipe.sendAsync(message, checkTimeout(timeoutMs), signal)
  }

  /** The next message; `undefined` when the connection is over and all that came has been received, or the time is up. */
  recv({ timeoutMs, signal }: RecvOptions = {}): Promise<Uint8Array | undefined> {
    return this.#pipe.receiveAsync(checkTimeout(timeoutMs), signal)
  }

  /** The same, and blocks. `{ timeoutMs: 0 }` only looks. */
  recvSync({ timeoutMs }: RecvSyncOptions = {}): Uint8Array | undefined {
    const limitMs = checkTimeout(timeoutMs)
    return limitMs === 0 ? this.#pipe.receive() : this.#pipe.receiveSync(limitMs)
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let message = await this.recv(); message !== undefined; message = await this.recv()) yield message
  }

  /** @internal Until all is acknowledged (reliable) or sent. */
  drained(timeoutMs: number): Promise<boolean> {
    return this.#pipe.drained(timeoutMs)
  }

  /** @internal */
  drainedSync(timeoutMs: number): boolean {
    return this.#pipe.drainedSync(timeoutMs)
  }

  /** @internal Until the connection is over. */
  over(): Promise<void> {
    return this.#pipe.over()
  }

  /** @internal Its endpoint has let go: whoever waits here finds the end. */
  abandon(): void {
    this.#pipe.abandon()
  }
}

function checkTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return timeoutMs
  throw new SpillwayError(
    'ERR_INVALID_ARGUMENT',
    `timeoutMs must be a number from 0, not ${String(timeoutMs)}`,
  )
}
