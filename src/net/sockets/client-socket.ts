import { Channel, type ChannelType } from '../../core/channel.ts'
import { invalid } from '../../core/check.ts'
import type { SpillwayError } from '../../core/errors.ts'
import type { SocketsHub } from '../../core/sockets-core.ts'
import type { AddressFamily, Endpoint } from '../../ports.ts'
import type { AddressReader, AddressWriter, HostAndPort } from './address.ts'
import { codeOf, socketError } from './codes.ts'
import { OptionTable } from './options.ts'
import type { Answer, Question, Refusal } from './questions.ts'
import type { SocketHandle, SocketKind } from './socket-handle.ts'
import type { Steps, Waits } from './waits.ts'

/** What the sockets of one client have in common. */
export interface ClientContext {
  readonly hub: SocketsHub
  readonly waits: Waits
  readonly writer: AddressWriter
  readonly reader: AddressReader
  /** Every socket that is not closed. */
  readonly open: Set<ClientSocket>
  /** Lets go of the channel, for another thread to adopt it. */
  detach(socket: ClientSocket, channel: Channel): SocketHandle
}

/**
 * `new` has no channel yet; a UDP socket gets one when it is bound, connected, or first used, a TCP socket when it connects or
 * listens: node:net has no socket that is only bound.
 */
export type SocketState = 'new' | 'bound' | 'connecting' | 'connected' | 'listening' | 'closed'

/** A socket as its client knows it: its state, its channel, and what it asks of the server. */
export class ClientSocket {
  readonly context: ClientContext
  readonly kind: SocketKind
  readonly family: AddressFamily
  readonly isStream: boolean
  readonly options: OptionTable
  state: SocketState = 'new'
  channel: Channel | undefined
  local: Endpoint | undefined
  peer: Endpoint | undefined
  /** Of a TCP socket that is bound, and does not listen or connect yet. */
  wanted: HostAndPort | undefined
  isShutForReading = false
  isShutForWriting = false
  /** Why a connection that nobody waited for was not made: for SO_ERROR. */
  failure: string | undefined
  /** What is to be done with the answer that the server owes. */
  #outstanding: ((answer: Answer) => void) | undefined
  /** Questions that wait for the answer to the one before, and that nobody waits for. */
  readonly #later: Question[] = []

  constructor(context: ClientContext, kind: SocketKind) {
    this.context = context
    this.kind = kind
    this.family = kind.endsWith('6') ? 6 : 4
    this.isStream = kind.startsWith('tcp')
    this.options = new OptionTable(this.isStream)
    context.open.add(this)
  }

  /** The channel of a socket that is in use. */
  inUse(call: string): Channel {
    if (this.state === 'closed') throw socketError('EBADF', call)
    if (this.channel === undefined) throw socketError('ENOTCONN', call)
    return this.channel
  }

  checkOpen(call: string): void {
    if (this.state === 'closed') throw socketError('EBADF', call)
  }

  /** Makes the channel. The server knows of it with the first question. */
  makeChannel(type: ChannelType, call: string): Channel {
    const { hub } = this.context
    if (!hub.isServed()) throw socketError('ECONNABORTED', call)
    const isListener = type === 'listener'
    const sendBytes = isListener ? 32 : this.options.sendRing
    const recvBytes = isListener ? 32 : this.options.recvRing
    try {
      const channel = Channel.create(hub, { type, sendBytes, recvBytes })
      if (channel === undefined) throw socketError('ENOBUFS', call)
      this.channel = channel
      return channel
    } catch (error) {
      if ((error as SpillwayError).code === 'ERR_OUT_OF_MEMORY') throw socketError('ENOMEM', call)
      throw error
    }
  }

  /** Of a UDP socket that is used without having been bound: the system chooses a port. Nobody waits for the answer. */
  datagramChannel(call: string): Channel {
    if (this.channel !== undefined) return this.channel
    this.checkOpen(call)
    const channel = this.makeChannel('datagram', call)
    const options = this.options.toSettings()
    const any = this.family === 6 ? '::' : '0.0.0.0'
    this.post({ op: 'bind', family: this.family, host: any, port: 0, options }, call, (answer) => {
      if (isRefusal(answer)) return // the server has let the channel fail: the next call tells
      this.learn(answer)
      if (this.state === 'new') this.state = 'bound'
    })
    for (const membership of this.options.takeMemberships())
      this.#later.push({ op: 'set', options: membership })
    this.#postLater(call)
    return channel
  }

