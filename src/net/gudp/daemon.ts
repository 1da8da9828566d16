import { invalid } from '../../core/check.ts'
import type { HubHandle } from '../../core/hub.ts'
import { type EndReason, PacketMachine } from '../../core/packet-machine.ts'
import type { Cancel, Endpoint, Ports } from '../../ports.ts'
import { DueHeap } from '../due-heap.ts'
import type { U64 } from './bytes.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { addressFor, type DaemonSocket } from './daemon-socket.ts'
import { Dial, type DialOptions } from './dial.ts'
import { GudpListener, type ListenOptions } from './listener.ts'
import type { SessionKeys } from './noise.ts'
import { type OutSlot, OutSlots } from './out-slots.ts'
import { Path } from './path.ts'
import { createSealer } from './sealer.ts'
import { Session } from './session.ts'
import {
  closeReason,
  datagramType,
  decodeClose,
  decodeToken,
  encodeClose,
  encodeToken,
  isOfSession,
  SEALED,
  SESSION_HEAD_BYTES,
  type SessionType,
  typeOf,
  writeSessionHead,
} from './wire.ts'

/** Datagrams that the kernel has not taken yet. */
const SLOTS = 128
/** A session that has more to send than so many datagrams lets the others have their turn. */
const BURST = 64
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
const MOST_DATAGRAM_BYTES = 65_000
/** So that time goes on, however close the next due time is: a sum of two times may come to less than it should. */
const LEAST_WAIT_MS = 0.01
const COARSE_MS = 64
/** In a slot the content lies behind what it is sealed into. */
const half = (slotBytes: number) => slotBytes >> 1

export interface DaemonOptions {
  readonly ports: Ports
  /** Where users on other threads say what they want, and how many connections it has places for. */
  readonly hub?: { readonly handle: HubHandle; readonly places: number } | undefined
  /** The longest datagram of any connection. Default 1472. */
  readonly maxDatagramBytes?: number | undefined
}

/** What did not belong to any connection, and what became of connections. */
export interface DaemonCounts {
  received: number
  sent: number
  bytesReceived: number
  bytesSent: number
  /** Of no type that there is, or of another protocol. */
  malformed: number
  /** Of a session that is not there. */
  strange: number
  /** Of a session, and did not open: forged, or had come before. */
  unopened: number
  sendErrors: number
  opened: number
  ended: number
  moved: number
}

/** All connections of an I/O thread: one loop, one heap of times, and the machines do the thinking. */
export class Daemon {
  readonly ports: Ports
  readonly counts: DaemonCounts = {
    received: 0,
    sent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    malformed: 0,
    strange: 0,
    unopened: 0,
    sendErrors: 0,
    opened: 0,
    ended: 0,
    moved: 0,
  }
  readonly #hub: DaemonOptions['hub']
  readonly #slots: OutSlots
  readonly #all = new Set<Session>()
  readonly #byIndex: (Session | undefined)[] = []
  readonly #freeIndexes: number[] = []
  readonly #heap = new DueHeap<Session>()
  readonly #dirty: Session[] = []
  #isFlushing = false
  readonly #starved: Session[] = []
  #timer: { atMs: number; cancel: Cancel } | undefined
  readonly #sockets = new Set<DaemonSocket>()
  readonly #listeners = new Set<GudpListener>()
  readonly #dials = new Set<Dial>()
  #whenEmpty: (() => void) | undefined
  #isClosed = false

  constructor({ ports, hub, maxDatagramBytes = 1472 }: DaemonOptions) {
    this.ports = ports
    this.#hub = hub
    this.#slots = new OutSlots(SLOTS, 2 * Math.min(maxDatagramBytes + 64, MOST_DATAGRAM_BYTES))
    for (let i = (hub?.places ?? 0) - 1; i >= 0; i--) this.#freeIndexes.push(i)
  }

  get size(): number {
    return this.#all.size
  }

