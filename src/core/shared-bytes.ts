import { invalid } from './check.ts'
import { SpillwayError } from './errors.ts'
import { Member, type ObjectHandle } from './member.ts'
import { defaultRegion, type Region } from './region.ts'

export interface SharedBytesHandle extends ObjectHandle {}

const MAX_BYTES = 2 ** 28

/** A stretch of shared memory that threads share by handle; it lives until the last of them leaves. Zeros at first. */
export class SharedBytes {
  readonly region: Region
  readonly handle: SharedBytesHandle
  readonly length: number
  readonly #member: Member
  /** Where the bytes begin in the memory. */
  readonly #data: number

  private constructor(member: Member) {
    const { region, handle } = member
    this.region = region
    this.handle = handle
    this.length = region.i32[(handle.address + region.layout.BUFFER_LENGTH_OFFSET) >> 2]!
    this.#member = member
    this.#data = handle.address + region.layout.BUFFER_DATA_OFFSET
    region.reach(this.#data + this.length)
  }

  static create(bytes: number): SharedBytes {
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > MAX_BYTES) {
      throw invalid(`a number of bytes from 1 to ${MAX_BYTES} is wanted, not ${String(bytes)}`)
    }
    const region = defaultRegion()
    return new SharedBytes(Member.create(region, () => region.abi.bufferCreate(region.token, bytes)))
  }

  static from(handle: SharedBytesHandle): SharedBytes {
    return new SharedBytes(Member.join(handle, 'KIND_BUFFER'))
  }

  /** The bytes from `from` to `to`, as a view of its own. It must not be used after the last member has left. */
  view(from: number, to: number): Uint8Array {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= this.length)) {
      throw invalid(`${from} to ${to} is no stretch of ${this.length} bytes`)
    }
    if (!this.#member.isIn) throw new SpillwayError('ERR_CLOSED', 'these shared bytes have been left')
    return new Uint8Array(this.region.memory.buffer, this.#data + from, to - from)
  }

  /** The last one out frees it. Idempotent. */
  leave(): void {
    this.#member.leave()
  }
}
