import type { Outlet } from '../core/outlet.ts'
import type { SharedBytes } from '../core/shared-bytes.ts'
import type { Cancel, Clock, Sent } from '../ports.ts'
import { counter, errorCounters, wireErrorOf } from './counters.ts'
import type { Flow } from './flow.ts'
import { type ExporterCounts, heartbeatLine } from './wire-lines.ts'

/** The last heartbeat may get lost like any other datagram: three are enough on a bad network. */
const LAST_TIMES = 3

export interface AnnouncementsContext {
  readonly outlet: Outlet
  readonly clock: Clock
  readonly source: string
  readonly startedAt: string
  /** 0: none. */
  readonly heartbeatMs: number
  readonly metadataIntervalMs: number
  totals(): ExporterCounts
  flows(): Iterable<Flow>
  /** There is something to send. */
  onDue(): void
  /** A datagram has been answered for. */
  onAnswered(): void
  onMetadataSent(): void
  /** The kernel has refused a datagram. */
  onRefused(code: string, flow: Flow): void
}

interface Metadata {
  readonly view: Uint8Array
  /** What the view is of, to be held while the kernel may still have to read it; nothing where sharing failed. */
  readonly bytes: SharedBytes | undefined
  inFlight: number
}

const encoder = new TextEncoder()
/** As a parcel's number. */
const SECOND_TRY = 1

/** The lines that are nobody's event: metadata and heartbeats, each in a datagram of its own. */
export class Announcements {
  readonly #context: AnnouncementsContext
  #metadata: Metadata | undefined
  /** To be sent now, and to be sent with what is sent next. */
  #isDue = false
  #isOwed = false
  #heartbeatTimer: Cancel | undefined
  #metadataTimer: Cancel | undefined
  /** Those that are not on their way. */
  readonly #parcels: Parcel[] = []
  /** Handed to a socket that has not answered. */
  inFlight = 0

  constructor(context: AnnouncementsContext) {
    this.#context = context
  }

  /** What is sent from now on: the shared bytes as they are, or bytes of our own where sharing failed. */
  setMetadata(view: Uint8Array, bytes: SharedBytes | undefined): void {
    const before = this.#metadata
    this.#metadata = { view, bytes, inFlight: 0 }
    if (before !== undefined) this.#letGo(before)
    this.metadataIsDue()
  }

  metadataIsDue(): void {
    if (this.#metadata === undefined) return
    this.#isDue = true
    this.#context.onDue()
  }

  hasMetadata(): boolean {
    return this.#metadata !== undefined
  }

  /** Once more, over a flow that is there: at once. */
  resend(flow: Flow): void {
    this.#isOwed = true
    this.before(flow)
  }

  /** It did not arrive, or was sent over a socket that is gone. No reason to open one: it goes with the next events. */
  metadataIsOwed(): void {
    this.#isOwed = this.#metadata !== undefined
  }

  /** Whether a flow is wanted for something. */
  isDue(): boolean {
    return this.#isDue
  }

  /** Before anything else goes over a flow: its first heartbeat, or one that it owes; and the metadata, when it is due. */
  before(flow: Flow): void {
    if (isOwing(flow)) this.#heartbeat(flow, false)
    if (this.#metadata === undefined || !(this.#isDue || this.#isOwed)) return
    this.#isDue = false
    this.#isOwed = false
    this.#sendMetadata(flow, this.#metadata)
  }

  /** Nothing may go over the flow: it owes a heartbeat, whose counts are not known before all is answered for. */
  mustWait(flow: Flow): boolean {
    return flow.inFlight > 0 && isOwing(flow)
  }

  /** A datagram on the flow has been answered for. */
  settle(flow: Flow): void {
    if (flow.isBroken) return
    if (flow.owesHeartbeat && flow.inFlight === 0) this.#heartbeat(flow, false)
    if (flow.hasNews()) this.#countTime()
  }

  /** The flow is closing. */
  last(flow: Flow): void {
    if (flow.heartbeats === 0 && flow.datagrams === 0) return // nothing has gone over it
    for (let time = 0; time < LAST_TIMES; time++) this.#heartbeat(flow, true)
    flow.heartbeats++
  }

  close(): void {
    this.#heartbeatTimer?.()
    this.#metadataTimer?.()
    this.#metadata?.bytes?.leave()
    this.#metadata = undefined
    this.#isDue = false
    this.#isOwed = false
  }

  // ---- heartbeats ------------------------------------------------------------------------------------

  /** Until heartbeats are due. There is no timer while there is nothing to tell. */
  #countTime(): void {
    const { heartbeatMs, clock } = this.#context
    if (heartbeatMs === 0 || this.#heartbeatTimer !== undefined) return
    this.#heartbeatTimer = clock.after(heartbeatMs, () => {
      this.#heartbeatTimer = undefined
      for (const flow of this.#context.flows()) {
        if (!flow.hasNews()) continue
        flow.owesHeartbeat = true
        this.settle(flow)
      }
    })
  }

