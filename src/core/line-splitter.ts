import type { Abi } from './abi.ts'
import { invalid } from './check.ts'
import { defaultRegion, type Region } from './region.ts'
import { closedError } from './ring.ts'
import { SharedBytes } from './shared-bytes.ts'

/** What a datagram came to. One object, filled anew by each `split`. */
export interface Split {
  /** The good lines, one behind the other, each with a newline at its end. A view on shared memory, good until the next `split`. */
  readonly bytes: Uint8Array
  readonly lines: number
  /** Lines of nothing but white space. */
  readonly blank: number
  readonly invalidUtf8: number
  /** 1 when the last line is cut off. */
  readonly truncated: number
  /** Where in the datagram the first line begins that is cut off or not UTF-8; -1 when there is none. */
  readonly firstBadOffset: number
}

/** No datagram is longer: what IPv4 leaves of 65,535 bytes for it, rounded up. */
const LONGEST_DATAGRAM = 65535

/** Splits datagrams into lines, in a buffer of its own. */
export class LineSplitter {
  readonly #buffer: SharedBytes
  readonly #region: Region
  /** The buffer without the room behind it, but for the newline that the last line may lack. */
  readonly #bytes: Uint8Array
  readonly #lineSplit: Abi['lineSplit']
  #isOpen = true
  readonly #split = {
    bytes: new Uint8Array(0) as Uint8Array,
    lines: 0,
    blank: 0,
    invalidUtf8: 0,
    truncated: 0,
    firstBadOffset: -1,
  }

  constructor() {
    const { layout } = defaultRegion()
    this.#buffer = SharedBytes.create(LONGEST_DATAGRAM + layout.SPLIT_ROOM_BYTES)
    this.#region = this.#buffer.region
    this.#bytes = this.#buffer.view(0, LONGEST_DATAGRAM + 1)
    this.#lineSplit = this.#region.abi.lineSplit
  }

  /** The lines of the datagram from its byte `from` on. */
  split(datagram: Uint8Array, from = 0): Split {
    if (!this.#isOpen) throw closedError('splitter')
    if (datagram.length > LONGEST_DATAGRAM) {
      throw invalid(`a datagram has at most ${LONGEST_DATAGRAM} bytes`)
    }
    const region = this.#region
    const { address, generation } = this.#buffer.handle
    this.#bytes.set(datagram)
    const bytes = this.#lineSplit(address, generation, region.token, from, datagram.length)
    if (bytes < 0) throw region.failure(bytes)
    const { i32, mailSplit } = region
    const split = this.#split
    split.bytes = this.#bytes.subarray(from, from + bytes)
    split.lines = i32[mailSplit]!
    split.blank = i32[mailSplit + 1]!
    split.invalidUtf8 = i32[mailSplit + 2]!
    split.truncated = i32[mailSplit + 3]!
    split.firstBadOffset = i32[mailSplit + 4]!
    return split
  }

  /** Idempotent. */
  close(): void {
    this.#isOpen = false
    this.#buffer.leave()
  }
}
