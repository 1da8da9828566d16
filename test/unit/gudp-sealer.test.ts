import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Path } from '../../src/net/gudp/path.ts'
import { createSealer, type SealerOptions } from '../../src/net/gudp/sealer.ts'
import { datagramType, SEALED, typeOf } from '../../src/net/gudp/wire.ts'
import { security } from '../../src/node/security.ts'
import { codeOf } from '../support/code-of.ts'
import { fromHex, toHex } from '../support/test-security.ts'

const session = { lo: 0x04030201, hi: 0x08070605 }
const protocolId = 0x50445547
const [up, down] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const common = { security, protocolId, session }

const pair = (options: Partial<SealerOptions> = {}) => ({
  here: createSealer({ ...common, keys: { send: up, receive: down }, ...options }),
  there: createSealer({ ...common, keys: { send: down, receive: up } }),
})

type Sealer = ReturnType<typeof createSealer>

function sealed(sealer: Sealer, content: Uint8Array, type: 6 | 7 | 8 | 9 = datagramType.packet): Uint8Array {
  const out = new Uint8Array(content.length + sealer.overhead)
  expect(sealer.seal(type, content, out)).toBe(out.length)
  return out
}

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes)
const bytes = (string: string) => new TextEncoder().encode(string)

describe('sealed datagrams', () => {
  it('are as docs/wire.md has them', () => {
    const { here } = pair({ firstNonce: 2 ** 40 + 0x0203 })
    const datagram = sealed(here, bytes('content'))
    expect(toHex(datagram.subarray(0, 21))).toBe('47554450' + '86' + '0102030405060708' + '0302000000010000')
    const iv = fromHex('00000000' + '0000010000000203')
    const plain = security.aes256gcm(up).open(iv, datagram.subarray(0, 21), datagram.subarray(21))
    expect(text(plain)).toBe('content')
  })

  it('come out once, in any order, each type, empty ones too', () => {
    const { here, there } = pair()
    const types = [6, 7, 8, 9] as const
    const all = types.map((type) => sealed(here, bytes(`of type ${type}`), type))
    const empty = sealed(here, new Uint8Array(0))
    expect(all.map((datagram) => typeOf(datagram, protocolId))).toEqual(types.map((type) => type | SEALED))
    expect([empty, ...all.reverse()].map((datagram) => text(there.open(datagram)))).toEqual([
      '',
      ...types.map((type) => `of type ${type}`).reverse(),
    ])
    for (const datagram of [...all, empty]) expect(there.open(datagram)).toBeUndefined()
    expect(there.stats).toEqual({ sealed: 0, opened: 5, malformed: 0, badTags: 0, replays: 5 })
    expect(here.stats.sealed).toBe(5)
  })

  it('are refused with any bit changed, at any length, and do not move the window', () => {
    const { here, there } = pair()
    const datagram = sealed(here, bytes('content'))
    for (let bit = 0; bit < 8 * datagram.length; bit++) {
      const changed = datagram.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(there.open(changed), `bit ${bit}`).toBeUndefined()
    }
    for (let length = 0; length < datagram.length; length++) {
      expect(there.open(datagram.slice(0, length))).toBeUndefined()
    }
    expect(there.open(Uint8Array.of(...datagram, 0))).toBeUndefined()
    expect(there.stats.opened).toBe(0)
    expect(text(there.open(datagram)), 'the genuine one after all those').toBe('content')
  })

  it('are refused when they come back to the sender, or are of another session', () => {
    const { here } = pair()
    const datagram = sealed(here, bytes('content'))
    expect(here.open(datagram)).toBeUndefined()
    expect(here.stats.badTags).toBe(1)
    const other = createSealer({
      ...common,
      session: { lo: 1, hi: 1 },
      keys: { send: down, receive: up },
    })
    expect(other.open(datagram)).toBeUndefined()
    expect(other.stats.malformed).toBe(1)
  })

  it('are as many as 2^48, and then no more', () => {
    const { here, there } = pair({ firstNonce: 2 ** 48 - 1 })
    expect(text(there.open(sealed(here, bytes('the last'))))).toBe('the last')
    expect(codeOf(() => here.seal(6, bytes('one more'), new Uint8Array(100)))).toBe('EPROTO')
  })

  it('with a nonce that is no number are refused, whatever their tag', () => {
    const { here, there } = pair()
    const datagram = sealed(here, bytes('content'))
    datagram[20] = 0x80
    expect(there.open(datagram)).toBeUndefined()
    expect(there.stats.replays).toBe(1)
  })

  it('reach the other side once, however the network treats them', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 200 }), (arrivals) => {
        const { here, there } = pair()
        const datagrams = Array.from({ length: 61 }, (_, i) => sealed(here, Uint8Array.of(i)))
        const opened = arrivals.flatMap((i) => there.open(datagrams[i]!)?.[0] ?? [])
        expect(opened).toEqual([...new Set(arrivals)])
      }),
      { numRuns: 30 },
    )
  })

  it('do not use a nonce twice when sealing throws', () => {
    const { here } = pair()
    expect(() => here.seal(6, bytes('content'), new Uint8Array(22))).toThrow()
    expect(sealed(here, bytes('content'))[13]).toBe(1)
  })
})

