import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

/** A network between an exporter and a receiver that loses what a test says. Each of the sender's sockets has one of its own here. */
export class Relay {
  /** What was lost. */
  readonly lost: Buffer[] = []
  readonly #inlet: Socket
  readonly #outlets = new Map<number, Promise<Socket>>()
  readonly #toPort: number
  readonly #loses: (datagram: Buffer, index: number) => boolean
  #count = 0

  private constructor(inlet: Socket, toPort: number, loses: (datagram: Buffer, index: number) => boolean) {
    this.#inlet = inlet
    this.#toPort = toPort
    this.#loses = loses
    inlet.on('message', (datagram, { port }) => void this.#pass(datagram, port))
  }

  /** `loses` is asked for each datagram, with how many came before it. */
  static async open(toPort: number, loses: (datagram: Buffer, index: number) => boolean): Promise<Relay> {
    const inlet = createSocket('udp4')
    inlet.bind(0, '127.0.0.1')
    await once(inlet, 'listening')
    inlet.setRecvBufferSize(4 << 20)
    const relay = new Relay(inlet, toPort, loses)
    onTestFinished(() => relay.close())
    return relay
  }

  get port(): number {
    return this.#inlet.address().port
  }

  async close(): Promise<void> {
    this.#inlet.close()
    for (const outlet of await Promise.all(this.#outlets.values())) outlet.close()
  }

  async #pass(datagram: Buffer, from: number): Promise<void> {
    if (this.#loses(datagram, this.#count++)) {
      this.lost.push(datagram)
      return
    }
    let outlet = this.#outlets.get(from)
    if (outlet === undefined) {
      outlet = this.#open()
      this.#outlets.set(from, outlet)
    }
    const socket = await outlet
    socket.send(datagram)
  }

  async #open(): Promise<Socket> {
    const outlet = createSocket('udp4')
    outlet.connect(this.#toPort, '127.0.0.1')
    await once(outlet, 'connect')
    return outlet
  }
}
