/**
 * `spillway/gudp`: virtual connections over UDP, with acknowledgements, congestion control, and reliable and unreliable messages. docs/gudp.md.
 *
 * @module
 */
// First: before it is there nobody knows which thread this is.
import './thread-host.ts'
import { checkInteger, invalid } from '../core/check.ts'
import { type ErrorCode, SpillwayError } from '../core/errors.ts'
import { type GudpHub, gudpCoreOf, gudpModule } from '../core/gudp-core.ts'
import { Hub } from '../core/hub.ts'
import { GudpConnection } from '../net/gudp/connection.ts'
import { type ConnectionName, connectionHandle } from '../net/gudp/connection-handle.ts'
import type { DaemonCounts } from '../net/gudp/daemon-counts.ts'
import type { DialOptions } from '../net/gudp/dial.ts'
import type { FromGudpService, GudpServiceOptions, ToGudpService } from '../net/gudp/gudp-service.ts'
import type { ListenOptions } from '../net/gudp/listener.ts'
import type { ServiceHost, ServiceLink } from '../net/io-service.ts'
import type { Endpoint } from '../ports.ts'
import { type DrainWait, drainAtExit } from './exit.ts'
import { sharedIoThread } from './io-thread.ts'
import { type Log, type Logger, makeLog } from './logging.ts'

export { type ErrorCode, SpillwayError } from '../core/errors.ts'
export type { Strategy } from '../core/packet-machine.ts'
export type { ChannelKind } from '../net/gudp/channels.ts'
export { GudpConnection, type GudpMessages, type GudpStatus } from '../net/gudp/connection.ts'
export type { GudpConnectionHandle } from '../net/gudp/connection-handle.ts'
export type { ConnectionOptions } from '../net/gudp/connection-options.ts'
export type { GudpConnectionStats } from '../net/gudp/connection-stats.ts'
export type {
  MessageChannel,
  RecvOptions,
  RecvSyncOptions,
  SendOptions,
  SendSyncOptions,
} from '../net/gudp/message-channel.ts'
export type { Key, SecureOptions } from '../net/gudp/secure-options.ts'
export type { HandshakeLimits } from '../net/gudp/server-handshake.ts'
export { IoThread, type IoThreadOptions } from './io-thread.ts'
export { generateKeyPair } from './security.ts'

/** How much a daemon may hold, and where it runs. */
export interface GudpDaemonOptions {
  /** All connections together. Default 1024, at most 32768. */
  maxConnections?: number
  /** The longest datagram of any connection. Default 1472. */
  maxDatagramBytes?: number
  logger?: Logger
  /** Where it runs. Default: the thread's own I/O thread, which its exporters and collectors share. */
  ioThread?: ServiceHost
}

/** Where to listen, and who is told of connections. */
export interface GudpListenOptions extends Omit<ListenOptions, 'onSession' | 'host'> {
  /** Default: loopback. */
  readonly host?: string
  /** Of each connection that comes in. It is the callee's to close. */
  onConnection(connection: GudpConnection): void
}

/** Whom to connect to, and how. */
export type GudpConnectOptions = DialOptions

/** A port at which connections come in. */
export interface GudpListener {
  address(): Endpoint
  /** No more connections come in; those that are there go on. */
  close(): void
}

/** Counts over all connections of a daemon. */
export interface GudpDaemonStats extends DaemonCounts {
  readonly connections: number
}

const DEFAULT_CONNECTIONS = 1024
const MOST_CONNECTIONS = 32_768
const DEFAULT_DATAGRAM_BYTES = 1472
const LONGEST_TIMER_MS = 2 ** 31 - 1
const DEFAULT_HOST = '127.0.0.1'

interface Waiting {
  resolve(message: FromGudpService): void
  reject(error: Error): void
}

/**
 * Runs all connections of a process, or of a part of it, on the I/O thread. While it listens, and while a call
 * waits, the process stays alive. */
export class GudpDaemon implements AsyncDisposable {
  readonly #hub: GudpHub
  readonly #log: Log
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Map<number, GudpListenOptions>()
  /** While it listens the process stays alive, as with any server. */
  #alive: ReturnType<typeof setInterval> | undefined
  #ids = 0
  #link: ServiceLink | undefined
  #forgetExit: (() => void) | undefined
  #stopped: Promise<void> | undefined

  private constructor(hub: GudpHub, log: Log) {
    this.#hub = hub
    this.#log = log
  }

  static async start(options: GudpDaemonOptions = {}): Promise<GudpDaemon> {
    const { maxConnections = DEFAULT_CONNECTIONS, maxDatagramBytes = DEFAULT_DATAGRAM_BYTES } = options
    checkInteger('maxConnections', maxConnections, 1, MOST_CONNECTIONS)
    checkInteger('maxDatagramBytes', maxDatagramBytes, 256, 65_000)
    const hub = Hub.create(gudpCoreOf, (maxConnections + 63) & ~63)
    const daemon = new GudpDaemon(hub, makeLog(options.logger))
    try {
      await daemon.#open(options.ioThread ?? sharedIoThread(), maxConnections, maxDatagramBytes)
    } catch (error) {
      hub.leave()
      throw error
    }
    return daemon
  }

