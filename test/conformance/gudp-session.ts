/**
 * One side of a GUDP session once it is open: frames, channels, CLOSE. Written from docs/wire.md; slow and plain, so that it can be read
 * beside it.
 *
 * @module
 */
import {
  type ChannelKind,
  decodeFrames,
  decodeReason,
  decodeToken,
  type Frame,
  SESSION_FRAGMENT_BYTES,
  type SessionType,
} from './gudp-decoder.ts'
import { encodeFrame, encodeMessage, join, u8, u64 } from './gudp-encoder.ts'
import { Inbox } from './inbox.ts'
import { PacketLayer, type Verdict } from './packet-layer.ts'

const UNIT = 8
const FIRST_LIMIT = 1024
const WINDOW_UNITS = 2048
/** Of one STREAM frame: with its head, and a CREDIT before it, it needs no fragments. */
const SEGMENT_UNITS = 120
/** More of them might be acknowledged too late for the 32 bits. */
const MOST_IN_FLIGHT = 16
const RESEND_MS = 150
const LONGEST_MESSAGE = 256 * 1024
const PING_MS = 500
const DEAD_MS = 10_000
const CLOSE_MS = 100
const MOST_CLOSES = 5

export type SessionState = 'open' | 'closing' | 'closed' | 'reset' | 'timed-out'

/** `a − b` of offsets that count modulo 2³². */
const difference = (a: number, b: number): number => (a - b) | 0

// ---- channels ------------------------------------------------------------------------------------------

interface Segment {
  readonly offset: number
  readonly bytes: Uint8Array
  sentAt: number
  isAcked: boolean
}

class StreamSender {
  /** As the other side told; it never goes back. */
  limit = FIRST_LIMIT
  readonly #lane: number
  readonly #segments: Segment[] = []
  #end = 0

  constructor(lane: number) {
    this.#lane = lane
  }

  get isDone(): boolean {
    return this.#segments.length === 0
  }

  append(message: Uint8Array): void {
    const whole = encodeMessage(message)
    for (let from = 0; from < whole.length; from += SEGMENT_UNITS * UNIT) {
      const bytes = whole.subarray(from, from + SEGMENT_UNITS * UNIT)
      this.#segments.push({ offset: this.#end, bytes, sentAt: -Infinity, isAcked: false })
      this.#end += bytes.length / UNIT
    }
  }

  raise(limit: number): void {
    if (difference(limit, this.limit) > 0) this.limit = limit >>> 0
  }

