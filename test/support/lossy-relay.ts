import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { clock } from '../../src/node/clock.ts'
import { Link, type LinkOptions } from '../../src/sim/network/link.ts'
import { seeded } from '../../src/sim/network/random.ts'

export interface LossyRelayOptions {
  /** The server's port on this machine. */
  toPort: number
  seed: number
  /** From the clients. */
  there?: LinkOptions
  /** From the server. */
  back?: LinkOptions
  /** Clients that may come; datagrams of more are dropped. Default 1024. */
  maxClients?: number
}

/**
 * The simulated links between real sockets on loopback: clients send to `port`, and to the server each of them is a socket of its own. All
 * share the two links. What becomes of the n-th datagram follows from the seed; when it comes, from the machine.
 */
export class LossyRelay {
  readonly there: Link
  readonly back: Link
  /** What no socket took, by code: kernels are no part of the simulation. */
  readonly errors = new Map<string, number>()
  readonly #inlet: Socket
  readonly #toPort: number
  readonly #maxClients: number
  /** By the client's port. */
  #outlets = new Map<number, Promise<Socket>>()
  #isClosed = false

  private constructor(
    inlet: Socket,
    { toPort, seed, there = {}, back = {}, maxClients = 1024 }: LossyRelayOptions,
  ) {
    const random = seeded(seed)
    this.there = new Link(clock, random.fork('there'), there)
    this.back = new Link(clock, random.fork('back'), back)
    this.#toPort = toPort
    this.#maxClients = maxClients
    this.#inlet = inlet
    inlet.on('message', (bytes, { port }) => this.#onClient(new Uint8Array(bytes), port))
    inlet.on('error', (error) => this.#failed(error))
  }

  static async open(options: LossyRelayOptions): Promise<LossyRelay> {
    const inlet = createSocket('udp4')
    inlet.bind(0, '127.0.0.1')
    await once(inlet, 'listening')
    enlarge(inlet)
    return new LossyRelay(inlet, options)
  }

  get port(): number {
    return this.#inlet.address().port
  }

  get clients(): number {
    return this.#outlets.size
  }

  /** As a NAT that forgets: to the server each client comes from another port from now on. */
  async rebind(): Promise<void> {
    const former = [...this.#outlets.values()]
    this.#outlets = new Map()
    for (const outlet of await Promise.allSettled(former))
      if (outlet.status === 'fulfilled') outlet.value.close()
  }

  /** What is in flight is lost. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.there.close()
    this.back.close()
    await this.rebind()
    this.#inlet.close()
  }

  #onClient(bytes: Uint8Array, port: number): void {
    if (this.#isClosed || (!this.#outlets.has(port) && this.#outlets.size >= this.#maxClients)) return
    this.#outletOf(port).catch((error) => this.#failed(error))
    this.there.pass(bytes.length, () => void this.#send(bytes, port))
  }

  /** Asked for again when a datagram arrives: the one that it was sent to may have been forgotten meanwhile. */
  #outletOf(client: number): Promise<Socket> {
    let outlet = this.#outlets.get(client)
    if (outlet === undefined) {
      outlet = this.#open(client)
      this.#outlets.set(client, outlet)
    }
    return outlet
  }

  async #send(bytes: Uint8Array, client: number): Promise<void> {
    try {
      const socket = await this.#outletOf(client)
      socket.send(bytes, (error) => error && this.#failed(error))
    } catch (error) {
      this.#failed(error as Error)
    }
  }

  async #open(client: number): Promise<Socket> {
    const outlet = createSocket('udp4')
    outlet.on('error', (error) => this.#failed(error))
    outlet.on('message', (bytes) => this.#onServer(new Uint8Array(bytes), client))
    outlet.connect(this.#toPort, '127.0.0.1')
    await once(outlet, 'connect')
    enlarge(outlet)
    return outlet
  }

  #onServer(bytes: Uint8Array, client: number): void {
    if (this.#isClosed) return
    this.back.pass(bytes.length, () => {
      this.#inlet.send(bytes, client, '127.0.0.1', (error) => error && this.#failed(error))
    })
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#isClosed) return
    const code = error.code ?? String(error)
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }
}

/** The kernel is not to lose anything beside the links. */
function enlarge(socket: Socket): void {
  try {
    socket.setRecvBufferSize(4 << 20)
  } catch {
    // as the system has it
  }
}
