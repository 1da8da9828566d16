import { invalid } from '../../core/check.ts'
import type { HubHandle } from '../../core/hub.ts'
import { type EndReason, PacketMachine } from '../../core/packet-machine.ts'
import type { Ports } from '../../ports.ts'
import { DueTimer } from '../due-timer.ts'
import type { U64 } from './bytes.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { noCounts } from './daemon-counts.ts'
import { type DaemonSocket, DaemonSockets } from './daemon-sockets.ts'
import { Dial, type DialOptions } from './dial.ts'
import { HubPlaces } from './hub-places.ts'
import { GudpListener, type ListenOptions } from './listener.ts'
import type { SessionKeys } from './noise.ts'
import { PacketSender } from './packet-sender.ts'
import { Path } from './path.ts'
import { createSealer } from './sealer.ts'
import { Session } from './session.ts'
import { Turns } from './turns.ts'
import {
  closeReason,
  datagramType,
  decodeClose,
  decodeToken,
  encodeClose,
  encodeToken,
  SEALED,
  typeOf,
} from './wire.ts'

/** After so many datagrams an acknowledgement is due: it must not wait until all that have come are dealt with. */
const ACK_EVERY = 8
const CLOSE_TRIES = 5
const CLOSE_AGAIN_MS = 100
const DEFAULT_LINGER_MS = 5000
/** The daemon that stops gives what was sent so long to go out: the process may be waiting to end. */
const LAST_LINGER_MS = 500
/** The kernel says that nobody is there, so often and over so long, and nothing was heard: nobody is. */
const REFUSALS = 3
const REFUSED_MS = 500
const COARSE_MS = 64

export interface DaemonOptions {
  readonly ports: Ports
  /** Where users on other threads say what they want, and how many connections it has places for. */
  readonly hub?: { readonly handle: HubHandle; readonly places: number } | undefined
  /** The longest datagram of any connection. Default 1472. */
  readonly maxDatagramBytes?: number | undefined
}

/** All connections of an I/O thread: one loop, one heap of times, and the machines do the thinking. */
export class Daemon {
  readonly ports: Ports
  readonly counts = noCounts()
  readonly sockets: DaemonSockets
  readonly #hub: DaemonOptions['hub']
  readonly #places: HubPlaces
  readonly #sender: PacketSender
  readonly #turns: Turns
  readonly #due: DueTimer<Session>
  readonly #all = new Set<Session>()
  readonly #listeners = new Set<GudpListener>()
  readonly #dials = new Set<Dial>()
  #whenEmpty: (() => void) | undefined
  #isClosed = false
  #stopped: Promise<void> | undefined