describe('datagrams in the clear', () => {
  const clear = () => createSealer(common)

  it('have a head and the content, which is not copied on the way in', () => {
    const datagram = sealed(clear(), bytes('content'))
    expect(toHex(datagram)).toBe(`4755445006${'0102030405060708'}${toHex(bytes('content'))}`)
    const content = clear().open(datagram)!
    expect(text(content)).toBe('content')
    expect(content.buffer).toBe(datagram.buffer)
  })

  it('are not taken by who seals, nor sealed ones by who does not', () => {
    const { here, there } = pair()
    expect(there.open(sealed(clear(), new Uint8Array(40)))).toBeUndefined()
    expect(clear().open(sealed(here, new Uint8Array(40)))).toBeUndefined()
    expect(clear().open(new Uint8Array(12))).toBeUndefined()
    const other = createSealer({ ...common, session: { ...session, hi: 1 } })
    expect(other.open(sealed(clear(), new Uint8Array(3)))).toBeUndefined()
  })
})

describe('a path', () => {
  const path = () => new Path(security, '192.0.2.1', 1000)
  const home = { address: '192.0.2.1', port: 1000 }

  it('is believed in only when the token comes back from there', () => {
    const one = path()
    expect(one.seen('192.0.2.1', 1000, 0)).toBeUndefined()
    const token = one.seen('192.0.2.2', 1000, 0)!
    expect(one.answered({ ...token, lo: token.lo ^ 1 }, '192.0.2.2', 1000, 10)).toBe(false)
    expect(one.answered(token, '192.0.2.3', 1000, 10)).toBe(false)
    expect(one.answered(token, '192.0.2.2', 1001, 10)).toBe(false)
    expect(one.answered(token, '192.0.2.1', 1000, 10)).toBe(false)
    expect(one.place).toEqual(home)
    expect(one.answered(token, '192.0.2.2', 1000, 10)).toBe(true)
    expect(one.place).toEqual({ address: '192.0.2.2', port: 1000 })
    expect(one.answered(token, '192.0.2.2', 1000, 11), 'once').toBe(false)
  })

  it('is asked about every 250 ms at most, and with the same token as long as that holds', () => {
    const one = path()
    const tokens = Array.from({ length: 1000 }, (_, ms) => one.seen('192.0.2.2', 1, ms)).filter(Boolean)
    expect(tokens).toHaveLength(4)
    expect(new Set(tokens).size).toBe(1)
    expect(one.answered(tokens[0]!, '192.0.2.2', 1, 4999)).toBe(true)
    const late = path()
    const token = late.seen('192.0.2.2', 1, 0)!
    expect(late.answered(token, '192.0.2.2', 1, 5000)).toBe(false)
    expect(late.seen('192.0.2.2', 1, 5000)).not.toEqual(token)
    expect(late.place).toEqual(home)
  })

  it('shares the 250 ms among all addresses, and keeps four', () => {
    const one = path()
    const tokens = Array.from({ length: 6 }, (_, i) => one.seen(`192.0.2.${10 + i}`, 1, 250 * i)!)
    expect(one.seen('192.0.2.99', 1, 1251)).toBeUndefined()
    expect(one.answered(tokens[0]!, '192.0.2.10', 1, 1300), 'pushed out').toBe(false)
    expect(one.answered(tokens[5]!, '192.0.2.15', 1, 1300)).toBe(true)
    expect(one.answered(tokens[4]!, '192.0.2.14', 1, 1300), 'over with the move').toBe(false)
  })
})
