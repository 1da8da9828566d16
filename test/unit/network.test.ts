import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UdpSocket, UdpSocketOptions } from '../../src/ports.ts'
import {
  type NetworkOptions,
  SimulatedNetwork,
  simulatedPorts,
  type TraceEvent,
  VirtualClock,
} from '../../src/sim/network/index.ts'
import { runScenario, SCENARIO_HASH } from '../support/network-scenario.ts'

const ONE = '10.0.0.1'
const TWO = '10.0.0.2'
const HOME = '192.168.0.2'
const ROUTER = '203.0.113.9'

interface Got {
  readonly text: string
  readonly from: string
  readonly atMs: number
}

/** A socket that keeps what it hears. */
class Ear {
  readonly got: Got[] = []
  readonly errors: string[] = []
  readonly answers: (string | undefined)[] = []
  socket!: UdpSocket

  get port(): number {
    return this.socket.local.port
  }

  say(text: string, to?: { host: string; port: number }): void {
    this.socket.send(new TextEncoder().encode(text), to, (error) => this.answers.push(error?.code))
  }
}

class Rig {
  readonly clock = new VirtualClock(0)
  readonly traced: TraceEvent[] = []
  readonly network: SimulatedNetwork

  constructor(options: Partial<NetworkOptions> = {}) {
    const trace = (event: TraceEvent) => void this.traced.push(event)
    this.network = new SimulatedNetwork({ seed: 1, clock: this.clock, trace, ...options })
  }

  async open(address: string, port = 0, options: Partial<UdpSocketOptions> = {}): Promise<Ear> {
    const ear = new Ear()
    ear.socket = await this.network.udpPort(address).open({
      family: 4,
      host: '0.0.0.0',
      port,
      settings: {},
      onDatagram: (bytes, from, fromPort) => {
        const text = new TextDecoder().decode(bytes)
        ear.got.push({ text, from: `${from}:${fromPort}`, atMs: this.clock.now() })
      },
      onError: (code) => void ear.errors.push(code),
      ...options,
    })
    return ear
  }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error.code,
  )

