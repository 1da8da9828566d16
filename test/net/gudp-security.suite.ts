// The runtime's cryptography and what stands on it, for every runtime: standards' own examples, the Noise framework's handshakes, sealed
// datagrams, also in shared memory.

import { NoiseHandshake } from '../../src/net/gudp/noise.ts'
import { createSealer } from '../../src/net/gudp/sealer.ts'
import { datagramType } from '../../src/net/gudp/wire.ts'
import { generateKeyPair, security } from '../../src/node/security.ts'
import { bytes, deepEqual, equal, ok, type Suite, suite } from '../support/harness.ts'
import { type NoiseVector, noiseVectors } from '../support/noise-vectors.ts'
import { fromHex, lowOrderKeys, securityWithKeys, toHex } from '../support/test-security.ts'

const primitives = suite('cryptography of the runtime', (t) => {
  t.test('SHA-256 and HMAC-SHA-256 in parts (FIPS 180-4, RFC 4231)', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    equal(toHex(security.sha256(bytes('a'), bytes(''), bytes('bc'))), abc)
    const mac = security.hmacSha256(bytes('Jefe'), bytes('what do ya want '), bytes('for nothing?'))
    equal(toHex(mac), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
  })

  t.test('X25519 (RFC 7748, section 6.1)', () => {
    const alice = fromHex('77076d0a7318a57d3c16c17251b26645df4c9aaed4bf8b1d3c7a8c5d2f2d9f2a')
    const bob = fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
    const computed = security.x25519(alice, security.x25519PublicKey(bob))
    deepEqual(computed, security.x25519(bob, security.x25519PublicKey(alice)))
    ok(computed !== undefined && computed.length === 32)
    const { publicKey, privateKey } = security.x25519KeyPair()
    deepEqual(security.x25519PublicKey(privateKey), publicKey)
  })

  t.test('key pairs by the thousand: some ways to have their bytes stand still in Node 20', () => {
    for (let i = 0; i < 6000; i++) security.x25519KeyPair()
  })

  t.test('X25519 with a key of low order comes to nothing', () => {
    for (const key of lowOrderKeys) {
      equal(security.x25519(security.x25519KeyPair().privateKey, key), undefined, toHex(key))
    }
  })

  t.test('AES-256-GCM (the test case 16 of McGrew and Viega)', () => {
    const aead = security.aes256gcm(
      fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
    )
    const nonce = fromHex('cafebabefacedbaddecaf888')
    const additional = fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2')
    const plain = fromHex(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    )
    const out = new Uint8Array(plain.length + 16 + 3)
    equal(aead.seal(nonce, additional, plain, out, 3), plain.length + 16)
    equal(
      toHex(out.subarray(3)),
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
        '76fc6ece0f4e1768cddf8853bb2d551b',
    )
    deepEqual(Uint8Array.from(aead.open(nonce, additional, out.subarray(3))!), plain)
    out[10]! ^= 1
    equal(aead.open(nonce, additional, out.subarray(3)), undefined)
    equal(aead.open(nonce, additional, out.subarray(3, 10)), undefined)
  })

  t.test('AES-256-GCM reads and writes shared memory', () => {
    const aead = security.aes256gcm(new Uint8Array(32))
    const shared = (from: Uint8Array) => {
      const view = new Uint8Array(new SharedArrayBuffer(from.length))
      view.set(from)
      return view
    }
    const [nonce, additional, plain] = [
      new Uint8Array(12),
      bytes('additional'),
      bytes('content '.repeat(150)),
    ]
    const own = new Uint8Array(plain.length + 16)
    const out = shared(own)
    aead.seal(nonce, additional, plain, own, 0)
    aead.seal(shared(nonce), shared(additional), shared(plain), out, 0)
    deepEqual(Uint8Array.from(out), own)
    deepEqual(Uint8Array.from(aead.open(shared(nonce), shared(additional), out)!), plain)
  })

  t.test('random bytes and key pairs are not twice the same', () => {
    const random = [security.randomBytes(32), security.randomBytes(32)].map(toHex)
    equal(new Set(random).size, 2)
    equal(security.randomBytes(5).length, 5)
    const pairs = [generateKeyPair(), generateKeyPair()]
    equal(new Set(pairs.flatMap(({ publicKey, privateKey }) => [publicKey, privateKey])).size, 4)
    equal(pairs[0]!.publicKey.length, 43)
  })

  t.test('equal in constant time, also of unequal lengths', () => {
    ok(security.timingSafeEqual(bytes('abc'), bytes('abc')))
    ok(!security.timingSafeEqual(bytes('abc'), bytes('abd')))
    ok(!security.timingSafeEqual(bytes('abc'), bytes('abcd')))
  })
})

