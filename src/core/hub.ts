import { SpillwayError } from './errors.ts'
import { Member, type ObjectHandle } from './member.ts'
import { defaultRegion, type Region } from './region.ts'

export interface HubHandle extends ObjectHandle {}

/** What a module that has hubs exports for them: that of the sockets, and that of gudp. */
export interface HubAbi {
  hubCreate(token: number, channels: number, version: number, id: number): number
  hubServe(address: number, generation: number, token: number): number
  hubStop(address: number, generation: number): number
  hubEnd(address: number, generation: number): number
  hubHello(address: number, generation: number, version: number): number
  hubAdd(address: number, generation: number, channel: number, channelGeneration: number): number
  hubRemove(address: number, generation: number, index: number): number
  hubOrphan(address: number, generation: number, token: number, from: number): number
  hubAck(address: number, generation: number, token: number): number
  hubAckUndo(address: number, generation: number, index: number): number
  hubAckWait(address: number, generation: number, token: number, departures: number): number
  departures(): number
  bellAddress(token: number): number
  threadArm(token: number): number
  ringThread(token: number): void
}

export interface HubLayout {
  readonly TOO_MANY_CHANNELS: number
  readonly OTHER_VERSION: number
  readonly SOCKETS_VERSION: number
  readonly MAILBOX_SPAN_OFFSET: number
  readonly MAILBOX_ADDRESS_OFFSET: number
  readonly HUB_SERVER_OFFSET: number
  readonly HUB_STATUS_OFFSET: number
  readonly HUB_OPEN: number
  readonly HUB_ENDED: number
}

export interface HubCore {
  readonly abi: HubAbi
  readonly layout: HubLayout
}

export type HubCoreOf<Core extends HubCore> = (region: Region) => Core

/** Names a channel in a hub: to the server, and to another thread. */
export interface ChannelName {
  readonly index: number
  readonly address: number
  readonly generation: number
}

/**
 * What a server and its clients share: whether it serves, and which channels (or connections) want something of it. See
 * `assembly/sockets/hub.ts`.
 */
export class Hub<Core extends HubCore = HubCore> {
  readonly region: Region
  readonly core: Core
  readonly handle: HubHandle
  readonly #member: Member
  readonly #address: number
  readonly #generation: number
  /** Index into `i32` of what a call leaves in the mailbox. */
  readonly #span: number

  private constructor(member: Member, coreOf: HubCoreOf<Core>) {
    const { region, handle } = member
    this.region = region
    this.core = coreOf(region)
    this.handle = handle
    this.#member = member
    this.#address = handle.address
    this.#generation = handle.generation
    this.#span = spanOf(region, this.core)
  }

  /** For up to `channels` sockets or connections, a multiple of 64. */
  static create<Core extends HubCore>(coreOf: HubCoreOf<Core>, channels: number): Hub<Core> {
    const region = defaultRegion()
    const { abi, layout } = coreOf(region)
    const id = Math.random() + 1
    const make = () => abi.hubCreate(region.token, channels, layout.SOCKETS_VERSION, id)
    return new Hub(Member.create(region, make), coreOf)
  }

  static from<Core extends HubCore>(coreOf: HubCoreOf<Core>, handle: HubHandle): Hub<Core> {
    return new Hub(Member.join(handle, 'KIND_HUB'), coreOf)
  }

  get isIn(): boolean {
    return this.#member.isIn
  }

  /** This thread serves it from here on. */
  serve(): void {
    this.#check(this.core.abi.hubServe(this.#address, this.#generation, this.region.token))
  }

