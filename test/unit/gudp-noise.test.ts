import { describe, expect, it } from 'vitest'
import { NoiseHandshake, type NoisePattern } from '../../src/net/gudp/noise.ts'
import { security } from '../../src/node/security.ts'
import { lowOrderKeys, securityWithKeys } from '../support/test-security.ts'

const prologue = Uint8Array.of(1, 2, 3)
const psk = new Uint8Array(32).fill(9)
const keyPair = security.x25519KeyPair()
const patterns: NoisePattern[] = ['NNpsk0', 'NK', 'NKpsk0']

function pair(pattern: NoisePattern, client: object = {}, server: object = {}) {
  const common = { security, pattern, prologue, psk }
  return {
    client: new NoiseHandshake({ ...common, isInitiator: true, serverKey: keyPair.publicKey, ...client }),
    server: new NoiseHandshake({ ...common, isInitiator: false, keyPair, ...server }),
  }
}

describe.each(patterns)('%s', (pattern) => {
  it('ends in the same keys', () => {
    const { client, server } = pair(pattern)
    expect(server.read(client.write()!)).toHaveLength(0)
    expect(client.read(server.write()!)).toHaveLength(0)
    const [ours, theirs] = [client.split(), server.split()]
    expect(ours.send).toEqual(theirs.receive)
    expect(ours.receive).toEqual(theirs.send)
    expect(ours.send).not.toEqual(ours.receive)
  })

  it('takes no message with any bit changed, any byte missing or one more; the genuine one after that', () => {
    const { client, server } = pair(pattern)
    const tampered = (message: Uint8Array) => [
      ...Array.from(message, (_, i) => message.map((byte, j) => (i === j ? byte ^ (1 << (i % 8)) : byte))),
      ...Array.from(message, (_, length) => message.slice(0, length)),
      Uint8Array.of(...message, 0),
    ]
    const first = client.write()!
    for (const message of tampered(first)) expect(server.read(message)).toBeUndefined()
    expect(server.read(first)).toHaveLength(0)
    const second = server.write()!
    for (const message of tampered(second)) expect(client.read(message)).toBeUndefined()
    expect(client.read(second)).toHaveLength(0)
    expect(client.split().send).toEqual(server.split().receive)
  })

  it('fails where the prologue is another', () => {
    const { client, server } = pair(pattern, { prologue: Uint8Array.of(1, 2, 4) })
    expect(server.read(client.write()!)).toBeUndefined()
  })

  it('fails where the psk or the server’s key is another', () => {
    const other = security.x25519KeyPair()
    if (pattern !== 'NK') {
      const { client, server } = pair(pattern, { psk: new Uint8Array(32).fill(8) })
      expect(server.read(client.write()!)).toBeUndefined()
    }
    if (pattern !== 'NNpsk0') {
      const { client, server } = pair(pattern, { serverKey: other.publicKey })
      expect(server.read(client.write()!)).toBeUndefined()
      // A server with the client's hello, but not with the key that it is for.
      const impostor = pair(pattern, {}, { keyPair: { ...other, publicKey: keyPair.publicKey } })
      expect(impostor.server.read(impostor.client.write()!)).toBeUndefined()
    }
  })

  it('takes no key of low order', () => {
    for (const publicKey of lowOrderKeys) {
      const weak = { ...security, x25519KeyPair: () => ({ ...security.x25519KeyPair(), publicKey }) }
      const { client, server } = pair(pattern, { security: weak })
      // NNpsk0 meets the key of the client only when it answers.
      const isRead = server.read(client.write()!) !== undefined
      expect(isRead && server.write() !== undefined).toBe(false)
      const answering = pair(pattern, {}, { security: weak })
      expect(answering.server.read(answering.client.write()!)).toHaveLength(0)
      expect(answering.client.read(answering.server.write()!)).toBeUndefined()
      if (pattern !== 'NNpsk0') expect(pair(pattern, { serverKey: publicKey }).client.write()).toBeUndefined()
    }
  })

  it('is done in turn, and to its end', () => {
    const { client, server } = pair(pattern)
    expect(() => server.write()).toThrow()
    expect(() => client.read(new Uint8Array(48))).toThrow()
    expect(() => client.split()).toThrow()
  })

  it('has another ephemeral key each time', () => {
    expect(pair(pattern).client.write()).not.toEqual(pair(pattern).client.write())
    const fixed = () => securityWithKeys(new Uint8Array(32).fill(5))
    const first = pair(pattern, { security: fixed() }).client.write()
    expect(first).toEqual(pair(pattern, { security: fixed() }).client.write())
  })
})
