import { type ExporterCounts, type Heartbeat, Reasons } from './wire-lines.ts'

/** Events that were dropped before they were sent. */
export interface Dropped {
  readonly dropped: number
  readonly droppedBy: Readonly<Record<string, number>>
}

const NOTHING: ExporterCounts = Object.freeze({ offered: 0, sent: 0, inRing: 0, dropped: 0, droppedBy: {} })

/** The text of an exporter's row: its own ledger, as it tells it, and what of that we were there for. */
export interface ExporterText {
  readonly id: string
  readonly told: ExporterCounts | null
  readonly since: Dropped
}

/** An exporter that has told its name: all its flows are one source. */
export class KnownSource {
  readonly id: string
  readonly row: number
  /** How many flows it has here. */
  flows = 0
  #before: ExporterCounts = NOTHING
  #told: ExporterCounts | undefined

  constructor(id: string, row: number) {
    this.id = id
    this.row = row
  }

  /** `isWhole`: it was not there before us, so that all it tells is of our time. Answers the events newly dropped. */
  tell(beat: Heartbeat, isWhole: boolean): number {
    const { offered, sent, inRing, dropped, droppedBy } = beat
    if (this.#told === undefined && !isWhole) this.#before = beat
    const last = this.#told ?? this.#before
    // Heartbeats of different flows overtake one another; what they count never shrinks.
    if (offered < last.offered || sent < last.sent || dropped < last.dropped) return 0
    this.#told = { offered, sent, inRing, dropped, droppedBy }
    return dropped - last.dropped
  }

  /** What was dropped since it became known here. */
  dropped(): Dropped {
    const told = this.#told ?? this.#before
    const since: Record<string, number> = {}
    for (const [reason, count] of Object.entries(told.droppedBy)) {
      const news = count - (this.#before.droppedBy[reason] ?? 0)
      if (news > 0) since[reason] = news
    }
    return { dropped: told.dropped - this.#before.dropped, droppedBy: since }
  }

  text(): ExporterText {
    return { id: this.id, told: this.#told ?? null, since: this.dropped() }
  }
}

export function sumOfDropped(all: Iterable<Dropped>): Dropped {
  const reasons = new Reasons()
  let dropped = 0
  for (const each of all) {
    dropped += each.dropped
    for (const [reason, count] of Object.entries(each.droppedBy)) reasons.add(reason, count)
  }
  return { dropped, droppedBy: reasons.toObject() }
}
