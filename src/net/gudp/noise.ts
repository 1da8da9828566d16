import type { Aead, KeyPair, SecurityPort } from '../../ports.ts'
import { joined } from '../joined.ts'
import { setI32 } from './bytes.ts'

// The Noise Protocol Framework, revision 34, as far as three of its handshakes need it. The names are the specification's. All
// cryptography is the port's.

export type NoisePattern = 'NNpsk0' | 'NK' | 'NKpsk0'

type Token = 'e' | 'ee' | 'es' | 'psk'

/** The first message is the initiator's. NK: the initiator knows the responder's static key beforehand. */
const messagesOf: Record<NoisePattern, readonly (readonly Token[])[]> = {
  NNpsk0: [
    ['psk', 'e'],
    ['e', 'ee'],
  ],
  NK: [
    ['e', 'es'],
    ['e', 'ee'],
  ],
  NKpsk0: [
    ['psk', 'e', 'es'],
    ['e', 'ee'],
  ],
}

const DH_BYTES = 32
const TAG_BYTES = 16
const HASH_BYTES = 32
const NONE = new Uint8Array(0)

export interface NoiseOptions {
  readonly security: SecurityPort
  readonly pattern: NoisePattern
  readonly isInitiator: boolean
  readonly prologue: Uint8Array
  /** 32 bytes, where the pattern has one. */
  readonly psk?: Uint8Array | undefined
  /** The responder's own, for NK. */
  readonly keyPair?: KeyPair | undefined
  /** The responder's public key, as the initiator knows it, for NK. */
  readonly serverKey?: Uint8Array | undefined
}

/** What `split` comes to: a key for each direction. */
export interface SessionKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export class NoiseHandshake {
  readonly #security: SecurityPort
  readonly #isInitiator: boolean
  readonly #hasPsk: boolean
  readonly #messages: readonly (readonly Token[])[]
  readonly #psk: Uint8Array | undefined
  readonly #s: KeyPair | undefined
  readonly #rs: Uint8Array | undefined
  #symmetric: SymmetricState
  #e: KeyPair | undefined
  #re: Uint8Array | undefined
  #next = 0

  constructor({ security, pattern, isInitiator, prologue, psk, keyPair, serverKey }: NoiseOptions) {
    this.#security = security
    this.#isInitiator = isInitiator
    this.#hasPsk = pattern !== 'NK'
    this.#messages = messagesOf[pattern]
    this.#psk = psk
    this.#s = keyPair
    this.#rs = serverKey
    this.#symmetric = SymmetricState.begin(security, `Noise_${pattern}_25519_AESGCM_SHA256`)
    this.#symmetric.mixHash(prologue)
    if (pattern !== 'NNpsk0') this.#symmetric.mixHash(isInitiator ? serverKey! : keyPair!.publicKey)
  }

