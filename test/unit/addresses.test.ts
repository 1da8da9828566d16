import { describe, expect, it } from 'vitest'
import { Addresses, type AddressesOptions } from '../../src/net/addresses.ts'
import { ipFamily } from '../../src/net/ip.ts'
import { systemResolver } from '../../src/node/resolver.ts'
import type { AddressFamily, Endpoint, Resolver } from '../../src/ports.ts'
import { VirtualClock } from '../../src/sim/network/virtual-clock.ts'

type Answers = { address: string; family: AddressFamily }[]

interface Question {
  host: string
  family: AddressFamily | undefined
  answer(...addresses: string[]): Promise<void>
  fail(code: string): Promise<void>
}

/** A resolver that answers when the test says so. */
class HandResolver implements Resolver {
  readonly questions: Question[] = []

  resolve(host: string, family?: AddressFamily): Promise<Answers> {
    return new Promise((resolve, reject) => {
      this.questions.push({
        host,
        family,
        answer: (...addresses) => {
          resolve(addresses.map((address) => ({ address, family: ipFamily(address)! })))
          return settled()
        },
        fail: (code) => {
          reject(Object.assign(new Error(code), { code }))
          return settled()
        },
      })
    })
  }

  /** The one that is open. */
  get last(): Question {
    return this.questions.at(-1)!
  }
}

