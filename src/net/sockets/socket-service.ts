import { Channel } from '../../core/channel.ts'
import { bellOf, type ChannelName, Hub, type HubHandle } from '../../core/hub.ts'
import { type SocketsHub, socketsCoreOf, useSocketsModule } from '../../core/sockets-core.ts'
import type { Ports } from '../../ports.ts'
import type { Service, ServiceContext } from '../io-service.ts'
import { errnoOf } from './codes.ts'
import type { ServedChannel, ServerContext } from './served-channel.ts'
import { ServedDatagrams } from './served-datagrams.ts'
import { ServedListener } from './served-listener.ts'
import { ServedStream } from './served-stream.ts'

export interface SocketServiceOptions {
  readonly hub: HubHandle
  readonly lingerMs: number
  /** The core of the sockets as the opener has compiled it. */
  readonly module: WebAssembly.Module
}

/** Channels that are served before the sockets of the system get their turn. */
const TURN = 256
/**
 * After it had something to do the server stays awake for so long, looking again with each turn of the event loop: a client that
 * writes on pays no wake-up for it, and one that waits for an answer gets it sooner.
 */
const AWAKE_MS = 0.1

/** A server that stops gives what was sent so long to go out: the process may be waiting to end. */
const LAST_MS = 500

/** The server: finds the channels that want something, and serves each a little at a time. */
export class SocketService implements Service, ServerContext {
  readonly ports: Ports
  readonly lingerMs: number
  readonly #hub: SocketsHub
  readonly #served = new Map<number, ServedChannel>()
  #departures: number
  /** Ends the sleep. */
  #wake: (() => void) | undefined
  #awaitedWord = 0
  #isOver = false
  #whenEmpty: (() => void) | undefined
  readonly #done: Promise<void>

  private constructor(options: SocketServiceOptions, ports: Ports) {
    this.ports = ports
    this.lingerMs = options.lingerMs
    this.#hub = Hub.from(socketsCoreOf, options.hub)
    this.#departures = this.#hub.departures()
    this.#hub.serve()
    this.#done = this.#run()
  }

  static async open(options: SocketServiceOptions, { ports }: ServiceContext): Promise<SocketService> {
    useSocketsModule(options.module)
    return new SocketService(options, ports)
  }

  receive(): void {}

  /** Whoever waits for a socket finds that there is no server any more; what was sent goes out, within limits. */
  close(): Promise<void> {
    this.#hub.stop()
    return this.#done
  }

  // ---- of the channels ---------------------------------------------------------------------------------

  listenerAt(index: number, generation: number): ServedListener | undefined {
    const served = this.#served.get(index)
    return served instanceof ServedListener && served.channel.generation === generation ? served : undefined
  }

  /** In the next turn: a socket that answers at once must not keep the others from theirs. */
  again(served: ServedChannel): void {
    if (served.isGone) return
    if (this.#isOver) {
      this.#attend(served) // there are no turns any more, and nothing new comes
      return
    }
    this.#hub.ackUndo(served.index)
    this.#wake?.()
  }

  remove(served: ServedChannel): void {
    this.#served.delete(served.index)
    this.#hub.remove(served.index)
    if (this.#served.size === 0) this.#whenEmpty?.()
  }

  // ---- the loop ----------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    const { clock } = this.ports
    let awakeUntilMs = 0
    while (this.#hub.isOpen) {
      const wasBusy = this.#serveReady()
      this.#buryDeparted()
      const nowMs = clock.now()
      if (wasBusy) awakeUntilMs = nowMs + AWAKE_MS
      const word = nowMs < awakeUntilMs ? 0 : this.#hub.ackWait(this.#departures)
      if (word === 0) await new Promise<void>((resolve) => clock.soon(resolve))
      else await this.#sleep(word)
    }
    await this.#windDown()
  }

  async #windDown(): Promise<void> {
    this.#isOver = true
    this.#serveReady() // what was said before the stop is heard
    this.#forOrphans((served) => served.abandon()) // all there are
    if (this.#served.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.ports.clock.after(Math.min(this.lingerMs, LAST_MS), resolve)
        this.#whenEmpty = () => {
          cancel()
          resolve()
        }
      })
    }
    this.#forOrphans((served) => served.abort()) // the last that came, too
    this.#hub.end()
    this.#hub.leave()
  }

  /** Until a client rings, or something here is to be looked at again. */
  #sleep(word: number): Promise<void> {
    const { region, core } = this.#hub
    return new Promise((resolve) => {
      this.#wake = resolve
      // A wait that was left for something else still waits for the same word: it is not begun again.
      if (this.#awaitedWord === word) return
      const changed = this.ports.changed(region.i32, bellOf(region, core), word)
      if (changed === undefined) return resolve()
      this.#awaitedWord = word
      void changed.then(() => {
        if (this.#awaitedWord === word) this.#awaitedWord = 0
        this.#wake?.()
      })
    })
  }

  /** Whether there was any. */
  #serveReady(): boolean {
    for (let turn = 0; turn < TURN; turn++) {
      const name = this.#hub.ack()
      if (name === undefined) return turn > 0
      if (name.address !== 0) this.#serve(name)
    }
    return true
  }

  #serve(name: ChannelName): void {
    const served = this.#servedAt(name)
    if (served !== undefined) this.#attend(served)
  }

  #attend(served: ServedChannel): void {
    try {
      if (served.serve()) this.#hub.ackUndo(served.index)
    } catch (error) {
      // Only what a client has written where it must not can have led here.
      this.ports.debug(`socket ${served.index} gets no service any more: ${(error as Error).stack}`)
      served.refuse('EPROTO')
    }
  }

  #servedAt(name: ChannelName): ServedChannel | undefined {
    const known = this.#served.get(name.index)
    if (known !== undefined && known.channel.generation === name.generation) return known
    const served = this.#adopt(name)
    if (served !== undefined) this.#served.set(name.index, served)
    return served
  }

  #adopt(name: ChannelName): ServedChannel | undefined {
    const { memory } = this.#hub.handle
    let channel: Channel
    try {
      channel = Channel.serve({ memory, address: name.address, generation: name.generation }, name.index)
    } catch {
      this.#hub.remove(name.index) // its client has died, and it with it
      return undefined
    }
    if (channel.version === channel.layout.SOCKETS_VERSION) {
      if (channel.type === 'datagram') return new ServedDatagrams(channel, this)
      if (channel.type === 'stream') return new ServedStream(channel, this)
      if (channel.type === 'listener') return new ServedListener(channel, this)
    }
    channel.serverFails(errnoOf('EPROTONOSUPPORT'))
    channel.serverSays(channel.layout.SERVER_CLOSED)
    channel.leave()
    this.#hub.remove(name.index)
    return undefined
  }

  /** Threads have gone: what they left is closed. */
  #buryDeparted(): void {
    const departures = this.#hub.departures()
    if (departures === this.#departures) return
    this.#departures = departures
    this.#forOrphans((served) => served.abandon())
  }

  #forOrphans(bury: (served: ServedChannel) => void): void {
    for (let name = this.#hub.orphan(0); name !== undefined; name = this.#hub.orphan(name.index + 1)) {
      const served = this.#servedAt(name)
      if (served !== undefined) bury(served)
    }
  }
}
