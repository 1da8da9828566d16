import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import type {
  AddressFamily,
  Endpoint,
  Sent,
  SocketSettings,
  UdpPort,
  UdpSocket,
  UdpSocketOptions,
} from '../ports.ts'
import { closeQuietly } from './close-quietly.ts'
import { permitNet } from './permission.ts'

const IS_DENO = 'Deno' in globalThis
const IS_BUN = 'Bun' in globalThis

/** Sockets of `node:dgram` that both send and receive. */
export const udpSockets: UdpPort = {
  keepsOrder: !IS_DENO,
  open(options) {
    const { family, host, port, settings } = options
    return new Promise((resolve, reject) => {
      permitNet({ address: host, port })
      const socket = createSocket(creation(family, settings))
      const failed = (error: Error) => {
        closeQuietly(socket)
        reject(error)
      }
      socket.once('error', failed)
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off('error', failed)
        try {
          resolve(new BoundSocket(socket, options))
        } catch (error) {
          failed(error as Error)
        }
      })
    })
  },
}

/** Addresses are looked at by the client already: none is looked up for a datagram. */
function creation(family: AddressFamily, settings: SocketSettings): SocketOptions {
  const type = family === 6 ? 'udp6' : 'udp4'
  return {
    type,
    reuseAddr: settings.SO_REUSEADDR === true,
    ...(settings.SO_REUSEPORT === true ? { reusePort: true } : {}),
    ipv6Only: settings.IPV6_V6ONLY === true,
    lookup: (host, _options, done) => {
      if (host.includes(':') || /^[\d.]+$/.test(host)) done(null, host, family)
      else void lookUp(host, family, done)
    },
  } as SocketOptions
}

async function lookUp(
  host: string,
  family: AddressFamily,
  done: (error: Error | null, address: string, family: number) => void,
): Promise<void> {
  const { lookup } = await import('node:dns')
  lookup(host, { family }, done as never)
}

class BoundSocket implements UdpSocket {
  readonly #socket: Socket
  readonly #family: AddressFamily
  #isConnected = false
  /** Deno lets everything through. */
  #only: Endpoint | undefined

  constructor(socket: Socket, { family, settings, onDatagram, onError }: UdpSocketOptions) {
    this.#socket = socket
    this.#family = family
    this.set(settings)
    socket.on('error', ({ code = 'EIO' }: NodeJS.ErrnoException) => {
      if (this.#isConnected || code !== 'ECONNREFUSED') onError(code) // nobody has refused a socket without a peer
    })
    socket.on('message', (bytes, { address, port }) => {
      if (!this.#isStrange(address, port)) onDatagram(bytes, address, port)
    })
  }

  get local(): Endpoint {
    const { address, port } = this.#socket.address()
    return { address, port, family: this.#family }
  }

  send(bytes: Uint8Array, to: { host: string; port: number } | undefined, sent: Sent): void {
    if (!IS_BUN || to === undefined) this.#give(bytes, to, sent)
    else {
      // Bun tells a socket without a peer, too, that nobody took an earlier datagram, and does so instead of sending this one.
      this.#give(bytes, to, (error) => {
        if (error?.code !== 'ECONNREFUSED') sent(error)
        else this.#give(bytes, to, (again) => sent(again?.code === 'ECONNREFUSED' ? undefined : again))
      })
    }
  }

  #give(bytes: Uint8Array, to: { host: string; port: number } | undefined, sent: Sent): void {
    const done = sent as (error: Error | null) => void
    try {
      if (to === undefined) this.#socket.send(bytes, done)
      else this.#socket.send(bytes, to.port, to.host, done)
    } catch (error) {
      queueMicrotask(() => sent(error as NodeJS.ErrnoException))
    }
  }

  connect(peer: { host: string; port: number }): Promise<Endpoint> {
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      permitNet({ address: peer.host, port: peer.port })
      if (this.#isConnected) this.disconnect()
      socket.connect(peer.port, peer.host, (error?: Error) => {
        if (error) return reject(error)
        this.#isConnected = true
        const { address, port } = socket.remoteAddress()
        const peer: Endpoint = { address, port, family: this.#family }
        if (IS_DENO) this.#only = peer
        resolve(peer)
      })
    })
  }

  disconnect(): void {
    this.#socket.disconnect()
    this.#isConnected = false
    this.#only = undefined
  }

  #isStrange(address: string, port: number): boolean {
    return this.#only !== undefined && (this.#only.address !== address || this.#only.port !== port)
  }

  set(settings: SocketSettings): void {
    const socket = this.#socket
    for (const [name, value] of Object.entries(settings)) setters[name]?.(socket, value as never)
  }

  close(): void {
    closeQuietly(this.#socket)
  }
}

interface Membership {
  readonly group: string
  readonly interface?: string
  readonly source?: string
}

/** Those that are not here are for when the socket is made. */
const setters: Readonly<Record<string, (socket: Socket, value: never) => void>> = {
  SO_RCVBUF: (socket, bytes: number) => {
    if (!IS_DENO) socket.setRecvBufferSize(bytes) // Deno keeps the number and tells nobody
  },
  SO_SNDBUF: (socket, bytes: number) => {
    if (!IS_DENO) socket.setSendBufferSize(bytes)
  },
  SO_BROADCAST: (socket, on: boolean) => socket.setBroadcast(on),
  IP_TTL: (socket, hops: number) => void socket.setTTL(hops),
  IP_MULTICAST_TTL: (socket, hops: number) => void socket.setMulticastTTL(hops),
  IP_MULTICAST_LOOP: (socket, on: boolean) => void socket.setMulticastLoopback(on),
  IP_MULTICAST_IF: (socket, address: string) => socket.setMulticastInterface(address),
  IP_ADD_MEMBERSHIP: (socket, { group, interface: on, source }: Membership) =>
    source === undefined
      ? socket.addMembership(group, on)
      : socket.addSourceSpecificMembership(source, group, on),
  IP_DROP_MEMBERSHIP: (socket, { group, interface: on, source }: Membership) =>
    source === undefined
      ? socket.dropMembership(group, on)
      : socket.dropSourceSpecificMembership(source, group, on),
}
