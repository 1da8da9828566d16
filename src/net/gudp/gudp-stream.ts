import type { LanePipe } from '../../core/lane-pipe.ts'
import type { EndReason } from '../../core/packet-machine.ts'
import type { Cancel, Clock, DatagramSocket, DatagramSocketOptions, Sent } from '../../ports.ts'
import { Fifo } from '../fifo.ts'
import type { Daemon } from './daemon.ts'
import type { DialOptions } from './dial.ts'
import type { Session } from './session.ts'
import { helloLine, readWelcome, type Welcome } from './stream-lines.ts'
import { type ExporterGudpSettings, LONGEST_MESSAGE } from './transport-options.ts'

/** The one message channel: lane 0 is that of packets. */
export const LANE = 1
/** Between attempts to connect anew: doubled each time. */
const RETRY_MS = 100
const LONGEST_RETRY_MS = 2000
/** What a stream that is closed still has to send may take so long. */
const LINGER_MS = 2000

const codes: Readonly<Record<EndReason, string>> = {
  closed: 'ECONNRESET', // by the collector
  'timed-out': 'ETIMEDOUT',
  reset: 'ECONNRESET',
  refused: 'ECONNREFUSED',
  'io-error': 'EOTHER',
  lost: 'ECONNRESET',
}

interface Parcel {
  readonly bytes: Uint8Array
  readonly sent: Sent
  readonly lines: number
  /** Where it ends in the lane of the connection at hand. */
  end: number
  /** It has been in a lane, and so may have come. */
  wasPut: boolean
}

interface Link {
  readonly session: Session
  readonly pipe: LanePipe
  /** It waits to hear from where on the collector wants the stream. */
  isAsking: boolean
}

export interface GudpStreamOptions {
  readonly daemon: Daemon
  readonly clock: Clock
  /** 16 hex digits that nobody else has. */
  readonly name: string
  readonly dial: DialOptions
  readonly session: Session
  readonly settings: ExporterGudpSettings
  readonly events: DatagramSocketOptions
}

/**
 * Messages to a collector, numbered from 0 on, each of them once, over one connection after the other: when one is lost, another is asked for, and the
 * collector says which message it wants next. What is before that has come, the rest goes again.
 *
 *   queue   acknowledged ─┃─ in the lane of the connection ─┃─ waiting for room ─┃
 *                      #first                          #first + #put      #first + length
 */
export class GudpStream implements DatagramSocket {
  readonly sendBufferBytes: number
  readonly localAddress: string
  readonly #options: GudpStreamOptions
  readonly #queue = new Fifo<Parcel>()
  /** The number of the first in the queue, and how many of it are in the lane. */
  #first = 0
  #put = 0
  #link: Link | undefined
  #isConnecting = false
  #isFilling = false
  #failures = 0
  /** The connection before ended, and not because we let it rest. */
  #wasLost = false
  /** Since when something waits without a connection. */
  #lostAtMs: number | undefined
  #timer: Cancel | undefined
  #isClosed = false

  constructor(options: GudpStreamOptions) {
    const { session, settings } = options
    const { address, port } = session.socket.local
    this.#options = options
    this.sendBufferBytes = settings.memoryBytes
    this.localAddress = `${address}:${port}`
    this.#attach(session, false)
  }

  get isOpen(): boolean {
    return this.#link !== undefined && !this.#link.isAsking
  }

  send(bytes: Uint8Array, sent: Sent, lines = 0): void {
    const { clock } = this.#options
    if (this.#isClosed || bytes.length > LONGEST_MESSAGE) {
      const code = this.#isClosed ? 'ECANCELED' : 'EMSGSIZE'
      clock.soon(() => sent({ code }))
      return
    }
    this.#queue.push({ bytes, sent, lines, end: 0, wasPut: false })
    if (this.#link !== undefined) this.#fillSoon()
    else this.#reconnect()
  }

  rest(): void {
    const link = this.#link
    if (link === undefined || link.isAsking || this.#queue.length > 0) return
    this.#link = undefined
    this.#wasLost = false
    link.session.handlers = {}
    this.#options.daemon.close(link.session, LINGER_MS)
  }

  /** What was given goes out first, for two seconds at most. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer?.()
    const link = this.#link
    if (link === undefined || link.isAsking) {
      if (link !== undefined) this.#options.daemon.reset(link.session)
      else this.#cancelAll()
      return
    }
    this.#fill()
    this.#options.daemon.close(link.session, LINGER_MS)
  }

  // ---- over the connection at hand -----------------------------------------------------------------------

  #attach(session: Session, isAsking: boolean): void {
    const { machine } = session
    const { daemon, clock, settings, name } = this.#options
    if (session.end !== undefined) {
      this.#failed(codes[session.end])
      return
    }
    const pipe = machine.pipe(LANE)
    const link: Link = { session, pipe, isAsking }
    this.#link = link
    session.handlers = {
      onReceived: () => this.#listen(link),
      onFreed: () => this.#freed(link),
      onEnd: () => this.#ended(link),
    }
    pipe.trySend(helloLine({ stream: name, from: this.#first }))
    if (isAsking) this.#timer = clock.after(settings.timeoutMs, () => daemon.reset(session))
    daemon.pump(session)
  }

  /** Once for all that is given in one turn. */
  #fillSoon(): void {
    if (this.#isFilling) return
    this.#isFilling = true
    this.#options.clock.soon(() => {
      this.#isFilling = false
      this.#fill()
    })
  }

