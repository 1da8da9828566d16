import type { Channel } from '../../core/channel.ts'
import type { Ports } from '../../ports.ts'
import { errnoOf, posixOf } from './codes.ts'
import type { Answer, Question } from './questions.ts'
import type { ServedListener } from './served-listener.ts'

/** What the socket of a channel is given by the server that it belongs to. */
export interface ServerContext {
  readonly ports: Ports
  /** How long a closed connection may take to deliver what was sent. */
  readonly lingerMs: number
  /** The listener at that place of the hub, if it is still that one. */
  listenerAt(index: number, generation: number): ServedListener | undefined
  /** There is something to do for this channel that its client did not ask for: a socket took what it was given. */
  again(served: ServedChannel): void
  /** It is closed, and has left its channel. */
  remove(served: ServedChannel): void
}

/** Rounds for one channel before it is the others' turn. */
const ROUNDS = 8

/** The server's end of a channel, with the socket behind it. */
export abstract class ServedChannel {
  readonly channel: Channel
  protected readonly context: ServerContext
  /** The client wants no more of it. */
  protected isClosing = false
  /** So it is for want of a client, or of a server: what the socket says of its end is news to nobody. */
  protected isAbandoned = false
  #isGone = false

  constructor(channel: Channel, context: ServerContext) {
    this.channel = channel
    this.context = context
  }

  get index(): number {
    return this.channel.index
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Does what there is to do. `true`: there is more, but it is the others' turn. */
  serve(): boolean {
    const { layout } = this.channel
    for (let round = 0; round < ROUNDS; round++) {
      if (this.#isGone) return false
      this.#answer() // before a flag that says that it is closed: what it asked for last is done
      this.#hear()
      this.work()
      if (this.#isGone) return false
      if (this.channel.serve(layout.WORK | this.waits()) === 0) return false
    }
    return true
  }

  /** The client's thread has gone, or the server stops: what was sent goes out, within limits. */
  abandon(): void {
    if (this.isClosing || this.#isGone) return
    this.isClosing = true
    this.isAbandoned = true
    this.finish(false)
  }

  /** At once: the server stops. */
  abort(): void {
    this.isClosing = true
    this.leave() // first: what the socket says of its own end is no news to the client
    this.destroy()
  }

  /** What its client writes makes no sense: it gets no service any more. */
  refuse(code: string): void {
    if (this.#isGone) return
    this.channel.serverFails(errnoOf(code))
    this.abort()
  }

  // ---- what kind it is ---------------------------------------------------------------------------------

  protected abstract ask(question: Question): Promise<Answer> | Answer

  /** Moves what there is to move. */
  protected abstract work(): void

  /** What to be told of beside questions and flags. */
  protected abstract waits(): number

  /** The client has shut down one way or both. */
  protected hears(_flags: number): void {}

  /** The client has closed it: the socket ends as it should, and then this leaves. */
  protected abstract finish(reset: boolean): void

  /** The socket is closed now. */
  protected abstract destroy(): void

  // ------------------------------------------------------------------------------------------------------

  /** There is no socket any more. */
  protected leave(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.channel.serverSays(this.channel.layout.SERVER_CLOSED)
    this.channel.leave()
    this.context.remove(this)
  }

  protected fail(code: string): void {
    if (!this.#isGone && !this.isAbandoned) this.channel.serverFails(errnoOf(code))
  }

  protected again(): void {
    if (!this.#isGone) this.context.again(this)
  }

  #hear(): void {
    const { CLIENT_CLOSED, CLIENT_RESET } = this.channel.layout
    const flags = this.channel.serverHears()
    if (flags <= 0 || this.isClosing) return
    this.hears(flags)
    if ((flags & CLIENT_CLOSED) === 0) return
    this.isClosing = true
    this.finish((flags & CLIENT_RESET) !== 0)
  }

  #answer(): void {
    if (this.#isGone) return
    const { EMPTY } = this.channel.layout
    const text = this.channel.question()
    if (text === EMPTY) return
    const question = typeof text === 'string' ? parse(text) : undefined
    if (question === undefined) {
      this.refuse('EPROTO')
      return
    }
    void this.#reply(question)
  }

  async #reply(question: Question): Promise<void> {
    let answer: Answer
    try {
      answer = await this.ask(question)
    } catch (error) {
      answer = { code: posixOf(error) }
    }
    if (this.#isGone) return
    this.channel.answer(JSON.stringify(answer))
    this.again()
  }
}

function parse(text: string): Question | undefined {
  try {
    const question = JSON.parse(text) as Question
    if (!isRecord(question) || typeof question.op !== 'string') return undefined
    const { options = {} } = question as { options?: unknown }
    return isRecord(options) ? question : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a question gave as an address is not trusted. */
export function checkPlace(host: unknown, port: unknown): { host: string; port: number } {
  if (typeof host !== 'string' || !Number.isInteger(port) || (port as number) < 0 || (port as number) > 65535)
    throw Object.assign(new Error('the address makes no sense'), { code: 'EINVAL' })
  return { host, port: port as number }
}

export const NOT_SUPPORTED: Answer = { code: 'EOPNOTSUPP' }
