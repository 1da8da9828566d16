import { FNV_START, fnvBytes, fnvDouble, fnvText } from '../network/hash.ts'
import type { Fate } from '../network/index.ts'
import type { MachinePair } from './machine-pair.ts'
import type { MachineSide } from './machine-side.ts'
import { contentOf, type PacketContent } from './packet-kind.ts'

/** Packets that are kept for who draws them. */
const KEPT = 400

/** A packet on its way, or that was. Times are the clock's. */
export interface LoggedPacket {
  /** Counts those of both sides. */
  readonly number: number
  readonly side: 'left' | 'right'
  readonly content: PacketContent
  readonly bytes: number
  readonly fate: Fate
  readonly sentAtMs: number
  /** Of each copy; none, if it is lost. */
  readonly arrivalsMs: readonly number[]
  /** How long it takes, or would have taken. */
  readonly wayMs: number
  /** It carries what was sent before. */
  readonly isAgain: boolean
}

/** Watches a pair: its latest packets, what of them wants no acknowledgement, and a hash over all that happens. */
export class PacketLog {
  readonly packets: LoggedPacket[] = []
  /** Packets that carry nothing, and so are never acknowledged themselves. */
  readonly acksOnly = { left: 0, right: 0 }
  /** Packets of which some fragments are still to be sent. */
  readonly inParts = { left: 0, right: 0 }
  /** Packets that were sent, and copies that have come. */
  events = 0
  /** Over the time, the direction, the bytes and the fate of every packet, and what became of it where it came to. */
  hash = FNV_START
  readonly #pair: MachinePair
  #sent = 0
  /** How far each stream has been sent, by side and lane. */
  readonly #sentTo = new Map<string, number>()

  /** To be made after the traffic, whose own ear at the pair stays. */
  constructor(pair: MachinePair) {
    this.#pair = pair
    const { onReceived } = pair
    pair.onSent = (side, packet, fate, arrivalsMs) => this.#note(side, packet, fate, arrivalsMs)
    pair.onReceived = (side, packet, verdict) => {
      this.events++
      this.#hashIn(side, verdict, packet)
      onReceived?.(side, packet, verdict)
    }
  }

  #note(from: MachineSide, packet: Uint8Array, fate: Fate, arrivalsMs: readonly number[]): void {
    this.events++
    this.#hashIn(from, fate, packet)
    const sentAtMs = this.#pair.clock.now()
    const side = this.#nameOf(from)
    const content = contentOf(packet)
    if (content.kind === 'ack') this.acksOnly[side]++
    if (content.hasMore !== undefined) this.inParts[side] = content.hasMore ? 1 : 0
    const { latencyMs, jitterMs } = this.#pair.linkOf(from).options
    const wayMs = arrivalsMs.length > 0 ? arrivalsMs[0]! - sentAtMs : latencyMs + jitterMs / 2
    const isAgain = this.#isAgain(side, content)
    const number = this.#sent++
    this.packets.push({
      number,
      side,
      content,
      bytes: packet.length,
      fate,
      sentAtMs,
      arrivalsMs,
      wayMs,
      isAgain,
    })
    if (this.packets.length > 2 * KEPT) this.packets.splice(0, KEPT)
  }

  #isAgain(side: string, { lane, from, to }: PacketContent): boolean {
    if (from === undefined || to === undefined) return false
    const key = `${side} ${lane}`
    const before = this.#sentTo.get(key) ?? 0
    if (to > before) this.#sentTo.set(key, to)
    return from < before
  }

  #hashIn(side: MachineSide, what: string, packet: Uint8Array): void {
    const timed = fnvDouble(this.hash, this.#pair.clock.now())
    this.hash = fnvBytes(fnvText(timed, `${this.#nameOf(side)} ${what}`), packet)
  }

  #nameOf(side: MachineSide): 'left' | 'right' {
    return side === this.#pair.left ? 'left' : 'right'
  }
}