  #postLater(call: string): void {
    const question = this.#outstanding === undefined ? this.#later.shift() : undefined
    if (question === undefined) return
    this.post(question, call, (answer) => {
      if (isRefusal(answer)) this.failure = answer.code
    })
  }

  learn({ local, peer }: Exclude<Answer, Refusal>): void {
    this.local = local ?? this.local
    this.peer = peer ?? this.peer
  }

  // ---- asking ------------------------------------------------------------------------------------------

  /** Asks, and waits for the answer; one that comes after the caller has given up is dealt with all the same. */
  *ask(question: Question, call: string, then: (answer: Answer) => void): Steps<void> {
    yield* this.settled(call)
    this.post(question, call, then)
    yield* this.settled(call)
  }

  /** Asks, and refuses what is refused. */
  *request(question: Question, call: string): Steps<Exclude<Answer, Refusal>> {
    let answer: Answer | undefined
    yield* this.ask(question, call, (given) => {
      answer = given
    })
    if (answer === undefined || isRefusal(answer)) throw refusalError(answer, call)
    return answer
  }

  post(question: Question, call: string, then: (answer: Answer) => void): void {
    if (!this.channel!.ask(JSON.stringify(question)))
      throw socketError('EINVAL', call, 'a name or an option is too long')
    this.#outstanding = then
  }

  /** Until the server owes no answer. With `isOwed` nothing else ends it. */
  *settled(call: string, isOwed = false): Steps<void> {
    while (!this.settle(call)) {
      const { channel } = this
      yield [{ channel: channel!, bits: channel!.layout.ANSWERED, need: 0, isOwed }]
      this.checkOpen(call)
    }
  }

  /** Takes the answer that is owed, if it is there. Answers whether none is. */
  settle(call: string): boolean {
    while (this.#outstanding !== undefined) {
      const { channel } = this
      const answer = channel!.answered()
      if (answer === channel!.layout.EMPTY) return false
      const then = this.#outstanding
      this.#outstanding = undefined
      if (typeof answer === 'number') throw this.fault(answer, call)
      then(JSON.parse(answer) as Answer)
      if (this.channel !== undefined) this.#postLater(call)
    }
    return true
  }

  // ---- errors ------------------------------------------------------------------------------------------

  /** What a code of the core means to the caller. */
  fault(code: number, call: string): SpillwayError {
    const { layout } = this.context.hub.core
    switch (code) {
      case layout.FAILED:
        return socketError(codeOf(this.channel!.takeError()), call)
      case layout.GONE:
        return socketError(this.context.hub.isServed() ? 'ECANCELED' : 'ECONNABORTED', call)
      case layout.OVERSIZE:
        return socketError('EMSGSIZE', call)
      case layout.CORRUPT:
        return socketError('EPROTO', call)
      case layout.ENDED_STREAM:
        return socketError('EPIPE', call)
      case layout.STALE:
        return socketError('EBADF', call)
      default:
        return invalid(`${call}: the core refused the call (${code})`)
    }
  }

  // ---- the end -----------------------------------------------------------------------------------------

  /** Leaves the channel: to the server, which sends what is left and closes the socket behind it. */
  drop(flags: number): void {
    const { channel } = this
    this.channel = undefined
    this.#outstanding = undefined
    this.#later.length = 0
    if (channel === undefined) return
    channel.clientSays(channel.layout.CLIENT_CLOSED | flags)
    channel.leave()
    this.context.waits.kick()
  }

  /** For good. */
  end(flags: number): void {
    this.state = 'closed'
    this.context.open.delete(this)
    this.drop(flags)
  }
}

export function isRefusal(answer: Answer): answer is Refusal {
  return 'code' in answer
}

export function refusalError(answer: Refusal | undefined, call: string): SpillwayError {
  return socketError(answer?.code ?? 'EIO', call, answer?.detail)
}
