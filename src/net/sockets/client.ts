import type { Channel } from '../../core/channel.ts'
import { checkTimeout } from '../../core/check.ts'
import { SpillwayError } from '../../core/errors.ts'
import { checkSocketServerHandle, type SocketServerHandle } from '../../core/handle.ts'
import { Hub, type HubHandle } from '../../core/hub.ts'
import { type SocketsHub, socketsCoreOf } from '../../core/sockets-core.ts'
import { AddressReader, AddressWriter } from './address.ts'
import { type ClientContext, ClientSocket } from './client-socket.ts'
import { socketError } from './codes.ts'
import { adopt } from './connection-calls.ts'
import { type Polled, type PollResult, poll } from './poll.ts'
import { Socket } from './socket.ts'
import type { SocketHandle, SocketKind } from './socket-handle.ts'
import { type Limits, Waits } from './waits.ts'

const KINDS: readonly string[] = ['udp4', 'udp6', 'tcp4', 'tcp6'] satisfies readonly SocketKind[]

/**
 * A thread's access to a socket server. It holds shared memory and nothing else; the sockets that it makes are its thread's, and are
 * closed when the thread ends.
 */
export class SocketClient {
  readonly #hub: SocketsHub
  readonly #context: ClientContext
  /** Channels that other threads are to adopt. */
  readonly #detached = new Set<Channel>()

  private constructor(hub: SocketsHub) {
    this.#hub = hub
    this.#context = {
      hub,
      waits: new Waits(hub),
      writer: new AddressWriter(),
      reader: new AddressReader(),
      open: new Set(),
      detach: (socket, channel) => this.#detach(socket, channel),
    }
  }

  /** HELLO: joins the server of the handle, which may come from any thread. Refused by a server of another version. */
  static init(handle: SocketServerHandle): SocketClient {
    const { memory, address, generation, version } = checkSocketServerHandle(handle)
    const hub = joinHub({ memory, address, generation })
    try {
      if (version !== hub.core.layout.SOCKETS_VERSION)
        throw otherVersion(version, hub.core.layout.SOCKETS_VERSION)
      if (!hub.isServed()) throw socketError('ECONNABORTED', 'SocketClient.init')
      return new SocketClient(hub)
    } catch (error) {
      hub.leave()
      throw error
    }
  }

  socket(kind: SocketKind): Socket {
    this.#checkOpen('socket')
    if (!KINDS.includes(kind))
      throw socketError('EAFNOSUPPORT', 'socket', `there are ${KINDS.join(', ')}, and no ${String(kind)}`)
    return new Socket(new ClientSocket(this.#context, kind))
  }

  /**
   * The sockets of the set for which there is something to do. Waits until there is one, `timeoutMs` at most: then none. A socket by
   * itself is asked whether it is readable; `{ socket, readable, writable }` says what.
   */
  async poll(
    set: Iterable<Polled>,
    timeoutMs: number = Number.POSITIVE_INFINITY,
    options: { signal?: AbortSignal } = {},
  ): Promise<PollResult[]> {
    this.#checkOpen('poll')
    options.signal?.throwIfAborted()
    return this.#context.waits.run(poll(set), { ...limits(timeoutMs), signal: options.signal })
  }

  pollSync(set: Iterable<Polled>, timeoutMs: number = Number.POSITIVE_INFINITY): PollResult[] {
    this.#checkOpen('poll')
    return this.#context.waits.runSync(poll(set), limits(timeoutMs))
  }

  /** A socket that another thread has let go: `socket.detach()`. */
  adopt(handle: SocketHandle): Socket {
    this.#checkOpen('adopt')
    return new Socket(adopt(this.#context, handle))
  }

  /** Closes its sockets, and leaves. Idempotent. */
  close(): void {
    if (!this.#hub.isIn) return
    for (const socket of [...this.#context.open]) socket.end(0)
    for (const channel of this.#detached) this.#letGo(channel)
    this.#hub.leave()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #checkOpen(call: string): void {
    if (!this.#hub.isIn) throw new SpillwayError('ERR_CLOSED', `${call}: this SocketClient is closed`)
  }

  #detach(socket: ClientSocket, channel: Channel): SocketHandle {
    for (const earlier of this.#detached) {
      if (earlier.owner === channel.region.token) break // in their order: those behind are not adopted yet, or few
      this.#letGo(earlier)
    }
    this.#detached.add(channel)
    const { kind, local, peer, state, isShutForReading, isShutForWriting } = socket
    const { address, generation } = channel.handle
    socket.channel = undefined
    socket.end(0)
    this.#context.waits.kick() // a poll may wait for it
    return {
      kind,
      state: state as SocketHandle['state'],
      index: channel.index,
      address,
      generation,
      owner: channel.owner,
      options: socket.options.all,
      isShutForReading,
      isShutForWriting,
      local,
      peer,
    }
  }

  /** One that nobody has adopted is closed. */
  #letGo(channel: Channel): void {
    this.#detached.delete(channel)
    if (channel.owner === channel.region.token) channel.clientSays(channel.layout.CLIENT_CLOSED)
    channel.leave()
  }
}

function joinHub(handle: HubHandle): SocketsHub {
  try {
    return Hub.from(socketsCoreOf, handle)
  } catch (error) {
    if ((error as SpillwayError).code !== 'ERR_STALE_HANDLE') throw error
    throw socketError('ECONNABORTED', 'SocketClient.init') // its server has stopped, and nobody is left in it
  }
}

function limits(timeoutMs: number): Limits {
  return {
    deadlineMs: performance.now() + checkTimeout(timeoutMs),
    late: () => socketError('ETIMEDOUT', 'poll'),
  }
}

function otherVersion(theirs: number, ours: number): SpillwayError {
  return new SpillwayError(
    'ERR_HANDLE_VERSION',
    `the socket server is of version ${theirs}, this client of ${ours}: use one version of spillway in all threads`,
  )
}
