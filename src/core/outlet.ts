import type { Abi } from './abi.ts'
import { checkInteger, invalid } from './check.ts'
import { Member, type ObjectHandle } from './member.ts'
import { defaultRegion, type Region } from './region.ts'

/** Tickets: more than there will ever be. */
const FOR_GOOD = 2 ** 30

export interface OutletHandle extends ObjectHandle {}

/** What happens to a line with a newline inside: it is refused and counted, or each newline becomes a space. */
export type NewlineRule = 'refuse' | 'escape'

export interface OutletOptions {
  /** In bytes, its newline not counted. */
  readonly longestLine: number
  readonly newlines: NewlineRule
}

/**
 * What the threads of one exporter share beside the ring: whether it is closed, the flush words, 64 counters. See
 * `assembly/outlet/outlet.ts`. An endpoint that has left changes nothing any more; its counters stay as they were.
 */
export class Outlet {
  readonly region: Region
  readonly handle: OutletHandle
  readonly #member: Member
  readonly #address: number
  readonly #generation: number
  /** By themselves: a look-up in the exports of a Wasm instance costs as much as the call. */
  readonly #isClosed: Abi['outletIsClosed']
  readonly #add: Abi['outletAdd']
  readonly #raise: Abi['outletRaise']
  readonly #asked: Abi['outletAsked']
  #finalCounters: number[] | undefined

  private constructor(member: Member) {
    const { region, handle } = member
    this.region = region
    this.handle = handle
    this.#member = member
    this.#address = handle.address
    this.#generation = handle.generation
    this.#isClosed = region.abi.outletIsClosed
    this.#add = region.abi.outletAdd
    this.#raise = region.abi.outletRaise
    this.#asked = region.abi.outletAsked
  }

  static create(options: OutletOptions): Outlet {
    const region = defaultRegion()
    const { longestLine, newlines } = options
    const rule = newlineRule(region, newlines)
    checkInteger('longestLine', longestLine, 1, longestLineOf(region))
    return new Outlet(Member.create(region, () => region.abi.outletCreate(region.token, longestLine, rule)))
  }

  /** Joins from another thread (or the same). */
  static from(handle: OutletHandle): Outlet {
    return new Outlet(Member.join(handle, 'KIND_OUTLET'))
  }

  isClosed(): boolean {
    return !this.#member.isIn || this.#isClosed(this.#address, this.#generation) !== 0
  }

  /** For good: lines are refused from here on. One whose `write` is under way in another thread may still be stored. */
  shut(): void {
    if (this.#member.isIn) this.region.abi.outletShut(this.#address, this.#generation)
  }

  /** After `shut`, before the last look at the ledger: a line that is stored too late for it is told to have been refused. */
  end(): void {
    if (this.#member.isIn) this.region.abi.outletEnd(this.#address, this.#generation)
  }

  /** Adds a whole number to a counter. */
  add(counter: number, amount = 1): void {
    if (this.#member.isIn) this.#check(this.#add(this.#address, this.#generation, counter, amount))
  }

  /** The counter becomes `value` where it is less. */
  raise(counter: number, value: number): void {
    if (this.#member.isIn) this.#check(this.#raise(this.#address, this.#generation, counter, value))
  }

  get(counter: number): number {
    if (this.#finalCounters !== undefined) return this.#finalCounters[counter] ?? 0
    return this.#check(this.region.abi.outletGet(this.#address, this.#generation, counter))
  }

  /** Asks for a flush: the ticket. Wake the reader after it. */
  askFlush(): number {
    return this.#check(this.region.abi.outletAsk(this.#address, this.#generation))
  }

  /** The latest ticket. The reader looks at it before it drains, and serves what it saw. */
  asked(): number {
    return this.#check(this.#asked(this.#address, this.#generation))
  }

  isServed(ticket: number): boolean {
    const served = this.#check(this.region.abi.outletServed(this.#address, this.#generation))
    return ((served - ticket) | 0) >= 0
  }

  /** All tickets up to `asked` are served: whoever waits is woken. */
  serve(asked: number): void {
    if (this.#member.isIn) this.region.abi.outletServe(this.#address, this.#generation, asked)
  }

  /** Nobody will serve any more: whoever waits, or will ask, is let go. */
  serveForGood(): void {
    if (this.#member.isIn) this.serve((this.asked() + FOR_GOOD) >>> 0)
  }

  /** The word that changes when tickets are served, for `Atomics.wait` and `waitAsync`. */
  servedWord(): { words: Int32Array; index: number } {
    const address = this.#check(this.region.abi.outletServedWord(this.#address, this.#generation))
    return { words: this.region.i32, index: address >> 2 }
  }

  /** The last one out frees it. Idempotent. */
  leave(): void {
    if (!this.#member.isIn) return
    const count = this.region.layout.MAX_COUNTERS
    this.#finalCounters = Array.from({ length: count }, (_, counter) => this.get(counter))
    this.#member.leave()
  }

  #check(answer: number): number {
    if (answer < 0) throw this.region.failure(answer)
    return answer
  }
}

/** With its newline and a carriage return it is staged in the scratch. */
function longestLineOf(region: Region): number {
  return region.layout.SCRATCH_BYTES - 2
}

function newlineRule(region: Region, newlines: NewlineRule): number {
  if (newlines === 'refuse') return region.layout.REFUSE_NEWLINES
  if (newlines === 'escape') return region.layout.ESCAPE_NEWLINES
  throw invalid(`newlines must be 'refuse' or 'escape', not ${String(newlines)}`)
}
