import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noiseVectors } from '../support/noise-vectors.ts'
import {
  type Datagram,
  decodeDatagram,
  decodeFrames,
  decodePacket,
  decodeReason,
  decodeToken,
  isNewer,
} from './gudp-decoder.ts'
import {
  encodeFragment,
  encodeFrame,
  encodeHandshake,
  encodeHeader,
  encodeMessage,
  encodePacket,
  encodeSession,
  join,
} from './gudp-encoder.ts'
import { answerNoise, keyPairOf, NoiseClient, type Secrets } from './gudp-noise.ts'
import {
  badDatagrams,
  badFragments,
  badFrames,
  badHeaders,
  bytesOf,
  channels,
  datagramVectors,
  fragmentVectors,
  framesVectors,
  headerVectors,
  lavishHeaders,
} from './vectors.ts'

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** At which lengths, of those below its own, something is still decoded. */
function lengthsTaken(bytes: Uint8Array, decode: (cut: Uint8Array) => unknown): number[] {
  return Array.from({ length: bytes.length }, (_, length) => length).filter(
    (length) => decode(bytes.subarray(0, length)) !== undefined,
  )
}

function encodeDatagram(datagram: Datagram): Uint8Array {
  if (!('sealed' in datagram)) return encodeHandshake(datagram)
  if (datagram.sealed) return join(datagram.additional, datagram.box)
  return encodeSession(datagram.is, datagram.session, datagram.content)
}

describe('packet headers', () => {
  for (const { name, hex, ...header } of headerVectors)
    it(`${name}: ${hex}`, () => {
      const bytes = bytesOf(hex)
      expect(hexOf(encodeHeader(header))).toBe(hexOf(bytes))
      expect(decodePacket(bytes)).toEqual({ is: 'packet', header, body: new Uint8Array() })
      const body = bytesOf('0102')
      expect(decodePacket(join(bytes, body))).toEqual({ is: 'packet', header, body })
      expect(lengthsTaken(bytes, decodePacket)).toEqual([])
    })

  for (const { name, hex, ...header } of lavishHeaders)
    it(`${name}: taken`, () => expect(decodePacket(bytesOf(hex))).toMatchObject({ header }))

  for (const { name, hex } of badHeaders)
    it(`${name}: refused`, () => expect(decodePacket(bytesOf(hex))).toBe(undefined))

  it('say what was put into them, whatever it was', () => {
    const u16 = fc.nat(65535)
    const bits = fc.array(fc.oneof(fc.constant(255), fc.nat(255)), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(u16, fc.oneof(u16, fc.nat(300)), bits, fc.uint8Array(), (sequence, back, four, body) => {
        const header = { sequence, ack: (sequence - back) & 0xffff, bits: Buffer.from(four).readUInt32LE() }
        expect(decodePacket(join(encodeHeader(header), body))).toEqual({ is: 'packet', header, body })
      }),
    )
  })

  it('have sequences that are newer over the wrap, up to half the circle', () => {
    const newer = [
      ...[
        [1, 0],
        [32768, 0],
        [0, 65535],
        [0, 32769],
        [32766, 65535],
        [65535, 65534],
      ],
    ] as const
    for (const [a, b] of newer) expect([a, b, isNewer(a!, b!), isNewer(b!, a!)]).toEqual([a, b, true, false])
    expect(isNewer(5, 5)).toBe(false)
    // Just opposite each other, the greater number is the newer one.
    expect([isNewer(32768, 0), isNewer(0, 32768), isNewer(65535, 32767), isNewer(32767, 65535)]).toEqual([
      ...[true, false, true, false],
    ])
  })
})

describe('fragments', () => {
  for (const { name, hex, fragment, refusedBelow } of fragmentVectors)
    it(name, () => {
      const bytes = bytesOf(hex)
      expect(decodePacket(bytes)).toEqual(fragment)
      const { sequence, index, count } = fragment
      const header = fragment.header ?? { sequence, ack: 0, bits: 0 }
      expect(hexOf(encodeFragment(header, index, count, fragment.bytes))).toBe(hexOf(bytes))
      expect(lengthsTaken(bytes, decodePacket)).toEqual(
        Array.from({ length: bytes.length - refusedBelow }, (_, i) => refusedBelow + i),
      )
    })

  for (const { name, hex } of badFragments)
    it(`${name}: refused`, () => expect(decodePacket(bytesOf(hex))).toBe(undefined))

  it('make the packet again, of any length up to 256 of them', () => {
    const header = { sequence: 9, ack: 8, bits: 1 }
    for (const length of [1024, 1025, 2048, 2049, 65_535, 262_143, 262_144]) {
      const body = new Uint8Array(length).map((_, i) => (i * 7 + (i >> 10)) & 0xff)
      const pieces = encodePacket(header, body).map((content) => decodePacket(content)!)
      expect(pieces.length).toBe(Math.ceil(length / 1024))
      expect(join(...pieces.map((it) => (it.is === 'packet' ? it.body : it.bytes)))).toEqual(body)
      expect(pieces[0]!.header).toEqual(header)
    }
    expect(() => encodePacket(header, new Uint8Array(262_145))).toThrow(RangeError)
    expect(encodePacket(header, new Uint8Array(2200), 1100).map((it) => it.length)).toEqual([1113, 1105])
  })
})

