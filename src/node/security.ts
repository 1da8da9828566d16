import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { toBase64Url } from '../net/gudp/secure-options.ts'
import type { Aead, SecurityPort } from '../ports.ts'

// Keys of X25519 go in and out as they are, 32 bytes; node:crypto wants them wrapped: in DER, but for public keys that come in, which as JWK are
// read ten times quicker in Node 20. Nothing goes out as JWK: in Node 20 `export({ format: 'jwk' })` of a generated key stands still for ever
// after some thousand of them, inside the call (seen in 20.20.2; 26.10 does not).
const PRIVATE_KEY_DER = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20)
const KEY_BYTES = 32

const CIPHER = 'aes-256-gcm'
const TAG_BYTES = 16

/** The runtime's form of private keys that are in use, by their bytes: to make it takes longer than to compute with it. */
const privateKeys = new WeakMap<Uint8Array, KeyObject>()

/** The runtime's cryptography, in Node, Deno and Bun. */
export const security: SecurityPort = {
  randomBytes: (length) => bytesOf(randomBytes(length)),
  sha256(...parts) {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(part)
    return bytesOf(hash.digest())
  },
  hmacSha256(key, ...parts) {
    const hmac = createHmac('sha256', key)
    for (const part of parts) hmac.update(part)
    return bytesOf(hmac.digest())
  },
  x25519KeyPair() {
    const pair = generateKeyPairSync('x25519')
    const privateKey = rawKey(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
    privateKeys.set(privateKey, pair.privateKey)
    return { publicKey: rawKey(pair.publicKey.export({ format: 'der', type: 'spki' })), privateKey }
  },
  x25519PublicKey: (privateKey) =>
    rawKey(createPublicKey(privateKeyObject(privateKey)).export({ format: 'der', type: 'spki' })),
  x25519(privateKey, publicKey) {
    const [ours, theirs] = [privateKeyObject(privateKey), publicKeyObject(publicKey)]
    try {
      const secret = bytesOf(diffieHellman({ privateKey: ours, publicKey: theirs }))
      return secret.some((byte) => byte !== 0) ? secret : undefined
    } catch {
      // A public key of low order: all three refuse to derive from it. Wrong lengths have thrown above.
      return undefined
    }
  },
  aes256gcm: (key) => new NodeAead(key),
  timingSafeEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
}

/** For `secure: { keyPair }` of a server; its `publicKey` goes to the clients. Both as text, to be put in a configuration. */
export function generateKeyPair(): { publicKey: string; privateKey: string } {
  const { publicKey, privateKey } = security.x25519KeyPair()
  return { publicKey: toBase64Url(publicKey), privateKey: toBase64Url(privateKey) }
}

class NodeAead implements Aead {
  // A key object, so that the bytes are not copied and checked for every datagram.
  readonly #key

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  seal(nonce: Uint8Array, additional: Uint8Array, content: Uint8Array, out: Uint8Array, at: number): number {
    const cipher = createCipheriv(CIPHER, this.#key, nonce)
    cipher.setAAD(additional)
    if (content.length > 0) out.set(cipher.update(content), at)
    cipher.final()
    out.set(cipher.getAuthTag(), at + content.length)
    return content.length + TAG_BYTES
  }

  open(nonce: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const length = sealed.length - TAG_BYTES
    if (length < 0) return undefined
    const decipher = createDecipheriv(CIPHER, this.#key, nonce)
    decipher.setAAD(additional)
    decipher.setAuthTag(sealed.subarray(length))
    const content = length > 0 ? decipher.update(sealed.subarray(0, length)) : new Uint8Array(0)
    try {
      decipher.final()
    } catch {
      // What was decrypted without being genuine is seen by nobody.
      return undefined
    }
    return content
  }
}

function privateKeyObject(raw: Uint8Array): KeyObject {
  const known = privateKeys.get(raw)
  if (known !== undefined) return known
  checkLength(raw)
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_DER, raw]), format: 'der', type: 'pkcs8' })
  privateKeys.set(raw, key)
  return key
}

function publicKeyObject(raw: Uint8Array): KeyObject {
  checkLength(raw)
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: toBase64Url(raw) }, format: 'jwk' })
}

function checkLength({ length }: Uint8Array): void {
  if (length !== KEY_BYTES) throw new RangeError(`a key of X25519 has 32 bytes, not ${length}`)
}

/** It stands at the end. */
const rawKey = (der: Uint8Array): Uint8Array => bytesOf(der.subarray(-KEY_BYTES))

/** Not a Buffer, whose `slice` does not copy. */
const bytesOf = (buffer: Uint8Array): Uint8Array => new Uint8Array(buffer)
