// A sender on a plain socket, and one that speaks as docs/wire.md has it, written from that page alone.
import { createSocket, type Socket } from 'node:dgram'

export class UdpSender {
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static open(to: { address: string; port: number }): Promise<UdpSender> {
    const socket = createSocket(to.address.includes(':') ? 'udp6' : 'udp4')
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(to.port, to.address, () => {
        socket.off('error', reject)
        socket.on('error', () => {}) // a refusal, when the receiver has closed: none of our business
        resolve(new UdpSender(socket))
      })
    })
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Resolves when the kernel has it; on loopback it is then in the receiver's buffer. */
  send(datagram: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(datagram, (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}

export interface Beat {
  last?: boolean
  /** What is counted beside what was sent. */
  dropped?: Record<string, number>
}

/** One flow of an exporter. What is `skipped` was sent, as the exporter has it, and got lost. */
export class FlowSender {
  readonly source: string
  readonly #sender: UdpSender
  readonly #started = new Date().toISOString()
  #seq = 0
  #d = 0
  #lines = 0
  #datagrams = 0
  #bytes = 0

  constructor(sender: UdpSender, source: string) {
    this.#sender = sender
    this.source = source
  }

  /** The datagram with these lines, numbered or not, counted as sent. */
  make(lines: readonly string[], isNumbered = false): string {
    const text = lines.map((line) => `${line}\n`).join('')
    this.#lines += lines.length
    this.#datagrams++
    this.#bytes += text.length
    return isNumbered ? `{"spillway":"${this.source}","d":${this.#d++}}\n${text}` : text
  }

  async send(lines: readonly string[], isNumbered = false): Promise<void> {
    await this.#sender.send(this.make(lines, isNumbered))
  }

  heartbeat({ last = false, dropped = {} }: Beat = {}): string {
    const sum = Object.values(dropped).reduce((a, b) => a + b, 0)
    const fields = {
      v: 1,
      source: this.source,
      flow: 1,
      seq: this.#seq,
      time: new Date().toISOString(),
      started: this.#started,
      last,
      lines: this.#lines,
      datagrams: this.#datagrams,
      bytes: this.#bytes,
      offered: this.#lines + sum,
      sent: this.#lines,
      inRing: 0,
      dropped: sum,
      dropped_by: dropped,
    }
    return `{"event":"spillway.stats",${JSON.stringify(fields).slice(1)}\n`
  }

  async beat(options: Beat = {}): Promise<void> {
    for (let times = options.last ? 3 : 1; times > 0; times--)
      await this.#sender.send(this.heartbeat(options))
    this.#seq++
  }
}
