import { checkTimeout } from '../../core/check.ts'
import type { ClientSocket } from './client-socket.ts'
import { socketError } from './codes.ts'
import type { Limits, Steps } from './waits.ts'

/** How long a call may wait. */
export interface CallOptions {
  /** How long the call may wait: ETIMEDOUT then. Default: `SO_RCVTIMEO` or `SO_SNDTIMEO`, which are for ever. */
  timeoutMs?: number | undefined
  /** `MSG_DONTWAIT`: EWOULDBLOCK instead of waiting. */
  dontWait?: boolean | undefined
}

/** How long a call that is awaited may wait, and what gives it up. */
export interface AsyncCallOptions extends CallOptions {
  /** Gives the call up: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export type Lane = 'sending' | 'receiving' | 'asking' | 'closing'

/** A call that has begun. */
interface Turn {
  over: Promise<void> | undefined
}

/** The calls of one socket: those of one kind wait for one another, so that what they send and receive keeps its order. */
export class Calls {
  readonly #socket: ClientSocket
  readonly #lanes: Partial<Record<Lane, Turn>> = {}

  constructor(socket: ClientSocket) {
    this.#socket = socket
  }

  isFree(lane: Lane): boolean {
    return this.#lanes[lane] === undefined
  }

  get areUnderWay(): boolean {
    return Object.values(this.#lanes).some(Boolean)
  }

  runSync<T>(lane: Lane, call: string, options: CallOptions | undefined, steps: Steps<T>): T {
    if (!this.isFree(lane)) {
      const code = lane === 'asking' ? 'EALREADY' : 'EBUSY'
      throw socketError(code, call, 'a call of that kind is under way: await it first')
    }
    return this.#socket.context.waits.runSync(steps, this.#limits(lane, call, options))
  }

  run<T>(lane: Lane, call: string, options: AsyncCallOptions | undefined, make: () => Steps<T>): Promise<T> {
    const before = this.#lanes[lane]
    const turn: Turn = { over: undefined }
    this.#lanes[lane] = turn
    const run = async () => {
      try {
        if (before !== undefined) await before.over
        options?.signal?.throwIfAborted()
        return await this.#socket.context.waits.run(make(), this.#limits(lane, call, options))
      } finally {
        if (this.#lanes[lane] === turn) delete this.#lanes[lane] // before whoever awaits it goes on: a Sync call may be next
      }
    }
    const running = run()
    turn.over = running.then(
      () => {},
      () => {},
    )
    return running
  }

  #limits(lane: Lane, call: string, options: AsyncCallOptions | undefined): Limits {
    const given = options?.timeoutMs
    if (given !== undefined) checkTimeout(given)
    const usual = this.#socket.options.get(lane === 'receiving' ? 'SO_RCVTIMEO' : 'SO_SNDTIMEO')
    const timeoutMs = given ?? (usual > 0 ? usual : Number.POSITIVE_INFINITY)
    const code = given === undefined ? 'EWOULDBLOCK' : 'ETIMEDOUT'
    return {
      deadlineMs: performance.now() + timeoutMs,
      signal: options?.signal,
      late: () => socketError(code, call),
    }
  }
}
