import { DueHeap } from '../../net/due-heap.ts'
import type { Cancel, Clock } from '../../ports.ts'
import { NetworkError } from './network-error.ts'
import type { Random } from './random.ts'

/** Losses that come together (Gilbert-Elliott). Before each datagram the link may change between good and bad. */
export interface Burst {
  /** How likely a good link goes bad. */
  readonly enter: number
  /** How likely a bad link gets good again: a burst is `1 / leave` datagrams long on average. */
  readonly leave: number
  /** How likely a datagram is lost while it is bad. */
  readonly loss: number
}

/** Probabilities are from 0 to 1. What is left out is 0: none. */
export interface LinkOptions {
  readonly latencyMs?: number
  /** From 0 to so much is added, each datagram by itself: they overtake one another. */
  readonly jitterMs?: number
  readonly loss?: number
  readonly burst?: Burst | undefined
  readonly duplicate?: number
  /** How likely a datagram is held back, for up to `reorderMs`, so that later ones overtake it. */
  readonly reorder?: number
  /** Default 30. */
  readonly reorderMs?: number
  /** The bottleneck; 0: there is none. */
  readonly bytesPerSecond?: number
  /** What may wait at the bottleneck, with what it is just sending; more is dropped. Default 65536. */
  readonly queueBytes?: number
  /** Longer datagrams vanish; 0: none is too long. */
  readonly mtuBytes?: number
}

type Settings = Required<LinkOptions>

const perfect: Settings = {
  latencyMs: 0,
  jitterMs: 0,
  loss: 0,
  burst: undefined,
  duplicate: 0,
  reorder: 0,
  reorderMs: 30,
  bytesPerSecond: 0,
  queueBytes: 65_536,
  mtuBytes: 0,
}

const probabilities: readonly string[] = ['loss', 'duplicate', 'reorder']

/** What becomes of a datagram when it is sent; `passed`: it will be delivered, `doubled`: twice. */
export type Fate = 'passed' | 'doubled' | 'lost' | 'burst' | 'queue' | 'too-long' | 'blocked'

/** sent + duplicated = delivered + lost + queueDropped + tooLong + blocked + what is in flight. */
export interface LinkCounters {
  sent: number
  bytesSent: number
  /** Copies too. */
  delivered: number
  bytesDelivered: number
  lost: number
  /** Of those lost, how many in a burst. */
  lostInBurst: number
  duplicated: number
  queueDropped: number
  tooLong: number
  blocked: number
  /** Copies too. */
  heldBack: number
  /** Delivered after one that was sent later: what a receiver can see of jitter and of holding back. */
  reordered: number
}

export function noCounters(): LinkCounters {
  return {
    sent: 0,
    bytesSent: 0,
    delivered: 0,
    bytesDelivered: 0,
    lost: 0,
    lostInBurst: 0,
    duplicated: 0,
    queueDropped: 0,
    tooLong: 0,
    blocked: 0,
    heldBack: 0,
    reordered: 0,
  }
}

interface Flight {
  readonly index: number
  readonly bytes: number
  readonly arrive: () => void
}

/**
 * One direction of a link: decides what becomes of each datagram, and calls when it arrives. Every datagram draws the same number of
 * random numbers, whatever the options are: with more loss the same are lost, and some more.
 */
export class Link {
  readonly counters: LinkCounters = noCounters()
  /** Nothing gets through; what is in flight arrives. */
  isBlocked = false
  readonly #clock: Clock
  readonly #random: Random
  #settings: Settings = perfect
  #isBad = false
  readonly #queue: { readonly leavesMs: number; readonly bytes: number }[] = []
  #queuedBytes = 0
  #lastLeavesMs = Number.NEGATIVE_INFINITY
  // One timer for the earliest: timers of their own would overtake one another by the real clock's grain.
  readonly #flights = new DueHeap<Flight>()
  #armedMs = Number.POSITIVE_INFINITY
  #cancel: Cancel | undefined
  #latestArrived = -1

  constructor(clock: Clock, random: Random, options: LinkOptions = {}) {
    this.#clock = clock
    this.#random = random
    this.set(options)
  }

  get options(): Settings {
    return this.#settings
  }

  /** Counts for what is sent from now on; what waits at the bottleneck leaves as it would have. */
  set(options: LinkOptions): void {
    check(options)
    this.#settings = { ...this.#settings, ...options }
  }

  /** Datagrams on their way, copies too. */
  get inFlight(): number {
    return this.#flights.size
  }

  /** What waits at the bottleneck, with what it is just sending. */
  get queuedBytes(): number {
    this.#unqueue(this.#clock.now())
    return this.#queuedBytes
  }