  get longestDatagram(): number {
    return half(this.#slots.slotBytes) - 64
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
    return this.#byIndex[index]
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
    for (let sent = 0; sent < BURST; sent++) {
      const slot = this.#slots.take()
      if (slot === undefined) {
        this.#starve(session)
        return
      }
      const bytes = session.machine.next(nowMs, this.#slots.bytes, slot.offset + this.#contentAt(session))
      if (bytes > 0) {
        this.#sendPacket(session, slot, bytes)
        continue
      }
      this.#slots.put(slot)
      if (bytes < 0) this.#over(session)
      else this.#rest(session, nowMs)
      return
    }
    this.#soil(session)
  }

  /** Ends all there is: what was sent goes out, for half a second at most. */
  async stop(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
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
    for (const socket of this.#sockets) this.closeSocket(socket)
    this.#timer?.cancel()
    this.#slots.leave()
  }

  // ---- for listeners and dials ---------------------------------------------------------------------------

  async openSocket(
    local: Endpoint,
    bufferBytes: number,
    onDatagram: (socket: DaemonSocket, bytes: Uint8Array, address: string, port: number) => void,
    onError: (code: string) => void,
  ): Promise<DaemonSocket> {
    const udp = await this.ports.udp.open({
      family: local.family,
      host: local.address,
      port: local.port,
      settings: bufferBytes > 0 ? { SO_RCVBUF: bufferBytes, SO_SNDBUF: bufferBytes } : {},
      onDatagram: (bytes, address, port) => {
        this.counts.received++
        this.counts.bytesReceived += bytes.length
        if (!socket.isClosed) onDatagram(socket, bytes, address, port)
      },
      onError,
    })
    const socket: DaemonSocket = { socket: udp, local: udp.local, peer: undefined, isClosed: false }
    this.#sockets.add(socket)
    return socket
  }

  closeSocket(socket: DaemonSocket): void {
    if (socket.isClosed) return
    socket.isClosed = true
    this.#sockets.delete(socket)
    socket.socket.close()
  }

  get hasRoom(): boolean {
    return !this.#isClosed && (this.#hub === undefined || this.#freeIndexes.length > 0)
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
    const index = this.#hub === undefined ? -1 : this.#freeIndexes.pop()!
    const hub = this.#hub && { handle: this.#hub.handle, index }
    let machine: PacketMachine
    try {
      machine = PacketMachine.create({ ...settings.machine, hub }, clock.now())
    } catch (error) {
      if (index >= 0) this.#freeIndexes.push(index)
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
    if (index >= 0) this.#byIndex[index] = session
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

  isOfSession(type: number): boolean {
    return isOfSession(type)
  }

  send(socket: DaemonSocket, bytes: Uint8Array, address: string, port: number): void {
    if (socket.isClosed) return
    this.counts.sent++
    this.counts.bytesSent += bytes.length
    socket.socket.send(bytes, addressFor(socket, { address, port }), (error) => {
      if (error) this.counts.sendErrors++
    })
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
        this.#sendTo(session, datagramType.pathChallenge, encodeToken(token), address, port)
    }
    return true
  }

  /** Answers whether it was good and new. */
  #take(session: Session, content: Uint8Array): boolean {
    if (session.end !== undefined || content.length > this.#slots.inView.length) return false
    this.#slots.inView.set(content)
    const verdict = session.machine.receive(
      this.ports.clock.now(),
      this.#slots.bytes,
      this.#slots.inOffset,
      content.length,
    )
    if (verdict === 'bad') return false
    if (verdict === 'breaks') {
      this.#finish(session, 'reset', closeReason.reset)
      return false
    }
    session.refusals = 0
    if (++session.heardSince >= ACK_EVERY) this.#send(session)
    this.#soil(session)
    return verdict === 'taken' || verdict === 'part-taken' || verdict === 'no-room'
  }

  #closed(session: Session, content: Uint8Array): void {
    const reason = decodeClose(content)
    if (reason === undefined) return
    if (session.end === undefined) {
      this.#sendTo(session, datagramType.close, encodeClose(closeReason.closed))
      this.#finish(session, reason === closeReason.reset ? 'reset' : 'closed', undefined)
    } else {
      session.closesLeft = 0
    }
    this.#dispose(session)
  }

  #challenged(session: Session, content: Uint8Array, address: string, port: number): void {
    const token = decodeToken(content)
    if (token !== undefined)
      this.#sendTo(session, datagramType.pathResponse, encodeToken(token), address, port)
  }

  #answered(session: Session, content: Uint8Array, address: string, port: number): void {
    const token = decodeToken(content)
    if (token === undefined) return
    if (!session.path.answered(token, address, port, this.ports.clock.now())) return
    this.counts.moved++
    for (const listener of this.#listeners) listener.moved(session)
    this.pump(session)
  }

  // ---- what goes -----------------------------------------------------------------------------------------

  #contentAt(session: Session): number {
    if (session.sealer === undefined) return 0
    return session.sealer.overhead === SESSION_HEAD_BYTES ? SESSION_HEAD_BYTES : half(this.#slots.slotBytes)
  }

  #sendPacket(session: Session, slot: OutSlot, bytes: number): void {
    const { view } = slot
    const { sealer, path, socket, settings, id } = session
    let length = bytes
    if (sealer === undefined) {
      // Bare: the packet is the datagram.
    } else if (sealer.overhead === SESSION_HEAD_BYTES) {
      // In the clear its content lies where it belongs already.
      writeSessionHead(view, settings.protocolId, datagramType.packet, id!)
      length += SESSION_HEAD_BYTES
    } else {
      const at = half(this.#slots.slotBytes)
      length = sealer.seal(datagramType.packet, view.subarray(at, at + bytes), view)
    }
    this.counts.sent++
    this.counts.bytesSent += length
    socket.socket.send(view.subarray(0, length), addressFor(socket, path.place), (error) => {
      this.#slots.put(slot)
      if (error) this.#unsent(session, error.code)
      if (this.#starved.length > 0) this.#feed()
    })
  }

  #unsent(session: Session, code: string | undefined): void {
    this.counts.sendErrors++
    if (code === 'ECONNREFUSED') this.refused(session)
  }

  #sendTo(
    session: Session,
    type: SessionType,
    content: Uint8Array,
    address = session.path.place.address,
    port = session.path.place.port,
  ): void {
    const { sealer, socket } = session
    if (sealer === undefined) return
    const out = new Uint8Array(content.length + sealer.overhead)
    this.send(socket, out.subarray(0, sealer.seal(type, content, out)), address, port)
  }

  #starve(session: Session): void {
    if (session.isStarved) return
    session.isStarved = true
    this.#starved.push(session)
  }

