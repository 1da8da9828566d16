import { checkTimeout, invalid } from './check.ts'
import { SpillwayError } from './errors.ts'
import { gudpCoreOf } from './gudp-core.ts'
import { LaneQueues, over } from './lane-queues.ts'
import { Member, type ObjectHandle } from './member.ts'

const encoder = new TextEncoder()

/** This thread becomes a member of the connection. */
export function joinConnection(handle: ObjectHandle): Member {
  const member = Member.join(handle, 'KIND_CONNECTION', (region) =>
    gudpCoreOf(region).abi.connectionEnter(handle.address, handle.generation, region.token),
  )
  member.region.reach(gudpCoreOf(member.region).abi.connectionEnd(handle.address, handle.generation))
  return member
}

/**
 * One lane of a connection, as its users see it: records in and out, by blocking or by promises. Pipes of one thread at one lane
 * share their queues, for the thread has one place in the lane's wait sets (`assembly/gudp/read-buffer.ts`, `send-buffer.ts`).
 */
export class LanePipe {
  readonly #queues: LaneQueues
  #isOpen = true

  /** The member is the connection's, and stays its own. */
  constructor(member: Member, lane: number) {
    this.#queues = LaneQueues.of(member, lane)
    this.#queues.users++
  }

  /** The caller's own copy of the oldest record; `undefined` when there is none now, or the connection is over (see `isEnded`). */
  receive(): Uint8Array | undefined {
    const { lane, receivers } = this.#open()
    const record = lane.take()
    if (typeof record === 'number') return undefined
    receivers.kick()
    return record
  }

  /** The connection is over, and all that came was taken: nothing more will. */
  get isEnded(): boolean {
    return this.#open().lane.isEnded()
  }

  /** As `receive`, and blocks for a record. `undefined` also when the time is up. */
  receiveSync(timeoutMs: number = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    const { lane, receivers } = this.#open()
    const record = lane.block(
      checkTimeout(timeoutMs),
      () => lane.take(),
      () => lane.arm(),
      () => lane.leave(),
    )
    receivers.kick()
    return typeof record === 'number' ? undefined : record
  }

  /** The oldest record once there is one; `undefined` at the end. Rejects with the signal's reason. First come, first served. */
  receiveAsync(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#open().receivers.wait(undefined, signal)
  }

  /** `false`: there is no room now, another thread is sending, or the connection is over. */
  trySend(record: Uint8Array | string): boolean {
    const { lane, senders } = this.#open()
    const code = lane.send(bytesOf(record))
    senders.kick()
    return code === 0
  }

  /** Blocks until there is room. `false`: the time is up. */
  sendSync(record: Uint8Array | string, timeoutMs: number = Number.POSITIVE_INFINITY): boolean {
    const { lane, senders } = this.#open()
    const bytes = bytesOf(record)
    const code = lane.block(
      checkTimeout(timeoutMs),
      () => lane.send(bytes),
      () => lane.sendArm(bytes.length),
      () => lane.sendLeave(),
    )
    senders.kick()
    if (code === lane.layout.ENDED) throw over()
    return code === 0
  }

  /** Resolves when the record is in the send buffer. Rejects with the signal's reason. First come, first served. */
  async sendAsync(record: Uint8Array | string, signal?: AbortSignal): Promise<void> {
    await this.#open().senders.wait(bytesOf(record).slice(), signal)
  }

  /** Resolves when all that was sent, by anybody, has been acknowledged. Rejects when the connection ends before. */
  async drained(signal?: AbortSignal): Promise<void> {
    await this.#open().senders.waitForAll(signal)
  }

  /** As `drained`, by blocking. `false`: the time is up. */
  drainedSync(timeoutMs: number = Number.POSITIVE_INFINITY): boolean {
    const { lane, senders } = this.#open()
    const { EMPTY, ALL_FREED } = lane.layout
    const code = lane.block(
      checkTimeout(timeoutMs),
      () => lane.isDrained(),
      () => lane.sendArm(ALL_FREED),
      () => lane.sendLeave(),
    )
    if (senders.isWaiting) senders.kick()
    else lane.sendLeave()
    if (code === lane.layout.ENDED) throw over()
    return code !== EMPTY
  }

  /** Bytes of the longest record. */
  get longest(): number {
    return this.#queues.lane.longest
  }

  /** Bytes that wait to be read. */
  get depth(): number {
    const { lane } = this.#open()
    return lane.check(lane.abi.laneDepth(lane.address, lane.generation, lane.index))
  }

  /** Its waits are over: those of the last pipe of the thread at this lane reject. Idempotent; the member is left by its owner, afterwards. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (--this.#queues.users === 0) this.#queues.close()
  }

  #open(): LaneQueues {
    if (this.#isOpen) return this.#queues
    throw new SpillwayError('ERR_CLOSED', 'this end of the connection has been closed')
  }
}

function bytesOf(record: Uint8Array | string): Uint8Array {
  if (typeof record === 'string') return encoder.encode(record)
  if (record instanceof Uint8Array) return record
  throw invalid('a record must be a Uint8Array or a string')
}