  #fill(): void {
    const link = this.#link
    if (link === undefined || link.isAsking) return
    const { session, pipe } = link
    const before = this.#put
    for (; this.#put < this.#queue.length; this.#put++) {
      const parcel = this.#queue.at(this.#put)
      if (!pipe.trySend(parcel.bytes)) break
      parcel.end = session.machine.outTail(LANE)
      parcel.wasPut = true
    }
    if (this.#put !== before) this.#options.daemon.pump(session)
  }

  #freed(link: Link): void {
    if (link !== this.#link || link.isAsking) return
    this.#settle(link)
    if (this.#put < this.#queue.length) this.#fillSoon()
  }

  /** Those that the collector has acknowledged. */
  #settle({ session }: Link): void {
    const head = session.machine.outHead(LANE)
    while (this.#put > 0 && this.#queue.first!.end <= head) {
      this.#put--
      this.#take().sent()
    }
  }

  #take(): Parcel {
    this.#first++
    return this.#queue.shift()!
  }

  #listen(link: Link): void {
    for (let bytes = link.pipe.receive(); bytes !== undefined; bytes = link.pipe.receive()) {
      const welcome = readWelcome(bytes)
      if (link === this.#link && link.isAsking && welcome?.stream === this.#options.name)
        this.#resume(link, welcome)
    }
  }

  // ---- from one connection to the next -------------------------------------------------------------------

  #ended(link: Link): void {
    if (link !== this.#link) return
    if (!link.isAsking) this.#settle(link)
    this.#link = undefined
    this.#wasLost = true
    this.#put = 0
    this.#timer?.()
    if (this.#isClosed) this.#cancelAll()
    else if (this.#queue.length > 0 || link.session.end !== 'closed') this.#failed(codes[link.session.end!])
  }

  /** Says so, and tries again if there is something to send. */
  #failed(code: string): void {
    const { events, clock, settings } = this.#options
    this.#isConnecting = false
    if (this.#isClosed) return
    const waitMs = Math.min(RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS)
    events.onError(code)
    // For heartbeats alone no connection is made: the next one says more.
    if (this.#hasNoLines()) {
      this.#lostAtMs = undefined
      this.#dropAll('ECANCELED')
      return
    }
    this.#lostAtMs ??= clock.now()
    if (clock.now() - this.#lostAtMs >= settings.giveUpMs) this.#giveUp()
    else this.#timer = clock.after(waitMs, () => void this.#connect())
  }

  #reconnect(): void {
    if (this.#isConnecting || this.#lostAtMs !== undefined) return
    this.#lostAtMs = this.#options.clock.now()
    void this.#connect()
  }

  async #connect(): Promise<void> {
    const { daemon, dial } = this.#options
    this.#isConnecting = true
    let session: Session
    try {
      session = await daemon.connect(dial)
    } catch (error) {
      this.#failed((error as { code?: string }).code ?? 'EOTHER')
      return
    }
    this.#isConnecting = false
    if (this.#isClosed) daemon.reset(session)
    else this.#attach(session, true)
  }

  #resume(link: Link, { next, known }: Welcome): void {
    const { events } = this.#options
    this.#timer?.()
    link.isAsking = false
    this.#failures = 0
    this.#lostAtMs = undefined
    if (this.#wasLost) events.onResumed?.()
    if (known) while (this.#first < next && this.#queue.length > 0) this.#take().sent()
    this.#tellDoubtful(known)
    this.#fill()
  }

  /** Those that a collector may have had of which this one knows nothing. */
  #tellDoubtful(known: boolean): void {
    let lines = 0
    for (let i = 0; i < this.#queue.length; i++) {
      const parcel = this.#queue.at(i)
      if (parcel.wasPut && !known) lines += parcel.lines
      parcel.wasPut = false
    }
    if (lines > 0) this.#options.events.onResent?.(lines)
  }

  #hasNoLines(): boolean {
    for (let i = 0; i < this.#queue.length; i++) if (this.#queue.at(i).lines > 0) return false
    return true
  }

  #giveUp(): void {
    this.#lostAtMs = undefined
    this.#dropAll('ETIMEDOUT')
  }

  /** Whoever gave them may send them over another stream, of which the collector does not know that they are the same. */
  #cancelAll(): void {
    this.#tellDoubtful(false)
    this.#options.clock.soon(() => this.#dropAll('ECANCELED'))
  }

  #dropAll(code: string): void {
    const parcels = this.#queue.takeAll()
    this.#first += parcels.length
    this.#put = 0
    for (const { sent } of parcels) sent({ code })
  }
}