  /** `undefined` when the other side's key is one of low order. */
  write(payload: Uint8Array = NONE): Uint8Array | undefined {
    const symmetric = this.#symmetric
    const parts: Uint8Array[] = []
    for (const token of this.#turn(true)) {
      if (token === 'e') {
        this.#e = this.#security.x25519KeyPair()
        parts.push(this.#e.publicKey)
        this.#mixEphemeral(symmetric, this.#e.publicKey)
      } else if (!this.#mix(symmetric, token)) return undefined
    }
    parts.push(symmetric.encryptAndHash(payload))
    this.#next++
    return joined(parts)
  }

  /**
   * The payload; `undefined` for a message that is not the other side's, or has come by other hands. Nothing has happened then: the
   * genuine one may still come.
   */
  read(message: Uint8Array): Uint8Array | undefined {
    const symmetric = this.#symmetric.copy()
    const tokens = this.#turn(false)
    if (message.length >= DH_BYTES + TAG_BYTES) {
      const payload = this.#readAll(symmetric, tokens, message)
      if (payload !== undefined) {
        this.#symmetric = symmetric
        this.#next++
        return payload
      }
    }
    return undefined
  }

  /** After the last message. */
  split(): SessionKeys {
    if (this.#next !== this.#messages.length) throw new Error('the handshake is not over')
    const [toResponder, toInitiator] = this.#symmetric.split()
    return this.#isInitiator
      ? { send: toResponder, receive: toInitiator }
      : { send: toInitiator, receive: toResponder }
  }

  /** Names the session; the same on both sides, whoever was in the middle. */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.hash
  }

  #turn(isWrite: boolean): readonly Token[] {
    const tokens = this.#messages[this.#next]
    const isOurs = (this.#next % 2 === 0) === this.#isInitiator
    if (tokens === undefined || isOurs !== isWrite) throw new Error('not our turn in the handshake')
    return tokens
  }

  #readAll(symmetric: SymmetricState, tokens: readonly Token[], message: Uint8Array): Uint8Array | undefined {
    let at = 0
    for (const token of tokens) {
      if (token === 'e') {
        this.#re = message.slice(at, at + DH_BYTES)
        at += DH_BYTES
        this.#mixEphemeral(symmetric, this.#re)
      } else if (!this.#mix(symmetric, token)) return undefined
    }
    return symmetric.decryptAndHash(message.subarray(at))
  }

  #mixEphemeral(symmetric: SymmetricState, publicKey: Uint8Array): void {
    symmetric.mixHash(publicKey)
    // With a psk the keys would not depend on anything of this handshake before the first DH (section 9.2).
    if (this.#hasPsk) symmetric.mixKey(publicKey)
  }

  #mix(symmetric: SymmetricState, token: 'ee' | 'es' | 'psk'): boolean {
    if (token === 'psk') {
      symmetric.mixKeyAndHash(this.#psk!)
      return true
    }
    const isStatic = token === 'es'
    const ours = isStatic && !this.#isInitiator ? this.#s! : this.#e!
    const theirs = isStatic && this.#isInitiator ? this.#rs! : this.#re!
    const secret = this.#security.x25519(ours.privateKey, theirs)
    if (secret !== undefined) symmetric.mixKey(secret)
    return secret !== undefined
  }
}

/** Replaced, not changed, byte for byte: so a copy is cheap. */
class SymmetricState {
  readonly #security: SecurityPort
  #ck: Uint8Array
  #h: Uint8Array
  #cipher: Aead | undefined
  #n = 0

  static begin(security: SecurityPort, protocolName: string): SymmetricState {
    const name = new TextEncoder().encode(protocolName)
    const h = new Uint8Array(HASH_BYTES)
    if (name.length > HASH_BYTES) h.set(security.sha256(name))
    else h.set(name)
    return new SymmetricState(security, h, h)
  }

  private constructor(security: SecurityPort, ck: Uint8Array, h: Uint8Array) {
    this.#security = security
    this.#ck = ck
    this.#h = h
  }

  get hash(): Uint8Array {
    return this.#h
  }

  copy(): SymmetricState {
    const copy = new SymmetricState(this.#security, this.#ck, this.#h)
    copy.#cipher = this.#cipher
    copy.#n = this.#n
    return copy
  }

  mixHash(data: Uint8Array): void {
    this.#h = this.#security.sha256(this.#h, data)
  }

  mixKey(material: Uint8Array): void {
    const [ck, k] = hkdf(this.#security, this.#ck, material, 2)
    this.#ck = ck!
    this.#initializeKey(k!)
  }

  mixKeyAndHash(material: Uint8Array): void {
    const [ck, h, k] = hkdf(this.#security, this.#ck, material, 3)
    this.#ck = ck!
    this.mixHash(h!)
    this.#initializeKey(k!)
  }

  encryptAndHash(plain: Uint8Array): Uint8Array {
    let out = plain
    if (this.#cipher !== undefined) {
      out = new Uint8Array(plain.length + TAG_BYTES)
      this.#cipher.seal(nonceOf(this.#n++), this.#h, plain, out, 0)
    }
    this.mixHash(out)
    return out
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plain = this.#cipher === undefined ? sealed : this.#cipher.open(nonceOf(this.#n), this.#h, sealed)
    if (plain === undefined) return undefined
    if (this.#cipher !== undefined) this.#n++
    this.mixHash(sealed)
    return plain
  }

  split(): [Uint8Array, Uint8Array] {
    const [first, second] = hkdf(this.#security, this.#ck, NONE, 2)
    return [first!, second!]
  }

  #initializeKey(key: Uint8Array): void {
    this.#cipher = this.#security.aes256gcm(key)
    this.#n = 0
  }
}

/** Section 4.3: HMAC-HASH, chained. */
function hkdf(security: SecurityPort, ck: Uint8Array, material: Uint8Array, outputs: 2 | 3): Uint8Array[] {
  const key = security.hmacSha256(ck, material)
  const all: Uint8Array[] = []
  for (let i = 1; i <= outputs; i++) {
    all.push(security.hmacSha256(key, all.at(-1) ?? NONE, Uint8Array.of(i)))
  }
  return all
}

/** Of a handshake, whose counts are small: 32 bits of zeros and the count, big-endian. */
function nonceOf(n: number): Uint8Array {
  const nonce = new Uint8Array(12)
  setI32(nonce, 8, n << 24)
  return nonce
}
