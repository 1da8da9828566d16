import { blockAtBell } from './bell-watch.ts'
import { SpillwayError } from './errors.ts'
import { type GudpAbi, type GudpLayout, gudpCoreOf } from './gudp-core.ts'
import type { Member } from './member.ts'
import type { Region } from './region.ts'

/** One lane of a connection, as this thread calls on it in Wasm (`assembly/gudp/read-buffer.ts`, `send-buffer.ts`). */
export class LaneCalls {
  readonly region: Region
  readonly abi: GudpAbi
  readonly layout: GudpLayout
  readonly address: number
  readonly generation: number
  readonly index: number
  readonly inWaiters: number
  readonly outWaiters: number
  readonly outLockers: number
  readonly #lane: number
  /** Index into `i32` of what a call leaves in the mailbox. */
  readonly #span: number

  constructor(member: Member, index: number) {
    const { abi, layout } = gudpCoreOf(member.region)
    this.region = member.region
    this.abi = abi
    this.layout = layout
    this.address = member.handle.address
    this.generation = member.handle.generation
    this.index = index
    this.#lane = this.address + layout.FIRST_LANE_OFFSET + index * layout.LANE_BYTES
    this.inWaiters = this.#lane + layout.IN_WAITERS_OFFSET
    this.outWaiters = this.#lane + layout.OUT_WAITERS_OFFSET
    this.outLockers = this.#lane + layout.OUT_LOCKERS_OFFSET
    this.#span = this.region.mailAddress + ((layout.MAILBOX_SPAN_OFFSET - layout.MAILBOX_ADDRESS_OFFSET) >> 2)
    this.check(abi.laneDepth(this.address, this.generation, index))
  }

  get longest(): number {
    return this.region.i32[(this.#lane + this.layout.LONGEST_OFFSET) >> 2]!
  }

  // ---- in ------------------------------------------------------------------------------------------------

  /** A copy of the oldest record, or EMPTY, BUSY or ENDED. */
  take(): Uint8Array | number {
    const { EMPTY, BUSY, ENDED } = this.layout
    const bytes = this.abi.laneTake(this.address, this.generation, this.index, this.region.token)
    if (bytes < 0) return bytes === EMPTY || bytes === BUSY || bytes === ENDED ? bytes : this.check(bytes)
    let record: Uint8Array
    try {
      record = new Uint8Array(bytes)
      const { i32, u8 } = this.region
      const [place, first] = [i32[this.#span]!, i32[this.#span + 1]!]
      record.set(u8.subarray(place, place + first))
      if (first < bytes) {
        const second = i32[this.#span + 2]!
        record.set(u8.subarray(second, second + bytes - first), first)
      }
    } catch (error) {
      this.abi.lanePutBack(this.address, this.generation, this.index, this.region.token)
      throw error
    }
    this.check(this.abi.laneTaken(this.address, this.generation, this.index, this.region.token))
    return record
  }

  /** Over first: what came before the end is not missed. */
  isEnded(): boolean {
    return this.isOver() && this.check(this.abi.laneDepth(this.address, this.generation, this.index)) === 0
  }

  arm(): number {
    return this.abi.laneArm(this.address, this.generation, this.index, this.region.token)
  }

  leave(): void {
    this.abi.laneLeave(this.address, this.generation, this.index, this.region.token)
  }

  // ---- out -----------------------------------------------------------------------------------------------

  /** 0, FULL, BUSY or ENDED. */
  send(bytes: Uint8Array): number {
    const { FULL, BUSY, ENDED, OVERSIZE } = this.layout
    const { length } = bytes
    const code = this.abi.laneClaim(this.address, this.generation, this.index, this.region.token, length)
    if (code === FULL || code === BUSY || code === ENDED) return code
    if (code === OVERSIZE) {
      throw new SpillwayError('EMSGSIZE', `at most ${this.longest} bytes go into one record, not ${length}`)
    }
    this.check(code)
    const { i32, u8 } = this.region
    const first = i32[this.#span + 1]!
    u8.set(first < length ? bytes.subarray(0, first) : bytes, i32[this.#span]!)
    if (first < length) u8.set(bytes.subarray(first), i32[this.#span + 2]!)
    return this.check(
      this.abi.laneCommit(this.address, this.generation, this.index, this.region.token, length),
    )
  }

  sendArm(bytes: number): number {
    return this.abi.laneSendArm(this.address, this.generation, this.index, this.region.token, bytes)
  }

  sendLeave(): void {
    this.abi.laneSendLeave(this.address, this.generation, this.index, this.region.token)
  }

  /** 0: all is freed. ENDED: not all, and it is over. EMPTY: not yet. */
  isDrained(): number {
    const isOver = this.isOver() // first: what is freed before the end counts
    const backlog = this.check(this.abi.laneBacklog(this.address, this.generation, this.index))
    if (backlog === 0) return 0
    return isOver ? this.layout.ENDED : this.layout.EMPTY
  }

  isOver(): boolean {
    return this.check(this.abi.connectionIsOver(this.address, this.generation)) !== 0
  }

  // --------------------------------------------------------------------------------------------------------

  /** Tries, and blocks this thread between two tries; the last answer when the time is up. */
  block<T>(timeoutMs: number, attempt: () => T, arm: () => number, leave: () => void): T {
    const { EMPTY, FULL, BUSY } = this.layout
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const outcome = attempt()
      const waits = outcome === EMPTY || outcome === FULL || outcome === BUSY
      if (!waits) return outcome
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) {
        leave()
        return outcome
      }
      const word = arm()
      if (word === 0) continue
      try {
        blockAtBell(this.region, word, leftMs)
      } catch (error) {
        leave()
        throw error
      }
    }
  }

  /** The code, when it is not a failure. */
  check(code: number): number {
    if (code >= 0) return code
    if (code === this.layout.STALE)
      throw new SpillwayError('ERR_STALE_HANDLE', 'the connection is gone: its last user has closed it')
    if (code === this.layout.CORRUPT)
      throw new SpillwayError('EPROTO', 'the memory of the connection was written over: open another one')
    throw this.region.failure(code)
  }
}
