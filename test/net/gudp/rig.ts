// Two daemons, a listener between them, threads, and peers in processes of their own: put away in the end, whatever happened.
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket as DgramSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  type GudpConnection,
  type GudpConnectOptions,
  GudpDaemon,
  type GudpDaemonOptions,
  type GudpListener,
  type GudpListenOptions,
  IoThread,
  type MessageChannel,
} from 'spillway/gudp'
import { equal, fail, within } from '../../support/harness.ts'
import { LossyRelay, type LossyRelayOptions } from '../../support/lossy-relay.ts'
import { Inbox, spawnThread, type Thread } from '../../support/threads.ts'

export const isDeno = 'Deno' in globalThis
/** Deno does not connect UDP sockets: the kernel does not say that nobody is there, nor which of its addresses it sends from. */
export const NOBODY = isDeno ? 'ETIMEDOUT' : 'ECONNREFUSED'

export type Mode = 'sync' | 'async'
export const modes: readonly Mode[] = ['sync', 'async']
export const host = '127.0.0.1'

export type Both = Omit<GudpConnectOptions, 'host' | 'port'>
type Listen = Partial<Omit<GudpListenOptions, 'onConnection'>>

let peerProgram: URL | undefined

/** `entry` is the bundled peer.ts. */
export function usePeerProgram(entry: URL): void {
  peerProgram = entry
}

/** A listener, and its connections in their order. */
export class Inlet {
  readonly listener: GudpListener
  readonly #inbox: Inbox

  private constructor(listener: GudpListener, inbox: Inbox) {
    this.listener = listener
    this.#inbox = inbox
  }

  static async open(daemon: GudpDaemon, options: Listen = {}): Promise<Inlet> {
    const inbox = new Inbox()
    const listener = await daemon.listen({
      port: 0,
      ...options,
      onConnection: (connection) => inbox.put(connection),
    })
    return new Inlet(listener, inbox)
  }

  get port(): number {
    return this.listener.address().port
  }

  next(): Promise<GudpConnection> {
    return within(this.#inbox.take() as Promise<GudpConnection>, 'a connection that comes in')
  }
}

export interface Pair {
  readonly near: GudpConnection
  readonly far: GudpConnection
}

export class GudpRig {
  readonly server: GudpDaemon
  readonly client: GudpDaemon
  readonly #ends: (() => unknown)[] = []

  private constructor(server: GudpDaemon, client: GudpDaemon) {
    this.server = server
    this.client = client
  }

  static async run(use: (rig: GudpRig) => Promise<void>, options: GudpDaemonOptions = {}): Promise<void> {
    const rig = new GudpRig(await GudpDaemon.start(options), await GudpDaemon.start(options))
    try {
      await use(rig)
    } finally {
      for (const end of rig.#ends.reverse()) await end()
      await within(Promise.all([rig.client.stop(), rig.server.stop()]), 'the daemons stop')
    }
  }

  onEnd(end: () => unknown): void {
    this.#ends.push(end)
  }

  inlet(options: Listen = {}): Promise<Inlet> {
    return Inlet.open(this.server, options)
  }

  connect(port: number, options: Both = {}): Promise<GudpConnection> {
    return this.client.connect({ host, port, ...options })
  }

  /** Both ends of one connection. */
  async pair(options: Both = {}, listen: Listen = {}): Promise<Pair> {
    const inlet = await this.inlet({ ...options, ...listen } as Listen)
    const near = await this.connect(inlet.port, options)
    const far = await inlet.next()
    inlet.listener.close()
    return { near, far }
  }

  /** A daemon on an I/O thread of its own. */
  async daemonApart(options: GudpDaemonOptions = {}): Promise<{ daemon: GudpDaemon; ioThread: IoThread }> {
    const ioThread = IoThread.start()
    const daemon = await GudpDaemon.start({ ...options, ioThread })
    this.onEnd(async () => {
      await daemon.stop()
      await ioThread.stop()
    })
    return { daemon, ioThread }
  }

  /** A thread that runs a function of thread-entry.ts. */
  thread(name: string, data: object = {}): Thread {
    const thread = spawnThread(name, data)
    this.#ends.push(() => thread.terminate())
    return thread
  }

  /** A process that listens and sends everything back. */
  async peer(options: Listen = {}): Promise<Peer> {
    const peer = new Peer(options)
    this.#ends.push(() => peer.kill())
    await peer.listening()
    return peer
  }

  async relay(options: LossyRelayOptions): Promise<LossyRelay> {
    const relay = await LossyRelay.open(options)
    this.#ends.push(() => relay.close())
    return relay
  }

  /** A socket that takes everything and says nothing. */
  async mute(): Promise<number> {
    const socket = createSocket('udp4')
    this.#ends.push(() => closed(socket))
    return bound(socket)
  }
}

/** A program in a process of its own: see peer.ts. */
export class Peer {
  port = 0
  readonly #child: ChildProcess
  readonly #said = new Inbox()
  readonly #exited: Promise<unknown>

