import type { DatagramPort, DatagramSocket, DatagramSocketOptions, Endpoint, Ports } from '../../ports.ts'
import { Daemon } from './daemon.ts'
import type { DialOptions } from './dial.ts'
import { GudpStream } from './gudp-stream.ts'
import type { ExporterGudpSettings } from './transport-options.ts'

/** Sockets of which each is a stream over gudp: `sent` is called when the collector has what was sent. */
export class GudpDatagrams implements DatagramPort {
  readonly keepsOrder = true
  readonly #ports: Ports
  readonly #settings: ExporterGudpSettings
  readonly #daemon: Daemon

  constructor(ports: Ports, settings: ExporterGudpSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#daemon = new Daemon({ ports, maxDatagramBytes: settings.packetBytes })
  }

  permit(peer: Endpoint): void {
    this.#ports.datagrams.permit?.(peer)
  }

  /** Resolves when the collector has accepted the connection. */
  async connect(options: DatagramSocketOptions): Promise<DatagramSocket> {
    const { clock, security } = this.#ports
    const dial = this.#dialOf(options.peer)
    const session = await this.#daemon.connect(dial)
    return new GudpStream({
      daemon: this.#daemon,
      clock,
      name: hexOf(security.randomBytes(8)),
      dial,
      session,
      settings: this.#settings,
      events: options,
    })
  }

  /** What streams that are closed still have to send goes out, for half a second at most. */
  close(): Promise<void> {
    return this.#daemon.stop()
  }

  #dialOf({ address, port, family }: Endpoint): DialOptions {
    const { connection, secure, timeoutMs } = this.#settings
    return { ...connection, secure, host: address, port, family, connectTimeoutMs: timeoutMs }
  }
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
