import { spanOf } from './hub.ts'
import { Member, type ObjectHandle } from './member.ts'
import type { Region } from './region.ts'
import { type SocketsAbi, type SocketsHub, type SocketsLayout, socketsCoreOf } from './sockets-core.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export type ChannelType = 'datagram' | 'stream' | 'listener'

export interface ChannelShape {
  readonly type: ChannelType
  /** Bytes of the two rings: powers of two. */
  readonly sendBytes: number
  readonly recvBytes: number
}

/**
 * The memory of one socket, as its client or the server sees it: `assembly/sockets/channel.ts`. The ring that a side
 * produces for is its `out`, the other one its `in`. What a call answers below zero is a code of the layout.
 */
export class Channel {
  readonly region: Region
  readonly handle: ObjectHandle
  readonly index: number
  readonly abi: SocketsAbi
  readonly layout: SocketsLayout
  readonly address: number
  readonly generation: number
  /** How many promises of this thread wait for it. */
  watchers = 0
  /** One of them was told of something, though by now the word may say again that it is waited for: it looks. */
  wasTold = false
  readonly #member: Member
  readonly #out: number
  readonly #in: number
  readonly #span: number

  private constructor(member: Member, index: number, isServer: boolean) {
    const { region, handle } = member
    const core = socketsCoreOf(region)
    this.region = region
    this.handle = handle
    this.index = index
    this.abi = core.abi
    this.layout = core.layout
    this.address = handle.address
    this.generation = handle.generation
    this.#member = member
    this.#out = isServer ? core.layout.TO_CLIENT : core.layout.TO_SERVER
    this.#in = isServer ? core.layout.TO_SERVER : core.layout.TO_CLIENT
    this.#span = spanOf(region, core)
    region.reach(core.abi.channelEnd(handle.address, handle.generation)) // another thread may have grown the memory for it
  }

  /** A client's new channel; `undefined` when the hub has no place for it. */
  static create(hub: SocketsHub, shape: ChannelShape, version?: number): Channel | undefined {
    const { region, core, handle } = hub
    const { abi, layout } = core
    const make = () =>
      abi.channelCreate(
        region.token,
        handle.address,
        handle.generation,
        version ?? layout.SOCKETS_VERSION,
        shapeWord(layout, shape),
      )
    const member = Member.create(region, make)
    const index = hub.add(member.handle)
    if (index !== undefined) return new Channel(member, index, false)
    member.leave()
    return undefined
  }

  /** The server's end of a channel that it has found in the hub. Throws when it is gone. */
  static serve(handle: ObjectHandle, index: number): Channel {
    return new Channel(Member.join(handle, 'KIND_CHANNEL'), index, true)
  }

  /** A channel that the thread `owner` lets go: this one owns it from here on. `undefined` when it was not that thread's. */
  static adopt(handle: ObjectHandle, index: number, owner: number): Channel | undefined {
    const channel = new Channel(Member.join(handle, 'KIND_CHANNEL'), index, false)
    const { address, generation, region } = channel
    if (channel.abi.channelOwn(address, generation, owner, region.token) === 0) return channel
    channel.leave()
    return undefined
  }

  /** The token of the thread that owns it. */
  get owner(): number {
    return this.#word(this.layout.OWNER_OFFSET)
  }

  /** Datagrams that the server had no room for. It alone writes it. */
  get drops(): number {
    return this.region.f64[(this.address + this.layout.DROPS_OFFSET) >> 3]!
  }

  set drops(count: number) {
    this.region.f64[(this.address + this.layout.DROPS_OFFSET) >> 3] = count
  }

  get type(): ChannelType | undefined {
    const { TYPE_DATAGRAM, TYPE_STREAM, TYPE_LISTENER, SHAPE_OFFSET } = this.layout
    const type = this.#word(SHAPE_OFFSET) & 0xff
    if (type === TYPE_DATAGRAM) return 'datagram'
    if (type === TYPE_STREAM) return 'stream'
    return type === TYPE_LISTENER ? 'listener' : undefined
  }

  /** What the client that made it wants to be spoken to in. */
  get version(): number {
    return this.#word(this.layout.VERSION_OFFSET)
  }

