import type { LinePacker } from '../core/line-packer.ts'
import type { Outlet } from '../core/outlet.ts'
import type { Cancel, Clock } from '../ports.ts'
import type { Announcements } from './announcements.ts'
import { counter, errorCounters } from './counters.ts'
import type { Delivery } from './delivery.ts'
import type { Flow } from './flow.ts'
import type { Slot, Slots } from './slots.ts'

/** How soon a datagram that is half full is looked after again: writers make no system call meanwhile, a flush no sign. */
const LOOK_AGAIN_MS = 1
const LONGEST_LOOK_MS = 4
/** With no slot or no socket the ring may overflow: that is to be told while it happens. */
const WATCH_MS = 250

export interface OutgoingContext {
  readonly outlet: Outlet
  readonly clock: Clock
  readonly packer: LinePacker
  readonly slots: Slots
  readonly delivery: Delivery
  readonly announcements: Announcements
  readonly maxDelayMs: number
  readonly oneEventPerDatagram: boolean
  /** Bytes that a sequence line takes in front of the events; 0: none is sent. */
  readonly sequenceBytes: number
  writeSequence(head: Uint8Array, flow: Flow): void
  acquire(): Flow | undefined
  changed(words: Int32Array, index: number, value: number): Promise<void> | undefined
  /** Called once a round: counts are looked at. */
  survey(): void
  /** Events were given up for this code, and counted. */
  onFailure(code: string): void
  /** Everything that was asked for is out: before it is said so. Answers whether there is something left to wait for. */
  onDrained(): boolean
}

/**
 * From the ring to the sockets. One round packs and sends as long as there are lines, slots and a socket; then the thread's
 * loop has its turn, and the kernel's answers free the slots. With nothing left it sleeps at the ring's bell.
 *
 *   awake ──▶ round: pack, send ──▶ no slot or socket: an answer begins the next round
 *     ▲                        ├──▶ half a datagram:   a millisecond
 *     └────── the bell ◀───────┴──▶ nothing:           asleep
 */
export class Outgoing {
  readonly #context: OutgoingContext
  #open: Slot | undefined
  /** To be sent again over another socket. */
  #again: Slot[] = []
  #isRunning = false
  #isScheduled = false
  #isClosed = false
  #lacksSlots = false
  /** The last round left nothing to do. */
  #isAtRest = false
  #lookTimer: Cancel | undefined
  #lookMs = LOOK_AGAIN_MS
  #asleepAt = 0
  /** What was asked for when the ring was last found empty. */
  #drained: number
  #served: number

  constructor(context: OutgoingContext) {
    this.#context = context
    // Another I/O thread may have been asked, and have died before it could serve.
    const { words, index } = context.outlet.servedWord()
    this.#served = Atomics.load(words, index) >>> 0
    this.#drained = this.#served
  }

  /** Nothing is on its way from the ring to the kernel. */
  get isIdle(): boolean {
    const { delivery, announcements } = this.#context
    return (
      this.#open === undefined &&
      this.#again.length === 0 &&
      delivery.inFlight === 0 &&
      announcements.inFlight === 0
    )
  }