  /** A slot is free again. In a later turn: that of the kernel's answers must come to its end. */
  #feed(): void {
    const session = this.#starved.shift()!
    session.isStarved = false
    this.#soil(session)
  }

  // ---- when ----------------------------------------------------------------------------------------------

  /** To be looked at when what has come is dealt with. */
  #soil(session: Session): void {
    if (session.isDirty) return
    session.isDirty = true
    this.#dirty.push(session)
    if (this.#isFlushing) return
    this.#isFlushing = true
    this.ports.clock.soon(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushing = false
    const sessions = this.#dirty.splice(0)
    for (const session of sessions) {
      session.isDirty = false
      if (session.isGone) continue
      session.handlers.onReceived?.()
      this.pump(session)
      session.handlers.onFreed?.()
    }
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
    if (session.due !== undefined) this.#heap.remove(session.due)
    session.due = atMs === Number.POSITIVE_INFINITY ? undefined : this.#heap.push(atMs, session)
    this.#arm()
  }

  #arm(): void {
    const first = this.#heap.first
    if (first === undefined || (this.#timer !== undefined && this.#timer.atMs <= first.atMs)) return
    this.#timer?.cancel()
    const { clock } = this.ports
    const cancel = clock.after(Math.max(LEAST_WAIT_MS, first.atMs - clock.now()), () => this.#due())
    this.#timer = { atMs: first.atMs, cancel }
  }

  #due(): void {
    this.#timer = undefined
    const nowMs = this.ports.clock.now()
    for (let first = this.#heap.first; first !== undefined && first.atMs <= nowMs; first = this.#heap.first) {
      this.#heap.remove(first)
      const session = first.value
      session.due = undefined
      this.pump(session)
    }
    this.#arm()
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
    if (session.due !== undefined) this.#heap.remove(session.due)
    session.due = undefined
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
    this.#sendTo(session, datagramType.close, encodeClose(reason))
    session.closeDue = this.ports.clock.after(CLOSE_AGAIN_MS, () => this.#tellClose(session, reason))
  }

  #dispose(session: Session): void {
    if (session.isGone) return
    session.isGone = true
    session.closeDue?.()
    this.#all.delete(session)
    if (session.index >= 0) {
      this.#byIndex[session.index] = undefined
      this.#freeIndexes.push(session.index)
    }
    for (const listener of this.#listeners) listener.forget(session)
    if (session.socket.peer !== undefined) this.closeSocket(session.socket)
    if (!session.isHeld) session.machine.leave()
    if (this.#all.size === 0) this.#whenEmpty?.()
  }
}
