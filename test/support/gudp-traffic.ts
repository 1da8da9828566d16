import { Buffer } from 'node:buffer'
import type { LanePipe } from '../../src/core/lane-pipe.ts'
import { type Random, seeded } from '../../src/sim/network/index.ts'

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

/** Which it is; -1: too short to say so; throws when it is none. */
export function numberOf(bytes: Uint8Array): number {
  if (bytes.length < HEAD) return -1
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const number = view.getUint32(0, true)
  const from = placeOf(number, bytes.length)
  const isWhole =
    view.getUint32(4, true) === bytes.length &&
    Buffer.compare(bytes.subarray(HEAD), pattern.subarray(from, from + bytes.length - HEAD)) === 0
  if (!isWhole) throw new Error(`message ${number} of ${bytes.length} bytes is not as it was sent`)
  return number
}

/** Sends the messages of a list as fast as the lane takes them. */
export class Source {
  readonly #lane: LanePipe
  readonly #sizes: readonly number[]
  #next = 0
  bytes = 0

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
      const size = this.#sizes[this.#next]!
      if (!this.#lane.trySend(message(this.#next, size))) break
      this.#next++
      this.bytes += size
      sent++
    }
    return sent
  }
}

/** Takes what comes, and says at once if it is not what it should be. */
export abstract class Sink {
  received = 0
  bytes = 0
  readonly #lane: LanePipe
  readonly #name: string

  constructor(lane: LanePipe, name: string) {
    this.#lane = lane
    this.#name = name
  }

  drain(most = Number.POSITIVE_INFINITY): void {
    for (let taken = 0; taken < most; taken++) {
      const bytes = this.#lane.receive()
      if (bytes === undefined) return
      try {
        this.check(numberOf(bytes), bytes.length)
      } catch (cause) {
        throw new Error(`${this.#name}, after ${this.received} messages: ${(cause as Error).message}`, {
          cause,
        })
      }
      this.received++
      this.bytes += bytes.length
    }
  }

  protected abstract check(number: number, length: number): void
}

/** Every one, once, in order. */
export class ReliableSink extends Sink {
  readonly #sizes: readonly number[]

  constructor(lane: LanePipe, name: string, sizes: readonly number[]) {
    super(lane, name)
    this.#sizes = sizes
  }

  get isDone(): boolean {
    return this.received === this.#sizes.length
  }

  protected check(number: number, length: number): void {
    if (length !== this.#sizes[this.received] || (number >= 0 && number !== this.received))
      throw new Error(
        `${number} of ${length} bytes came instead of ${this.received} of ${this.#sizes[this.received]}`,
      )
  }
}

/** Each at most once. */
export class UnreliableSink extends Sink {
  readonly #sizes: readonly number[]
  readonly #seen: Uint8Array

  constructor(lane: LanePipe, name: string, sizes: readonly number[]) {
    super(lane, name)
    this.#sizes = sizes
    this.#seen = new Uint8Array(sizes.length)
  }

  protected check(number: number, length: number): void {
    if (number < 0) return
    if (length !== this.#sizes[number]) throw new Error(`there is no ${number} of ${length} bytes`)
    if (this.#seen[number]!++ !== 0) throw new Error(`${number} came twice`)
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
