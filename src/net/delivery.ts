import type { Outlet } from '../core/outlet.ts'
import type { Clock } from '../ports.ts'
import { counter, errorCounters, wireErrorOf } from './counters.ts'
import type { Flow } from './flow.ts'
import type { Slot } from './slots.ts'

const NEWLINE = 0x0a
/** Waits before a datagram is tried again that the kernel had no room for. */
const ROOM_RETRY_MS = [1, 4, 16] as const

export interface DeliveryContext {
  readonly outlet: Outlet
  readonly clock: Clock
  /** The slot's datagram is out of our hands: sent, or given up and counted. */
  onDone(slot: Slot): void
  /** It must be sent over another socket. */
  onAgain(slot: Slot): void
  /** The kernel has refused a datagram: before it is decided what becomes of it, */
  onRefused(code: string, flow: Flow): void
  /** and when that is decided, and counted. */
  onFailure(code: string): void
}

/** Sends what is in a slot, and decides what becomes of it by what the kernel says: the table in docs/exporter.md. */
export class Delivery {
  readonly #context: DeliveryContext
  /** Datagrams handed to sockets that have not answered, and those that wait to be tried again. */
  inFlight = 0
  #isClosed = false

  constructor(context: DeliveryContext) {
    this.#context = context
  }

  send(slot: Slot, flow: Flow): void {
    slot.flow = flow
    flow.inFlight++
    this.inFlight++
    flow.socket.send(slot.view(), slot.sent, slot.partEnd === 0 ? slot.events : 1)
  }

  /** The socket's answer for a slot. */
  answered(slot: Slot, code: string | undefined): void {
    const flow = slot.flow!
    flow.inFlight--
    this.inFlight--
    if (this.#isClosed) return
    if (code === undefined) this.#sent(slot, flow)
    else this.#refused(slot, flow, code)
  }

  /** What is still in flight is nobody's any more: its answers change nothing, and it is not tried again. */
  close(): void {
    this.#isClosed = true
  }

  #sent(slot: Slot, flow: Flow): void {
    const { outlet } = this.#context
    const isPart = slot.partEnd !== 0
    const events = isPart ? 1 : slot.events
    const lines = slot.view().length - Math.max(0, slot.linesFrom - slot.from)
    slot.events -= events
    outlet.add(counter.sentEvents, events)
    outlet.add(counter.sentBytes, lines)
    outlet.add(counter.sentDatagrams, 1)
    flow.lines += events
    flow.bytes += lines
    flow.datagrams++
    if (isPart) this.#nextPart(slot, flow)
    else this.#context.onDone(slot)
  }

  #refused(slot: Slot, flow: Flow, code: string): void {
    this.#context.outlet.add(errorCounters(wireErrorOf(code)).times, 1)
    this.#context.onRefused(code, flow)
    if (code === 'ECONNREFUSED' && !slot.wasRefused) {
      slot.wasRefused = true
      this.#retry(slot, flow)
    } else if (code === 'ECANCELED' && !slot.wasCanceled) {
      slot.wasCanceled = true
      this.#context.onAgain(slot)
    } else if ((code === 'EAGAIN' || code === 'ENOBUFS') && slot.waits < ROOM_RETRY_MS.length) {
      this.#retryLater(slot, flow, ROOM_RETRY_MS[slot.waits++]!)
    } else if (code === 'EMSGSIZE' && slot.partEnd === 0 && slot.events > 1) this.#firstPart(slot, flow)
    else this.#giveUp(slot, flow, code)
    this.#context.onFailure(code)
  }

  #retryLater(slot: Slot, flow: Flow, ms: number): void {
    this.inFlight++ // still ours, and not to be taken for done
    this.#context.clock.after(ms, () => {
      this.inFlight--
      if (!this.#isClosed) this.#retry(slot, flow)
    })
  }

  #retry(slot: Slot, flow: Flow): void {
    this.#context.outlet.add(counter.retries, 1)
    this.#sendOn(slot, flow)
  }

  /** Over the same socket, unless it was closed meanwhile. */
  #sendOn(slot: Slot, flow: Flow): void {
    if (flow.isBroken) this.#context.onAgain(slot)
    else this.send(slot, flow)
  }

  #giveUp(slot: Slot, flow: Flow, code: string): void {
    const isOneLine = slot.partEnd !== 0 && code === 'EMSGSIZE'
    const events = isOneLine ? 1 : slot.events
    slot.events -= events
    this.#context.outlet.add(errorCounters(wireErrorOf(code)).events, events)
    if (isOneLine) this.#nextPart(slot, flow)
    else this.#context.onDone(slot)
  }

  /** Line by line: the sequence line, if there is one, stays behind. */
  #firstPart(slot: Slot, flow: Flow): void {
    slot.partEnd = slot.linesFrom
    this.#nextPart(slot, flow)
  }

  #nextPart(slot: Slot, flow: Flow): void {
    slot.from = slot.partEnd
    if (slot.from >= slot.end) {
      this.#context.onDone(slot)
      return
    }
    slot.partEnd = slot.from + slot.rest().indexOf(NEWLINE) + 1
    slot.startTries()
    this.#sendOn(slot, flow)
  }
}
