import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type U64, u64At } from '../../src/net/gudp/bytes.ts'
import {
  decodeHandshake,
  encodeAccepted,
  encodeChallenge,
  encodeRefused,
  encodeRequest,
  encodeResponse,
  refusal,
  setHello,
} from '../../src/net/gudp/handshake-datagrams.ts'
import { SessionTable } from '../../src/net/gudp/session-table.ts'
import {
  DEFAULT_PROTOCOL_ID,
  decodeClose,
  decodeToken,
  encodeClose,
  encodeToken,
  isOfSession,
  SEALED,
  sessionHi,
  sessionLo,
  typeOf,
  writeSessionHead,
} from '../../src/net/gudp/wire.ts'
import { fromHex, toHex } from '../support/test-security.ts'

const id = DEFAULT_PROTOCOL_ID
const salt: U64 = { lo: 0x03020100, hi: -0x7f0f09fa }
const session: U64 = { lo: -1, hi: 5 }
const cookie = Uint8Array.from({ length: 36 }, (_, i) => i + 1)
const hello = Uint8Array.from({ length: 48 }, (_, i) => 200 + i)
const none = new Uint8Array(0)

const clear = { sealed: false, channels: 3, kinds: 0b101, clientSalt: salt }
const request = encodeRequest(id, clear, none)
const sealedRequest = encodeRequest(id, { ...clear, sealed: true }, hello)

const samples: Record<string, Uint8Array> = {
  REQUEST: request,
  'REQUEST, sealed': sealedRequest,
  RESPONSE: encodeResponse(request, cookie),
  'RESPONSE, sealed': encodeResponse(sealedRequest, cookie),
  CHALLENGE: encodeChallenge(id, salt, cookie),
  ACCEPTED: encodeAccepted(id, salt, session, none),
  'ACCEPTED, sealed': encodeAccepted(id, salt, session, hello),
  REFUSED: encodeRefused(id, salt, refusal.noRoom),
}

const with_ = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = bytes.slice()
  copy[at] = value
  return copy
}

describe('datagrams of the handshake', () => {
  it('are as docs/wire.md has them, to the byte', () => {
    expect(toHex(request.subarray(0, 18))).toBe('475544500101000300010203' + '06f6f080' + '0500')
    expect(u64At(request, 8)).toEqual(salt)
    expect(request.length).toBe(1200)
    expect(request.subarray(18).every((byte) => byte === 0)).toBe(true)
    expect(toHex(sealedRequest.subarray(54, 56))).toBe('3000')
    expect(sealedRequest.subarray(56, 104)).toEqual(hello)
    expect(toHex(samples.CHALLENGE!)).toBe(
      `4755445002010000${toHex(request.subarray(8, 16))}${toHex(cookie)}00000000`,
    )
    expect(toHex(samples.ACCEPTED!)).toBe(
      `4755445004010000${toHex(request.subarray(8, 16))}ffffffff050000000000`,
    )
    expect(toHex(samples.REFUSED!)).toBe(`4755445005010000${toHex(request.subarray(8, 16))}01`)
    expect(Object.values(samples).map(({ length }) => length)).toEqual([
      1200, 1200, 1200, 1200, 56, 26, 74, 17,
    ])
  })

  it('come out as they went in', () => {
    const decoded = Object.values(samples).map((bytes) => decodeHandshake(bytes, id))
    const zeros = new Uint8Array(36)
    expect(decoded).toEqual([
      { type: 'request', ...clear, cookie: zeros, hello: none },
      { type: 'request', ...clear, sealed: true, cookie: zeros, hello },
      { type: 'response', ...clear, cookie, hello: none },
      { type: 'response', ...clear, sealed: true, cookie, hello },
      { type: 'challenge', clientSalt: salt, cookie },
      { type: 'accepted', clientSalt: salt, session, answer: none },
      { type: 'accepted', clientSalt: salt, session, answer: hello },
      { type: 'refused', clientSalt: salt, version: 1, reason: 1 },
    ])
  })

  it.each(Object.entries(samples))('%s: of any other length is nothing', (_, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeHandshake(bytes.slice(0, length), id), `${length} bytes`).toBeUndefined()
    }
    const longer = new Uint8Array(bytes.length + 1)
    longer.set(bytes)
    expect(decodeHandshake(longer, id)).toBeUndefined()
  })

  it.each(Object.entries(samples))(
    '%s: of another protocol, sealed, or of no type is nothing',
    (_, bytes) => {
      for (let at = 0; at < 4; at++)
        expect(decodeHandshake(with_(bytes, at, bytes[at]! ^ 1), id)).toBeUndefined()
      for (const type of [0, 6, 9, 10, 0x7f, bytes[4]! | SEALED]) {
        expect(decodeHandshake(with_(bytes, 4, type), id)).toBeUndefined()
      }
      expect(decodeHandshake(bytes, 12345)).toBeUndefined()
    },
  )

  it('tell another version apart, and read nothing of it but the salt', () => {
    for (const bytes of [samples.REQUEST!, samples.CHALLENGE!, samples.ACCEPTED!]) {
      expect(decodeHandshake(with_(bytes, 5, 2), id)).toEqual({
        type: 'otherVersion',
        of: bytes[4],
        version: 2,
        clientSalt: salt,
      })
    }
    expect(decodeHandshake(with_(request, 5, 2).subarray(0, 1199), id)).toBeUndefined()
    expect(decodeHandshake(with_(samples.REFUSED!, 5, 2), id)).toMatchObject({ type: 'refused', version: 2 })
  })

  it('are nothing when what is in them contradicts itself', () => {
    const wrong = [
      with_(request, 6, 2),
      with_(request, 6, 1),
      with_(sealedRequest, 6, 0),
      with_(request, 7, 16),
      with_(request, 7, 2),
      with_(request, 17, 0x80),
      with_(request, 18, 1),
      with_(sealedRequest, 55, 0xff),
      with_(samples.CHALLENGE!, 6, 1),
      with_(samples.CHALLENGE!, 52, 1),
      with_(samples.CHALLENGE!, 55, 1),
      with_(samples.ACCEPTED!, 7, 1),
      with_(samples.ACCEPTED!, 24, 1),
      encodeAccepted(id, salt, { lo: 0, hi: 0 }, none),
      with_(samples.REFUSED!, 16, 0),
    ]
    for (const [i, bytes] of wrong.entries()) expect(decodeHandshake(bytes, id), `${i}`).toBeUndefined()
  })

  it('have room for a first message of 1144 bytes', () => {
    const longest = new Uint8Array(1144).fill(7)
    const bytes = encodeRequest(id, { ...clear, sealed: true }, none)
    setHello(bytes, longest)
    expect(decodeHandshake(bytes, id)).toMatchObject({ hello: longest })
    expect(decodeHandshake(with_(bytes, 54, 0x79), id)).toBeUndefined()
  })
})

