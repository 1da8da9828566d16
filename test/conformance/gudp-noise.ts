/**
 * The key exchange, written from revision 34 of the Noise specification over node:crypto.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { join, u8 } from './gudp-encoder.ts'

const NONE = new Uint8Array(0)
const DH_BYTES = 32
const TAG_BYTES = 16

// ---- X25519 from and to its 32 bytes --------------------------------------------------------------------

const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const SPKI = Buffer.from('302a300506032b656e032100', 'hex')

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicBytes: Uint8Array
}

export function keyPairOf(secret: Uint8Array): KeyPair {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, secret]), format: 'der', type: 'pkcs8' })
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicBytes: new Uint8Array(der.subarray(SPKI.length)) }
}

function dh({ privateKey }: KeyPair, publicBytes: Uint8Array): Uint8Array {
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI, publicBytes]), format: 'der', type: 'spki' })
  return diffieHellman({ privateKey, publicKey })
}

// ---- AES-GCM with a counted nonce ----------------------------------------------------------------------

function iv(nonce: bigint): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64BE(nonce, 4)
  return bytes
}

/** One direction's key. */
export class Cipher {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    this.#key = key
  }

  encrypt(nonce: bigint, additional: Uint8Array, plain: Uint8Array): Uint8Array {
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv(nonce))
    cipher.setAAD(additional)
    return join(cipher.update(plain), cipher.final(), cipher.getAuthTag())
  }

  /** `undefined`: it was not encrypted by this key with this nonce and these data. */
  decrypt(nonce: bigint, additional: Uint8Array, box: Uint8Array): Uint8Array | undefined {
    if (box.length < TAG_BYTES) return undefined
    const cut = box.length - TAG_BYTES
    const decipher = createDecipheriv('aes-256-gcm', this.#key, iv(nonce))
    decipher.setAAD(additional)
    decipher.setAuthTag(box.subarray(cut))
    try {
      return join(decipher.update(box.subarray(0, cut)), decipher.final())
    } catch {
      return undefined
    }
  }
}

// ---- the symmetric state (section 5.2) -------------------------------------------------------------------

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  createHash('sha256')
    .update(join(...parts))
    .digest()
const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  createHmac('sha256', key).update(data).digest()

class SymmetricState {
  hash: Uint8Array
  #chaining: Uint8Array
  #cipher: Cipher | undefined
  #nonce = 0n

  constructor(protocolName: string) {
    const name = new TextEncoder().encode(protocolName)
    this.hash = name.length <= 32 ? join(name, new Uint8Array(32 - name.length)) : sha256(name)
    this.#chaining = this.hash
  }

  mixHash(data: Uint8Array): void {
    this.hash = sha256(this.hash, data)
  }

  mixKey(material: Uint8Array): void {
    const [chaining, key] = this.#hkdf(material)
    this.#chaining = chaining
    this.#setKey(key)
  }

  mixKeyAndHash(material: Uint8Array): void {
    const [chaining, forHash, key] = this.#hkdf(material)
    this.#chaining = chaining
    this.mixHash(forHash)
    this.#setKey(key)
  }

  encryptAndHash(plain: Uint8Array): Uint8Array {
    const box = this.#cipher ? this.#cipher.encrypt(this.#nonce++, this.hash, plain) : plain
    this.mixHash(box)
    return box
  }

  decryptAndHash(box: Uint8Array): Uint8Array | undefined {
    const plain = this.#cipher ? this.#cipher.decrypt(this.#nonce++, this.hash, box) : box
    this.mixHash(box)
    return plain
  }

  /** The client's direction, then the server's. */
  split(): [Cipher, Cipher] {
    const [first, second] = this.#hkdf(NONE)
    return [new Cipher(first), new Cipher(second)]
  }

