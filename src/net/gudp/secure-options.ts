import { invalid } from '../../core/check.ts'
import type { SpillwayError } from '../../core/errors.ts'
import type { SecurityPort } from '../../ports.ts'
import { areEqual } from './bytes.ts'
import type { NoisePattern } from './noise.ts'

/** A key of X25519: its 32 bytes, or those as base64 (either alphabet) or hex. */
export type Key = Uint8Array | string

/** What sessions are sealed with, and how the peer is known. */
export interface SecureOptions {
  /**
   * What both sides know and nobody else. 32 bytes are taken as they are; any other bytes, and text, are hashed to 32. At least 16. It is
   * not stretched: take it from a random source (`openssl rand -base64 32`), not from a person.
   */
  readonly secret?: string | Uint8Array
  /** The server's, which the client has from somewhere that it trusts. For clients. */
  readonly publicKey?: Key
  /** Of `generateKeyPair()`. For servers. */
  readonly keyPair?: { readonly privateKey: Key; readonly publicKey?: Key }
}

/** What the key exchange is made of. */
export interface SecureSettings {
  readonly pattern: NoisePattern
  readonly psk?: Uint8Array
  /** The client's knowledge of the server. */
  readonly serverKey?: Uint8Array
  /** The server's own. */
  readonly keyPair?: { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array }
}

const MIN_SECRET_BYTES = 16
const KEY_BYTES = 32
/** So that a secret that is used elsewhere, too, gives another key here. */
const PSK_LABEL = new TextEncoder().encode('spillway gudp psk 1')

/** `undefined`: in the clear. */
export function clientSecurity(
  secure: boolean | SecureOptions | undefined,
  security: SecurityPort,
): SecureSettings | undefined {
  if (secure === undefined || secure === false) return undefined
  const { secret, publicKey, keyPair } = optionsOf(secure)
  if (keyPair !== undefined) {
    throw invalid('secure.keyPair is the server’s; a client takes the public half of it, secure.publicKey')
  }
  const psk = secret === undefined ? undefined : pskOf(secret, security)
  if (publicKey === undefined) {
    if (psk === undefined) throw nothingGiven()
    return { pattern: 'NNpsk0', psk }
  }
  const serverKey = keyOf(publicKey, 'secure.publicKey')
  // One of low order would give the same secret whoever has the other half.
  if (security.x25519(security.x25519KeyPair().privateKey, serverKey) === undefined) {
    throw invalid('secure.publicKey is not a key that a server can have; use one made by generateKeyPair()')
  }
  return psk === undefined ? { pattern: 'NK', serverKey } : { pattern: 'NKpsk0', psk, serverKey }
}

/** `undefined`: in the clear. */
export function serverSecurity(
  secure: boolean | SecureOptions | undefined,
  security: SecurityPort,
): SecureSettings | undefined {
  if (secure === undefined || secure === false) return undefined
  const { secret, publicKey, keyPair } = optionsOf(secure)
  if (publicKey !== undefined) {
    throw invalid(
      'secure.publicKey is what clients take; a server takes secure.keyPair, with the private half',
    )
  }
  const psk = secret === undefined ? undefined : pskOf(secret, security)
  if (keyPair === undefined) {
    if (psk === undefined) throw nothingGiven()
    return { pattern: 'NNpsk0', psk }
  }
  const ours = keyPairOf(keyPair, security)
  return psk === undefined ? { pattern: 'NK', keyPair: ours } : { pattern: 'NKpsk0', psk, keyPair: ours }
}

function keyPairOf(given: NonNullable<SecureOptions['keyPair']>, security: SecurityPort) {
  const privateKey = keyOf(given.privateKey, 'secure.keyPair.privateKey')
  const publicKey = security.x25519PublicKey(privateKey)
  const isOther =
    given.publicKey !== undefined && !areEqual(keyOf(given.publicKey, 'secure.keyPair.publicKey'), publicKey)
  if (isOther) {
    throw invalid('secure.keyPair: the public key is not that of the private one; leave it out, it follows')
  }
  return { publicKey, privateKey }
}

function optionsOf(secure: true | SecureOptions): SecureOptions {
  if (secure === true) throw nothingGiven()
  if (typeof secure !== 'object' || secure === null) {
    throw invalid('secure takes false, or an object with secret, publicKey (client) or keyPair (server)')
  }
  return secure
}

/** Encryption with whoever answers keeps out nobody who can answer. */
function nothingGiven(): SpillwayError {
  return invalid(
    'secure needs something to know the other side by: { secret } that both have, or { keyPair } at the server and its { publicKey } at the client; generateKeyPair() makes one',
  )
}

function pskOf(secret: string | Uint8Array, security: SecurityPort): Uint8Array {
  const isText = typeof secret === 'string'
  if (!isText && !(secret instanceof Uint8Array)) throw invalid('secure.secret is a string or a Uint8Array')
  const bytes = isText ? new TextEncoder().encode(secret) : secret.slice()
  if (bytes.length < MIN_SECRET_BYTES) {
    throw invalid(
      `secure.secret has ${bytes.length} bytes; it needs at least ${MIN_SECRET_BYTES}, and from a random source: openssl rand -base64 32`,
    )
  }
  return !isText && bytes.length === KEY_BYTES ? bytes : security.hmacSha256(PSK_LABEL, bytes)
}

function keyOf(key: unknown, name: string): Uint8Array {
  const bytes = typeof key === 'string' ? fromText(key.trim()) : key
  if (bytes instanceof Uint8Array && bytes.length === KEY_BYTES) return bytes.slice()
  throw invalid(`${name} has 32 bytes: as a Uint8Array, or as base64 or hex; generateKeyPair() makes them`)
}

function fromText(text: string): Uint8Array | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) {
    return Uint8Array.from({ length: KEY_BYTES }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
  }
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/')
  return Uint8Array.from(atob(base64.slice(0, 43)), (char) => char.charCodeAt(0))
}

export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
