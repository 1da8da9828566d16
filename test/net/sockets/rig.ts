// A server, a client on this thread, and raw peers: put away in the end, whatever happened.
import { createSocket, type Socket as DgramSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket as NetSocket, type Server } from 'node:net'
import { type Socket, SocketClient, SocketServer, type SocketServerOptions } from 'spillway/sockets'
import { within } from '../../support/harness.ts'
import { Inbox, spawnThread, type Thread } from '../../support/threads.ts'

export const isDeno = 'Deno' in globalThis
export const isBun = 'Bun' in globalThis

export type Mode = 'sync' | 'async'
export const modes: readonly Mode[] = ['sync', 'async']

const originals = new WeakMap<Socket, Socket>()

/** The socket itself: `poll` takes no other. */
export function itself(socket: Socket): Socket {
  return originals.get(socket) ?? socket
}

/** The socket with its promise calls, which block behind the scenes in mode `sync`: one text tests both. */
export function via(mode: Mode, socket: Socket): Socket {
  if (mode === 'async') return socket
  const proxy = new Proxy(socket, {
    get(target, name) {
      const owner = target as unknown as Record<PropertyKey, unknown>
      const blocking = owner[`${String(name)}Sync`]
      if (typeof blocking === 'function') return async (...args: unknown[]) => blocking.apply(target, args)
      const value = owner[name]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  originals.set(proxy, socket)
  return proxy
}

export class Rig {
  readonly server: SocketServer
  readonly client: SocketClient
  readonly #ends: (() => unknown)[] = []

  private constructor(server: SocketServer, client: SocketClient) {
    this.server = server
    this.client = client
  }

  static async run(use: (rig: Rig) => Promise<void>, options: SocketServerOptions = {}): Promise<void> {
    const server = await SocketServer.start(options)
    const rig = new Rig(server, SocketClient.init(server.handle))
    try {
      await use(rig)
    } finally {
      rig.client.close()
      await within(server.stop(), 'the server stops')
      for (const end of rig.#ends) await end()
    }
  }

  onEnd(end: () => unknown): void {
    this.#ends.push(end)
  }

  /** A thread that runs a function of thread-entry.ts. */
  thread(name: string, data: object = {}): Thread {
    const thread = spawnThread(name, { handle: this.server.handle, ...data })
    this.#ends.push(() => thread.terminate())
    return thread
  }

  async udpPeer(host = '127.0.0.1'): Promise<UdpPeer> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.bind(0, host)
    await within(once(socket, 'listening'), 'the peer is bound')
    const peer = new UdpPeer(socket)
    this.#ends.push(() => peer.close())
    return peer
  }

  async tcpPeer(onConnection: (socket: NetSocket) => void = () => {}, host = '127.0.0.1'): Promise<TcpPeer> {
    const server = createServer({ allowHalfOpen: true })
    const peer = new TcpPeer(server, onConnection)
    server.listen(0, host)
    await within(once(server, 'listening'), 'the peer listens')
    this.#ends.push(() => peer.close())
    return peer
  }

  /** A raw connection to a port of ours. */
  async rawConnection(port: number, host = '127.0.0.1'): Promise<NetSocket> {
    const socket = connect({ port, host, allowHalfOpen: true })
    socket.on('error', () => {})
    this.#ends.push(() => socket.destroy())
    await within(once(socket, 'connect'), 'the raw connection')
    return socket
  }
}

export interface Arrived {
  readonly text: string
  readonly bytes: Uint8Array
  readonly port: number
}

/** A raw UDP socket, and what came to it. */
export class UdpPeer {
  readonly host: string
  readonly port: number
  readonly #socket: DgramSocket
  readonly #inbox = new Inbox()
  #isClosed = false

  constructor(socket: DgramSocket) {
    this.#socket = socket
    const { address, port } = socket.address()
    this.host = address
    this.port = port
    socket.on('error', () => {})
    socket.on('message', (bytes, from) =>
      this.#inbox.put({ text: bytes.toString(), bytes: Uint8Array.from(bytes), port: from.port }),
    )
  }

  next(): Promise<Arrived> {
    return within(this.#inbox.take() as Promise<Arrived>, 'a datagram at the peer')
  }

  /** Bun tells a socket without a peer, too, that nobody took what it sent before: then it has not sent this. */
  async send(data: Uint8Array | string, port: number, host = this.host): Promise<void> {
    const code = await this.#trySend(data, port, host)
    if (code === 'ECONNREFUSED') await this.#trySend(data, port, host)
    else if (code !== undefined) throw new Error(`the peer cannot send: ${code}`)
  }

  #trySend(data: Uint8Array | string, port: number, host: string): Promise<string | undefined> {
    return new Promise((resolve) =>
      this.#socket.send(data, port, host, (error) => resolve((error as { code?: string } | null)?.code)),
    )
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#isClosed = true
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}

/** A raw TCP server, and its connections in their order. */
export class TcpPeer {
  readonly port: number = 0
  readonly #server: Server
  readonly #inbox = new Inbox()
  readonly #sockets = new Set<NetSocket>()

  constructor(server: Server, onConnection: (socket: NetSocket) => void) {
    this.#server = server
    server.on('listening', () => {
      ;(this as { port: number }).port = (server.address() as { port: number }).port
    })
    server.on('connection', (socket) => {
      socket.on('error', () => {})
      this.#sockets.add(socket)
      onConnection(socket)
      this.#inbox.put(socket)
    })
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port }
  }

  connection(): Promise<NetSocket> {
    return within(this.#inbox.take() as Promise<NetSocket>, 'a connection at the peer')
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

/** All that a raw connection gets until its end. */
export async function allOf(socket: NetSocket): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  socket.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  await within(once(socket, 'end'), 'the end of the connection', 20_000)
  return new Uint8Array(Buffer.concat(chunks))
}

/** Why a raw connection ended: the code of its error, or `end`, or `close`. */
export function endOf(socket: NetSocket): Promise<string> {
  const end = new Promise<string>((resolve) => {
    socket.once('error', (error) => resolve((error as { code?: string }).code ?? 'error'))
    socket.once('end', () => resolve('end'))
    socket.once('close', () => resolve('close'))
    socket.resume()
  })
  return within(end, 'the end of the connection')
}

/** A port that nobody has, or had a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A TCP connection of the client to itself: both ends, and the listener. */
export async function pair(client: SocketClient): Promise<{ near: Socket; far: Socket; listener: Socket }> {
  const listener = client.socket('tcp4')
  await listener.bind({ host: '127.0.0.1' })
  await listener.listen()
  const near = client.socket('tcp4')
  await near.connect({ host: '127.0.0.1', port: listener.getSockName().port })
  return { near, far: await within(listener.accept(), 'the accepted connection'), listener }
}