  /**
   * `arrive` is called once for each copy that gets through, never before this returns; `foreseen` at once, with when that will be:
   * for who draws it, and for nobody who plays in it.
   */
  pass(bytes: number, arrive: () => void, foreseen?: (arrivesAtMs: number) => void): Fate {
    const { duplicate, loss } = this.#settings
    const isStray = this.#random.chance(loss)
    const isInBurst = this.#drawBurst()
    const isDoubled = this.#random.chance(duplicate)
    const delay = this.#drawDelay()
    const copyDelay = this.#drawDelay()
    const leavesMs = this.#leave(bytes)
    if (typeof leavesMs === 'string') return leavesMs
    if (isStray || isInBurst) {
      this.counters.lost++
      if (!isInBurst) return 'lost'
      this.counters.lostInBurst++
      return 'burst'
    }
    const flight = { index: this.counters.sent, bytes, arrive }
    const atMs = this.#fly(leavesMs, delay, flight)
    foreseen?.(atMs)
    if (isDoubled) {
      this.counters.duplicated++
      const copyAtMs = this.#fly(leavesMs, copyDelay, flight)
      foreseen?.(copyAtMs)
    }
    this.#arm()
    return isDoubled ? 'doubled' : 'passed'
  }

  /** Calls nothing more. What is in flight stays there. */
  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #drawBurst(): boolean {
    const { enter, leave, loss } = this.#settings.burst ?? { enter: 0, leave: 1, loss: 0 }
    if (this.#random.chance(this.#isBad ? leave : enter)) this.#isBad = !this.#isBad
    return this.#random.chance(loss) && this.#isBad
  }

  #drawDelay(): { ms: number; isHeld: boolean } {
    const { latencyMs, jitterMs, reorder, reorderMs } = this.#settings
    const ms = latencyMs + jitterMs * this.#random.next()
    const isHeld = this.#random.chance(reorder)
    const heldMs = reorderMs * this.#random.next()
    return { ms: isHeld ? ms + heldMs : ms, isHeld }
  }

  /** When the whole of it is on the wire, or why it never is. */
  #leave(bytes: number): number | Fate {
    const { mtuBytes, bytesPerSecond, queueBytes } = this.#settings
    const { counters } = this
    counters.sent++
    counters.bytesSent += bytes
    if (this.isBlocked) {
      counters.blocked++
      return 'blocked'
    }
    if (mtuBytes > 0 && bytes > mtuBytes) {
      counters.tooLong++
      return 'too-long'
    }
    const nowMs = this.#clock.now()
    this.#unqueue(nowMs)
    if (bytesPerSecond > 0 && this.#queue.length > 0 && this.#queuedBytes + bytes > queueBytes) {
      counters.queueDropped++
      return 'queue'
    }
    const startsMs = nowMs > this.#lastLeavesMs ? nowMs : this.#lastLeavesMs
    if (bytesPerSecond === 0) return startsMs
    const leavesMs = startsMs + (bytes * 1000) / bytesPerSecond
    this.#lastLeavesMs = leavesMs
    this.#queue.push({ leavesMs, bytes })
    this.#queuedBytes += bytes
    return leavesMs
  }

  #unqueue(nowMs: number): void {
    let gone = 0
    for (; gone < this.#queue.length && this.#queue[gone]!.leavesMs <= nowMs; gone++)
      this.#queuedBytes -= this.#queue[gone]!.bytes
    if (gone > 0) this.#queue.splice(0, gone)
  }

  /** Answers when it arrives. */
  #fly(leavesMs: number, { ms, isHeld }: { ms: number; isHeld: boolean }, flight: Flight): number {
    if (isHeld) this.counters.heldBack++
    return this.#flights.push(leavesMs + ms, flight).atMs
  }

  #arm(): void {
    const next = this.#flights.first
    if (next === undefined || next.atMs >= this.#armedMs) return
    this.#cancel?.()
    this.#armedMs = next.atMs
    const waitMs = next.atMs - this.#clock.now()
    this.#cancel = this.#clock.after(waitMs > 0 ? waitMs : 0, () => this.#land())
  }

  #land(): void {
    this.#armedMs = Number.POSITIVE_INFINITY
    this.#cancel = undefined
    const nowMs = this.#clock.now()
    try {
      for (let next = this.#flights.first; next !== undefined && next.atMs <= nowMs; ) {
        this.#flights.remove(next)
        this.#arrive(next.value)
        next = this.#flights.first
      }
    } finally {
      this.#arm()
    }
  }

  #arrive({ index, bytes, arrive }: Flight): void {
    this.counters.delivered++
    this.counters.bytesDelivered += bytes
    if (index < this.#latestArrived) this.counters.reordered++
    else this.#latestArrived = index
    arrive()
  }
}

function check(options: LinkOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(name in perfect)) invalid(`there is no option ${name} of a link`)
    if (name !== 'burst') checkNumber(name, value, probabilities.includes(name))
    else if (value !== undefined)
      for (const part of ['enter', 'leave', 'loss']) checkNumber(`burst.${part}`, value[part], true)
  }
}

function checkNumber(name: string, value: unknown, isProbability: boolean): void {
  if (typeof value === 'number' && value >= 0 && value <= (isProbability ? 1 : Number.MAX_SAFE_INTEGER))
    return
  invalid(`${name} must be a number from 0${isProbability ? ' to 1' : ''}, not ${String(value)}`)
}

function invalid(message: string): never {
  throw new NetworkError('ERR_INVALID_ARGUMENT', message)
}