  /** This side has not left. */
  get isIn(): boolean {
    return this.#member.isIn
  }

  /** The last one out frees it. Idempotent. */
  leave(): void {
    this.#member.leave()
  }

  // ---- questions and answers ---------------------------------------------------------------------------

  /** One at a time. `false`: the text is too long. */
  ask(question: string): boolean {
    const bytes = this.#put(question, this.layout.QUESTION_OFFSET)
    return bytes >= 0 && this.abi.channelAsk(this.address, this.generation, bytes) === 0
  }

  /** The answer, once it is there; else a code. */
  answered(): string | number {
    const bytes = this.abi.channelAnswered(this.address, this.generation)
    return bytes < 0 ? bytes : this.#get(this.layout.ANSWER_OFFSET, bytes)
  }

  question(): string | number {
    const bytes = this.abi.channelQuestion(this.address, this.generation)
    return bytes < 0 ? bytes : this.#get(this.layout.QUESTION_OFFSET, bytes)
  }

  answer(text: string): void {
    const bytes = this.#put(text, this.layout.ANSWER_OFFSET)
    this.abi.channelAnswer(this.address, this.generation, Math.max(bytes, 0))
  }

  // ---- flags and errors --------------------------------------------------------------------------------

  clientSays(flags: number): void {
    this.abi.clientSays(this.address, this.generation, flags)
  }

  clientHears(): number {
    return this.abi.clientHears(this.address, this.generation)
  }

  serverSays(flags: number): void {
    this.abi.serverSays(this.address, this.generation, flags)
  }

  serverHears(): number {
    return this.abi.serverHears(this.address, this.generation)
  }

  serverFails(error: number): void {
    this.abi.serverFails(this.address, this.generation, error)
  }

  serverPends(count: number): void {
    this.abi.serverPends(this.address, this.generation, count)
  }

  /** The number of the error that it has failed with, which it has not from here on; 0: none. */
  takeError(): number {
    return Math.max(0, this.abi.channelTakeError(this.address, this.generation))
  }

  // ---- waiting -----------------------------------------------------------------------------------------

  ready(bits: number, need = 0): number {
    return this.abi.channelReady(this.address, this.generation, bits, need)
  }

  /** Before sleeping: 0 when there is something to do, else the word to wait for at the bell. */
  block(bits: number, need: number): number {
    return this.abi.channelBlock(this.address, this.generation, this.region.token, bits, need)
  }

  unblock(bits: number): void {
    this.abi.channelUnblock(this.address, this.generation, bits)
  }