describe('the simulated network', () => {
  it('runs the same for a seed, bytes, times and all, and differently for another', async () => {
    const runs = []
    for (const seed of [7, 7, 8]) {
      const trace: string[] = []
      const { hash, counters } = await runScenario(seed, ({ atMs, from, to, bytes, fate }) =>
        trace.push(`${atMs} ${from.address}:${from.port} ${to.address}:${to.port} ${bytes.length} ${fate}`),
      )
      runs.push({ hash, counters, trace })
    }
    expect(runs[1]).toEqual(runs[0])
    expect(runs[2]!.hash).not.toBe(runs[0]!.hash)
    expect(runs[2]!.trace).not.toEqual(runs[0]!.trace)
    expect(runs[0]!.hash.toString(16)).toBe(SCENARIO_HASH.toString(16))
    // Everything that can happen to a datagram has happened.
    const { inFlight, blocked, ...others } = runs[0]!.counters
    expect([inFlight, blocked]).toEqual([0, 0])
    for (const [name, count] of Object.entries(others)) expect(count, name).toBeGreaterThan(0)
  })

  it('has a hash that sees one bit, one fate, one moment', async () => {
    const hashOf = async (text: string, link = {}) => {
      const rig = new Rig({ link })
      const [one, two] = [await rig.open(ONE, 1), await rig.open(TWO, 2)]
      one.say(text, { host: TWO, port: two.port })
      rig.clock.advance(100)
      return rig.network.traceHash
    }
    const hashes = [
      await hashOf('a'),
      await hashOf('c'),
      await hashOf('a', { latencyMs: 1e-9 }),
      await hashOf('a', { loss: 1 }),
    ]
    expect(await hashOf('a')).toBe(hashes[0])
    expect(new Set(hashes).size).toBe(4)
  })

  it('does not let traffic on one link change what happens on another', async () => {
    const fatesOf = async (others: number) => {
      const rig = new Rig({ link: { loss: 0.5 } })
      const [one, two] = [await rig.open(ONE, 1), await rig.open(TWO, 2)]
      const third = await rig.open('10.0.0.3', 3)
      for (let i = 0; i < 100; i++) {
        one.say(`${i}`, { host: TWO, port: 2 })
        for (let j = 0; j < others; j++) third.say('x', { host: TWO, port: 2 })
      }
      rig.clock.advance(10)
      return two.got.map(({ text }) => text).filter((text) => text !== 'x')
    }
    expect(await fatesOf(3)).toEqual(await fatesOf(0))
  })

  it('carries by the settings of each direction, which can be changed', async () => {
    const rig = new Rig({ link: { latencyMs: 10 } })
    const [one, two] = [await rig.open(ONE, 1000), await rig.open(TWO, 2000)]
    rig.network.link(TWO, ONE, { latencyMs: 50 })
    one.say('there', { host: TWO, port: 2000 })
    two.say('back', { host: ONE, port: 1000 })
    rig.clock.advance(100)
    expect(two.got).toEqual([{ text: 'there', from: '10.0.0.1:1000', atMs: 10 }])
    expect(one.got).toEqual([{ text: 'back', from: '10.0.0.2:2000', atMs: 50 }])
    rig.network.setLinks({ latencyMs: 1 })
    rig.network.block(TWO, ONE)
    one.say('again', { host: TWO, port: 2000 })
    two.say('blocked', { host: ONE, port: 1000 })
    rig.clock.advance(100)
    expect(two.got[1]).toEqual({ text: 'again', from: '10.0.0.1:1000', atMs: 101 })
    rig.network.unblock(TWO, ONE)
    two.say('free', { host: ONE, port: 1000 })
    rig.clock.advance(100)
    expect(one.got.map(({ text }) => text)).toEqual(['back', 'free'])
    expect(rig.network.counters()).toMatchObject({ sent: 5, delivered: 4, blocked: 1, taken: 4, unheard: 0 })
  })

  it('counts what its trace shows, and every datagram ends somewhere', async () => {
    const probability = fc.double({ min: 0, max: 0.9, noNaN: true })
    const link = fc.record({
      latencyMs: fc.nat(50),
      jitterMs: fc.nat(20),
      loss: probability,
      duplicate: probability,
      reorder: probability,
      bytesPerSecond: fc.nat(50_000),
      queueBytes: fc.nat(2000),
      mtuBytes: fc.nat(1500),
    })
    const say = fc.record({
      by: fc.nat(2),
      to: fc.nat(3),
      bytes: fc.nat(1500),
      thenMs: fc.nat(20),
      close: fc.integer({ min: 0, max: 30 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.nat(), link, fc.array(say, { maxLength: 100 }), async (seed, options, steps) => {
        const rig = new Rig({ seed, link: options })
        const ears = [await rig.open(ONE, 1), await rig.open(TWO, 1), await rig.open('10.0.0.3', 1)]
        for (const { by, to, bytes, thenMs, close } of steps) {
          ears[by]!.say('x'.repeat(bytes), { host: `10.0.0.${to + 1}`, port: 1 }) // the fourth does not exist
          rig.clock.advance(thenMs)
          if (close < 2) ears[close]!.socket.close()
          const { sent, duplicated, delivered, lost, queueDropped, tooLong, inFlight, taken, unheard } =
            rig.network.counters()
          expect(sent + duplicated).toBe(delivered + lost + queueDropped + tooLong + inFlight)
          expect(delivered).toBe(taken + unheard)
        }
        rig.clock.advance(1e7)
        const counters = rig.network.counters()
        const traced = (...fates: string[]) => rig.traced.filter(({ fate }) => fates.includes(fate)).length
        expect(counters).toMatchObject({
          inFlight: 0,
          lost: traced('lost', 'burst'),
          duplicated: traced('doubled'),
          queueDropped: traced('queue'),
          tooLong: traced('too-long'),
          taken: traced('taken'),
          unheard: traced('unheard'),
        })
        expect(counters.taken).toBe(ears.reduce((sum, { got }) => sum + got.length, 0))
        expect(counters.sent).toBe(
          ears.reduce((sum, ear) => sum + ear.answers.filter((answer) => answer === undefined).length, 0),
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe('its sockets', () => {
  it('answer for a datagram in a later turn, and take its bytes only then', async () => {
    const rig = new Rig()
    const [one, two] = [await rig.open(ONE), await rig.open(TWO)]
    const bytes = new TextEncoder().encode('first')
    let isSent = false
    one.socket.send(bytes, { host: TWO, port: two.port }, () => {
      isSent = true
      bytes.fill(0x78) // theirs again
    })
    expect(isSent).toBe(false)
    rig.clock.advance(1)
    expect([isSent, two.got.map(({ text }) => text)]).toEqual([true, ['first']])
  })

  it('give each receiver bytes of its own, which are gone after the call', async () => {
    const rig = new Rig({ link: { duplicate: 1 } })
    const kept: Uint8Array[] = []
    const seen: number[] = []
    const two = await rig.open(TWO, 2, {
      onDatagram(bytes) {
        seen.push(bytes[0]!)
        bytes[0] = 0 // as who decrypts in place
        kept.push(bytes)
      },
    })
    const one = await rig.open(ONE)
    one.say('A', { host: TWO, port: two.port })
    rig.clock.advance(1)
    expect(seen).toEqual([65, 65])
    expect(kept.map((bytes) => bytes[0])).toEqual([0xdb, 0xdb])
  })

  it('get ports of their own when they ask for none, until there are no more', async () => {
    const rig = new Rig({ ephemeralPorts: [5000, 5002] })
    const ears = [await rig.open(ONE), await rig.open(ONE), await rig.open(ONE)]
    expect(ears.map(({ port }) => port)).toEqual([5000, 5001, 5002])
    expect(await codeOf(rig.open(ONE))).toBe('EADDRINUSE')
    await rig.open(TWO) // another host has its own
    ears[1]!.socket.close()
    ears[1]!.socket.close()
    expect((await rig.open(ONE)).port).toBe(5001)
  })

  it('refuse a port in use and an address of another host', async () => {
    const rig = new Rig()
    const first = await rig.open(ONE, 7)
    expect(await codeOf(rig.open(ONE, 7))).toBe('EADDRINUSE')
    expect(await codeOf(rig.open(ONE, 7, { host: '127.0.0.1' }))).toBe('EADDRINUSE')
    expect(await codeOf(rig.open(ONE, 8, { host: TWO }))).toBe('EADDRNOTAVAIL')
    expect(await codeOf(rig.open(ONE, 8, { host: '::', family: 6 }))).toBe('EADDRNOTAVAIL')
    expect(await codeOf(rig.open(ONE, 65_536))).toBe('EINVAL')
    first.socket.close()
    const again = await rig.open(ONE, 7, { host: ONE })
    const loop = await rig.open(ONE, 7, { host: '127.0.0.1' })
    again.say('in', { host: ONE, port: 7 })
    loop.say('loop', { host: '127.0.0.1', port: 7 })
    rig.clock.advance(0)
    expect(again.got).toEqual([{ text: 'in', from: '10.0.0.1:7', atMs: 0 }])
    expect(loop.got).toEqual([{ text: 'loop', from: '127.0.0.1:7', atMs: 0 }])
  })

  it('take their peer only when they are connected, and all again afterwards', async () => {
    const rig = new Rig()
    const [one, two, other] = [await rig.open(ONE), await rig.open(TWO), await rig.open(TWO)]
    expect(one.socket.local.address).toBe('0.0.0.0')
    expect(await one.socket.connect({ host: TWO, port: two.port })).toEqual({
      address: TWO,
      port: two.port,
      family: 4,
    })
    expect(one.socket.local.address).toBe(ONE)
    const back = { host: ONE, port: one.port }
    const round = () => {
      two.say('peer', back)
      other.say('stranger', back)
      rig.clock.advance(1)
    }
    round()
    one.say('to the peer')
    one.say('elsewhere', { host: TWO, port: other.port })
    rig.clock.advance(1)
    one.socket.disconnect()
    round()
    one.say('to nobody')
    rig.clock.advance(1)
    expect(one.got.map(({ text }) => text)).toEqual(['peer', 'peer', 'stranger'])
    expect(one.answers).toEqual([undefined, 'EISCONN', 'EDESTADDRREQ'])
    expect([two.got.length, other.got.length]).toEqual([1, 0])
    expect(rig.network.counters()).toMatchObject({ taken: 4, unheard: 1 })
  })

  it('reach their own host over a perfect link, unless it is told otherwise', async () => {
    const rig = new Rig({ link: { loss: 1 } })
    const one = await rig.open(ONE, 1)
    rig.network.setLinks({ latencyMs: 5 })
    one.say('self', { host: ONE, port: 1 })
    one.say('loop', { host: '127.0.0.1', port: 1 })
    rig.clock.advance(0)
    expect(one.got.map(({ from }) => from)).toEqual(['10.0.0.1:1', '127.0.0.1:1'])
    rig.network.link(ONE, ONE, { loss: 1 })
    one.say('lost', { host: ONE, port: 1 })
    rig.clock.advance(10)
    expect(one.got.length).toBe(2)
  })

  it('say why they cannot send', async () => {
    const rig = new Rig()
    const one = await rig.open(ONE)
    one.say('x'.repeat(65_508), { host: TWO, port: 1 })
    one.say('', { host: TWO, port: 0 })
    one.say('', { host: 'fd00::2', port: 1 })
    one.say('', { host: 'example.org', port: 1 })
    const loop = await rig.open(ONE, 0, { host: '127.0.0.1' })
    loop.say('', { host: TWO, port: 1 })
    one.socket.close()
    one.say('', { host: TWO, port: 1 })
    rig.clock.advance(1)
    expect(one.answers).toEqual(['EMSGSIZE', 'EINVAL', 'EINVAL', 'ENOTFOUND', 'ECANCELED'])
    expect(loop.answers).toEqual(['EINVAL'])
    expect(await codeOf(one.socket.connect({ host: TWO, port: 1 }))).toBe('EBADF')
    expect(rig.network.counters().sent).toBe(0)
  })

  it('send what they were given before they were closed, and take nothing that comes after', async () => {
    const rig = new Rig({ link: { latencyMs: 10 } })
    const [one, two] = [await rig.open(ONE, 1), await rig.open(TWO, 2)]
    one.say('last words', { host: TWO, port: 2 })
    two.say('too late', { host: ONE, port: 1 })
    one.socket.close()
    rig.clock.advance(20)
    expect(two.got.map(({ text }) => text)).toEqual(['last words'])
    expect([one.got, rig.network.counters().unheard]).toEqual([[], 1])
    const restarted = await rig.open(ONE, 1) // the peer is there again, on the same port
    two.say('hello again', { host: ONE, port: 1 })
    rig.clock.advance(20)
    expect(restarted.got.map(({ text }) => text)).toEqual(['hello again'])
  })

  it('hear that nobody listens, if the network says so and they are connected', async () => {
    for (const refuses of [false, true]) {
      const rig = new Rig({ refuses, link: { latencyMs: 10 } })
      const [one, other] = [await rig.open(ONE), await rig.open(ONE)]
      await rig.open(TWO, 2)
      await one.socket.connect({ host: TWO, port: 9 })
      one.say('?')
      other.say('?', { host: TWO, port: 9 })
      rig.clock.advance(19)
      expect(one.errors).toEqual([])
      rig.clock.advance(1)
      expect([one.errors, other.errors]).toEqual([refuses ? ['ECONNREFUSED'] : [], []])
    }
  })

  it('speak IPv6 as well', async () => {
    const rig = new Rig()
    const options = { family: 6, host: '::' } as const
    const [one, two] = [await rig.open('fd00::1', 1, options), await rig.open('fd00::2', 2, options)]
    one.say('six', { host: 'fd00::2', port: 2 })
    two.say('self', { host: '::1', port: 2 })
    rig.clock.advance(1)
    expect(two.got.map(({ text, from }) => `${text} ${from}`)).toEqual(['six fd00::1:1', 'self ::1:2'])
  })
})

describe('its NAT', () => {
  async function atHome(options: Parameters<SimulatedNetwork['nat']>[2] = {}) {
    const rig = new Rig({ link: { latencyMs: 10 } })
    const nat = rig.network.nat(ROUTER, [HOME, '192.168.0.3'], options)
    const [home, server, stranger] = [await rig.open(HOME), await rig.open(ONE, 4000), await rig.open(TWO)]
    const hello = (text = 'hello') => {
      home.say(text, { host: ONE, port: 4000 })
      rig.clock.advance(20)
      const [host, port] = server.got.at(-1)!.from.split(':')
      return { host: host!, port: Number(port) }
    }
    return { rig, nat, home, server, stranger, hello }
  }

  it('gives hosts its address and a port, keeps it, and lets in only who was sent to', async () => {
    const { rig, nat, home, server, stranger, hello } = await atHome()
    const seen = hello()
    expect(seen.host).toBe(ROUTER)
    expect(hello()).toEqual(seen)
    expect(nat.mappings).toBe(1)
    server.say('welcome', seen)
    stranger.say('knock', seen)
    server.say('nobody', { host: ROUTER, port: seen.port === 1024 ? 1025 : 1024 })
    server.say('private', { host: HOME, port: home.port })
    rig.clock.advance(20)
    expect(home.got).toEqual([{ text: 'welcome', from: '10.0.0.1:4000', atMs: 50 }])
    expect(rig.network.counters().unheard).toBe(3)
  })

  it('lets anybody in, if it is of that kind', async () => {
    const { rig, home, stranger, hello } = await atHome({ lets: 'anybody' })
    stranger.say('knock', hello())
    rig.clock.advance(20)
    expect(home.got.map(({ text }) => text)).toEqual(['knock'])
  })

  it('forgets when it is rebound: other ports, and what is sent to the old ones is lost, in flight too', async () => {
    const { rig, nat, home, server, hello } = await atHome()
    const before = hello()
    server.say('in flight', before)
    rig.clock.advance(5)
    nat.rebind()
    server.say('to the old one', before)
    const after = hello()
    server.say('to the new one', after)
    rig.clock.advance(20)
    expect(after.host).toBe(ROUTER)
    expect(after.port).not.toBe(before.port)
    expect(home.got.map(({ text }) => text)).toEqual(['to the new one'])
  })

  it('gives none of the ports again that it had before', async () => {
    const { rig, nat, server } = await atHome()
    const homes = await Promise.all(Array.from({ length: 1000 }, () => rig.open(HOME)))
    const ports = () => {
      for (const home of homes) home.say('x', { host: ONE, port: 4000 })
      rig.clock.advance(20)
      return server.got.splice(0).map(({ from }) => from)
    }
    const before = ports()
    nat.rebind()
    expect(new Set([...before, ...ports()]).size).toBe(2000)
  })

  it('moves to another address, with everybody behind it', async () => {
    const { rig, nat, home, server, hello } = await atHome()
    const before = hello()
    nat.rebind('203.0.113.10')
    const after = hello()
    server.say('old', before)
    server.say('new', after)
    rig.clock.advance(20)
    expect([before.host, after.host]).toEqual([ROUTER, '203.0.113.10'])
    expect(home.got.map(({ text }) => text)).toEqual(['new'])
    expect(() => nat.rebind(ONE)).toThrow('taken')
  })

  it('forgets a mapping that nobody has sent through for a while', async () => {
    const { rig, nat, home, server, hello } = await atHome({ idleMs: 1000 })
    const first = hello()
    rig.clock.advance(900)
    server.say('in time', hello())
    rig.clock.advance(1100)
    server.say('too late', first)
    rig.clock.advance(20)
    expect(home.got.map(({ text }) => text)).toEqual(['in time'])
    expect(nat.mappings).toBe(0)
    hello()
    expect(nat.mappings).toBe(1)
  })

  it('is not in the way of those behind it, who can also go round through it', async () => {
    const { rig, home, hello } = await atHome({ lets: 'anybody' })
    const neighbour = await rig.open('192.168.0.3')
    neighbour.say('direct', { host: HOME, port: home.port })
    neighbour.say('round', hello())
    rig.clock.advance(20)
    expect(home.got.map(({ text }) => text)).toEqual(['direct', 'round'])
    expect(home.got[0]!.from).toBe(`192.168.0.3:${neighbour.port}`)
    expect(home.got[1]!.from).toMatch(ROUTER)
  })

  it('takes links by hosts: losses at home are of the host, whatever its ports are', async () => {
    const { rig, nat, hello } = await atHome()
    hello()
    nat.rebind()
    hello()
    expect(rig.network.link(HOME, ONE).counters.delivered).toBe(2)
  })
})

describe('its ports for services', () => {
  it('resolve by the names that they were given', async () => {
    const { network } = new Rig()
    const { resolver } = simulatedPorts(network, ONE, { names: { server: [TWO, 'fd00::2'] } })
    expect(await resolver.resolve('server')).toEqual([
      { address: TWO, family: 4 },
      { address: 'fd00::2', family: 6 },
    ])
    expect(await resolver.resolve('server', 6)).toEqual([{ address: 'fd00::2', family: 6 }])
    expect(await resolver.resolve('1.2.3.4')).toEqual([{ address: '1.2.3.4', family: 4 }])
    for (const host of ['toString', 'nobody']) expect(await codeOf(resolver.resolve(host))).toBe('ENOTFOUND')
  })

  it('send and receive, as exporters and collectors do', async () => {
    const { network, clock } = new Rig({ link: { latencyMs: 5 } })
    const got: string[] = []
    const onWarning = () => {}
    const local = { address: '0.0.0.0', port: 9999, family: 4 } as const
    const receiving = await simulatedPorts(network, ONE).receiving.bind({
      local,
      recvBufferBytes: 0,
      reusePort: false,
      onDatagram: (bytes, address, port) => got.push(`${new TextDecoder().decode(bytes)} ${address}:${port}`),
      onError: () => {},
      onWarning,
    })
    expect(receiving.address).toEqual(local)
    const sending = await simulatedPorts(network, TWO).datagrams.connect({
      peer: { address: ONE, port: 9999, family: 4 },
      sendBufferBytes: 0,
      onError: () => {},
      onWarning,
    })
    sending.send(new TextEncoder().encode('line'), () => {})
    clock.advance(5)
    expect(got).toEqual([`line ${sending.localAddress}`])
    sending.close()
    receiving.close()
  })

  it('wake who waits for a word when it has changed, without a timer', async () => {
    const { network, clock } = new Rig()
    const { changed } = simulatedPorts(network, ONE)
    const words = new Int32Array(new SharedArrayBuffer(8))
    expect(changed(words, 1, 5)).toBeUndefined()
    let wokenMs = 0
    void changed(words, 1, 0)!.then(() => {
      wokenMs = clock.now()
    })
    expect(clock.timers).toBe(0)
    clock.after(50, () => Atomics.store(words, 1, 1))
    await clock.playUntil(100)
    expect(wokenMs).toBe(50)
  })

  it('say what they have not', async () => {
    const { network } = new Rig()
    const ports = simulatedPorts(network, ONE)
    expect(() => ports.inflate('deflate', new Uint8Array(1), 1)).toThrow('has no inflate')
    expect(await codeOf(ports.streams.connect({} as never))).toBe('ERR_UNSUPPORTED')
    expect(() => network.udpPort('127.0.0.1')).toThrow('cannot be the address of a host')
    expect(() => network.nat(ONE, [])).toThrow('taken')
  })
})

describe('10,000 hosts', () => {
  it('keep a server busy for ten seconds of theirs, within seconds of ours', async () => {
    const rig = new Rig({ link: { latencyMs: 20, jitterMs: 10, loss: 0.01 }, trace: () => {} })
    const server = await rig.open(ONE, 4000)
    const started = performance.now()
    const bytes = new Uint8Array(100)
    for (let i = 0; i < 10_000; i++) {
      const { socket } = await rig.open(`10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`)
      const beat = () => {
        socket.send(bytes, { host: ONE, port: 4000 }, () => {})
        rig.clock.after(1000, beat)
      }
      rig.clock.after(i / 10, beat)
    }
    rig.clock.advance(10_050)
    const { sent, lost, taken, inFlight } = rig.network.counters()
    expect(sent).toBeGreaterThan(99_000)
    expect(sent).toBe(lost + taken + inFlight)
    expect(server.got.length).toBe(taken)
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})
