import type { StreamSocket } from '../../ports.ts'
import type { Answer, Question } from './questions.ts'
import { checkPlace, NOT_SUPPORTED, ServedChannel } from './served-channel.ts'

/** At most so many bytes of one write: so the ring gets room again while the rest is on its way. */
const WRITE_BYTES = 65536
/** At most so many writes under way: libuv makes one system call of those that it has. */
const WRITES = 4

/**
 * A connection. What the client sends is written from the ring itself, and given back when the kernel has it. What the peer sends is
 * copied into the ring; when it is full the socket is not read from, so that the peer is held up by TCP, and nothing is kept here but
 * the rest of what had been read.
 */
export class ServedStream extends ServedChannel {
  #socket: StreamSocket | undefined
  readonly #connecting = new AbortController()
  /** Bytes, and writes, that the kernel has not taken yet. */
  #inFlight = 0
  #writes = 0
  #isShutForWriting = false
  #isShutForReading = false
  #hasEnded = false
  #peerHasEnded = false
  /** What there was no room for. */
  #rest: Uint8Array | undefined
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
    })
    if (!this.isClosing && !this.isGone) return this.#open(socket)
    socket.close()
    return { code: 'ECANCELED' }
  }

  #open(socket: StreamSocket): Answer {
    this.#socket = socket
    socket.handle({
      onBytes: (bytes) => this.#receive(bytes),
      onEnd: () => this.#end(),
      onError: (code) => {
        this.fail(code)
        this.channel.serverSays(this.channel.layout.SERVER_REFUSES)
      },
      onClose: () => this.#closed(),
    })
    socket.resume()
    const { local, peer } = socket
    return { local, peer }
  }

  // ---- from the peer -----------------------------------------------------------------------------------

  #receive(bytes: Uint8Array): void {
    if (this.isGone || this.isClosing || this.#isShutForReading) return
    if (this.#rest === undefined) {
      const written = this.#write(bytes)
      if (written === bytes.length) return
      this.#rest = bytes.slice(written)
    } else this.#rest = joined(this.#rest, bytes) // read before the pause was heard of
    this.#socket?.pause()
    this.again() // so that it waits for room
  }

  /** As many as there is room for. */
  #write(bytes: Uint8Array): number {
    const count = Math.min(this.channel.space(), bytes.length)
    if (count < 0) {
      this.refuse('EPROTO')
      return bytes.length
    }
    if (count > 0) this.channel.write(bytes, 0, count)
    return count
  }

  #goOn(): void {
    if (this.#rest === undefined) return
    const written = this.#write(this.#rest)
    if (this.isGone) return
    this.#rest = written === this.#rest.length ? undefined : this.#rest.subarray(written)
    if (this.#rest !== undefined) return
    if (this.#peerHasEnded) this.#sayEnd()
    else this.#socket?.resume()
  }

  #end(): void {
    this.#peerHasEnded = true
    if (this.#rest === undefined) this.#sayEnd()
  }

  /** After all that it has sent is in the ring. */
  #sayEnd(): void {
    if (!this.isGone) this.channel.serverSays(this.channel.layout.SERVER_ENDED)
  }

  // ---- to the peer -------------------------------------------------------------------------------------

  protected work(): void {
    this.#goOn()
    this.#pump()
  }

  #pump(): void {
    const socket = this.#socket
    if (socket === undefined || this.isGone || this.#hasEnded) return
    while (this.#writes < WRITES) {
      const waiting = this.channel.waiting(this.#inFlight)
      if (waiting === this.channel.layout.CORRUPT) {
        this.refuse('EPROTO')
        return
      }
      if (waiting <= 0) break
      const bytes = this.channel.view(WRITE_BYTES)
      const { length } = bytes
      this.#inFlight += length
      this.#writes++
      socket.write(bytes, (error) => this.#written(length, error?.code))
    }
    if (this.#inFlight === 0 && this.#isShutForWriting && this.channel.waiting() <= 0) this.#endSocket(socket)
  }

  #endSocket(socket: StreamSocket): void {
    this.#hasEnded = true
    socket.end()
    if (this.isClosing) socket.resume() // its end must be read for the socket to close
  }

  /** Writes are answered in their order. */
  #written(bytes: number, code: string | undefined): void {
    this.#inFlight -= bytes
    this.#writes--
    if (this.isGone) return
    if (code !== undefined) {
      this.fail(code)
      return
    }
    this.channel.done(bytes)
    this.again()
  }

  protected waits(): { bits: number; skipped: number } {
    const { SENT, ROOM } = this.channel.layout
    const canSend = this.#socket !== undefined && this.#writes < WRITES && !this.#hasEnded
    const bits = (canSend ? SENT : 0) | (this.#rest === undefined ? 0 : ROOM)
    return { bits, skipped: this.#inFlight }
  }

  // ---- ends --------------------------------------------------------------------------------------------

  protected override hears(flags: number): void {
    const { CLIENT_SHUT_READ, CLIENT_SHUT_WRITE } = this.channel.layout
    if ((flags & CLIENT_SHUT_WRITE) !== 0) this.#isShutForWriting = true
    if ((flags & CLIENT_SHUT_READ) === 0 || this.#isShutForReading) return
    this.#isShutForReading = true
    this.#rest = undefined
    this.#socket?.resume() // what comes is thrown away
  }

  protected finish(reset: boolean): void {
    this.#connecting.abort()
    this.#rest = undefined
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
    socket.resume()
    this.#pump()
  }

  /** Nothing is behind the channel any more; what has been received stays there for the client. */
  #closed(): void {
    this.#cancelLinger?.()
    this.#socket = undefined
    if (this.isGone) return
    if (this.#rest !== undefined && !this.isClosing) {
      // The peer is gone, but not all that it sent has found room: it leaves when the client has taken the rest.
      this.#peerHasEnded = true
      this.again()
      return
    }
    if (this.isClosing) {
      this.leave()
      return
    }
    this.channel.serverSays(this.channel.layout.SERVER_REFUSES)
  }

  protected destroy(): void {
    this.#connecting.abort()
    this.#cancelLinger?.()
    this.#socket?.close()
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