  /** What is to be sent now, for the first time or again, and what to do when it has arrived. */
  due(now: number): { frame: Frame; onAcked: () => void } | undefined {
    while (this.#segments[0]?.isAcked) this.#segments.shift()
    for (const segment of this.#segments.slice(0, MOST_IN_FLIGHT)) {
      const end = segment.offset + segment.bytes.length / UNIT
      if (difference(end, this.limit) > 0) return undefined
      if (segment.isAcked || now - segment.sentAt < RESEND_MS) continue
      segment.sentAt = now
      const onAcked = () => {
        segment.isAcked = true
      }
      const { offset, bytes } = segment
      return { frame: { is: 'stream', lane: this.#lane, offset: offset >>> 0, bytes }, onAcked }
    }
    return undefined
  }
}

class StreamReceiver {
  readonly messages = new Inbox<Uint8Array>()
  readonly #lane: number
  /** By offset. */
  readonly #units = new Map<number, Uint8Array>()
  #next = 0
  #unread: Uint8Array[] = []
  #limit = FIRST_LIMIT
  #creditAt = -Infinity
  #isCreditKnown = true

  constructor(lane: number) {
    this.#lane = lane
  }

  hasRoomFor(offset: number, bytes: Uint8Array): boolean {
    return difference(offset + bytes.length / UNIT, this.#limit) <= 0
  }

  /** False: what came is no stream of messages. */
  take(offset: number, bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length / UNIT; i++) {
      const at = (offset + i) >>> 0
      if (difference(at, this.#next) >= 0) this.#units.set(at, bytes.subarray(i * UNIT, (i + 1) * UNIT))
    }
    for (let unit = this.#units.get(this.#next); unit; unit = this.#units.get(this.#next)) {
      this.#units.delete(this.#next)
      this.#next = (this.#next + 1) >>> 0
      this.#unread.push(unit)
      if (!this.#read()) return false
    }
    if (difference((this.#next + WINDOW_UNITS) >>> 0, this.#limit) >= WINDOW_UNITS / 4) {
      this.#limit = (this.#next + WINDOW_UNITS) >>> 0
      this.#isCreditKnown = false
      this.#creditAt = -Infinity
    }
    return true
  }

  /** A CREDIT is repeated until one of those that say the same is acknowledged. */
  due(now: number): { frame: Frame; onAcked: () => void } | undefined {
    if (this.#isCreditKnown || now - this.#creditAt < RESEND_MS) return undefined
    this.#creditAt = now
    const limit = this.#limit
    const onAcked = () => {
      if (limit === this.#limit) this.#isCreditKnown = true
    }
    return { frame: { is: 'credit', lane: this.#lane, limit }, onAcked }
  }

  #read(): boolean {
    const first = this.#unread[0]!
    const length = new DataView(first.buffer, first.byteOffset).getUint32(0, true)
    if (length > LONGEST_MESSAGE) return false
    if (this.#unread.length * UNIT < 4 + length) return true
    const whole = join(...this.#unread)
    this.#unread = []
    if (whole.subarray(4 + length).some((byte) => byte !== 0)) return false
    this.messages.push(whole.slice(4, 4 + length))
    return true
  }
}

export interface PeerChannel {
  readonly kind: ChannelKind
  send(message: Uint8Array): void
  recv(timeoutMs?: number): Promise<Uint8Array | undefined>
}

// ---- the session ---------------------------------------------------------------------------------------

export interface SessionOptions {
  channels: readonly ChannelKind[]
  emit(is: SessionType, content: Uint8Array): void
}

export class Session {
  state: SessionState = 'open'
  readonly packets: PacketLayer
  readonly channels: readonly PeerChannel[]
  readonly pathChallenges: bigint[] = []
  /** Offered by `send`, and acknowledged. */
  delivered = 0
  readonly #kinds: readonly ChannelKind[]
  readonly #emit: SessionOptions['emit']
  readonly #inbox = new Inbox<Uint8Array>()
  readonly #senders = new Map<number, StreamSender>()
  readonly #receivers = new Map<number, StreamReceiver>()
  readonly #unreliable = new Map<number, Inbox<Uint8Array>>()
  #heardAt = performance.now()
  #closes = 0
  #closeAt = -Infinity
  #reason = 0
  #isAnswered = false

  constructor({ channels, emit }: SessionOptions) {
    this.#kinds = channels
    this.#emit = emit
    this.packets = new PacketLayer({
      emit: (content) => emit('packet', content),
      take: (body) => this.#take(body),
      fragmentBytes: SESSION_FRAGMENT_BYTES,
    })
    this.channels = channels.map((kind, n) => this.#channel(kind, n + 1))
  }

  send(bytes: Uint8Array): void {
    this.#sendFrames([{ is: 'data', lane: 0, bytes }], () => this.delivered++)
  }

  recv(timeoutMs?: number): Promise<Uint8Array | undefined> {
    return this.#inbox.next(timeoutMs)
  }

  /** All that was sent on reliable channels has been acknowledged. */
  get isFlushed(): boolean {
    return [...this.#senders.values()].every((sender) => sender.isDone)
  }

  close(reason = 0): void {
    if (this.state !== 'open') return
    this.state = 'closing'
    this.#reason = reason
  }

  /** How often CLOSE was said: once, if it was answered at once. */
  get closesSaid(): number {
    return this.#closes
  }

  /** A datagram of this session whose seal, if it has one, was good. */
  receive(is: SessionType, content: Uint8Array): void {
    if (this.state !== 'open' && this.state !== 'closing') return
    this.#heardAt = performance.now()
    if (is === 'close') this.#onClose(decodeReason(content))
    else if (is === 'path-challenge') this.#onPathChallenge(decodeToken(content))
    else if (is === 'packet' && this.state === 'open') this.packets.receive(content)
  }

  /** To be called every few ms. */
  tick(): void {
    const now = performance.now()
    if (this.state === 'closing') return void this.#sayClose(now)
    if (this.state !== 'open') return
    if (now - this.#heardAt > DEAD_MS) return void this.#end('timed-out')
    this.#flush(now)
    if (now - this.packets.lastSentAt >= PING_MS) this.#sendFrames([{ is: 'ping' }])
    this.packets.tick()
  }

  #flush(now: number): void {
    for (;;) {
      const due = [...this.#receivers.values(), ...this.#senders.values()]
        .map((half) => half.due(now))
        .filter((it) => it !== undefined)
      if (due.length === 0) return
      this.#sendFrames(
        due.map(({ frame }) => frame),
        () => {
          for (const { onAcked } of due) onAcked()
        },
      )
    }
  }

  #sendFrames(frames: readonly Frame[], onAcked?: () => void): void {
    this.packets.send(join(...frames.map(encodeFrame)), onAcked)
  }

  #channel(kind: ChannelKind, lane: number): PeerChannel {
    if (kind === 'reliable') {
      const sender = new StreamSender(lane)
      const receiver = new StreamReceiver(lane)
      this.#senders.set(lane, sender)
      this.#receivers.set(lane, receiver)
      return {
        kind,
        send: (message) => sender.append(message),
        recv: (timeoutMs) => receiver.messages.next(timeoutMs),
      }
    }
    const inbox = new Inbox<Uint8Array>()
    this.#unreliable.set(lane, inbox)
    return {
      kind,
      // Both ways in which the document lets it be sent.
      send: (bytes) => this.#sendFrames([{ is: bytes.length < 512 ? 'message' : 'data', lane, bytes }]),
      recv: (timeoutMs) => inbox.next(timeoutMs),
    }
  }

  /** All frames or none: a packet is not acknowledged by halves. */
  #take(body: Uint8Array): Verdict {
    const frames = decodeFrames(body, this.#kinds)
    if (frames === undefined) return 'bad'
    for (const frame of frames)
      if (frame.is === 'stream' && !this.#receivers.get(frame.lane)!.hasRoomFor(frame.offset, frame.bytes))
        return 'no-room'
    for (const frame of frames) this.#takeFrame(frame)
    return 'taken'
  }

  #takeFrame(frame: Frame): void {
    switch (frame.is) {
      case 'ping':
        return
      case 'credit':
        return void this.#senders.get(frame.lane)!.raise(frame.limit)
      case 'stream':
        if (!this.#receivers.get(frame.lane)!.take(frame.offset, frame.bytes)) this.close(1)
        return
      default:
        return void (frame.lane === 0 ? this.#inbox : this.#unreliable.get(frame.lane)!).push(frame.bytes)
    }
  }

  #onPathChallenge(token: bigint | undefined): void {
    if (token === undefined) return
    this.pathChallenges.push(token)
    this.#emit('path-response', u64(token))
  }

  #onClose(reason: number | undefined): void {
    if (reason === undefined) return
    if (this.#closes === 0 && !this.#isAnswered) {
      this.#isAnswered = true
      this.#emit('close', u8(0))
    }
    this.#end(this.state === 'closing' || reason === 0 ? 'closed' : 'reset')
  }

  #sayClose(now: number): void {
    if (now - this.#closeAt < CLOSE_MS) return
    if (this.#closes === MOST_CLOSES) return void this.#end('closed')
    this.#closeAt = now
    this.#closes++
    this.#emit('close', u8(this.#reason))
  }

  #end(state: SessionState): void {
    this.state = state
    this.#inbox.end()
    for (const inbox of this.#unreliable.values()) inbox.end()
    for (const receiver of this.#receivers.values()) receiver.messages.end()
  }
}
