/**
 * `spillway/sockets`: BSD sockets for worker threads, blocking if they like, over shared memory. docs/sockets.md.
 *
 * @module
 */
// First: before it is there nobody knows which thread this is.
import './thread-host.ts'
import { checkInteger } from '../core/check.ts'
import { makeSocketServerHandle, type SocketServerHandle } from '../core/handle.ts'
import { Hub } from '../core/hub.ts'
import { type SocketsHub, socketsCoreOf, socketsModule } from '../core/sockets-core.ts'
import type { ServiceHost, ServiceLink } from '../net/io-service.ts'
import type { SocketServiceOptions } from '../net/sockets/socket-service.ts'
import { type DrainWait, drainAtExit } from './exit.ts'
import { sharedIoThread } from './io-thread.ts'
import { type Log, type Logger, makeLog } from './logging.ts'

export { type ErrorCode, type PosixCode, SpillwayError } from '../core/errors.ts'
export type { SocketServerHandle } from '../core/handle.ts'
export type { SocketAddress } from '../net/sockets/address.ts'
export type { AsyncCallOptions, CallOptions } from '../net/sockets/calls.ts'
export { SocketClient } from '../net/sockets/client.ts'
export type { Received } from '../net/sockets/datagram-calls.ts'
export type { OptionName, SocketFacts, SocketOptions } from '../net/sockets/options.ts'
export type { Polled, PollResult } from '../net/sockets/poll.ts'
export type { Membership } from '../net/sockets/questions.ts'
export type { RecvOptions, Room } from '../net/sockets/receive-calls.ts'
export { type Data, type Message, type ShutdownHow, Socket } from '../net/sockets/socket.ts'
export type { SocketHandle, SocketKind } from '../net/sockets/socket-handle.ts'
export { IoThread, type IoThreadOptions } from './io-thread.ts'
export type { Logger } from './logging.ts'

/** How many sockets, how long they linger, and where they live. */
export interface SocketServerOptions {
  /** How many sockets all clients together may have. Default 16384, at most 32768. */
  maxSockets?: number
  /** How long a closed connection may take to deliver what was sent, before it is reset. Default 10 s. */
  lingerMs?: number
  /** Gets what is said for debugging. pino, console, or anything with such methods. */
  logger?: Logger
  /** Instead of the I/O thread that everything shares. */
  ioThread?: ServiceHost
}

const DEFAULT_SOCKETS = 16384
const MOST_SOCKETS = 32768
const DEFAULT_LINGER_MS = 10_000
const LONGEST_TIMER_MS = 0x7fffffff

/**
 * Owns the real sockets, on the I/O thread. Clients on any thread join it by `handle`. It keeps no process alive: a call that
 * waits does.
 */
export class SocketServer implements AsyncDisposable {
  readonly handle: SocketServerHandle
  readonly #hub: SocketsHub
  readonly #log: Log
  #link: ServiceLink | undefined
  #forgetExit: (() => void) | undefined
  #stopped: Promise<void> | undefined

  private constructor(hub: SocketsHub, log: Log) {
    this.#hub = hub
    this.#log = log
    this.handle = makeSocketServerHandle(hub.handle, hub.core.layout.SOCKETS_VERSION)
  }

  static async start(options: SocketServerOptions = {}): Promise<SocketServer> {
    const { maxSockets = DEFAULT_SOCKETS, lingerMs = DEFAULT_LINGER_MS } = options
    checkInteger('maxSockets', maxSockets, 1, MOST_SOCKETS)
    checkInteger('lingerMs', lingerMs, 0, LONGEST_TIMER_MS)
    const hub = Hub.create(socketsCoreOf, (maxSockets + 63) & ~63)
    const server = new SocketServer(hub, makeLog(options.logger))
    try {
      await server.#open(options.ioThread ?? sharedIoThread(), lingerMs)
    } catch (error) {
      hub.leave()
      throw error
    }
    return server
  }

  async #open(host: ServiceHost, lingerMs: number): Promise<void> {
    const options: SocketServiceOptions = { hub: this.#hub.handle, lingerMs, module: socketsModule() }
    this.#link = await host.open('sockets', options, {
      onMessage: () => {},
      onDebug: this.#log.listens ? (text) => this.#log.debug(text) : undefined,
      onLost: (error) => {
        this.#log.debug(`the socket server is gone: ${error.message}`)
        this.#forgetExit?.()
        this.#hub.stop()
      },
    })
    this.#forgetExit = drainAtExit({ startDrain: (isLast) => this.#startDrain(isLast) })
  }

  /** The process, or this thread, ends: what was sent goes out first. */
  #startDrain(isLast: boolean): DrainWait {
    if (!isLast) return () => true
    this.#hub.stop()
    return (deadlineMs) => this.#hub.waitForEnd(deadlineMs)
  }

  /**
   * Closes all sockets. Whoever waits for one, in whatever thread, finds ECONNABORTED; what was sent goes out, for half a second at
   * most. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#hub.stop()
    await this.#link?.close()
    this.#forgetExit?.()
    this.#hub.leave()
  }
}
