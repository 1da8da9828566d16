import { SpillwayError } from '../../core/errors.ts'
import type { Aead, SecurityPort } from '../../ports.ts'
import { i32At, setI32, type U64 } from './bytes.ts'
import type { SessionKeys } from './noise.ts'
import { ReplayWindow } from './replay-window.ts'
import {
  NONCE_AT,
  SEALED,
  SEALED_HEAD_BYTES,
  SEALED_OVERHEAD,
  SESSION_HEAD_BYTES,
  type SessionType,
  writeSessionHead,
} from './wire.ts'

/** Far below what 64 bits hold: a session that gets there has to be made anew. See docs/gudp.md, "Security". */
const MAX_SEALED = 2 ** 48
/** Beyond it a nonce is not a number any more; no peer of ours sends one. */
const MAX_NONCE_HIGH = 2 ** 21

/** Datagrams of one session, in and out. */
export interface Sealer {
  /** What a datagram has beside its content. */
  readonly overhead: number
  /**
   * Writes the datagram to `out`, which has room for `content` and `overhead`, and answers its length. Both may be views on shared memory,
   * but not of the same bytes.
   */
  seal(type: SessionType, content: Uint8Array, out: Uint8Array): number
  /**
   * The content of a datagram of this session: a view on it in the clear, else memory that is the caller's. `undefined`: it is not what the
   * peer sent, or came before.
   */
  open(datagram: Uint8Array): Uint8Array | undefined
  readonly stats: SealerStats
}

export interface SealerStats {
  /** Sent, received and good. */
  readonly sealed: number
  readonly opened: number
  /** Of another session, in the clear where it should be sealed, or the other way round, or too short. */
  readonly malformed: number
  /** Forged or damaged. */
  readonly badTags: number
  /** Good before, or too old to know. */
  readonly replays: number
}

export interface SealerOptions {
  readonly security: SecurityPort
  readonly protocolId: number
  readonly session: U64
  /** None: in the clear. */
  readonly keys?: SessionKeys | undefined
  /** What is counted from; 0. */
  readonly firstNonce?: number | undefined
}

export function createSealer(options: SealerOptions): Sealer {
  const { protocolId, session, keys } = options
  return keys === undefined ? new ClearSealer(protocolId, session) : new AeadSealer(options, keys)
}

class ClearSealer implements Sealer {
  readonly overhead = SESSION_HEAD_BYTES
  readonly stats = { sealed: 0, opened: 0, malformed: 0, badTags: 0, replays: 0 }
  readonly #head = new Uint8Array(SESSION_HEAD_BYTES)

  constructor(protocolId: number, session: U64) {
    writeSessionHead(this.#head, protocolId, 0, session)
  }

  seal(type: SessionType, content: Uint8Array, out: Uint8Array): number {
    this.#head[4] = type
    out.set(this.#head, 0)
    out.set(content, SESSION_HEAD_BYTES)
    this.stats.sealed++
    return SESSION_HEAD_BYTES + content.length
  }

  open(datagram: Uint8Array): Uint8Array | undefined {
    if (datagram.length < SESSION_HEAD_BYTES || datagram[4]! >= SEALED || !hasHead(datagram, this.#head)) {
      this.stats.malformed++
      return undefined
    }
    this.stats.opened++
    return datagram.subarray(SESSION_HEAD_BYTES)
  }
}

class AeadSealer implements Sealer {
  readonly overhead = SEALED_OVERHEAD
  readonly stats = { sealed: 0, opened: 0, malformed: 0, badTags: 0, replays: 0 }
  readonly #send: Aead
  readonly #receive: Aead
  readonly #window = new ReplayWindow()
  // Written for each datagram anew, so that none is made for it.
  readonly #sendHead = new Uint8Array(SEALED_HEAD_BYTES)
  readonly #receiveHead = new Uint8Array(SEALED_HEAD_BYTES)
  readonly #nonce = new Uint8Array(12)
  #next: number

  constructor({ security, protocolId, session, firstNonce = 0 }: SealerOptions, keys: SessionKeys) {
    this.#send = security.aes256gcm(keys.send)
    this.#receive = security.aes256gcm(keys.receive)
    this.#next = firstNonce
    writeSessionHead(this.#sendHead, protocolId, 0, session)
    writeSessionHead(this.#receiveHead, protocolId, 0, session)
  }

  seal(type: SessionType, content: Uint8Array, out: Uint8Array): number {
    if (this.#next >= MAX_SEALED) {
      throw new SpillwayError(
        'EPROTO',
        'the keys of this session are used up after 2^48 datagrams; connect anew',
      )
    }
    // The count goes up before anything can throw: a nonce used twice gives the key away.
    const count = this.#next++
    const head = this.#sendHead
    head[4] = type | SEALED
    setI32(head, NONCE_AT, count)
    setI32(head, NONCE_AT + 4, count / 2 ** 32)
    out.set(head, 0)
    const length = this.#send.seal(this.#nonceOf(head), head, content, out, SEALED_HEAD_BYTES)
    this.stats.sealed++
    return SEALED_HEAD_BYTES + length
  }

  open(datagram: Uint8Array): Uint8Array | undefined {
    const head = this.#receiveHead
    if (datagram.length < SEALED_OVERHEAD || datagram[4]! < SEALED || !hasHead(datagram, head)) {
      this.stats.malformed++
      return undefined
    }
    const high = i32At(datagram, NONCE_AT + 4) >>> 0
    const nonce = high * 2 ** 32 + (i32At(datagram, NONCE_AT) >>> 0)
    if (high >= MAX_NONCE_HIGH || !this.#window.isFresh(nonce)) {
      this.stats.replays++
      return undefined
    }
    head[4] = datagram[4]!
    for (let i = NONCE_AT; i < SEALED_HEAD_BYTES; i++) head[i] = datagram[i]!
    const content = this.#receive.open(this.#nonceOf(head), head, datagram.subarray(SEALED_HEAD_BYTES))
    if (content === undefined) {
      this.stats.badTags++
      return undefined
    }
    this.#window.mark(nonce)
    this.stats.opened++
    return content
  }

  /** Four zeros, then the head's eight bytes the other way round. */
  #nonceOf(head: Uint8Array): Uint8Array {
    for (let i = 0; i < 8; i++) this.#nonce[11 - i] = head[NONCE_AT + i]!
    return this.#nonce
  }
}

/** The protocol and the session; the type between them may be any. */
function hasHead(datagram: Uint8Array, head: Uint8Array): boolean {
  for (let i = 0; i < SESSION_HEAD_BYTES; i++) if (i !== 4 && datagram[i] !== head[i]) return false
  return true
}
