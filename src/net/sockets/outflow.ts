import type { Channel } from '../../core/channel.ts'
import type { StreamSocket } from '../../ports.ts'

/** At most so many bytes of one write: so the ring gets room again while the rest is on its way. */
const WRITE_BYTES = 65536

/**
 * From the ring to the peer: written from where it lies, and given back when the kernel has it. One write at a time: the kernel mostly takes
 * it on the spot, and the client fills the room that it leaves while the next is written.
 */
export class Outflow {
  readonly #channel: Channel
  #isBusy = false

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Whether a write is under way. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Writes what there is next. `written` is called when it is done: the bytes are then to be given back. */
  pump(socket: StreamSocket, written: (bytes: number, code: string | undefined) => void): void {
    if (this.isBusy) return
    const waiting = this.#channel.waiting()
    if (waiting === this.#channel.layout.CORRUPT) throw new Error('the cursors of the ring make no sense')
    if (waiting <= 0) return
    const bytes = this.#channel.view(WRITE_BYTES)
    const { length } = bytes
    this.#isBusy = true
    socket.write(bytes, (error) => {
      this.#isBusy = false
      written(length, error?.code)
    })
  }

  /** Whether everything that was sent is with the kernel. */
  isDrained(): boolean {
    return !this.isBusy && this.#channel.waiting() <= 0
  }
}
