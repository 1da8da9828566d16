import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'
import process from 'node:process'
import type {
  AddressFamily,
  Endpoint,
  Sent,
  SocketSettings,
  StreamHandlers,
  StreamListener,
  StreamPort,
  StreamSocket,
} from '../ports.ts'
import { permitNet } from './permission.ts'

/**
 * Node reads into memory that it is given, without a copy, where it makes the connection itself. Not on Windows: there a read is under
 * way while nobody looks, and would write to memory that has been given back.
 */
const READS_INTO = !('Deno' in globalThis) && !('Bun' in globalThis) && process.platform !== 'win32'

/** Connections of `node:net`. */
export const streamSockets: StreamPort = {
  connect(options) {
    const { family, host, port, local, signal, into } = options
    return new Promise((resolve, reject) => {
      permitNet({ address: host, port })
      let connection: Connection | undefined
      const onread = {
        buffer: () => into.room(),
        callback: (bytes: number) => {
          const goesOn = into.took(bytes)
          if (!goesOn) queueMicrotask(() => connection?.full()) // once it is paused, it may go on again
          return goesOn
        },
      }
      const socket = connect({
        host,
        port,
        family,
        allowHalfOpen: true,
        ...(READS_INTO ? { onread } : {}),
        ...(local === undefined ? {} : { localAddress: local.host, localPort: local.port }),
      } as NetConnectOpts)
      socket.pause()
      const stop = () => socket.destroy(Object.assign(new Error('given up'), { code: 'ECANCELED' }))
      const failed = (error: Error) => {
        signal.removeEventListener('abort', stop)
        socket.destroy()
        reject(error)
      }
      signal.addEventListener('abort', stop)
      socket.once('error', failed)
      socket.once('connect', () => {
        signal.removeEventListener('abort', stop)
        socket.off('error', failed)
        connection = new Connection(socket, family)
        connection.set(options.settings)
        resolve(connection)
      })
    })
  },

  listen(options) {
    const { family, host, port, backlog, settings } = options
    return new Promise((resolve, reject) => {
      permitNet({ address: host, port })
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
        options.onConnection(new Connection(socket, family)),
      )
      server.once('error', reject)
      const ipv6Only = settings.IPV6_V6ONLY === true
      const reusePort = settings.SO_REUSEPORT === true ? { reusePort: true } : {}
      server.listen({ host, port, backlog, exclusive: true, ipv6Only, ...reusePort }, () => {
        server.off('error', reject)
        server.on('error', (error: NodeJS.ErrnoException) => options.onError(error.code ?? 'EIO'))
        resolve(new Listener(server, family))
      })
    })
  },
}

class Listener implements StreamListener {
  readonly local: Endpoint
  readonly #server: Server

  constructor(server: Server, family: AddressFamily) {
    this.#server = server
    const { address, port } = server.address() as { address: string; port: number }
    this.local = { address, port, family }
  }

  close(): void {
    this.#server.close()
  }
}

class Connection implements StreamSocket {
  readonly local: Endpoint
  readonly peer: Endpoint
  readonly #socket: Socket
  #keepIdleMs = 7_200_000
  #handlers: StreamHandlers | undefined

  constructor(socket: Socket, family: AddressFamily) {
    this.#socket = socket
    this.local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0, family }
    this.peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0, family }
    socket.on('data', (bytes: Uint8Array) => this.#handlers?.onBytes(bytes))
    socket.on('end', () => this.#handlers?.onEnd())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#handlers?.onError(error.code ?? 'EIO'))
    socket.on('close', () => this.#handlers?.onClose())
    socket.pause() // a listener of 'data' would have set it going
  }

  handle(handlers: StreamHandlers): void {
    this.#handlers = handlers
    if (this.#socket.destroyed) queueMicrotask(() => handlers.onClose())
  }

  write(bytes: Uint8Array, written: Sent): void {
    this.#socket.write(bytes, written as (error?: Error | null) => void)
  }

  end(): void {
    this.#socket.end()
  }

  endAndClose(): void {
    this.#socket.destroySoon()
  }

  full(): void {
    this.#handlers?.onFull()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  set(settings: SocketSettings): void {
    const socket = this.#socket
    const { TCP_NODELAY, TCP_KEEPIDLE, SO_KEEPALIVE } = settings
    if (TCP_NODELAY !== undefined) socket.setNoDelay(TCP_NODELAY === true)
    if (typeof TCP_KEEPIDLE === 'number') this.#keepIdleMs = TCP_KEEPIDLE * 1000
    if (SO_KEEPALIVE !== undefined) socket.setKeepAlive(SO_KEEPALIVE === true, this.#keepIdleMs)
  }

  reset(): void {
    try {
      this.#socket.resetAndDestroy()
    } catch {
      this.#socket.destroy() // this runtime cannot reset
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
