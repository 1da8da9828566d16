import { invalid } from './check.ts'
import { Member } from './member.ts'
import { defaultRegion, type Region } from './region.ts'

const WORKING_BITS = 0xffff
const FINAL_SHIFT = 16
const FINAL_COUNT = 12
const FIRST_SHIFT = 28

/** Names a status word to another thread, as a `DiodeHandle` names a ring. */
export interface StatusHandle {
  readonly memory: WebAssembly.Memory
  readonly address: number
  readonly generation: number
}

/**
 * A status that threads share: working bits until the first final bit, and never back. The type has no way to clear a final
 * bit, nor to write working bits over one.
 */
export class StatusWord {
  readonly handle: StatusHandle
  readonly #region: Region
  readonly #member: Member

  private constructor(member: Member) {
    this.handle = member.handle
    this.#region = member.region
    this.#member = member
  }

  static create(): StatusWord {
    const region = defaultRegion()
    return new StatusWord(Member.create(region, () => region.abi.statusCreate(region.token)))
  }

  static from(handle: StatusHandle): StatusWord {
    return new StatusWord(Member.join(handle, 'KIND_STATUS'))
  }

  /** The working bits as last set, before the status became final. */
  get working(): number {
    return this.#load() & WORKING_BITS
  }

  /** The number of the first final bit, or `undefined` while the status is working. */
  get reason(): number | undefined {
    const first = this.#load() >>> FIRST_SHIFT
    return first === 0 ? undefined : first - 1
  }

  get isFinal(): boolean {
    return this.reason !== undefined
  }

  /** Whether final bit `bit` is set. */
  has(bit: number): boolean {
    return (this.#load() & (1 << (FINAL_SHIFT + checkBit(bit)))) !== 0
  }

  /** Replaces the working bits (0 to 65535). `false` when the status is final: then nothing changes. */
  setWorking(bits: number): boolean {
    const code = this.#region.abi.statusSetWorking(this.handle.address, this.handle.generation, bits)
    if (code < 0) throw this.#region.failure(code)
    return code === 1
  }

  /** Makes the status final. `true` for the one call that did; the reason it gave stays. */
  fail(bit: number): boolean {
    const code = this.#region.abi.statusSetFinal(this.handle.address, this.handle.generation, checkBit(bit))
    if (code < 0) throw this.#region.failure(code)
    return code === 1
  }

  close(): void {
    this.#member.leave()
  }

  #load(): number {
    const word = this.#region.abi.statusLoad(this.handle.address, this.handle.generation)
    if (word < 0) throw this.#region.failure(word)
    return word
  }
}

function checkBit(bit: number): number {
  if (Number.isInteger(bit) && bit >= 0 && bit < FINAL_COUNT) return bit
  throw invalid(`a final bit is a number from 0 to ${FINAL_COUNT - 1}, not ${String(bit)}`)
}
