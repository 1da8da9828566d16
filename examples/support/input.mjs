// What comes from a connection, by lines and by bytes.

export class Input {
  #receive
  #buffer = Buffer.alloc(0)

  /** `receive` waits for more bytes, and gives none at the end. */
  constructor(receive) {
    this.#receive = receive
  }

  line() {
    while (!this.#buffer.includes('\n'))
      if (!this.#more()) throw new Error('the connection ended in the middle of a line')
    return String(this.#take(this.#buffer.indexOf('\n') + 1)).trimEnd()
  }

  /** So many; `Infinity`: all until the end. */
  bytes(count) {
    const parts = []
    let missing = count
    do {
      parts.push(this.#take(missing))
      missing -= parts.at(-1).length
    } while (missing > 0 && this.#more())
    if (missing > 0 && count !== Infinity) throw new Error(`the connection ended ${missing} bytes too early`)
    return Buffer.concat(parts)
  }

  #more() {
    const more = this.#receive()
    this.#buffer = Buffer.concat([this.#buffer, more])
    return more.length > 0
  }

  #take(count) {
    const taken = this.#buffer.subarray(0, count)
    this.#buffer = this.#buffer.subarray(taken.length)
    return taken
  }
}
