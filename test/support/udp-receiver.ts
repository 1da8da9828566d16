import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** A plain receiver: what any agent would see. */
export class UdpReceiver {
  readonly datagrams: Buffer[] = []
  /** The sender's port of each. */
  readonly ports: number[] = []
  readonly #socket: Socket
  #lines = 0
  #waiting: (() => void)[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (datagram, { port }) => {
      this.datagrams.push(datagram)
      this.ports.push(port)
      for (const byte of datagram) if (byte === 0x0a) this.#lines++
      for (const check of this.#waiting) check()
    })
  }

  static async open(
    options: { address?: string; port?: number; recvBufferBytes?: number } = {},
  ): Promise<UdpReceiver> {
    const { address = '127.0.0.1', port = 0, recvBufferBytes = 4 << 20 } = options
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.bind(port, address)
    await once(socket, 'listening')
    socket.setRecvBufferSize(recvBufferBytes)
    return new UdpReceiver(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** All lines so far, without their newlines. */
  lines(): string[] {
    return Buffer.concat(this.datagrams).toString().split('\n').slice(0, -1)
  }

  /** Those that are the user's: no metadata, no heartbeats. */
  events(): string[] {
    return this.lines().filter((line) => !/^\{"event":"(agent_init|spillway\.stats)"/.test(line))
  }

  /** Until so many lines have come, of any kind. */
  hasLines(count: number): Promise<void> {
    return this.#until(() => this.#lines >= count)
  }

  hasDatagrams(count: number): Promise<void> {
    return this.#until(() => this.datagrams.length >= count)
  }

  #until(isThere: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!isThere()) return
        this.#waiting = this.#waiting.filter((other) => other !== check)
        resolve()
      }
      this.#waiting.push(check)
      check()
    })
  }

  async close(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
