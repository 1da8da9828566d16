import type { Range } from './program.ts'

/** What a word of memory is; from `PRIVATE` on, the owner is added. */
const UNDECLARED = 0
const SHARED = 1
const CONSTANT = 2
const PRIVATE = 8

/** What an access is: a scheduling point, the thread's own business, or a mistake. */
export const POINT = 0
export const LOCAL = 1
export const MISTAKE = 2

/** The ranges of a scenario, a byte for each aligned word. */
export class AddressMap {
  private readonly classes: Uint8Array

  constructor(ranges: readonly Range[], programBytes: number) {
    this.classes = new Uint8Array(programBytes >> 2)
    for (const range of ranges) {
      const { start, bytes } = range
      if (start % 4 !== 0 || bytes % 4 !== 0 || start < 0 || bytes < 0 || start + bytes > programBytes) {
        throw new Error(`bad range: ${JSON.stringify(range)}`)
      }
      this.classes.fill(classOf(range), start >> 2, (start + bytes) >> 2)
    }
  }

  /** Pairs of first word and end: all that threads can change. */
  changing(): Int32Array {
    const pairs: number[] = []
    let open = false
    for (let word = 0; word <= this.classes.length; word++) {
      const kind = this.at(word)
      const changes = kind !== UNDECLARED && kind !== CONSTANT
      if (changes !== open) pairs.push(word)
      open = changes
    }
    return Int32Array.from(pairs)
  }

  /** By the first and the last byte: accesses are narrow, and ranges are not interleaved that finely. */
  judge(thread: number, address: number, bytes: number, writes: boolean): number {
    const first = this.at(address >>> 2)
    const last = this.at((address + bytes - 1) >>> 2)
    if (first !== last) return MISTAKE
    if (first === SHARED) return POINT
    if (first === PRIVATE + thread) return LOCAL
    return first === CONSTANT && !writes ? LOCAL : MISTAKE
  }

  /** Why `judge` said that it is a mistake. */
  explain(thread: number, address: number, bytes: number, nameOf: (thread: number) => string): string {
    const first = this.at(address >>> 2)
    const last = this.at((address + bytes - 1) >>> 2)
    const kind = first === SHARED || first === PRIVATE + thread ? last : first
    if (kind === CONSTANT) return 'writes constant memory'
    if (kind >= PRIVATE && kind !== PRIVATE + thread)
      return `touches memory private to ${nameOf(kind - PRIVATE)}`
    return kind === UNDECLARED ? 'is outside the declared ranges' : 'reaches from one range into another'
  }

  /** Whether no other thread can change these bytes. */
  isStable(thread: number, address: number, bytes: number): boolean {
    for (let word = address >>> 2; word <= (address + bytes - 1) >>> 2; word++) {
      const kind = this.at(word)
      if (kind !== CONSTANT && kind !== PRIVATE + thread) return false
    }
    return true
  }

  private at(word: number): number {
    return this.classes[word] ?? UNDECLARED
  }
}

function classOf(range: Range): number {
  if (range.kind === 'shared') return SHARED
  return range.kind === 'constant' ? CONSTANT : PRIVATE + range.thread
}
