import { security } from '../../src/node/security.ts'
import type { KeyPair, SecurityPort } from '../../src/ports.ts'
import { seeded } from '../../src/sim/network/random.ts'

/** The runtime's, with random bytes that follow from a seed. */
export function seededSecurity(seed: number): SecurityPort {
  const random = seeded(seed)
  return {
    ...security,
    randomBytes: (length) => Uint8Array.from({ length }, () => random.between(0, 255)),
  }
}

/** The runtime's, with these key pairs for new ones. */
export function securityWithKeys(...privateKeys: readonly Uint8Array[]): SecurityPort {
  const left = [...privateKeys]
  return {
    ...security,
    x25519KeyPair(): KeyPair {
      const privateKey = left.shift()!
      return { privateKey, publicKey: security.x25519PublicKey(privateKey) }
    },
  }
}

export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Public keys of X25519 with which every secret is zero (RFC 7748, section 6.1), some of them not reduced. */
export const lowOrderKeys: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(fromHex)
