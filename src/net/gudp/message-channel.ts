import { checkTimeout, invalid } from '../../core/check.ts'
import { SpillwayError } from '../../core/errors.ts'
import type { LanePipe } from '../../core/lane-pipe.ts'
import type { ChannelKind } from './channels.ts'

/** How long a call that blocks may wait. */
export interface RecvSyncOptions {
  /** How long to wait. Default: for ever. */
  readonly timeoutMs?: number | undefined
}

/** How long a call that is awaited may wait, and what gives it up. */
export interface RecvOptions extends RecvSyncOptions {
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** How long a call that blocks may wait for room. */
export type SendSyncOptions = RecvSyncOptions
/** How long a call that is awaited may wait for room, and what gives it up. */
export type SendOptions = RecvOptions

/** One message channel of a connection. On a reliable one every message arrives, once and in order; on an unreliable one it may be lost, and overtaken. */
export class MessageChannel {
  readonly kind: ChannelKind
  readonly #open: LanePipe | undefined

  /** @internal `pipe` is missing where the connection has been let go of. */
  constructor(pipe: LanePipe | undefined, kind: ChannelKind) {
    this.#open = pipe
    this.kind = kind
  }

  get #pipe(): LanePipe {
    if (this.#open !== undefined) return this.#open
    throw new SpillwayError('ERR_CLOSED', 'this end of the connection has been closed')
  }

  /** The longest message. */
  get maxMessageBytes(): number {
    return this.#pipe.longest
  }

  /** `false`: there is no room now, or the connection is over. Throws `EMSGSIZE` for one that is too long. */
  send(message: Uint8Array | string): boolean {
    return unlessOver(() => this.#pipe.trySend(message))
  }

  /** The same, and blocks until there is room. `false`: not in time, or the connection is over. */
  sendSync(message: Uint8Array | string, { timeoutMs }: SendSyncOptions = {}): boolean {
    const limitMs = checkTimeout(timeoutMs)
    return unlessOver(() => this.#pipe.sendSync(message, limitMs))
  }

  /** The same, when there is room. */
  sendWhenRoom(message: Uint8Array | string, options: SendOptions = {}): Promise<boolean> {
    return within(options, false, async (signal) => {
      await this.#pipe.sendAsync(message, signal)
      return true
    })
  }

  /** The next message; `undefined` when the connection is over and all that came has been received, or the time is up. */
  recv(options: RecvOptions = {}): Promise<Uint8Array | undefined> {
    return within(options, undefined, (signal) => this.#pipe.receiveAsync(signal))
  }

  /** The same, and blocks. `{ timeoutMs: 0 }` only looks. */
  recvSync({ timeoutMs }: RecvSyncOptions = {}): Uint8Array | undefined {
    const limitMs = checkTimeout(timeoutMs)
    try {
      return limitMs === 0 ? this.#pipe.receive() : this.#pipe.receiveSync(limitMs)
    } catch (error) {
      return otherwise(error, undefined)
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let message = await this.recv(); message !== undefined; message = await this.recv()) yield message
  }

  /** @internal Until all is acknowledged (reliable) or sent. */
  drained(timeoutMs: number): Promise<boolean> {
    return within({ timeoutMs: Math.max(0, timeoutMs) }, false, async (signal) => {
      await this.#pipe.drained(signal)
      return true
    })
  }

  /** @internal */
  drainedSync(timeoutMs: number): boolean {
    return unlessOver(() => this.#pipe.drainedSync(Math.max(0, timeoutMs)))
  }

  /** @internal Its endpoint lets go: whoever waits here finds the end. */
  abandon(): void {
    this.#open?.close()
  }
}

/** The end of a connection is its status, not an error of whoever sends or receives. */
function otherwise<T>(error: unknown, answer: T): T {
  if ((error as SpillwayError | null | undefined)?.code === 'ERR_CLOSED') return answer
  throw error
}

function unlessOver(call: () => boolean): boolean {
  try {
    return call()
  } catch (error) {
    return otherwise(error, false)
  }
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Waits no longer than it may: `late` then, and also when the connection is over. */
async function within<T>(
  { timeoutMs, signal }: RecvOptions,
  late: T,
  call: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const limitMs = checkTimeout(timeoutMs)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalid('signal must be an AbortSignal')
  }
  if (limitMs > LONGEST_TIMER_MS) {
    try {
      return await call(signal)
    } catch (error) {
      return otherwise(error, late)
    }
  }
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(limit), limitMs)
  const abort = (): void => limit.abort(signal!.reason)
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort)
  try {
    return await call(limit.signal)
  } catch (error) {
    return error === limit ? late : otherwise(error, late)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