describe('datagrams of a session', () => {
  it('are told by their head, without an object for it', () => {
    const bytes = new Uint8Array(40)
    for (const type of [6, 7, 8, 9, 6 | SEALED]) {
      writeSessionHead(bytes, id, type, session)
      expect(typeOf(bytes, id)).toBe(type)
      expect(isOfSession(type)).toBe(true)
      expect({ lo: sessionLo(bytes), hi: sessionHi(bytes) }).toEqual(session)
    }
    expect(typeOf(bytes, id + 1)).toBe(0)
    expect([1, 5].map(isOfSession)).toEqual([false, false])
    for (const type of [0, 10, 0x7f, SEALED, 1 | SEALED, 5 | SEALED, 10 | SEALED]) {
      expect(typeOf(with_(bytes, 4, type), id), `${type}`).toBe(0)
    }
    expect(typeOf(fromHex('47554450060100000000000000'), id)).toBe(6)
    expect(typeOf(fromHex('475544500601000000000000'), id)).toBe(0)
    expect(typeOf(bytes.subarray(0, 37), id)).toBe(6 | SEALED)
    expect(typeOf(bytes.subarray(0, 36), id)).toBe(0)
  })

  it('have reasons and tokens for content', () => {
    expect([0, 1].map((reason) => decodeClose(encodeClose(reason as 0 | 1)))).toEqual([0, 1])
    expect([none, Uint8Array.of(2), Uint8Array.of(0, 0)].map(decodeClose)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(decodeToken(encodeToken(salt))).toEqual(salt)
    for (const length of [0, 7, 9]) expect(decodeToken(new Uint8Array(length))).toBeUndefined()
  })
})

describe('any bytes at all', () => {
  it('are decoded or not, and never throw', () => {
    const lengths = fc.oneof(
      fc.constantFrom(0, 13, 17, 26, 37, 56, 74, 1200),
      fc.integer({ min: 0, max: 1500 }),
    )
    const bytes = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 255 }), fc.boolean(), (datagram, type, isOurs) => {
        if (isOurs && datagram.length > 8) {
          datagram.set([0x47, 0x55, 0x44, 0x50, type % 11, 1], 0)
        }
        const decoded = decodeHandshake(datagram, id)
        if (!isOurs) expect(decoded).toBeUndefined()
        if (decoded?.type === 'request') expect(datagram.length).toBe(1200)
        typeOf(datagram, id)
        decodeClose(datagram)
        decodeToken(datagram)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a table of sessions', () => {
  it('agrees with a Map by both words, also where the low words are the same', () => {
    const words = fc.record({ lo: fc.integer({ min: -2, max: 2 }), hi: fc.integer({ min: -2, max: 2 }) })
    fc.assert(
      fc.property(fc.array(fc.tuple(words, fc.boolean())), (steps) => {
        const table = new SessionTable<number>()
        const model = new Map<string, number>()
        for (const [i, [{ lo, hi }, isAdd]] of steps.entries()) {
          const key = `${lo} ${hi}`
          if (isAdd) {
            expect(table.add({ lo, hi }, i)).toBe(!model.has(key))
            if (!model.has(key)) model.set(key, i)
          } else expect(table.remove({ lo, hi })).toBe(model.delete(key))
          expect(table.get(lo, hi)).toBe(model.get(key))
          expect(table.size).toBe(model.size)
          expect([...table.values()].sort()).toEqual([...model.values()].sort())
        }
      }),
    )
  })
})