  #setKey(key: Uint8Array): void {
    this.#cipher = new Cipher(key)
    this.#nonce = 0n
  }

  #hkdf(material: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
    const secret = hmac(this.#chaining, material)
    const first = hmac(secret, u8(1))
    const second = hmac(secret, join(first, u8(2)))
    return [first, second, hmac(secret, join(second, u8(3)))]
  }
}

// ---- the handshake state (section 5.3), of two messages ----------------------------------------------------

export interface Secrets {
  readonly prologue: Uint8Array
  readonly psk?: Uint8Array | undefined
  /** What the client knows of the server; in the server the public half of `own`. */
  readonly serverPublic?: Uint8Array | undefined
  /** The server's own. */
  readonly own?: KeyPair | undefined
  /** For vectors; else random. */
  readonly ephemeral?: Uint8Array | undefined
}

export interface Keys {
  readonly toServer: Cipher
  readonly toClient: Cipher
  readonly handshakeHash: Uint8Array
}

function begin({ prologue, psk, serverPublic }: Secrets): SymmetricState {
  if (!psk && !serverPublic) throw new TypeError('a key exchange wants a key')
  const pattern = `${serverPublic ? 'NK' : 'NN'}${psk ? 'psk0' : ''}`
  const state = new SymmetricState(`Noise_${pattern}_25519_AESGCM_SHA256`)
  state.mixHash(prologue)
  if (serverPublic) state.mixHash(serverPublic)
  if (psk) state.mixKeyAndHash(psk)
  return state
}

/** The token e: in a handshake with a pre-shared key it is mixed into the key, too. */
function mixEphemeral(state: SymmetricState, publicBytes: Uint8Array, { psk }: Secrets): void {
  state.mixHash(publicBytes)
  if (psk) state.mixKey(publicBytes)
}

function keysOf(state: SymmetricState): Keys {
  const [toServer, toClient] = state.split()
  return { toServer, toClient, handshakeHash: state.hash }
}

export class NoiseClient {
  readonly #secrets: Secrets
  readonly #state: SymmetricState
  readonly #ephemeral: KeyPair
  readonly first: Uint8Array

  constructor(secrets: Secrets, payload: Uint8Array = NONE) {
    this.#secrets = secrets
    this.#ephemeral = keyPairOf(secrets.ephemeral ?? randomBytes(DH_BYTES))
    this.#state = begin(secrets)
    mixEphemeral(this.#state, this.#ephemeral.publicBytes, secrets)
    if (secrets.serverPublic) this.#state.mixKey(dh(this.#ephemeral, secrets.serverPublic))
    this.first = join(this.#ephemeral.publicBytes, this.#state.encryptAndHash(payload))
  }

  finish(second: Uint8Array): Keys | undefined {
    if (second.length < DH_BYTES) return undefined
    const theirs = second.subarray(0, DH_BYTES)
    mixEphemeral(this.#state, theirs, this.#secrets)
    this.#state.mixKey(dh(this.#ephemeral, theirs))
    return this.#state.decryptAndHash(second.subarray(DH_BYTES)) && keysOf(this.#state)
  }
}

/** The second message and the keys; `undefined` if the first one is not of these secrets. */
export function answerNoise(
  secrets: Secrets,
  first: Uint8Array,
  payload: Uint8Array = NONE,
): (Keys & { readonly second: Uint8Array }) | undefined {
  if (first.length < DH_BYTES) return undefined
  const state = begin(secrets)
  const theirs = first.subarray(0, DH_BYTES)
  mixEphemeral(state, theirs, secrets)
  if (secrets.own) state.mixKey(dh(secrets.own, theirs))
  if (!state.decryptAndHash(first.subarray(DH_BYTES))) return undefined
  const ephemeral = keyPairOf(secrets.ephemeral ?? randomBytes(DH_BYTES))
  mixEphemeral(state, ephemeral.publicBytes, secrets)
  state.mixKey(dh(ephemeral, theirs))
  const second = join(ephemeral.publicBytes, state.encryptAndHash(payload))
  return { second, ...keysOf(state) }
}