  /** Something may have to be done: soon, and once for all who say so. */
  wake(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    this.#context.clock.soon(() => {
      this.#isScheduled = false
      this.round()
    })
  }

  round(): void {
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    try {
      this.#lookTimer?.()
      this.#lookTimer = undefined
      this.#context.survey()
      const asked = this.#context.outlet.asked()
      this.#isAtRest = this.#work(asked !== this.#served)
      if (this.#isAtRest) this.#rest(asked)
      else this.#lookTimer ??= this.#context.clock.after(WATCH_MS, () => this.round())
    } finally {
      this.#isRunning = false
    }
  }

  /** A slot's datagram is out of our hands. */
  done(slot: Slot): void {
    const { slots, announcements } = this.#context
    announcements.settle(slot.flow!)
    slots.put(slot)
    if (this.#lacksSlots ? slots.free * 2 >= slots.count : this.#drained !== this.#served) {
      this.#lacksSlots = false
      this.wake()
    }
  }

  /** A datagram that is nobody's event is out of our hands. */
  answered(): void {
    if (!this.#isAtRest || this.#drained !== this.#served) this.wake()
  }

  sendAgain(slot: Slot): void {
    this.#again.push(slot)
    this.wake()
  }

  close(): void {
    this.#isClosed = true
    this.#lookTimer?.()
    this.#context.packer.close()
  }

  /** Packs and sends what there is. True when the ring is empty and nothing is half packed. */
  #work(isAsked: boolean): boolean {
    const { slots, announcements, oneEventPerDatagram } = this.#context
    const flow = this.#flowIfNeeded()
    if (flow === null) return false
    const limit = oneEventPerDatagram ? 1 : Number.MAX_SAFE_INTEGER
    let current = flow
    for (;;) {
      const slot = this.#openSlot()
      if (slot === undefined) {
        this.#lacksSlots = slots.free < slots.count
        return false
      }
      const isFull = this.#pack(slot, limit)
      if (slot.events === 0) break
      if (!isFull && !isAsked && this.#mayWait(slot)) return false
      current ??= this.#context.acquire()
      if (current === undefined || announcements.mustWait(current)) return false
      this.#open = undefined
      announcements.before(current)
      this.#send(slot, current)
    }
    return true
  }

  /** A flow, if something waits for one already; null when it has to wait on. */
  #flowIfNeeded(): Flow | undefined | null {
    const { announcements } = this.#context
    if (this.#again.length === 0 && !announcements.isDue()) return undefined
    const flow = this.#context.acquire()
    if (flow === undefined || announcements.mustWait(flow)) return null
    announcements.before(flow)
    for (const slot of this.#again.splice(0)) this.#send(slot, flow)
    return flow
  }

  #openSlot(): Slot | undefined {
    if (this.#open !== undefined) return this.#open
    const slot = this.#context.slots.take()
    slot?.reset(this.#context.sequenceBytes)
    this.#open = slot
    return slot
  }

  /** Appends lines. True when no more fit, or no more may. */
  #pack(slot: Slot, limit: number): boolean {
    const { packer, outlet, clock } = this.#context
    const end = packer.pack(slot.linesFrom, slot.end, slot.limit, limit - slot.events)
    const { lines, unfit } = packer
    if (unfit > 0) this.#dropUnfit(unfit)
    this.#lookMs = lines === 0 ? Math.min(this.#lookMs * 2, LONGEST_LOOK_MS) : LOOK_AGAIN_MS
    if (lines > 0) {
      outlet.add(counter.packedEvents, lines)
      outlet.add(counter.packedBytes, end - slot.end)
      if (slot.events === 0) slot.sinceMs = clock.now()
      slot.events += lines
      slot.end = end
    }
    return packer.isFull || slot.events >= limit
  }

  /** Longer than any datagram, although writers are not let through with such: as if the kernel had said so. */
  #dropUnfit(events: number): void {
    const { outlet } = this.#context
    const counters = errorCounters('EMSGSIZE')
    outlet.add(counter.packedEvents, events)
    outlet.add(counters.times, events)
    outlet.add(counters.events, events)
    this.#context.onFailure('EMSGSIZE')
  }

  /** Half a datagram, and time left: looks again in a moment. */
  #mayWait(slot: Slot): boolean {
    const { clock, maxDelayMs } = this.#context
    const left = slot.sinceMs + maxDelayMs - clock.now()
    if (left <= 0) return false
    this.#lookTimer = clock.after(Math.min(this.#lookMs, left), () => this.round())
    return true
  }

  #send(slot: Slot, flow: Flow): void {
    const { delivery, sequenceBytes, outlet } = this.#context
    if (sequenceBytes > 0 && slot.partEnd === 0) {
      this.#context.writeSequence(slot.head(), flow)
      outlet.add(counter.sentSequences, 1)
    }
    delivery.send(slot, flow)
  }

  /** The ring is empty. Says so to who asked, once everything is out, and sleeps. */
  #rest(asked: number): void {
    const { packer, outlet } = this.#context
    this.#putBack()
    this.#drained = asked
    if (asked !== this.#served && this.isIdle && !this.#context.onDrained() && this.isIdle) {
      this.#served = asked
      outlet.serve(asked)
    }
    const word = packer.arm(asked)
    if (word === 0) this.wake()
    else this.#sleep(word)
  }

  #putBack(): void {
    if (this.#open === undefined) return
    this.#context.slots.put(this.#open)
    this.#open = undefined
  }

  #sleep(word: number): void {
    if (this.#asleepAt === word) return // still waiting for the same word
    const { words, index } = this.#context.packer.bell()
    const changed = this.#context.changed(words, index, word)
    if (changed === undefined) {
      this.wake()
      return
    }
    this.#asleepAt = word
    changed.then(() => {
      if (this.#asleepAt === word) this.#asleepAt = 0
      this.round()
    })
  }
}