  /** Nothing new is served any more: whoever waits for the server is woken. */
  stop(): void {
    if (this.#member.isIn) this.core.abi.hubStop(this.#address, this.#generation)
  }

  /** By the server, after `stop`: what was sent has gone out. */
  end(): void {
    this.core.abi.hubEnd(this.#address, this.#generation)
  }

  /** Of the server: whether it is to go on. */
  get isOpen(): boolean {
    return this.#member.isIn && Atomics.load(this.region.i32, this.#statusIndex) === this.core.layout.HUB_OPEN
  }

  /** Blocks until the server has ended, or until the deadline (of `performance.now()`). Answers whether it has. */
  waitForEnd(deadlineMs: number): boolean {
    const { HUB_ENDED } = this.core.layout
    for (;;) {
      const status = Atomics.load(this.region.i32, this.#statusIndex)
      const leftMs = deadlineMs - performance.now()
      if (status === HUB_ENDED || leftMs <= 0) return status === HUB_ENDED
      Atomics.wait(this.region.i32, this.#statusIndex, status, leftMs)
    }
  }

  get #statusIndex(): number {
    return (this.#address + this.core.layout.HUB_STATUS_OFFSET) >> 2
  }

  /** Whether it is served, by one of this version. Throws when it is of another. */
  isServed(version: number = this.core.layout.SOCKETS_VERSION): boolean {
    const code = this.core.abi.hubHello(this.#address, this.#generation, version)
    if (code === this.core.layout.OTHER_VERSION) {
      throw new SpillwayError(
        'ERR_HANDLE_VERSION',
        `the socket server is not of version ${version}, as this client is: use one version of spillway in all threads`,
      )
    }
    return code === 0
  }

  /** Whether the server runs on this very thread: then it must not block. */
  get isServedHere(): boolean {
    return this.region.i32[(this.#address + this.core.layout.HUB_SERVER_OFFSET) >> 2] === this.region.token
  }

  /** Gives a new channel a place; `undefined` when there is none left. */
  add(channel: ObjectHandle): number | undefined {
    const { abi, layout } = this.core
    const index = abi.hubAdd(this.#address, this.#generation, channel.address, channel.generation)
    return index === layout.TOO_MANY_CHANNELS ? undefined : this.#check(index)
  }

  // ---- the server ------------------------------------------------------------------------------------

  /** A channel that wants something, and is not told of again until it wants more. */
  ack(): ChannelName | undefined {
    return this.#named(this.core.abi.hubAck(this.#address, this.#generation, this.region.token))
  }

  /** It has more to do than is its turn. */
  ackUndo(index: number): void {
    this.core.abi.hubAckUndo(this.#address, this.#generation, index)
  }

  /** Before sleeping: 0 when there is something to do, else the word to wait for at the thread's bell. */
  ackWait(departures: number): number {
    return this.core.abi.hubAckWait(this.#address, this.#generation, this.region.token, departures)
  }

  /** The first channel from `from` on whose owner is gone. */
  orphan(from: number): ChannelName | undefined {
    return this.#named(this.core.abi.hubOrphan(this.#address, this.#generation, this.region.token, from))
  }

  remove(index: number): void {
    this.core.abi.hubRemove(this.#address, this.#generation, index)
  }

  departures(): number {
    return this.core.abi.departures()
  }

  /** The last one out frees it. Idempotent. */
  leave(): void {
    this.#member.leave()
  }

  #named(index: number): ChannelName | undefined {
    if (index < 0) return undefined
    const words = this.region.i32
    return { index, address: words[this.#span]!, generation: words[this.#span + 1]! }
  }

  #check(code: number): number {
    if (code < 0) throw this.region.failure(code)
    return code
  }
}

/** Where a call of the sockets' core leaves what is more than one number, for the calling thread. */
export function spanOf(region: Region, { layout }: HubCore): number {
  return region.mailAddress + ((layout.MAILBOX_SPAN_OFFSET - layout.MAILBOX_ADDRESS_OFFSET) >> 2)
}

/** The word at which this thread sleeps when it waits for several things: index into `i32`. */
export function bellOf(region: Region, { abi }: HubCore): number {
  return abi.bellAddress(region.token) >> 2
}