  #heartbeat(flow: Flow, isLast: boolean): void {
    const { heartbeatMs, source, startedAt } = this.#context
    flow.owesHeartbeat = false
    if (heartbeatMs === 0) {
      flow.heartbeats = 1
      return
    }
    const seq = flow.heartbeats
    const line = heartbeatLine({
      source,
      flow: flow.number,
      seq,
      time: new Date().toISOString(),
      started: startedAt,
      last: isLast,
      lines: flow.lines,
      datagrams: flow.datagrams,
      bytes: flow.bytes,
      ...this.#context.totals(),
    })
    flow.told = flow.datagrams
    if (!isLast) flow.heartbeats++
    this.#send(flow, encoder.encode(line), undefined, seq)
  }

  /** One that was refused is not sent again: its counts may be old by now. The next has its number, and is due like any other. */
  #heartbeatEnded(flow: Flow, seq: number, code: string | undefined): void {
    const { outlet } = this.#context
    if (code === undefined) {
      outlet.add(counter.sentHeartbeats, 1)
      outlet.add(counter.sentDatagrams, 1)
      return
    }
    flow.told = -1
    // One that may have come after all must not be followed by another of its number: that would be taken for the same.
    if (code !== 'ECANCELED' && flow.heartbeats === seq + 1) flow.heartbeats = seq
  }

  // ---- metadata --------------------------------------------------------------------------------------

  #sendMetadata(flow: Flow, metadata: Metadata): void {
    this.#send(flow, metadata.view, metadata)
    const { metadataIntervalMs, clock } = this.#context
    if (metadataIntervalMs === 0) return
    this.#metadataTimer?.()
    this.#metadataTimer = clock.after(metadataIntervalMs, () => this.metadataIsDue())
  }

  #metadataEnded(flow: Flow, metadata: Metadata, isSecond: boolean, code: string | undefined): void {
    metadata.inFlight--
    if (code === 'ECONNREFUSED' && !isSecond && !flow.isBroken) {
      this.#context.outlet.add(counter.retries, 1) // as for events: the code speaks of a datagram before this one
      this.#send(flow, metadata.view, metadata, SECOND_TRY)
    } else if (code === undefined) this.#metadataSent(flow, metadata.view.length)
    else if (code !== 'EMSGSIZE') this.metadataIsOwed() // that one would be too long the next time, too
    this.#letGo(metadata)
  }

  #metadataSent(flow: Flow, bytes: number): void {
    const { outlet } = this.#context
    outlet.add(counter.sentMetadata, 1)
    outlet.add(counter.sentDatagrams, 1)
    flow.lines++
    flow.datagrams++
    flow.bytes += bytes
    this.#context.onMetadataSent()
  }

  /** Its memory goes when there is newer metadata, and the kernel has taken all of this. */
  #letGo(metadata: Metadata): void {
    if (metadata !== this.#metadata && metadata.inFlight === 0) metadata.bytes?.leave()
  }

  // ---- both ------------------------------------------------------------------------------------------

  /** `number`: of the heartbeat; of metadata, whether it is the second try. */
  #send(flow: Flow, bytes: Uint8Array, metadata: Metadata | undefined, number = 0): void {
    const parcel = this.#parcels.pop() ?? new Parcel((back, code) => this.#answered(back, code))
    parcel.flow = flow
    parcel.metadata = metadata
    parcel.number = number
    if (metadata !== undefined) metadata.inFlight++
    flow.inFlight++
    this.inFlight++
    flow.socket.send(bytes, parcel.sent, metadata === undefined ? 0 : 1)
  }

  #answered(parcel: Parcel, code: string | undefined): void {
    const { flow, metadata, number } = parcel
    this.#parcels.push(parcel)
    flow.inFlight--
    this.inFlight--
    if (code !== undefined) {
      this.#context.outlet.add(errorCounters(wireErrorOf(code)).times, 1)
      this.#context.onRefused(code, flow)
    }
    if (metadata === undefined) this.#heartbeatEnded(flow, number, code)
    else this.#metadataEnded(flow, metadata, number === SECOND_TRY, code)
    this.settle(flow)
    this.#context.onAnswered()
  }
}

/** A datagram on its way; used again for the next, so that sending metadata leaves nothing behind. */
class Parcel {
  flow!: Flow
  metadata: Metadata | undefined
  number = 0
  readonly sent: Sent

  constructor(answered: (parcel: Parcel, code: string | undefined) => void) {
    this.sent = (error) => answered(this, error ? (error.code ?? 'EOTHER') : undefined)
  }
}

/** One is due, or none has gone yet. */
function isOwing(flow: Flow): boolean {
  return flow.owesHeartbeat || flow.heartbeats === 0
}