  constructor(options: Listen) {
    const args = isDeno ? ['run', '--allow-all', '--no-lock'] : []
    this.#child = spawn(process.execPath, [...args, fileURLToPath(peerProgram!), JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.#exited = once(this.#child, 'exit')
    this.#child.stdin!.on('error', () => {})
    createInterface(this.#child.stdout!).on('line', (line) => this.#said.put(JSON.parse(line)))
  }

  async listening(): Promise<void> {
    const { port } = await this.next<{ port: number }>()
    this.port = port
  }

  next<Said>(): Promise<Said> {
    return within(this.#said.take() as Promise<Said>, 'the peer says something')
  }

  tell(command: 'stop' | 'stats'): void {
    this.#child.stdin!.write(`${command}\n`)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}

// ---- ports ---------------------------------------------------------------------------------------------

async function bound(socket: DgramSocket): Promise<number> {
  socket.bind(0, host)
  await once(socket, 'listening')
  return socket.address().port
}

function closed(socket: DgramSocket): Promise<void> {
  return new Promise((resolve) => void socket.close(() => resolve()))
}

/** One that nobody has, or had a moment ago. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  const port = await bound(socket)
  await closed(socket)
  return port
}

// ---- content -------------------------------------------------------------------------------------------

/** Tells by its content which one it is. */
export function content(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = number * 31 + (number >> 5) + i * 7 + (i >> 8)
  return bytes
}

export function isContent(bytes: Uint8Array | undefined, number: number, length: number, what: string): void {
  if (bytes === undefined) fail(`${what} ${number}: nothing came`)
  equal(bytes.length, length, `the length of ${what} ${number}`)
  if (Buffer.compare(bytes, content(number, length)) !== 0) fail(`${what} ${number} has other bytes`)
}

// ---- both ways of calling ------------------------------------------------------------------------------

type Ends = Pick<MessageChannel, 'recv' | 'recvSync' | 'sendWhenRoom' | 'sendSync'>

export async function receive(mode: Mode, from: Ends, timeoutMs = 10_000): Promise<Uint8Array | undefined> {
  return mode === 'sync' ? from.recvSync({ timeoutMs }) : from.recv({ timeoutMs })
}

export async function transmit(
  mode: Mode,
  to: Ends,
  bytes: Uint8Array | string,
  timeoutMs = 10_000,
): Promise<boolean> {
  return mode === 'sync' ? to.sendSync(bytes, { timeoutMs }) : to.sendWhenRoom(bytes, { timeoutMs })
}

/** Until it takes no more. */
export function fill(channel: { send(bytes: Uint8Array): boolean }, bytes: Uint8Array): number {
  let sent = 0
  while (channel.send(bytes)) if (++sent > 100_000) fail('it is never full')
  return sent
}

/** All that comes until the end of the connection. */
export async function all(from: { recv(): Promise<Uint8Array | undefined> }): Promise<Uint8Array[]> {
  const received: Uint8Array[] = []
  for (let one = await from.recv(); one !== undefined; one = await from.recv()) received.push(one)
  return received
}

export function stateIs(connection: GudpConnection, state: string, what = 'the state'): void {
  equal(connection.status.state as string, state, what)
}
