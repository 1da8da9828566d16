import type { Channel } from '../../core/channel.ts'
import type { StreamSocket } from '../../ports.ts'

/** At most so many bytes of one write: so the ring gets room again while the rest is on its way. */
const WRITE_BYTES = 65536
/** At most so many writes under way. */
const WRITES = 4

/** From the ring to the peer: written from where it lies, and given back when the kernel has it. */
export class Outflow {
  readonly #channel: Channel
  #inFlight = 0
  #writes = 0

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Bytes of the ring that are on their way. */
  get inFlight(): number {
    return this.#inFlight
  }

  get isBusy(): boolean {
    return this.#writes >= WRITES
  }

  /** Writes what there is. `written` is called after each, in their order: the bytes are then to be given back. */
  pump(socket: StreamSocket, written: (bytes: number, code: string | undefined) => void): void {
    while (!this.isBusy) {
      const waiting = this.#channel.waiting(this.#inFlight)
      if (waiting === this.#channel.layout.CORRUPT) throw new Error('the cursors of the ring make no sense')
      if (waiting <= 0) return
      const bytes = this.#channel.view(WRITE_BYTES)
      const { length } = bytes
      this.#inFlight += length
      this.#writes++
      socket.write(bytes, (error) => {
        this.#inFlight -= length
        this.#writes--
        written(length, error?.code)
      })
    }
  }

  /** Whether everything that was sent is with the kernel. */
  isDrained(): boolean {
    return this.#writes === 0 && this.#channel.waiting() <= 0
  }
}
