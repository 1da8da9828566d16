import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cookies } from '../../src/net/gudp/cookie.ts'
import { Limiter } from '../../src/net/gudp/limiter.ts'
import { ReplayWindow } from '../../src/net/gudp/replay-window.ts'
import { security } from '../../src/node/security.ts'

const bound = {
  address: '192.0.2.7',
  port: 4000,
  asked: new Uint8Array(13).fill(1),
  hello: new Uint8Array(48).fill(2),
}

describe('a cookie', () => {
  it('holds for ten seconds', () => {
    const cookies = new Cookies(security, 0)
    const cookie = cookies.issue(bound, 5000)
    expect(cookie).toHaveLength(36)
    expect(cookies.verify(cookie, bound, 5000)).toBe('holds')
    expect(cookies.verify(cookie, bound, 15_000)).toBe('holds')
    expect(cookies.verify(cookie, bound, 16_000)).toBe('expired')
    expect(cookies.verify(cookie, bound, 4000), 'from the future').toBe('expired')
  })

  it('holds for nothing but what it was made for', () => {
    const cookies = new Cookies(security, 0)
    const cookie = cookies.issue(bound, 0)
    const others = [
      { address: '192.0.2.8' },
      { address: '192.0.2.70' },
      { port: 4001 },
      { port: 4000 ^ 0x100 },
      { asked: new Uint8Array(13).fill(3) },
      { hello: new Uint8Array(48).fill(3) },
      { hello: new Uint8Array(0) },
      { asked: new Uint8Array(14).fill(1), hello: new Uint8Array(47).fill(2) },
    ]
    for (const other of others) expect(cookies.verify(cookie, { ...bound, ...other }, 0)).toBe('forged')
  })

  it('cannot be forged in any bit, nor be of another server', () => {
    const cookies = new Cookies(security, 0)
    const cookie = cookies.issue(bound, 5000)
    for (let bit = 0; bit < 8 * 36; bit++) {
      const changed = cookie.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(cookies.verify(changed, bound, 5000), `bit ${bit}`).not.toBe('holds')
    }
    expect(cookies.verify(cookie.subarray(0, 35), bound, 5000)).toBe('forged')
    expect(new Cookies(security, 0).verify(cookie, bound, 5000)).toBe('forged')
  })

  it('holds over one change of the secret, and the secret does change', () => {
    const cookies = new Cookies(security, 0)
    const cookie = cookies.issue(bound, 59_000)
    cookies.issue(bound, 61_000)
    expect(cookies.verify(cookie, bound, 62_000)).toBe('holds')
    // The same second again, two secrets later: only the secret can tell.
    const other = new Cookies(security, 0)
    const old = other.issue(bound, 1000)
    other.issue(bound, 60_000)
    expect(other.verify(old, bound, 1000)).toBe('holds')
    other.issue(bound, 120_000)
    expect(other.verify(old, bound, 1000)).toBe('forged')
    const silent = new Cookies(security, 0)
    const before = silent.issue(bound, 1000)
    silent.issue(bound, 500_000)
    expect(silent.verify(before, bound, 1000), 'after a silence both are gone').toBe('forged')
  })
})

describe('the replay window', () => {
  it('agrees with a set of everything that was marked', () => {
    const steps = fc.array(
      fc.tuple(
        fc.oneof(
          { weight: 8, arbitrary: fc.integer({ min: -40, max: 60 }) },
          { weight: 1, arbitrary: fc.integer({ min: -2100, max: 2100 }) },
        ),
        fc.boolean(),
      ),
      { maxLength: 400 },
    )
    fc.assert(
      fc.property(steps, fc.constantFrom(3000, 2 ** 32 - 500, 2 ** 40, 2 ** 53 - 900_000), (list, start) => {
        const window = new ReplayWindow()
        const marked = new Set<number>()
        let highest = -1
        let at = start
        for (const [step, isGenuine] of list) {
          at = Math.max(0, at + step)
          const isFresh = at > highest - 1024 && !marked.has(at)
          expect(window.isFresh(at)).toBe(isFresh)
          if (!isFresh || !isGenuine) continue
          window.mark(at)
          marked.add(at)
          highest = Math.max(highest, at)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is not moved by a nonce that was only asked about', () => {
    const window = new ReplayWindow()
    window.mark(0)
    expect(window.isFresh(10_000_000)).toBe(true)
    expect(window.isFresh(1)).toBe(true)
    expect(window.isFresh(0)).toBe(false)
  })

  it('drops what is 1024 or more below the highest', () => {
    const window = new ReplayWindow()
    window.mark(5000)
    expect([3976, 3977, 4999, 5000, 5001].map((nonce) => window.isFresh(nonce))).toEqual([
      false,
      true,
      true,
      false,
      true,
    ])
  })
})

describe('the limiter', () => {
  const limiter = (options = {}) =>
    new Limiter({
      inAll: { perSecond: 1000, burst: 2000 },
      perPrefix: { perSecond: 10, burst: 20 },
      seed: 1234,
      nowMs: 0,
      ...options,
    })
  const taken = (limit: Limiter, count: number, address: (i: number) => string, nowMs = 0) =>
    Array.from({ length: count }, (_, i) => limit.take(address(i), nowMs)).filter(Boolean).length

  it('counts a prefix as one source', () => {
    const limit = limiter()
    expect(taken(limit, 100, (i) => `192.0.2.${i}`)).toBe(20)
    expect(taken(limit, 100, (i) => `198.51.100.${i}`)).toBe(20)
    expect(
      taken(limit, 100, (i) => `::ffff:192.0.2.${i}`),
      'the same source in IPv6',
    ).toBe(0)
    expect(taken(limit, 100, (i) => `2001:db8:1:${i}::1`)).toBe(20)
    expect(taken(limit, 100, (i) => `192.0.2.${i}`, 1000)).toBe(10)
  })

  it('counts whole addresses where it is told to', () => {
    const limit = limiter({ prefixBits: { ipv4: 32, ipv6: 128 } })
    expect(taken(limit, 100, (i) => `192.0.2.${i}`)).toBe(100)
    expect(taken(limit, 50, () => '2001:db8::1')).toBe(20)
    expect(limit.take('2001:db8::2', 0)).toBe(true)
  })

  it('cuts prefixes that do not end at a byte', () => {
    const limit = limiter({ prefixBits: { ipv4: 22 } })
    expect(taken(limit, 4, (i) => `10.0.${i}.1`)).toBe(4)
    expect(taken(limit, 100, (i) => `10.0.${i % 4}.1`)).toBe(16)
    expect(limit.take('10.0.4.1', 0)).toBe(true)
  })

  it('has a limit for all, which a source that is over its own does not use up', () => {
    const limit = limiter()
    expect(taken(limit, 10_000, () => '192.0.2.1')).toBe(20)
    expect(taken(limit, 10_000, (i) => `${1 + (i % 99)}.${i >> 8}.${i & 255}.1`)).toBe(1980)
    expect(taken(limit, 10, () => '127.0.0.1')).toBe(0)
    expect(
      taken(limit, 2000, () => '127.0.0.1', 1000),
      'loopback has no prefix',
    ).toBe(1000)
  })

  it('does not go back when the time does', () => {
    const limit = limiter()
    expect(taken(limit, 100, () => '192.0.2.1', 1000)).toBe(20)
    expect(taken(limit, 100, () => '192.0.2.1', 0)).toBe(0)
    expect(taken(limit, 100, () => '192.0.2.1', 1000)).toBe(0)
  })
})