  /**
   * Whether one of the bits that were waited for has been taken away, which is how the server tells. A plain load: it comes
   * after the bell was armed, so what it misses rings.
   */
  isTold(bits: number): boolean {
    return (this.#word(this.layout.CLIENT_WAITS_OFFSET) & bits) !== bits
  }

  /** Of the server: which of `bits` is there; 0: none, and the hub will tell of the next. */
  serve(bits: number): number {
    return this.abi.channelServe(this.address, this.generation, bits)
  }

  // ---- datagrams ---------------------------------------------------------------------------------------

  /** Where to put a datagram of so many bytes, or a code. */
  claim(bytes: number): number {
    return this.abi.datagramClaim(this.address, this.generation, this.#out, bytes)
  }

  /** The other side is told, unless that is left for `tell`. */
  commit(bytes: number, tells = true): number {
    return this.abi.datagramCommit(this.address, this.generation, this.#out, bytes, tells ? 1 : 0)
  }

  tell(): void {
    this.abi.datagramTell(this.address, this.generation, this.#out)
  }

  /** Where the next datagram lies, or a code; its length is `spanBytes`. It stays. */
  peek(): number {
    return this.abi.datagramPeek(this.address, this.generation, this.#in, this.region.token)
  }

  /** The same, and it is in hand. */
  unpack(): number {
    return this.abi.datagramUnpack(this.address, this.generation, this.#in, this.region.token)
  }

  /** Gives back the oldest `count` in hand. */
  repack(count: number): number {
    return this.abi.datagramRepack(this.address, this.generation, this.#in, count)
  }

  get spanBytes(): number {
    return this.region.i32[this.#span]!
  }

  // ---- streams -----------------------------------------------------------------------------------------

  /** For how many bytes there is room, or a code. */
  space(): number {
    return this.abi.streamSpace(this.address, this.generation, this.#out, this.region.token)
  }

  /** After `space`: puts `count` bytes from `from` on behind the first `at` that there was room for. Nobody sees them yet. */
  put(bytes: Uint8Array, from: number, count: number, at: number): void {
    const words = this.region.i32
    const memory = this.region.u8
    const stretchBytes = words[this.#span + 1]! // up to where the ring comes round
    const first = Math.max(0, Math.min(count, stretchBytes - at))
    if (first > 0) memory.set(stretch(bytes, from, first), words[this.#span]! + at)
    if (first === count) return
    memory.set(
      stretch(bytes, from + first, count - first),
      words[this.#span + 2]! + Math.max(0, at - stretchBytes),
    )
  }

  /** After `space`: writes `count` bytes from `from` on, no more than there was room for, and publishes them. */
  write(bytes: Uint8Array, from: number, count: number): void {
    this.put(bytes, from, count, 0)
    this.committed(count)
  }

  /** After `space`: where the next bytes go, up to where the ring comes round. */
  freeView(limit: number): Uint8Array {
    const words = this.region.i32
    const start = words[this.#span]!
    const toEnd = this.outBytes - (start - words[this.#span + 2]!)
    return this.region.u8.subarray(start, start + Math.min(limit, toEnd))
  }

  /** Publishes so many bytes: of `put`, or written there by other means. */
  committed(count: number): void {
    this.abi.streamCommit(this.address, this.generation, this.#out, count)
  }

  /** Bytes of the ring that this side produces for. */
  get outBytes(): number {
    return 1 << ((this.#word(this.layout.SHAPE_OFFSET) >> (8 + 8 * this.#out)) & 31)
  }

  /** Of the server: whether half of its ring is empty. */
  hasHalf(): boolean {
    return this.abi.channelHasHalf(this.address, this.generation) > 0
  }

  /** How many bytes may be read behind the first `skipped`, or a code. */
  waiting(skipped = 0): number {
    return this.abi.streamBytes(this.address, this.generation, this.#in, this.region.token, skipped)
  }

  /** After `waiting`: copies the first `count` bytes into `into` from `at` on. */
  copy(into: Uint8Array, at: number, count: number): void {
    const words = this.region.i32
    const memory = this.region.u8
    const first = Math.min(count, words[this.#span + 1]!)
    const start = words[this.#span]!
    into.set(memory.subarray(start, start + first), at)
    if (first === count) return
    const second = words[this.#span + 2]!
    into.set(memory.subarray(second, second + count - first), at + first)
  }

  /** After `waiting`: the bytes as they lie there, up to where the ring comes round. */
  view(limit: number): Uint8Array {
    const start = this.region.i32[this.#span]!
    return this.region.u8.subarray(start, start + Math.min(limit, this.region.i32[this.#span + 1]!))
  }

  /** The first `count` bytes are done with. */
  done(count: number): void {
    this.abi.streamDone(this.address, this.generation, this.#in, count)
  }

  // ------------------------------------------------------------------------------------------------------

  #word(offset: number): number {
    return this.region.i32[(this.address + offset) >> 2]!
  }

  #put(text: string, offset: number): number {
    const bytes = encoder.encode(text)
    if (bytes.length > this.layout.TEXT_BYTES) return -1
    this.region.u8.set(bytes, this.address + offset)
    return bytes.length
  }

  #get(offset: number, bytes: number): string {
    const from = this.address + offset
    return decoder.decode(this.region.u8.slice(from, from + bytes))
  }
}

function stretch(bytes: Uint8Array, from: number, count: number): Uint8Array {
  return from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count)
}

function shapeWord(layout: SocketsLayout, { type, sendBytes, recvBytes }: ChannelShape): number {
  const kinds = {
    datagram: layout.TYPE_DATAGRAM,
    stream: layout.TYPE_STREAM,
    listener: layout.TYPE_LISTENER,
  }
  return kinds[type] | (Math.log2(sendBytes) << 8) | (Math.log2(recvBytes) << 16)
}