describe('frames', () => {
  const decode = (body: Uint8Array) => decodeFrames(body, channels)

  for (const { name, hex, frames, wholeAt } of framesVectors)
    it(name, () => {
      const bytes = bytesOf(hex)
      expect(decode(bytes)).toEqual(frames)
      expect(hexOf(join(...frames.map(encodeFrame)))).toBe(hexOf(bytes))
      expect(lengthsTaken(bytes, decode)).toEqual(wholeAt)
    })

  for (const { name, hex } of badFrames)
    it(`${name}: the packet is bad`, () => expect(decode(bytesOf(hex))).toBe(undefined))

  it('carry messages that begin with their length and end on a unit', () => {
    const cases = {
      '': '00000000 00000000',
      '61': '01000000 61 000000',
      '61626364': '04000000 61626364',
      '6162636465': '05000000 6162636465 00000000000000',
    }
    for (const [message, hex] of Object.entries(cases))
      expect(hexOf(encodeMessage(bytesOf(message)))).toBe(hexOf(bytesOf(hex)))
  })
})

describe('datagrams', () => {
  for (const { name, hex, datagram, refusedBelow } of datagramVectors)
    it(name, () => {
      const bytes = bytesOf(hex)
      expect(decodeDatagram(bytes)).toEqual(datagram)
      expect(hexOf(encodeDatagram(datagram))).toBe(hexOf(bytes))
      expect(lengthsTaken(bytes, decodeDatagram).filter((length) => length < refusedBelow)).toEqual([])
      const of = new DataView(bytes.buffer)
      of.setUint32(0, 0xfeedface, true)
      expect(decodeDatagram(bytes)).toBe(undefined)
      expect(decodeDatagram(bytes, 0xfeedface)).toMatchObject({ is: datagram.is })
    })

  for (const { name, hex } of badDatagrams)
    it(`${name}: refused`, () => expect(decodeDatagram(bytesOf(hex))).toBe(undefined))

  it('have a reason of one byte, and a token of eight', () => {
    expect(decodeReason(bytesOf('01'))).toBe(1)
    expect(decodeToken(bytesOf('0100000000000080'))).toBe(0x8000000000000001n)
    for (const hex of ['', '0100']) expect(decodeReason(bytesOf(hex))).toBe(undefined)
    for (const hex of ['', '(01*7)', '(01*9)']) expect(decodeToken(bytesOf(hex))).toBe(undefined)
  })
})

describe('whatever bytes', () => {
  const all = [
    ...headerVectors.map(({ hex }) => hex),
    ...fragmentVectors.map(({ hex }) => hex),
    ...framesVectors.map(({ hex }) => hex),
    ...datagramVectors.map(({ hex }) => hex),
  ].map(bytesOf)
  const decodeAll = (bytes: Uint8Array) => {
    const datagram = decodeDatagram(bytes)
    if (datagram && 'content' in datagram) decodePacket(datagram.content)
    decodePacket(bytes)
    decodeFrames(bytes, channels)
    decodeReason(bytes)
    decodeToken(bytes)
  }

  it('are decoded or refused, and throw nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 1300 }), decodeAll), { numRuns: 2000 })
  })

  it('nor do vectors with some bytes changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.constantFrom(...all), changes, fc.nat(), (vector, changed, cut) => {
        const bytes = vector.slice(0, vector.length - (cut % 3))
        for (const [at, value] of changed)
          if (bytes.length > 0) bytes[at % Math.min(bytes.length, 64)] = value
        decodeAll(bytes)
      }),
      { numRuns: 2000 },
    )
  })

  it('that are taken as a packet are encoded so that they say the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const it = decodePacket(bytes)
        if (it?.is !== 'packet') return
        expect(decodePacket(join(encodeHeader(it.header), it.body))).toEqual(it)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the key exchange', () => {
  const hex = (text: string | null) => (text === null ? undefined : bytesOf(text))

  for (const [i, vector] of noiseVectors.entries())
    it(`${vector.pattern} as another implementation computed it (${i})`, () => {
      const shared: Secrets = {
        ...{
          prologue: bytesOf(vector.prologue),
          psk: hex(vector.psk),
          serverPublic: hex(vector.serverPublic),
        },
      }
      const [firstPayload, secondPayload] = vector.payloads.map(bytesOf)
      const client = new NoiseClient({ ...shared, ephemeral: hex(vector.clientEphemeral) }, firstPayload)
      const own = vector.serverStatic === null ? undefined : keyPairOf(bytesOf(vector.serverStatic))
      const server = { ...shared, own, ephemeral: hex(vector.serverEphemeral) }
      const answer = answerNoise(server, client.first, secondPayload)!
      expect([hexOf(client.first), hexOf(answer.second)]).toEqual(vector.messages)
      const keys = client.finish(answer.second)!
      expect(hexOf(keys.handshakeHash)).toBe(vector.handshakeHash)
      expect(hexOf(answer.handshakeHash)).toBe(vector.handshakeHash)
      for (const [n, box] of vector.toClient.entries()) {
        const plain = answer.toClient.decrypt(BigInt(n), new Uint8Array(), bytesOf(box))!
        expect(String(Buffer.from(plain))).toBe(`to the client ${n}`)
        expect(hexOf(keys.toClient.encrypt(BigInt(n), new Uint8Array(), plain))).toBe(box)
      }
    })

  it('fails for another key, another prologue, and any bit changed', () => {
    const secrets = { prologue: bytesOf('(01*18)'), psk: bytesOf('(02*32)') }
    const { first } = new NoiseClient(secrets)
    expect(answerNoise(secrets, first)).toBeDefined()
    expect(answerNoise({ ...secrets, psk: bytesOf('(03*32)') }, first)).toBe(undefined)
    expect(answerNoise({ ...secrets, prologue: bytesOf('(04*18)') }, first)).toBe(undefined)
    for (let at = 0; at < first.length; at++) {
      const bytes = first.slice()
      bytes[at]! ^= 1
      expect(answerNoise(secrets, bytes)).toBe(undefined)
    }
  })
})
