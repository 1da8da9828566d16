import type { StreamListener, StreamSocket } from '../../ports.ts'
import type { Answer, Question } from './questions.ts'
import { checkPlace, NOT_SUPPORTED, ServedChannel } from './served-channel.ts'

/** Connections wait here, and are not read from, until the client accepts them. */
export class ServedListener extends ServedChannel {
  #listener: StreamListener | undefined
  readonly #waiting: StreamSocket[] = []
  #backlog = 0

  protected async ask(question: Question): Promise<Answer> {
    if (question.op !== 'listen') return NOT_SUPPORTED
    if (this.#listener !== undefined) return { code: 'EINVAL' }
    const { family, backlog, options } = question
    if (!Number.isInteger(backlog) || backlog < 1) return { code: 'EINVAL' }
    this.#backlog = backlog
    const listener = await this.context.ports.streams.listen({
      family,
      ...checkPlace(question.host, question.port),
      backlog,
      settings: options,
      onConnection: (socket) => this.#add(socket),
      onError: (code) => this.fail(code),
    })
    if (this.isClosing || this.isGone) {
      listener.close()
      return { code: 'ECANCELED' }
    }
    this.#listener = listener
    return { local: listener.local }
  }

  /** The next connection is somebody else's from here on. */
  take(): StreamSocket | undefined {
    const socket = this.#waiting.shift()
    this.#tell()
    return socket
  }

  #add(socket: StreamSocket): void {
    if (this.isClosing || this.#waiting.length >= this.#backlog) {
      if (!this.isGone) this.channel.drops++
      socket.reset()
      return
    }
    socket.handle({
      onBytes: () => {},
      onFull: () => {},
      onEnd: () => {},
      onError: () => {},
      onClose: () => this.#forget(socket),
    })
    this.#waiting.push(socket)
    this.#tell()
  }

  /** It has gone before it was accepted. */
  #forget(socket: StreamSocket): void {
    const at = this.#waiting.indexOf(socket)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    this.#tell()
  }

  #tell(): void {
    if (!this.isGone) this.channel.serverPends(this.#waiting.length)
  }

  protected work(): void {}

  protected waits(): number {
    return 0
  }

  protected finish(): void {
    this.destroy()
    this.leave()
  }

  protected destroy(): void {
    this.#listener?.close()
    for (const socket of this.#waiting.splice(0)) socket.reset()
  }
}
