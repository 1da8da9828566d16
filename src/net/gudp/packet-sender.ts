import type { Sent } from '../../ports.ts'
import type { DaemonCounts } from './daemon-counts.ts'
import type { DaemonSocket, DaemonSockets } from './daemon-sockets.ts'
import { type OutSlot, OutSlots } from './out-slots.ts'
import type { Place } from './path.ts'
import type { Session } from './session.ts'
import { datagramType, SESSION_HEAD_BYTES, type SessionType, writeSessionHead } from './wire.ts'

/** Datagrams that the kernel has not taken yet. */
const SLOTS = 128
/** A session that has more to send than so many datagrams lets the others have their turn. */
const BURST = 64
const MOST_DATAGRAM_BYTES = 65_000
/** What sealing adds, at the most. */
const SEALING_BYTES = 64
/** In a slot the content lies behind what it is sealed into. */
const half = (slotBytes: number) => slotBytes >> 1

export interface PacketSenderOptions {
  readonly sockets: DaemonSockets
  readonly counts: DaemonCounts
  readonly maxDatagramBytes: number
  /** The kernel says that nobody is at the peer's address. */
  onRefused(session: Session): void
  /** The kernel has taken a datagram: there is a slot for another. */
  onSlot(): void
}

/** How far a session came: nothing more now; no slot for the next; more in another turn; or it is over. */
export type Burst = 'all' | 'no-slot' | 'more' | 'over'

/** Packets from the machines, sealed, to the sockets. */
export class PacketSender {
  readonly slots: OutSlots
  readonly #options: PacketSenderOptions
  readonly #told: Sent = (error) => {
    if (error) this.#options.counts.sendErrors++
  }

  constructor(options: PacketSenderOptions) {
    const longest = Math.min(options.maxDatagramBytes + SEALING_BYTES, MOST_DATAGRAM_BYTES)
    this.#options = options
    this.slots = new OutSlots(SLOTS, 2 * longest)
  }

  get longestDatagram(): number {
    return half(this.slots.slotBytes) - SEALING_BYTES
  }

  /** What a session has to send at this time, as far as it may. */
  burst(session: Session, nowMs: number): Burst {
    const at = this.#contentAt(session)
    for (let sent = 0; sent < BURST; sent++) {
      const slot = this.slots.take()
      if (slot === undefined) return 'no-slot'
      const bytes = session.machine.next(nowMs, this.slots.bytes, slot.offset + at)
      if (bytes > 0) {
        this.#sendPacket(session, slot, bytes)
        continue
      }
      this.slots.put(slot)
      return bytes < 0 ? 'over' : 'all'
    }
    return 'more'
  }

  /** A datagram of a session that is no packet; nothing of one that has no number. */
  tell(
    session: Session,
    type: SessionType,
    content: Uint8Array,
    address = session.path.place.address,
    port = session.path.place.port,
  ): void {
    const { sealer, socket } = session
    if (sealer === undefined) return
    const out = new Uint8Array(content.length + sealer.overhead)
    this.send(socket, out.subarray(0, sealer.seal(type, content, out)), { address, port })
  }

  send(socket: DaemonSocket, bytes: Uint8Array, place: Place): void {
    if (!socket.isClosed) this.#options.sockets.send(socket, bytes, place, this.#told)
  }

  #contentAt({ sealer }: Session): number {
    if (sealer === undefined) return 0
    return sealer.overhead === SESSION_HEAD_BYTES ? SESSION_HEAD_BYTES : half(this.slots.slotBytes)
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
      const at = half(this.slots.slotBytes)
      length = sealer.seal(datagramType.packet, view.subarray(at, at + bytes), view)
    }
    this.#options.sockets.send(socket, view.subarray(0, length), path.place, (error) => {
      this.slots.put(slot)
      if (error) {
        this.#options.counts.sendErrors++
        if (error.code === 'ECONNREFUSED') this.#options.onRefused(session)
      }
      this.#options.onSlot()
    })
  }
}