/** Everything that follows from a promise has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

function open(options: Partial<AddressesOptions> = {}) {
  const clock = new VirtualClock()
  const resolver = new HandResolver()
  const moves: Endpoint[] = []
  const failures: string[] = []
  const addresses = new Addresses({
    host: 'agent.test',
    port: 9999,
    resolver,
    clock,
    refreshMs: 60_000,
    timeoutMs: 5000,
    onChange: (endpoint) => void moves.push(endpoint),
    onFailure: (code) => void failures.push(code),
    ...options,
  })
  return { clock, resolver, moves, failures, addresses }
}

async function openAt(...answers: string[]) {
  const rig = open()
  const first = rig.addresses.resolve()
  await rig.resolver.last.answer(...answers)
  await first
  return rig
}

describe('up front', () => {
  it('answers the first address, once', async () => {
    const { addresses, resolver } = open({ family: 4 })
    const first = addresses.resolve()
    expect(resolver.last).toMatchObject({ host: 'agent.test', family: 4 })
    await resolver.last.answer('10.0.0.1', '10.0.0.2')
    expect(await first).toEqual({ address: '10.0.0.1', port: 9999, family: 4 })
    expect(await addresses.resolve()).toBe(addresses.current)
    expect([addresses.resolves, addresses.failures, addresses.changes]).toEqual([1, 0, 0])
  })

  it('rejects with what the resolver said and what to do, and has no address then', async () => {
    for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'EWHATEVER']) {
      const { addresses, resolver, failures } = open()
      const first = addresses.resolve()
      first.catch(() => {})
      await resolver.last.fail(code)
      await expect(first).rejects.toMatchObject({
        code: 'ERR_UNRESOLVED',
        message: expect.stringMatching(new RegExp(`agent\\.test: .*${code}.*(Check|give)`)),
        cause: expect.objectContaining({ code }),
      })
      expect(() => addresses.current).toThrow(expect.objectContaining({ code: 'ERR_UNRESOLVED' }))
      expect([addresses.failures, failures]).toEqual([1, []])
    }
  })

  it('finds no address in answers of another family only, or in none', async () => {
    for (const answers of [['::1'], []]) {
      const { addresses, resolver } = open({ family: 4 })
      const first = addresses.resolve()
      first.catch(() => {})
      await resolver.last.answer(...answers)
      await expect(first).rejects.toMatchObject({ code: 'ERR_UNRESOLVED', cause: { code: 'ENOTFOUND' } })
    }
  })

  it('gives up a resolver that is slow, and leaves no timer', async () => {
    const { addresses, clock, resolver } = open()
    const first = addresses.resolve()
    first.catch(() => {})
    clock.advance(4999)
    await settled()
    expect(clock.timers).toBe(1)
    clock.advance(1)
    await expect(first).rejects.toMatchObject({ code: 'ERR_UNRESOLVED', cause: { code: 'ETIMEDOUT' } })
    await resolver.last.answer('10.0.0.1')
    expect(() => addresses.current).toThrow()
    expect([addresses.failures, clock.timers]).toEqual([1, 0])
  })

  it('asks nobody about an IP address', async () => {
    for (const [host, family] of [
      ['10.0.0.7', 4],
      ['::1', 6],
      ['fe80::1%eth0', 6],
      ['::ffff:10.0.0.7', 6],
    ] as const) {
      const { addresses, clock, resolver } = open({ host })
      expect(addresses.current).toEqual({ address: host, port: 9999, family })
      expect(await addresses.resolve()).toBe(addresses.current)
      clock.advance(1e9)
      addresses.touch()
      addresses.suspect()
      expect([resolver.questions.length, addresses.resolves]).toEqual([0, 0])
    }
    expect(() => open({ host: '10.0.0.7', family: 6 })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    )
  })

  it('tells an IP address from a name', () => {
    const names = [
      'localhost',
      '1.2.3',
      '256.1.1.1',
      '1.2.3.4.5',
      '01.2.3.4',
      ':',
      ':::',
      'a:b',
      '1::2::3',
      '',
    ]
    for (const name of [...names, '::1]:80/[x', '::1/', '%eth0', '12345::']) {
      expect(ipFamily(name), name).toBeUndefined()
    }
    for (const address of ['0.0.0.0', '255.255.255.255', '192.168.10.1']) expect(ipFamily(address)).toBe(4)
    for (const address of ['::', '2001:DB8::1', '1:2:3:4:5:6:7:8']) expect(ipFamily(address)).toBe(6)
  })

  it('finds localhost by the real resolver', async () => {
    const { addresses } = open({ host: 'localhost', resolver: systemResolver })
    const { address, port } = await addresses.resolve()
    expect(['127.0.0.1', '::1']).toContain(address)
    expect(port).toBe(9999)
  })

  it('says of a name that the real resolver does not know that it does not exist', async () => {
    const { addresses } = open({ host: 'no-such-host.invalid', resolver: systemResolver })
    await expect(addresses.resolve()).rejects.toMatchObject({
      code: 'ERR_UNRESOLVED',
      cause: { code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) },
    })
  })
})

describe('in the background', () => {
  it('asks when something is sent and the answer is old, and keeps to the address meanwhile', async () => {
    const { addresses, clock, resolver, moves } = await openAt('10.0.0.1')
    clock.advance(59_999)
    addresses.touch()
    expect(resolver.questions).toHaveLength(1)
    clock.advance(1)
    addresses.touch()
    addresses.touch()
    expect(resolver.questions).toHaveLength(2)
    expect(addresses.current.address).toBe('10.0.0.1')
    await resolver.last.answer('10.0.0.9')
    expect(addresses.current).toEqual({ address: '10.0.0.9', port: 9999, family: 4 })
    expect(moves).toEqual([addresses.current])
    expect([addresses.resolves, addresses.changes]).toEqual([2, 1])
  })

  it('asks nothing and has no timer while nothing is sent', async () => {
    const { clock, resolver } = await openAt('10.0.0.1')
    expect(clock.timers).toBe(0)
    clock.advance(1e9)
    expect([clock.timers, resolver.questions.length]).toEqual([0, 1])
  })

  it('stays with its address while that is among the answers, in whatever place', async () => {
    const { addresses, clock, resolver, moves } = await openAt('10.0.0.1', '10.0.0.2')
    clock.advance(60_000)
    addresses.touch()
    await resolver.last.answer('10.0.0.2', '10.0.0.1')
    expect([addresses.current.address, moves]).toEqual(['10.0.0.1', []])
    clock.advance(60_000)
    addresses.touch()
    await resolver.last.answer('10.0.0.3', '10.0.0.2')
    expect(moves.map(({ address }) => address)).toEqual(['10.0.0.3'])
  })

  it('asks again after 1, 2, 4 ... 60 s when the resolver fails, and keeps the old address', async () => {
    const { addresses, clock, resolver, failures } = await openAt('10.0.0.1')
    clock.advance(60_000)
    const pauses: number[] = []
    for (let i = 0; i < 9; i++) {
      addresses.touch()
      const asked = resolver.questions.length
      await resolver.last.fail('EAI_AGAIN')
      let waited = 0
      for (; resolver.questions.length === asked; waited += 500) {
        clock.advance(500)
        addresses.touch()
      }
      pauses.push(waited)
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000))
    expect(failures).toEqual(Array(9).fill('EAI_AGAIN'))
    expect([addresses.current.address, addresses.failures]).toEqual(['10.0.0.1', 9])
    await resolver.last.answer('10.0.0.1')
    clock.advance(59_999)
    addresses.touch()
    expect(addresses.resolves).toBe(11)
    clock.advance(1)
    addresses.touch()
    await resolver.last.fail('ENOTFOUND')
    clock.advance(1000)
    addresses.touch()
    expect(addresses.resolves).toBe(13) // all is forgotten: one second again
  })

  it('gives up a slow answer, and takes no notice of it when it comes', async () => {
    const { addresses, clock, resolver, failures, moves } = await openAt('10.0.0.1')
    clock.advance(60_000)
    addresses.touch()
    const slow = resolver.last
    clock.advance(5000)
    await settled()
    expect(failures).toEqual(['ETIMEDOUT'])
    await slow.answer('10.0.0.9')
    expect([addresses.current.address, moves, clock.timers]).toEqual(['10.0.0.1', [], 0])
    clock.advance(1000)
    addresses.touch()
    await resolver.last.answer('10.0.0.8')
    expect(addresses.current.address).toBe('10.0.0.8')
  })

  it('asks soon when the peer seems dead, but less and less often', async () => {
    const { addresses, clock, resolver } = await openAt('10.0.0.1')
    const startMs = clock.now()
    const asked: number[] = []
    for (let tenths = 0; tenths <= 1900; tenths++) {
      const before = resolver.questions.length
      addresses.suspect()
      addresses.suspect()
      if (resolver.questions.length > before) {
        asked.push((clock.now() - startMs) / 1000)
        await resolver.last.answer('10.0.0.1')
      }
      clock.advance(100)
    }
    expect(asked).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183])
    // The next is still asked because of what was suspected; the one after that in its time, and then all is forgotten.
    for (let i = 0; i < 2; i++) {
      clock.advance(60_000)
      addresses.touch()
      await resolver.last.answer('10.0.0.1')
    }
    const before = resolver.questions.length
    addresses.suspect()
    expect(resolver.questions.length).toBe(before + 1)
  })

  it('takes no notice of a suspicion while it is asking: the answer will be new enough', async () => {
    const { addresses, clock, resolver } = await openAt('10.0.0.1')
    for (let i = 0; i < 2; i++) {
      clock.advance(60_000)
      addresses.touch()
      if (i === 0) addresses.suspect()
      await resolver.last.answer('10.0.0.1')
    }
    addresses.suspect()
    expect(resolver.questions).toHaveLength(4) // at once: the first in a row
  })

  it('asks nothing more once closed, and tells nothing of an answer that comes then', async () => {
    const { addresses, clock, resolver, moves, failures } = await openAt('10.0.0.1')
    clock.advance(60_000)
    addresses.touch()
    addresses.close()
    addresses.close()
    await resolver.last.answer('10.0.0.9')
    clock.advance(1e6)
    addresses.touch()
    addresses.suspect()
    expect([moves, failures, clock.timers, resolver.questions.length]).toEqual([[], [], 0, 2])
    expect(addresses.failures).toBe(0)
  })

  it('tells of no change once closed, at whatever moment that is', async () => {
    let told = 0
    for (let ticks = 0; ticks < 12; ticks++) {
      let isClosed = false
      const onChange = () => {
        told++
        expect(isClosed).toBe(false)
      }
      const { addresses, clock, resolver } = open({ onChange })
      const first = addresses.resolve()
      await resolver.last.answer('10.0.0.1')
      await first
      clock.advance(60_000)
      addresses.touch()
      const answered = resolver.last.answer('10.0.0.9')
      for (let tick = 0; tick < ticks; tick++) await null
      isClosed = true
      addresses.close()
      await answered
    }
    expect(told).toBeGreaterThan(0)
    expect(told).toBeLessThan(12)
  })

  it('rejects a first question that is open when it is closed', async () => {
    const { addresses } = open()
    const first = addresses.resolve()
    addresses.close()
    await expect(first).rejects.toMatchObject({ code: 'ERR_UNRESOLVED', cause: { code: 'ECANCELED' } })
  })

  it('takes a resolver of the user’s that throws, or answers with no code, for one that fails', async () => {
    const broken: Resolver = {
      resolve() {
        throw new TypeError('not today')
      },
    }
    const { addresses } = open({ resolver: broken })
    await expect(addresses.resolve()).rejects.toMatchObject({
      code: 'ERR_UNRESOLVED',
      message: expect.stringContaining('EOTHER'),
    })
  })
})
