import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { Link } from './link.ts'
import type { Message } from './message.ts'

export interface PublisherOptions {
  readonly link: Link
  /** Messages that may be under way. */
  readonly inFlight: number
  readonly ackTimeoutMs: number
  report(message: string, code?: string): void
}

/** What the server refuses and always will: the message is larger than the stream takes; it is of another stream. */
const REFUSED_FOR_GOOD = new Set([10054, 10060])
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2000

/** Sends messages, a window of them at once, and waits for the server to say of each that it has it. */
export class Publisher {
  readonly counts = { stored: 0, refused: 0, messages: 0, duplicates: 0, retries: 0 }
  readonly #options: PublisherOptions
  /** Said once, until one goes well. */
  #isTold = false

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /**
   * In their order, unless one has to be repeated. Answers those that are not known to be stored: when `stop` said so; of all that fail at the first time with
   * `triesOnce`. What the server will never take is counted, and not answered.
   */
  async publish(
    messages: readonly Message[],
    stop: AbortSignal,
    { triesOnce = false } = {},
  ): Promise<Message[]> {
    const left: Message[] = []
    let next = 0
    const some = async () => {
      while (next < messages.length) {
        const message = messages[next++]!
        if (!(await this.#settle(message, stop, triesOnce))) left.push(message)
      }
    }
    await Promise.all(Array.from({ length: Math.min(this.#options.inFlight, messages.length) }, some))
    return left
  }

  /** Stored, or refused for good. Tried at least once where there is a connection. */
  async #settle(message: Message, stop: AbortSignal, triesOnce: boolean): Promise<boolean> {
    const { link } = this.#options
    for (let tries = 0; ; tries++) {
      if (!triesOnce) await link.ready(stop)
      if (!link.isReady) return false
      if (tries > 0) this.counts.retries++
      try {
        await this.#try(message)
        return true
      } catch (error) {
        this.#tell(error)
        if (isRefused(error)) {
          this.counts.refused += message.lines
          return true
        }
        if (isUnanswered(error)) link.doubt()
        if (stop.aborted || triesOnce) return false
      }
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries)
      await sleep(pauseMs, undefined, { signal: stop }).catch(() => {}) // cut short: tried once more
    }
  }

  async #try({ id, subject, payload, lines }: Message): Promise<void> {
    const { link, ackTimeoutMs: timeout } = this.#options
    const settled = new AbortController()
    // What was under way when the connection broke is never answered: not to be waited for.
    const broken = link.lost(settled.signal).then(() => {
      if (!settled.signal.aborted) throw new Error('the connection broke before the answer')
    })
    try {
      const ack = await Promise.race([link.client!.publish(subject, payload, { msgID: id, timeout }), broken])
      this.counts.messages++
      this.counts.stored += lines
      if (ack?.duplicate) this.counts.duplicates++
      this.#isTold = false
    } finally {
      settled.abort()
    }
  }

  #tell(error: unknown): void {
    if (this.#isTold) return
    this.#isTold = true
    const { code } = error as { code?: unknown }
    this.#options.report(
      `a message was not stored: ${messageOf(error)}`,
      code === undefined ? undefined : String(code),
    )
  }
}

function isRefused(error: unknown): boolean {
  return REFUSED_FOR_GOOD.has((error as { code?: number }).code ?? 0)
}

/** Nobody listens at the subject: no stream takes it. */
function isUnanswered(error: unknown): boolean {
  return (error as Error).name === 'JetStreamNotEnabled'
}
