import type { StreamSocket } from '../../ports.ts'
import { Inflow } from './inflow.ts'
import { Outflow } from './outflow.ts'
import type { Answer, Question } from './questions.ts'
import { checkPlace, NOT_SUPPORTED, ServedChannel } from './served-channel.ts'

/** Of 64 KiB at most. */
const WRITES_A_TURN = 16

/** A connection: how it is made, and how it ends. Its bytes go through an inflow and an outflow. */
export class ServedStream extends ServedChannel {
  readonly #inflow = new Inflow(this.channel)
  readonly #outflow = new Outflow(this.channel)
  readonly #connecting = new AbortController()
  #socket: StreamSocket | undefined
  #writesLeft = 0
  #isShutForWriting = false
  #hasEnded = false
  #hasFailed = false
  #isOver = false
  #cancelLinger: (() => void) | undefined

  protected async ask(question: Question): Promise<Answer> {
    if (question.op === 'set') {
      if (this.#socket === undefined) return { code: 'ENOTCONN' }
      this.#socket.set(question.options)
      return {}
    }
    if (this.#socket !== undefined) return { code: 'EISCONN' }
    if (question.op === 'connect') return this.#connect(question)
    if (question.op !== 'accept') return NOT_SUPPORTED
    const socket = this.context.listenerAt(question.listener, question.generation)?.take()
    if (socket === undefined) return { code: 'EWOULDBLOCK' }
    socket.set(question.options)
    return this.#open(socket)
  }

  async #connect(question: Extract<Question, { op: 'connect' }>): Promise<Answer> {
    const { family, local, options } = question
    const socket = await this.context.ports.streams.connect({
      family,
      ...checkPlace(question.host, question.port),
      local: local === undefined ? undefined : checkPlace(local.host, local.port),
      settings: options,
      signal: this.#connecting.signal,
      into: this.#inflow,
    })
    if (!this.isClosing && !this.isGone) return this.#open(socket)
    socket.close()
    return { code: 'ECANCELED' }
  }

  #open(socket: StreamSocket): Answer {
    this.#socket = socket
    socket.handle({
      onBytes: (bytes) => {
        if (this.isGone) return
        this.#inflow.receive(bytes)
        if (this.#inflow.isFull) this.again()
      },
      onFull: () => this.again(),
      onEnd: () => {
        if (!this.isGone && !this.isAbandoned) this.#inflow.end()
      },
      onError: (code) => this.#failed(code),
      onClose: () => this.#closed(),
    })
    this.#inflow.start(socket)
    const { local, peer } = socket
    return { local, peer }
  }

  #failed(code: string): void {
    if (this.isGone) return
    this.#hasFailed = true
    if (this.isAbandoned) return
    this.#inflow.fail(code)
    this.channel.serverSays(this.channel.layout.SERVER_REFUSES)
  }

  // ---- bytes -------------------------------------------------------------------------------------------

  protected work(): void {
    this.#writesLeft = WRITES_A_TURN
    this.#inflow.goOn()
    this.#pump()
  }

  #pump(): void {
    const socket = this.#socket
    if (socket === undefined) {
      if (this.#isOver && !this.#inflow.hasRest) this.leave()
      return
    }
    if (this.#hasFailed) return // a write would fail again, and again; the socket is about to close
    this.#outflow.pump(socket, (bytes, code) => this.#written(bytes, code))
    if (!this.#isShutForWriting || !this.#outflow.isDrained()) return
    if (this.isClosing) socket.endAndClose()
    else if (!this.#hasEnded) socket.end()
    this.#hasEnded = true
  }

  #written(bytes: number, code: string | undefined): void {
    if (this.isGone) return
    if (code === undefined) this.channel.done(bytes)
    else this.#failed(code)
    // A few more at once, while the client fills the room; then it is the others' turn.
    if (--this.#writesLeft > 0 && this.channel.waiting() > 0) this.#pump()
    else this.again()
  }

  protected waits(): number {
    const { SENT, ROOM } = this.channel.layout
    const canSend = this.#socket !== undefined && !this.#outflow.isBusy && !this.#hasEnded && !this.#hasFailed
    return (canSend ? SENT : 0) | (this.#inflow.isFull ? ROOM : 0)
  }

  // ---- ends --------------------------------------------------------------------------------------------

  protected override hears(flags: number): void {
    const { CLIENT_SHUT_READ, CLIENT_SHUT_WRITE } = this.channel.layout
    if ((flags & CLIENT_SHUT_WRITE) !== 0) this.#isShutForWriting = true
    if ((flags & CLIENT_SHUT_READ) !== 0) this.#inflow.discard()
  }

  protected finish(reset: boolean): void {
    this.#connecting.abort()
    const socket = this.#socket
    if (socket === undefined) {
      this.leave()
      return
    }
    if (reset) {
      socket.reset()
      this.leave()
      return
    }
    this.#isShutForWriting = true
    this.#cancelLinger = this.context.ports.clock.after(this.context.lingerMs, () => {
      socket.reset()
      this.leave()
    })
    this.work()
  }

  /** There is no connection any more. What has been received stays for the client, in the ring or on its way there. */
  #closed(): void {
    this.#cancelLinger?.()
    this.#socket = undefined
    this.#isOver = true
    if (this.isGone) return
    // The peer may be gone, but not all that it sent have found room: this leaves when the client has taken the rest.
    if (this.isClosing || !this.#inflow.hasRest) this.leave()
    else this.again()
  }

  protected destroy(): void {
    this.#connecting.abort()
    this.#cancelLinger?.()
    this.#socket?.close()
  }
}
