import type { LanePipe } from '../../core/lane-pipe.ts'
import { type Random, seeded } from '../network/index.ts'

// Messages that say which they are, and whose every other byte follows from that.

const HEAD = 8
const LONGEST = 262_144
const PATTERN = LONGEST + 65_536

const pattern = makePattern()
const scratch = new Uint8Array(LONGEST)

function makePattern(): Uint8Array {
  const random = seeded(0x5eed)
  const words = new Uint32Array(PATTERN / 4)
  for (let i = 0; i < words.length; i++) words[i] = random.word()
  return new Uint8Array(words.buffer)
}

const placeOf = (number: number, length: number): number => (number * 251 + length * 13) & 0xffff

/** Number and length, then what follows from both; one shorter than that is the beginning of it. Good until the next call. */
export function message(number: number, length: number): Uint8Array {
  const bytes = scratch.subarray(0, Math.max(length, HEAD))
  new DataView(bytes.buffer).setUint32(0, number, true)
  new DataView(bytes.buffer).setUint32(4, length, true)
  if (length > HEAD) {
    const from = placeOf(number, length)
    bytes.set(pattern.subarray(from, from + length - HEAD), HEAD)
  }
  return bytes.subarray(0, length)
}

/** Which it is; -1: too short to say so; `undefined`: it is none. */
export function numberOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEAD) return -1
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const number = view.getUint32(0, true)
  if (view.getUint32(4, true) !== bytes.length) return undefined
  const from = placeOf(number, bytes.length) - HEAD
  for (let i = HEAD; i < bytes.length; i++) if (bytes[i] !== pattern[from + i]) return undefined
  return number
}

/** Sends the messages of a list as fast as the lane takes them. The list may grow meanwhile. */
export class Source {
  readonly #lane: LanePipe
  readonly #sizes: readonly number[]
  /** Whoever wants to know of each that the lane has taken. */
  onSent: ((number: number) => void) | undefined
  #next = 0

  constructor(lane: LanePipe, sizes: readonly number[]) {
    this.#lane = lane
    this.#sizes = sizes
  }

  get isDone(): boolean {
    return this.#next === this.#sizes.length
  }

  get sent(): number {
    return this.#next
  }

  /** Answers how many went. */
  send(most: number): number {
    let sent = 0
    while (sent < most && !this.isDone) {
      if (!this.#lane.trySend(message(this.#next, this.#sizes[this.#next]!))) break
      this.onSent?.(this.#next)
      this.#next++
      sent++
    }
    return sent
  }
}

/** Takes what comes, and looks whether it is what it should be. */
export abstract class Sink {
  received = 0
  /** The first thing that was not as it should be. */
  fault: string | undefined
  /** Whoever wants to know of each that has come and says its number. */
  onTaken: ((number: number) => void) | undefined
  protected readonly sizes: readonly number[]
  readonly #lane: LanePipe
  readonly #name: string

  constructor(lane: LanePipe, name: string, sizes: readonly number[]) {
    this.#lane = lane
    this.#name = name
    this.sizes = sizes
  }

  /** Whether all has come that must. */
  abstract readonly isDone: boolean

  drain(): void {
    for (let bytes = this.#lane.receive(); bytes !== undefined; bytes = this.#lane.receive()) {
      const number = numberOf(bytes)
      const fault = number === undefined ? 'is not as it was sent' : this.take(number, bytes.length)
      if (fault !== undefined)
        this.fault ??= `${this.#name}, after ${this.received} messages: one of ${bytes.length} bytes ${fault}`
      if (fault === undefined && number! >= 0) this.onTaken?.(number!)
      this.received++
    }
  }

  /** Answers what is wrong with it. */
  protected abstract take(number: number, length: number): string | undefined
}

/** Every one, once, in order. */
export class ReliableSink extends Sink {
  get isDone(): boolean {
    return this.received === this.sizes.length
  }

  protected take(number: number, length: number): string | undefined {
    const isNext = length === this.sizes[this.received] && (number < 0 || number === this.received)
    return isNext ? undefined : `says that it is ${number}; ${this.received} is next`
  }
}

/** Each at most once. */
export class UnreliableSink extends Sink {
  readonly isDone = true
  readonly #seen: boolean[] = []

  has(number: number): boolean {
    return this.#seen[number] === true
  }

  protected take(number: number, length: number): string | undefined {
    if (number < 0) return undefined
    if (length !== this.sizes[number]) return `says that it is ${number}, which has ${this.sizes[number]}`
    if (this.has(number)) return `is ${number}, which came before`
    this.#seen[number] = true
    return undefined
  }
}

/** Most are short, some are long, and `long` of them are very long. */
export function sizesOf(
  random: Random,
  count: number,
  longest: number,
  long: readonly number[] = [],
): number[] {
  const sizes = Array.from({ length: count }, () => {
    const pick = random.next()
    if (pick < 0.02) return random.between(0, 8)
    if (pick < 0.85) return random.between(1, Math.min(120, longest))
    return random.between(1, Math.min(pick < 0.97 ? 1000 : 5000, longest))
  })
  for (const size of long) sizes[random.between(0, count - 1)] = size
  return sizes
}