  /** Takes connections at a port. Resolves when it is bound. */
  async listen(options: GudpListenOptions): Promise<GudpListener> {
    checkOptions('listen', options)
    const { onConnection, host = DEFAULT_HOST, ...rest } = options
    if (typeof onConnection !== 'function') {
      throw invalid('listen needs an onConnection function')
    }
    const id = ++this.#ids
    this.#listeners.set(id, options)
    try {
      const answer = await this.#ask(id, { kind: 'listen', id, options: { ...rest, host } })
      const { address } = answer as Extract<FromGudpService, { kind: 'listening' }>
      this.#alive ??= setInterval(() => {}, LONGEST_TIMER_MS)
      return { address: () => address, close: () => this.#unlisten(id) }
    } catch (error) {
      this.#listeners.delete(id)
      throw error
    }
  }

  /** Rejects with `ECONNREFUSED`, `ETIMEDOUT`, `EACCES` and the like, and says what to do. */
  async connect(options: GudpConnectOptions): Promise<GudpConnection> {
    checkOptions('connect', options)
    const id = ++this.#ids
    const answer = await this.#ask(id, { kind: 'connect', id, options })
    const { key, name } = answer as Extract<FromGudpService, { kind: 'connected' }>
    const connection = this.#join(key, name)
    if (connection === undefined) throw stopped()
    return connection
  }

  async stats(): Promise<GudpDaemonStats> {
    const id = ++this.#ids
    const answer = await this.#ask(id, { kind: 'stats', id })
    const { counts, connections } = answer as Extract<FromGudpService, { kind: 'stats' }>
    return { ...counts, connections }
  }

  /** Closes all connections: what was sent goes out, for half a second at most. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #open(host: ServiceHost, places: number, maxDatagramBytes: number): Promise<void> {
    const options: GudpServiceOptions = {
      hub: this.#hub.handle,
      places,
      maxDatagramBytes,
      module: gudpModule(),
    }
    this.#link = await host.open('gudp', options, {
      onMessage: (message) => this.#receive(message as FromGudpService),
      onDebug: this.#log.listens ? (text) => this.#log.debug(text) : undefined,
      onLost: (error) => this.#lost(error),
    })
    this.#forgetExit = drainAtExit({ startDrain: (isLast) => this.#startDrain(isLast) })
  }

  /** The process ends: what was sent goes out first. */
  #startDrain(isLast: boolean): DrainWait {
    if (!isLast) return () => true
    this.#hub.stop()
    return (deadlineMs) => this.#hub.waitForEnd(deadlineMs)
  }

  async #stop(): Promise<void> {
    this.#letGo()
    this.#hub.stop()
    await this.#link?.close()
    this.#forgetExit?.()
    this.#failAll(new SpillwayError('ECONNABORTED', 'the daemon was stopped'))
    this.#hub.leave()
  }

  #lost(error: Error): void {
    this.#letGo()
    this.#log.debug(`the gudp daemon is gone: ${error.message}`)
    this.#forgetExit?.()
    this.#hub.stop()
    this.#failAll(new SpillwayError('ERR_IO_THREAD', `the daemon is gone with its thread: ${error.message}`))
  }

  #letGo(): void {
    clearInterval(this.#alive)
    this.#alive = undefined
  }

  #failAll(error: SpillwayError): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  /** Sends, and waits for the answer; the process stays alive for it. */
  #ask(id: number, message: ToGudpService): Promise<FromGudpService> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined || this.#link === undefined) {
        return reject(stopped())
      }
      const alive = setInterval(() => {}, LONGEST_TIMER_MS)
      const done = (): void => {
        clearInterval(alive)
        this.#waiting.delete(id)
      }
      this.#waiting.set(id, {
        resolve: (answer) => {
          done()
          resolve(answer)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      try {
        this.#link.post(message)
      } catch (cause) {
        const why = `the options must be plain data, which the I/O thread can be sent (${(cause as Error).message})`
        this.#waiting.get(id)!.reject(invalid(why, { cause }))
      }
    })
  }

  #receive(message: FromGudpService): void {
    if (message.kind === 'connection') this.#cameIn(message.id, message.key, message.name)
    else if (message.kind === 'failed') {
      this.#waiting.get(message.id)?.reject(new SpillwayError(message.code as ErrorCode, message.message))
    } else this.#waiting.get(message.id)?.resolve(message)
  }

  #cameIn(listener: number, key: number, name: ConnectionName): void {
    const onConnection = this.#listeners.get(listener)?.onConnection
    if (onConnection === undefined) {
      this.#link!.post({ kind: 'joined', key } satisfies ToGudpService) // nobody wants it: it is closed
      return
    }
    const connection = this.#join(key, name)
    if (connection === undefined) return
    try {
      onConnection(connection)
    } catch (error) {
      this.#log.debug(`onConnection threw: ${(error as Error).stack}`)
      void connection.close()
      throw error
    }
  }

  /** `undefined`: it was made while the daemon was told to stop, and has gone with it. */
  #join(key: number, name: ConnectionName): GudpConnection | undefined {
    let connection: GudpConnection
    try {
      connection = GudpConnection.from(connectionHandle(this.#hub.handle.memory, name))
    } catch (error) {
      if ((error as SpillwayError).code === 'ERR_STALE_HANDLE' && this.#stopped !== undefined)
        return undefined
      throw error
    }
    this.#link!.post({ kind: 'joined', key } satisfies ToGudpService)
    return connection
  }

  #unlisten(id: number): void {
    if (!this.#listeners.delete(id)) return
    if (this.#listeners.size === 0) this.#letGo()
    if (this.#stopped !== undefined) return
    this.#link!.post({ kind: 'unlisten', id } satisfies ToGudpService)
  }
}

function stopped(): SpillwayError {
  return new SpillwayError('ERR_CLOSED', 'this daemon was stopped: start another')
}

function checkOptions(call: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw invalid(`${call} needs an object of options, with host and port`)
}