/** Both sides of a vector, each with its own ephemeral key. */
export function sidesOf(vector: NoiseVector): { client: NoiseHandshake; server: NoiseHandshake } {
  const common = {
    pattern: vector.pattern,
    prologue: fromHex(vector.prologue),
    psk: vector.psk === null ? undefined : fromHex(vector.psk),
  }
  const client = new NoiseHandshake({
    ...common,
    security: securityWithKeys(fromHex(vector.clientEphemeral)),
    isInitiator: true,
    serverKey: vector.serverPublic === null ? undefined : fromHex(vector.serverPublic),
  })
  const privateKey = vector.serverStatic === null ? undefined : fromHex(vector.serverStatic)
  const server = new NoiseHandshake({
    ...common,
    security: securityWithKeys(fromHex(vector.serverEphemeral)),
    isInitiator: false,
    keyPair: privateKey && { privateKey, publicKey: security.x25519PublicKey(privateKey) },
  })
  return { client, server }
}

/** What the framework calls transport messages, with the nonce counted from 0. */
function transport(key: Uint8Array, additional: Uint8Array, n: number, plain: Uint8Array): string {
  const nonce = new Uint8Array(12)
  nonce[11] = n
  const out = new Uint8Array(plain.length + 16)
  security.aes256gcm(key).seal(nonce, additional, plain, out, 0)
  return toHex(out)
}

const noise = suite('the Noise framework', (t) => {
  for (const [i, vector] of noiseVectors.entries()) {
    t.test(`${vector.pattern}, as another implementation computed it (${i})`, () => {
      const { client, server } = sidesOf(vector)
      const [first, second] = vector.payloads.map(fromHex)
      equal(toHex(client.write(first)!), vector.messages[0], 'first message')
      deepEqual(Uint8Array.from(server.read(fromHex(vector.messages[0]))!), first)
      equal(toHex(server.write(second)!), vector.messages[1], 'second message')
      deepEqual(Uint8Array.from(client.read(fromHex(vector.messages[1]))!), second)
      equal(toHex(client.handshakeHash), vector.handshakeHash)
      equal(toHex(server.handshakeHash), vector.handshakeHash)
      const [ours, theirs] = [client.split(), server.split()]
      deepEqual([theirs.receive, theirs.send], [ours.send, ours.receive])
      const additional = security.sha256(bytes('spillway ad'))
      for (const [n, message] of vector.toServer.entries()) {
        equal(transport(ours.send, additional, n, bytes(`to the server ${n}`)), message)
      }
      for (const [n, message] of vector.toClient.entries()) {
        equal(transport(theirs.send, new Uint8Array(0), n, bytes(`to the client ${n}`)), message)
      }
    })
  }
})

const sealing = suite('sealed datagrams', (t) => {
  t.test('go from shared memory to shared memory and back', () => {
    const [a, b] = [security.randomBytes(32), security.randomBytes(32)]
    const common = { security, protocolId: 7, session: { lo: -5, hi: 9 } }
    const here = createSealer({ ...common, keys: { send: a, receive: b } })
    const there = createSealer({ ...common, keys: { send: b, receive: a } })
    const memory = new SharedArrayBuffer(4096)
    const content = new Uint8Array(memory, 0, 1200).fill(0x5a)
    const out = new Uint8Array(memory, 2048, 1500)
    const length = here.seal(datagramType.packet, content, out)
    equal(length, content.length + here.overhead)
    deepEqual(Uint8Array.from(there.open(out.subarray(0, length))!), Uint8Array.from(content))
    equal(there.open(out.subarray(0, length)), undefined, 'a second time')
  })
})

export const securitySuites: readonly Suite[] = [primitives, noise, sealing]
