import { useGudpModule } from '../../core/gudp-core.ts'
import type { Endpoint, Ports } from '../../ports.ts'
import { Daemon } from './daemon.ts'
import { guardedUdp } from './guarded-udp.ts'
import type { GudpListener } from './listener.ts'
import { ReceivingStreams } from './receiving-streams.ts'
import type { CollectorGudpSettings } from './transport-options.ts'

export interface CollectorGudp extends CollectorGudpSettings {
  /** As the opener has compiled it. */
  readonly module: WebAssembly.Module
}

export interface GudpReceivingOptions {
  readonly ports: Ports
  readonly gudp: CollectorGudp
  readonly local: Endpoint
  readonly recvBufferBytes: number
  /** Streams that are remembered. */
  readonly most: number
  /** Of each datagram on the wire, before anything looks at it. */
  admits(address: string, port: number): boolean
  /** `bytes` are lines; they are good only during the call. */
  take(bytes: Uint8Array, address: string, port: number): void
  onCounts(counts: GudpReceivingStats): void
}

/** How the connections of exporters fare. */
export interface GudpReceivingStats {
  /** Connections that there are, and that there were. */
  readonly sessions: number
  readonly opened: number
  /** Exporters that went on over another connection; and such as had begun with another collector. */
  readonly resumed: number
  readonly unknown: number
  /** Handshakes that were refused: no room, another secret, another version. */
  readonly refused: number
  /** Datagrams that are none of gudp; of no connection that there is; and such as were forged, or had come before. */
  readonly malformed: number
  readonly strange: number
  readonly unopened: number
}

/** A collector's port for gudp: whoever connects to it sends lines. */
export class GudpReceiving {
  readonly #options: GudpReceivingOptions
  readonly #daemon: Daemon
  readonly #streams: ReceivingStreams
  #listener: GudpListener | undefined

  private constructor(options: GudpReceivingOptions) {
    const { ports, gudp, most } = options
    useGudpModule(gudp.module)
    this.#options = options
    const udp = guardedUdp(ports.udp, {
      admits: (address, port) => options.admits(address, port),
      onDone: () => this.#count(),
    })
    const daemon = new Daemon({ ports: { ...ports, udp } })
    this.#daemon = daemon
    this.#streams = new ReceivingStreams({
      daemon,
      clock: ports.clock,
      most,
      take: (bytes, address, port) => options.take(bytes, address, port),
    })
  }

  /** Resolves when it is bound. */
  static async open(options: GudpReceivingOptions): Promise<GudpReceiving> {
    const receiving = new GudpReceiving(options)
    try {
      await receiving.#listen()
    } catch (error) {
      await receiving.close()
      throw error
    }
    return receiving
  }

  get address(): Endpoint {
    return this.#listener!.address
  }

  /** What has come is taken; exporters are told that it closes, for half a second or so at most. */
  async close(): Promise<void> {
    await this.#daemon.stop()
    this.#count()
  }

  async #listen(): Promise<void> {
    const { gudp, local, recvBufferBytes } = this.#options
    this.#listener = await this.#daemon.listen({
      ...gudp.connection,
      secure: gudp.secure,
      maxConnections: gudp.maxConnections,
      host: local.address,
      port: local.port,
      socketBufferBytes: recvBufferBytes,
      onSession: (session) => this.#streams.accept(session),
    })
  }

  #count(): void {
    const { malformed, strange, unopened, opened } = this.#daemon.counts
    const handshakes = this.#listener?.handshakes
    this.#options.onCounts({
      sessions: this.#daemon.size,
      opened,
      resumed: this.#streams.resumed,
      unknown: this.#streams.unknown,
      refused: handshakes?.refused ?? 0,
      malformed: malformed + (handshakes?.malformed ?? 0),
      strange,
      unopened,
    })
  }
}
