import type { EndReason, PacketMachine } from '../../core/packet-machine.ts'
import type { Due } from '../due-heap.ts'
import type { U64 } from './bytes.ts'
import type { ConnectionSettings } from './connection-options.ts'
import type { DaemonSocket } from './daemon-sockets.ts'
import type { Path } from './path.ts'
import type { Sealer } from './sealer.ts'

export interface SessionHandlers {
  /** Something may be there to receive; for a consumer on this thread. */
  onReceived?: (() => void) | undefined
  /** Something was acknowledged, or sent away: there may be room. */
  onFreed?: (() => void) | undefined
  onEnd?: ((session: Session) => void) | undefined
}

/** One connection in the daemon: its machine, where its peer is, its keys, and when it is due. */
export class Session {
  readonly machine: PacketMachine
  readonly settings: ConnectionSettings
  readonly socket: DaemonSocket
  /** Its place in the hub's table; -1: nobody but this thread uses it. */
  readonly index: number
  /** `undefined` of a bare one. */
  readonly id: U64 | undefined
  readonly sealer: Sealer | undefined
  readonly path: Path
  handlers: SessionHandlers = {}
  due: Due<Session> | undefined
  /** Datagrams that came since it was last asked what is to be sent. */
  heardSince = 0
  isDirty = false
  isStarved = false
  /** Set when it is to end, and until when what was sent may take. */
  closing: { readonly untilMs: number } | undefined
  end: EndReason | undefined
  /** CLOSE is told so often, until it is answered. */
  closesLeft = 0
  closeDue: (() => void) | undefined
  /** The kernel said so often that nobody is there, since this time. */
  refusals = 0
  refusedSinceMs = 0
  /** Sessions of the same peer before it started anew: ended when this one has proved itself. */
  replaces: Session | undefined
  /** Whoever listens was told of it. */
  isAnnounced = false
  /** Whoever was told of it has joined it: until then it is held for them. */
  isHeld = false
  /** It was given to users, and is closed when the last of them is gone. */
  wasHeld = false
  isGone = false

  constructor(options: {
    machine: PacketMachine
    settings: ConnectionSettings
    socket: DaemonSocket
    index: number
    id: U64 | undefined
    sealer: Sealer | undefined
    path: Path
  }) {
    this.machine = options.machine
    this.settings = options.settings
    this.socket = options.socket
    this.index = options.index
    this.id = options.id
    this.sealer = options.sealer
    this.path = options.path
  }
}
