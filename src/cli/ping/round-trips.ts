import { count, percent, seconds } from '../format.ts'

const HEAD_BYTES = 8

/** What was sent and when, and what has come back. */
export class RoundTrips {
  sent = 0
  /** Came back a second time, or was none of ours. */
  strange = 0
  readonly #waiting = new Map<number, number>()
  readonly #times: number[] = []

  get answered(): number {
    return this.#times.length
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** The next packet; it is under way from now on. */
  next(size: number, nowMs: number): Uint8Array {
    const packet = new Uint8Array(Math.max(size, HEAD_BYTES))
    new DataView(packet.buffer).setFloat64(0, this.sent, true)
    this.#waiting.set(this.sent++, nowMs)
    return packet
  }

  /** Which one it is, and how long it took; `undefined`: none that is waited for. */
  came(packet: Uint8Array, nowMs: number): { seq: number; ms: number } | undefined {
    const seq =
      packet.length < HEAD_BYTES
        ? Number.NaN
        : new DataView(packet.buffer, packet.byteOffset).getFloat64(0, true)
    const sentMs = this.#waiting.get(seq)
    if (sentMs === undefined) {
      this.strange++
      return undefined
    }
    this.#waiting.delete(seq)
    this.#times.push(nowMs - sentMs)
    return { seq, ms: nowMs - sentMs }
  }

  /** Those that have waited for so long: they are not waited for any more. */
  expire(beforeMs: number): number[] {
    const expired: number[] = []
    for (const [seq, sentMs] of this.#waiting) {
      if (sentMs > beforeMs) break // in the order in which they were sent
      this.#waiting.delete(seq)
      expired.push(seq)
    }
    return expired
  }

  summary(): { sent: number; answered: number; lost: number; rttMs: Record<string, number> | undefined } {
    const { sent, answered } = this
    return { sent, answered, lost: sent - answered, rttMs: answered === 0 ? undefined : this.#distribution() }
  }

  #distribution(): Record<string, number> {
    const sorted = [...this.#times].sort((a, b) => a - b)
    const at = (part: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!
    const avg = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length
    return { min: sorted[0]!, avg, max: sorted.at(-1)!, p50: at(0.5), p90: at(0.9), p99: at(0.99) }
  }
}

export function renderSummary(trips: RoundTrips, place: string, elapsedMs: number): string {
  const { sent, answered, lost, rttMs } = trips.summary()
  const lines = [
    `--- ${place} over gudp ---`,
    `${count(sent)} sent, ${count(answered)} answered, ${percent(lost, sent)} lost, ${seconds(elapsedMs)}`,
  ]
  if (rttMs !== undefined) {
    const names = Object.keys(rttMs)
    lines.push(`rtt ${names.join('/')} = ${names.map((name) => rttMs[name]!.toFixed(2)).join('/')} ms`)
  }
  return `${lines.join('\n')}\n`
}
