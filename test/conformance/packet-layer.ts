/**
 * Sequences, acknowledgements and fragments, as docs/wire.md has them under "A packet": with a session around it, or alone as in bare mode.
 *
 * @module
 */
import { BARE_FRAGMENT_BYTES, decodePacket, isNewer, type PacketHeader } from './gudp-decoder.ts'
import { encodePacket } from './gudp-encoder.ts'

const ACK_DELAY_MS = 5
const ACK_EVERY = 8
const WINDOW = 32
/** Packets of which some fragments are there. */
const MOST_PARTIAL = 16
const MOST_OUTSTANDING = 4096

/** `bad`: a packet that breaks the rules; `no-room`: one that may come again. Neither is acknowledged. */
export type Verdict = 'taken' | 'no-room' | 'bad'

export interface PacketCounters {
  sent: number
  acked: number
  received: number
  fragments: number
  duplicates: number
  /** Too old to be acknowledged. */
  stale: number
  malformed: number
  noRoom: number
}

interface Partial {
  readonly parts: (Uint8Array | undefined)[]
  header: PacketHeader | undefined
  missing: number
}

export interface PacketLayerOptions {
  /** The content of one datagram. */
  emit(content: Uint8Array): void
  take(body: Uint8Array, sequence: number): Verdict
  fragmentBytes?: number
}

export class PacketLayer {
  readonly counters: PacketCounters = {
    ...{ sent: 0, acked: 0, received: 0, fragments: 0, duplicates: 0, stale: 0, malformed: 0, noRoom: 0 },
  }
  lastSentAt = -Infinity
  readonly #options: Required<PacketLayerOptions>
  #nextSequence = 0
  #newest: number | undefined
  /** Bit n: newest − n was taken. */
  #taken = 0
  #unacknowledged = 0
  #ackDueAt = Infinity
  readonly #outstanding = new Map<number, (() => void) | undefined>()
  readonly #partials = new Map<number, Partial>()

  constructor(options: PacketLayerOptions) {
    this.#options = { fragmentBytes: BARE_FRAGMENT_BYTES, ...options }
  }

  get outstanding(): number {
    return this.#outstanding.size
  }

  send(body: Uint8Array, onAcked?: () => void): number {
    const sequence = this.#nextSequence
    this.#nextSequence = (sequence + 1) & 0xffff
    if (body.length > 0) this.#expect(sequence, onAcked)
    const header = { sequence, ack: this.#newest ?? 65535, bits: this.#taken }
    this.#unacknowledged = 0
    this.#ackDueAt = Infinity
    this.lastSentAt = performance.now()
    for (const content of encodePacket(header, body, this.#options.fragmentBytes)) this.#options.emit(content)
    return sequence
  }

  receive(content: Uint8Array): void {
    const it = decodePacket(content, this.#options.fragmentBytes)
    if (it === undefined) return void this.counters.malformed++
    if (it.is === 'packet') return void this.#receivePacket(it.header, it.body)
    this.counters.fragments++
    if (!this.#mayTake(it.sequence)) return
    const { sequence, index, count, header, bytes } = it
    const partial = this.#partialOf(sequence, count)
    if (partial.parts.length !== count) return void this.counters.malformed++
    if (partial.parts[index] !== undefined) return void this.counters.duplicates++
    partial.parts[index] = bytes
    partial.header ??= header
    if (--partial.missing > 0) return
    this.#partials.delete(sequence)
    this.#receivePacket(partial.header!, new Uint8Array(Buffer.concat(partial.parts as Uint8Array[])))
  }

  /** To be called every few ms. */
  tick(): void {
    if (performance.now() >= this.#ackDueAt) this.send(new Uint8Array(0))
  }

  #expect(sequence: number, onAcked: (() => void) | undefined): void {
    this.counters.sent++
    this.#outstanding.delete(sequence)
    this.#outstanding.set(sequence, onAcked)
    if (this.#outstanding.size > MOST_OUTSTANDING)
      this.#outstanding.delete(this.#outstanding.keys().next().value!)
  }

  #partialOf(sequence: number, count: number): Partial {
    let partial = this.#partials.get(sequence)
    if (partial === undefined) {
      partial = { parts: new Array(count).fill(undefined), header: undefined, missing: count }
      this.#partials.set(sequence, partial)
      if (this.#partials.size > MOST_PARTIAL) this.#partials.delete(this.#partials.keys().next().value!)
    }
    return partial
  }

  #receivePacket(header: PacketHeader, body: Uint8Array): void {
    const { sequence } = header
    if (!this.#mayTake(sequence)) return
    const verdict = this.#options.take(body, sequence)
    if (verdict === 'bad') return void this.counters.malformed++
    this.#processAcks(header)
    if (verdict === 'no-room') return void this.counters.noRoom++
    this.#markTaken(sequence)
    if (body.length === 0) return
    this.counters.received++
    if (++this.#unacknowledged >= ACK_EVERY) this.send(new Uint8Array(0))
    else this.#ackDueAt = Math.min(this.#ackDueAt, performance.now() + ACK_DELAY_MS)
  }

  /** Counts what may not be. */
  #mayTake(sequence: number): boolean {
    if (this.#newest === undefined || isNewer(sequence, this.#newest)) return true
    const below = (this.#newest - sequence) & 0xffff
    if (below >= WINDOW) this.counters.stale++
    else if ((this.#taken >>> below) & 1) this.counters.duplicates++
    else return true
    return false
  }

  #markTaken(sequence: number): void {
    const newest = this.#newest ?? sequence
    if (isNewer(sequence, newest)) {
      const step = (sequence - newest) & 0xffff
      this.#taken = step >= WINDOW ? 1 : ((this.#taken << step) | 1) >>> 0
      this.#newest = sequence
    } else {
      this.#newest = newest
      this.#taken = (this.#taken | (1 << ((newest - sequence) & 0xffff))) >>> 0
    }
  }

  #processAcks({ ack, bits }: PacketHeader): void {
    for (let n = 0; n < WINDOW; n++) {
      const sequence = (ack - n) & 0xffff
      if (((bits >>> n) & 1) === 0 || !this.#outstanding.has(sequence)) continue
      const onAcked = this.#outstanding.get(sequence)
      this.#outstanding.delete(sequence)
      this.counters.acked++
      onAcked?.()
    }
  }
}
