import type { Heartbeat } from './wire-lines.ts'

/** Lines, and the datagrams they came in: what the exporter counts for a flow. */
interface Amount {
  readonly lines: number
  readonly datagrams: number
}

const NOTHING: Amount = { lines: 0, datagrams: 0 }

/**
 * Holds what a flow's heartbeats say was sent against what came before them.
 *
 * What is missing is a difference of sums, not a sum of differences: a datagram that a heartbeat overtook is missing at
 * that heartbeat, and no more at the next.
 */
export class Reckoning {
  #lines = 0
  #datagrams = 0
  #seq = -1
  /** What had been sent and had come when the reckoning began. */
  #sentBefore = NOTHING
  #cameBefore = NOTHING
  /** What had been sent and had come at the latest heartbeat. */
  #sent = NOTHING
  #came = NOTHING
  #isOver = false

  /** The exporter sends no more on this flow. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Lines sent before the latest heartbeat, of those that are reckoned with. */
  get sent(): number {
    return this.#sent.lines - this.#sentBefore.lines
  }

  /** Sent and not come; below 0 when more came than was sent. */
  get missing(): Amount {
    if (this.#seq < 0) return NOTHING
    const came = this.#isOver ? this.#now() : this.#came // after the last heartbeat nothing comes but what was under way
    const sent = this.#sent
    return {
      lines: sent.lines - this.#sentBefore.lines - (came.lines - this.#cameBefore.lines),
      datagrams: sent.datagrams - this.#sentBefore.datagrams - (came.datagrams - this.#cameBefore.datagrams),
    }
  }

  /** A datagram of the exporter's lines has come, and is no copy. */
  arrived(lines: number): void {
    this.#lines += lines
    this.#datagrams++
  }

  /**
   * `isWhole`: whatever was sent on the flow was sent to us; else it counts from its first heartbeat on. Answers whether
   * the heartbeat is news.
   */
  heartbeat(beat: Heartbeat, isWhole: boolean): boolean {
    if (beat.seq <= this.#seq) return false // sent again, or overtaken
    const sent = { lines: beat.lines, datagrams: beat.datagrams }
    if (this.#seq < 0 && !isWhole) {
      this.#sentBefore = sent
      this.#cameBefore = this.#now()
    }
    this.#seq = beat.seq
    this.#sent = sent
    this.#came = this.#now()
    this.#isOver = beat.last
    return true
  }

  #now(): Amount {
    return { lines: this.#lines, datagrams: this.#datagrams }
  }
}