  constructor({ ports, hub, maxDatagramBytes = 1472 }: DaemonOptions) {
    this.ports = ports
    this.sockets = new DaemonSockets(ports.udp, this.counts)
    this.#hub = hub
    this.#places = new HubPlaces(hub?.places ?? 0)
    this.#sender = new PacketSender({
      sockets: this.sockets,
      counts: this.counts,
      maxDatagramBytes,
      onRefused: (session) => this.refused(session),
      onSlot: () => this.#turns.feed(),
    })
    this.#turns = new Turns(
      ports.clock,
      () => this.#sender.slots.hasFree,
      (session) => this.#look(session),
    )
    this.#due = new DueTimer(ports.clock, (session) => {
      session.due = undefined
      this.pump(session)
    })
  }

  get size(): number {
    return this.#all.size
  }

  get longestDatagram(): number {
    return this.#sender.longestDatagram
  }

  /** A slot holds no longer one. */
  checkDatagram(bytes: number): void {
    if (bytes <= this.longestDatagram) return
    throw invalid(
      `maxDatagramBytes is ${bytes}, and the daemon was started for ${this.longestDatagram}: give its start a greater maxDatagramBytes`,
    )
  }

  all(): Iterable<Session> {
    return this.#all
  }

  at(index: number): Session | undefined {
    return this.#places.at(index)
  }

  // ---- from outside ------------------------------------------------------------------------------------

  async listen(options: ListenOptions): Promise<GudpListener> {
    const listener = await GudpListener.open(this, options)
    this.#listeners.add(listener)
    return listener
  }

  async connect(options: DialOptions): Promise<Session> {
    const dial = new Dial(this, options)
    this.#dials.add(dial)
    try {
      return await dial.established
    } finally {
      this.#dials.delete(dial)
    }
  }

  /** What was sent goes out first, for `lingerMs` at most. */
  close(session: Session, lingerMs: number = DEFAULT_LINGER_MS): void {
    const untilMs = this.ports.clock.now() + lingerMs
    // One that is closing already may be given less time, never more.
    if (session.end !== undefined || (session.closing !== undefined && session.closing.untilMs <= untilMs))
      return
    session.closing = { untilMs }
    this.pump(session)
  }

  /** At once: what was not sent is not to be. */
  reset(session: Session): void {
    this.#finish(session, 'reset', closeReason.reset)
  }

  /** A user may have written something, or made room: what follows from that is done at once. */
  pump(session: Session): void {
    this.#send(session)
    if (!session.isGone) session.machine.tell()
  }

  /** What is to be sent, as far as it may be. */
  #send(session: Session): void {
    if (session.end !== undefined || session.isGone) return
    session.heardSince = 0
    const nowMs = this.ports.clock.now()
    const burst = this.#sender.burst(session, nowMs)
    if (burst === 'all') this.#rest(session, nowMs)
    else if (burst === 'no-slot') this.#turns.starve(session)
    else if (burst === 'more') this.#turns.soil(session)
    else this.#over(session)
  }

  /** Ends all there is: what was sent goes out, for half a second at most. Whoever asks again waits for the same end. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#isClosed = true
    this.sockets.refuse()
    for (const dial of this.#dials) dial.abandon()
    for (const listener of this.#listeners) listener.close()
    for (const session of this.#all) this.close(session, LAST_LINGER_MS)
    if (this.#all.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.ports.clock.after(2 * LAST_LINGER_MS, resolve)
        this.#whenEmpty = () => {
          cancel()
          resolve()
        }
      })
    }
    for (const session of [...this.#all]) {
      this.#finish(session, 'closed', undefined)
      this.#dispose(session)
    }
    this.sockets.closeAll()
    this.#due.stop()
    this.#sender.slots.leave()
  }

  // ---- for listeners and dials ---------------------------------------------------------------------------

  get hasRoom(): boolean {
    return !this.#isClosed && (this.#hub === undefined || this.#places.hasRoom)
  }

  /** A session of its own machine. Throws where there is no memory for it. */
  open(
    settings: ConnectionSettings,
    socket: DaemonSocket,
    peer: { address: string; port: number },
    id: U64 | undefined,
    keys: SessionKeys | undefined,
  ): Session {
    const { clock, security } = this.ports
    const index = this.#hub === undefined ? -1 : this.#places.take()
    const hub = this.#hub && { handle: this.#hub.handle, index }
    let machine: PacketMachine
    try {
      machine = PacketMachine.create({ ...settings.machine, hub }, clock.now())
    } catch (error) {
      if (index >= 0) this.#places.giveBack(index)
      throw error
    }
    const { protocolId } = settings
    const session = new Session({
      machine,
      settings,
      socket,
      index,
      id,
      sealer: id && createSealer({ security, protocolId, session: id, keys }),
      path: new Path(security, peer.address, peer.port),
    })
    this.#all.add(session)
    if (index >= 0) this.#places.set(index, session)
    this.counts.opened++
    return session
  }

  /** A datagram of that type with the session's number on it. Answers whether it was of it indeed. */
  receive(session: Session, type: number, bytes: Uint8Array, address: string, port: number): boolean {
    const content = session.sealer!.open(bytes)
    if (content === undefined) {
      this.counts.unopened++
      return false
    }
    if (session.replaces !== undefined) {
      const before = session.replaces
      session.replaces = undefined
      this.#finish(before, 'reset', undefined)
    }
    const plain = type & ~SEALED
    if (plain === datagramType.packet) return this.#packet(session, content, address, port)
    if (plain === datagramType.close) this.#closed(session, content)
    else if (plain === datagramType.pathChallenge) this.#challenged(session, content, address, port)
    else this.#answered(session, content, address, port)
    return true
  }

  /** It has the number of no session that there is. */
  strange(): void {
    this.counts.strange++
  }

  /** The whole datagram is the packet. */
  receiveBare(session: Session, bytes: Uint8Array): void {
    this.#take(session, bytes)
  }

  /** The type of a datagram, counted where it is none. */
  typeOf(bytes: Uint8Array, protocolId: number): number {
    const type = typeOf(bytes, protocolId)
    if (type === 0) this.counts.malformed++
    return type
  }

  send(socket: DaemonSocket, bytes: Uint8Array, address: string, port: number): void {
    this.#sender.send(socket, bytes, { address, port })
  }

  /** The kernel says that nobody is at the peer's address: once is not enough, for anybody can say so. */
  refused(session: Session): void {
    const nowMs = this.ports.clock.now()
    if (session.refusals++ === 0) session.refusedSinceMs = nowMs
    if (session.refusals >= REFUSALS && nowMs - session.refusedSinceMs >= REFUSED_MS) {
      this.#finish(session, 'refused', undefined)
    }
  }

  /** Its peer has started anew: this one has nobody any more. */
  replaced(session: Session): void {
    this.#finish(session, 'reset', undefined)
  }

  forgetListener(listener: GudpListener): void {
    this.#listeners.delete(listener)
  }

  /** Whoever was told of it has it now, or never will. */
  release(session: Session): void {
    session.isHeld = false
    if (session.isGone) session.machine.leave()
  }

  // ---- what comes ----------------------------------------------------------------------------------------

  #packet(session: Session, content: Uint8Array, address: string, port: number): boolean {
    if (!this.#take(session, content)) return false
    if (!session.path.isKnown(address, port)) {
      const token = session.path.seen(address, port, this.ports.clock.now())
      if (token !== undefined)
        this.#sender.tell(session, datagramType.pathChallenge, encodeToken(token), address, port)
    }
    return true
  }

  /** Answers whether it was good and new. */
  #take(session: Session, content: Uint8Array): boolean {
    const { bytes, inOffset, inView } = this.#sender.slots
    if (session.end !== undefined || content.length > inView.length) return false
    inView.set(content)
    const verdict = session.machine.receive(this.ports.clock.now(), bytes, inOffset, content.length)
    if (verdict === 'bad') return false
    if (verdict === 'breaks') {
      this.#finish(session, 'reset', closeReason.reset)
      return false
    }
    session.refusals = 0
    if (++session.heardSince >= ACK_EVERY) this.#send(session)
    this.#turns.soil(session)
    return verdict === 'taken' || verdict === 'part-taken' || verdict === 'no-room'
  }

  #closed(session: Session, content: Uint8Array): void {
    const reason = decodeClose(content)
    if (reason === undefined) return
    if (session.end === undefined) {
      this.#sender.tell(session, datagramType.close, encodeClose(closeReason.closed))
      this.#finish(session, reason === closeReason.reset ? 'reset' : 'closed', undefined)
    } else {
      session.closesLeft = 0
    }
    this.#dispose(session)
  }

  #challenged(session: Session, content: Uint8Array, address: string, port: number): void {
    const token = decodeToken(content)
    if (token !== undefined)
      this.#sender.tell(session, datagramType.pathResponse, encodeToken(token), address, port)
  }

  #answered(session: Session, content: Uint8Array, address: string, port: number): void {
    const token = decodeToken(content)
    if (token === undefined) return
    if (!session.path.answered(token, address, port, this.ports.clock.now())) return
    this.counts.moved++
    for (const listener of this.#listeners) listener.moved(session)
    this.pump(session)
  }

  // ---- when ----------------------------------------------------------------------------------------------

  /** What has come is dealt with. */
  #look(session: Session): void {
    session.handlers.onReceived?.()
    this.pump(session)
    session.handlers.onFreed?.()
  }

  /** Nothing to send now: until then. */
  #rest(session: Session, nowMs: number): void {
    let atMs = session.machine.nextAtMs
    const { closing } = session
    if (closing !== undefined) {
      if (session.machine.isDrained() || nowMs >= closing.untilMs) {
        this.#finish(session, 'closed', closeReason.closed)
        return
      }
      atMs = Math.min(atMs, closing.untilMs)
    }
    // What is far away is not urgent: thousands that are idle are seen to together, instead of each in a turn of its own.
    if (atMs - nowMs > COARSE_MS) atMs = Math.ceil(atMs / COARSE_MS) * COARSE_MS
    // One that is due earlier stays: it is asked once for nothing, which costs less than to take it out each time.
    if (session.due !== undefined && session.due.atMs <= atMs && session.due.atMs > nowMs) return
    this.#forgetDue(session)
    if (atMs !== Number.POSITIVE_INFINITY) session.due = this.#due.add(atMs, session)
  }

  #forgetDue(session: Session): void {
    if (session.due !== undefined) this.#due.remove(session.due)
    session.due = undefined
  }

  // ---- the end of a session --------------------------------------------------------------------------------

  /** Its status is final: by the machine, or by a user. */
  #over(session: Session): void {
    const { machine } = session
    const reason = machine.endReason() ?? 'closed'
    this.#finish(session, reason, reason === 'closed' ? closeReason.closed : closeReason.reset)
  }

  /** Whoever waits is woken. `tells`: the peer is told, and why. */
  #finish(session: Session, reason: EndReason, tells: 0 | 1 | undefined): void {
    if (session.end !== undefined) return
    session.end = reason
    session.machine.finish(reason)
    this.counts.ended++
    this.#forgetDue(session)
    session.handlers.onReceived?.() // what is there is drained before the end is told
    session.handlers.onFreed?.()
    session.handlers.onEnd?.(session)
    if (tells === undefined || session.sealer === undefined) this.#dispose(session)
    else {
      session.closesLeft = CLOSE_TRIES
      this.#tellClose(session, tells)
    }
  }

  /** Until it is answered, or often enough. */
  #tellClose(session: Session, reason: 0 | 1): void {
    if (session.isGone) return
    if (session.closesLeft-- === 0) {
      this.#dispose(session)
      return
    }
    this.#sender.tell(session, datagramType.close, encodeClose(reason))
    session.closeDue = this.ports.clock.after(CLOSE_AGAIN_MS, () => this.#tellClose(session, reason))
  }

  #dispose(session: Session): void {
    if (session.isGone) return
    session.isGone = true
    session.closeDue?.()
    this.#all.delete(session)
    if (session.index >= 0) this.#places.giveBack(session.index)
    for (const listener of this.#listeners) listener.forget(session)
    if (session.socket.peer !== undefined) this.sockets.close(session.socket)
    if (!session.isHeld) session.machine.leave()
    if (this.#all.size === 0) this.#whenEmpty?.()
  }
}
