import { flowState, tally } from './ledger-tables.ts'
import type { Recent } from './recency-list.ts'
import { Reckoning } from './reckoning.ts'
import { SequenceWindow, type Verdict } from './sequence-window.ts'
import type { Heartbeat } from './wire-lines.ts'

export interface FlowPlace {
  readonly key: string
  readonly address: string
  readonly port: number
  readonly number: number
  readonly row: number
  /** The row's numbers in the ledger's table. */
  readonly counts: Float64Array
}

/** Counts that are differences, and begin anew with another exporter. */
const settled = ['sent', 'lost', 'lostDatagrams', 'surplus', 'gaps', 'reordered'] as const
type Settled = (typeof settled)[number]

/** What came from one address and port. Its counts are the ledger's own, in shared memory. */
export class SourceFlow implements Recent<SourceFlow>, FlowPlace {
  newer: SourceFlow | undefined
  older: SourceFlow | undefined
  readonly key: string
  readonly address: string
  readonly port: number
  readonly number: number
  readonly row: number
  readonly counts: Float64Array
  /** The exporter's name, once it has told it. */
  source: string | undefined
  /** A valid heartbeat has come from here. */
  isProven = false
  /** Another exporter had the address and port before. */
  hasChanged = false
  #reckoning = new Reckoning()
  #window: SequenceWindow | undefined
  /** What earlier exporters at this address and port came to. */
  readonly #settled: Record<Settled, number> = {
    sent: 0,
    lost: 0,
    lostDatagrams: 0,
    surplus: 0,
    gaps: 0,
    reordered: 0,
  }
  #lostTold = 0

  constructor(place: FlowPlace) {
    this.key = place.key
    this.address = place.address
    this.port = place.port
    this.number = place.number
    this.row = place.row
    this.counts = place.counts
  }

  seen(nowMs: number): void {
    this.counts[flowState.lastSeenMs] = nowMs
  }

  add(index: number, amount: number): void {
    this.counts[index]! += amount
  }

  /** A datagram of lines has come, and is no copy. */
  arrived(lines: number): void {
    this.#reckoning.arrived(lines)
    if (this.#reckoning.isOver) this.#showMissing()
  }

  /** Another exporter has the address and port now: what is known of the one before is settled. */
  restart(): void {
    const { counts } = this
    for (const name of settled) this.#settled[name] = counts[tally[name]]!
    this.#reckoning = new Reckoning()
    this.#window = undefined
    this.hasChanged = true
    counts[flowState.isOver] = 0
  }

  /** Answers how many lines more than before are known to be lost. */
  heartbeat(beat: Heartbeat, isWhole: boolean): number {
    this.add(tally.heartbeats, 1)
    if (isWhole) this.#numbers().beginAtZero()
    if (!this.#reckoning.heartbeat(beat, isWhole)) return 0
    this.counts[flowState.isOver] = beat.last ? 1 : 0
    this.#showMissing()
    const news = Math.max(0, this.counts[tally.lost]! - this.#lostTold)
    this.#lostTold += news
    return news
  }

  /** A datagram says that it is number `d`. */
  numbered(d: number): Verdict {
    const window = this.#numbers()
    const verdict = window.take(d)
    if (verdict !== 'new') this.add(verdict === 'duplicate' ? tally.duplicates : tally.late, 1)
    this.counts[tally.gaps] = this.#settled.gaps + window.gaps
    this.counts[tally.reordered] = this.#settled.reordered + window.reordered
    return verdict
  }

  #numbers(): SequenceWindow {
    this.#window ??= new SequenceWindow()
    return this.#window
  }

  #showMissing(): void {
    const { counts } = this
    const { lines, datagrams } = this.#reckoning.missing
    counts[tally.sent] = this.#settled.sent + this.#reckoning.sent
    counts[tally.lost] = this.#settled.lost + Math.max(0, lines)
    counts[tally.lostDatagrams] = this.#settled.lostDatagrams + Math.max(0, datagrams)
    counts[tally.surplus] = this.#settled.surplus + Math.max(0, -lines)
  }
}
