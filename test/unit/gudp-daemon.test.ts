import { afterEach, describe, expect, it } from 'vitest'
import { Daemon } from '../../src/net/gudp/daemon.ts'
import type { DialOptions } from '../../src/net/gudp/dial.ts'
import type { GudpListener, ListenOptions } from '../../src/net/gudp/listener.ts'
import type { Session } from '../../src/net/gudp/session.ts'
import type { UdpPort } from '../../src/ports.ts'
import {
  type LinkOptions,
  SimulatedNetwork,
  simulatedPorts,
  VirtualClock,
} from '../../src/sim/network/index.ts'
import { seededSecurity } from '../support/test-security.ts'

// Whole daemons on a simulated network: handshake, addresses that move, peers that start anew, go silent, flood, or are many and forged.

const SERVER = '10.0.0.1'
const CLIENT = '10.0.0.2'
const PORT = 4000
const daemons: Daemon[] = []

function worldOf(seed: number, link: LinkOptions = { latencyMs: 5 }) {
  const clock = new VirtualClock()
  const network = new SimulatedNetwork({ seed, clock, link })
  const daemonAt = (host: string): Daemon => {
    const daemon = new Daemon({
      ports: simulatedPorts(network, host, { security: seededSecurity(1000 * seed + daemons.length) }),
    })
    daemons.push(daemon)
    return daemon
  }
  const settle = <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false
    const done = () => {
      isDone = true
    }
    promise.then(done, done)
    return clock.playUntil(() => isDone).then(() => promise)
  }
  const sessions: Session[] = []
  const listen = (daemon: Daemon, options: Partial<ListenOptions> = {}): Promise<GudpListener> =>
    settle(
      daemon.listen({
        host: SERVER,
        port: PORT,
        congestion: 'none',
        onSession: (session) => sessions.push(session),
        ...options,
      }),
    )
  const connect = (daemon: Daemon, options: Partial<DialOptions> = {}): Promise<Session> =>
    settle(daemon.connect({ host: SERVER, port: PORT, congestion: 'none', ...options }))
  return { clock, network, daemonAt, listen, connect, sessions, settle }
}

afterEach(() => {
  daemons.length = 0
})

const say = (daemon: Daemon, session: Session, what: string) => {
  session.machine.pipe(1).trySend(what)
  daemon.pump(session)
}
const heard = (session: Session): string | undefined => {
  const bytes = session.machine.pipe(1).receive()
  return bytes && new TextDecoder().decode(bytes)
}

describe('a daemon', () => {
  it.each([undefined, { secret: 'more than sixteen bytes' }])(
    'meets another through loss, and follows it behind a NAT that forgets (%j)',
    async (secure) => {
      const world = worldOf(1, { latencyMs: 10, jitterMs: 10, loss: 0.2, duplicate: 0.1 })
      const nat = world.network.nat('192.0.2.9', [CLIENT])
      const [server, client] = [world.daemonAt(SERVER), world.daemonAt(CLIENT)]
      await world.listen(server, { secure })
      const session = await world.connect(client, { secure, connectTimeoutMs: 20_000 })
      await world.clock.playUntil(() => world.sessions.length === 1)
      const [other] = world.sessions
      const before = other!.path.place
      nat.rebind()
      for (let i = 0; i < 50; i++) {
        say(client, session, `there ${i}`)
        say(server, other!, `back ${i}`)
        await world.clock.playUntil(() => session.machine.isDrained() && other!.machine.isDrained(), 20_000)
        expect([heard(other!), heard(session)]).toEqual([`there ${i}`, `back ${i}`])
      }
      expect(server.counts.moved).toBe(1)
      expect(other!.path.place).not.toEqual(before)
    },
  )

  it('ends the connection of a peer that has started anew on the same port, and has the new one', async () => {
    const world = worldOf(2)
    const [server, first] = [world.daemonAt(SERVER), world.daemonAt(CLIENT)]
    await world.listen(server)
    const old = await world.connect(first, { localPort: 5555, localHost: CLIENT })
    await world.clock.playUntil(() => world.sessions.length === 1)
    old.socket.socket.close() // it has crashed, and says nothing
    const second = world.daemonAt(CLIENT)
    const session = await world.connect(second, { localPort: 5555, localHost: CLIENT })
    await world.clock.playUntil(() => world.sessions.length === 2)
    expect(world.sessions[0]!.end).toBe('reset')
    say(second, session, 'anew')
    await world.clock.playUntil(() => session.machine.isDrained())
    expect(heard(world.sessions[1]!)).toBe('anew')
  })

  it('leaves no socket open that it was still opening when it was stopped', async () => {
    const { network } = worldOf(5)
    const ports = simulatedPorts(network, SERVER, { security: seededSecurity(5) })
    let open = () => {}
    const isOpen = new Promise<void>((resolve) => {
      open = resolve
    })
    const udp: UdpPort = { keepsOrder: true, open: (options) => isOpen.then(() => ports.udp.open(options)) }
    const daemon = new Daemon({ ports: { ...ports, udp } })
    const listening = daemon.listen({ host: SERVER, port: PORT, onSession: () => {} })
    await daemon.stop()
    open()
    await expect(listening).rejects.toMatchObject({ code: 'ECONNABORTED' })
    await expect(daemon.listen({ host: SERVER, port: PORT, onSession: () => {} })).rejects.toMatchObject({
      code: 'ECONNABORTED',
    })
    // Nobody has the port.
    const options = { host: SERVER, port: PORT, family: 4, settings: {} } as const
    await ports.udp.open({ ...options, onDatagram: () => {}, onError: () => {} })
  })

  it('asked to stop again while it stops, is over no sooner', async () => {
    const world = worldOf(6)
    const [server, client] = [world.daemonAt(SERVER), world.daemonAt(CLIENT)]
    await world.listen(server)
    await world.connect(client)
    world.network.block(CLIENT, SERVER) // nobody answers its goodbye, for which it waits
    const over: string[] = []
    const stopping = [
      client.stop().then(() => over.push('first')),
      client.stop().then(() => over.push('second')),
    ]
    await Promise.resolve()
    expect(over).toEqual([])
    await world.clock.playUntil(() => over.length > 0, 20_000)
    await Promise.all(stopping)
    expect(over).toEqual(['first', 'second'])
  })

  it('opens nothing more while it stops, and waits for the goodbyes of what is open', async () => {
    const world = worldOf(7)
    const [server, client] = [world.daemonAt(SERVER), world.daemonAt(CLIENT)]
    await world.listen(server)
    const session = await world.connect(client)
    world.network.block(CLIENT, SERVER)
    const stopping = world.settle(client.stop())
    const late = [
      world.listen(client, { host: CLIENT }),
      world.connect(client),
      world.connect(client, { bare: true }),
    ]
    for (const opening of late) await expect(opening).rejects.toMatchObject({ code: 'ECONNABORTED' })
    expect(session.isGone).toBe(false)
    await stopping
    expect(client.size).toBe(0)
  })

  it('gives up a peer that has gone silent, in its time', async () => {
    const world = worldOf(3)
    const [server, client] = [world.daemonAt(SERVER), world.daemonAt(CLIENT)]
    await world.listen(server, { timeoutMs: 4000 })
    await world.connect(client)
    await world.clock.playUntil(() => world.sessions.length === 1)
    world.network.block(CLIENT, SERVER)
    const fromMs = world.clock.now()
    await world.clock.playUntil(() => world.sessions[0]!.end !== undefined, 20_000)
    expect(world.sessions[0]!.end).toBe('timed-out')
    expect(world.clock.now() - fromMs).toBeGreaterThan(3000)
    expect(world.clock.now() - fromMs).toBeLessThan(4200)
    await world.clock.playUntil(() => server.size === 0, 2000) // until CLOSE was told often enough
  })

  it('keeps nothing of 10,000 forged requests, sends less than it got, and serves those that are honest', async () => {
    const world = worldOf(4)
    const [server, client] = [world.daemonAt(SERVER), world.daemonAt(CLIENT)]
    const listener = await world.listen(server)
    const session = await world.connect(client)
    await world.clock.playUntil(() => world.sessions.length === 1)
    const request = new Uint8Array(1200)
    request.set([0x47, 0x55, 0x44, 0x50, 1, 1, 0, 2])
    new DataView(request.buffer).setUint16(16, 1, true)
    const { received, sent, bytesReceived, bytesSent } = server.counts
    for (let i = 0; i < 10_000; i++) {
      const forger = `10.${1 + (i >> 14)}.${(i >> 6) & 0xff}.${1 + (i & 63)}`
      const socket = await world.network.udpPort(forger).open({
        ...{ family: 4, host: forger, port: 0, settings: {} },
        onDatagram: () => {},
        onError: () => {},
      })
      socket.send(request, { host: SERVER, port: PORT }, () => socket.close())
      if (i % 500 === 0) await world.clock.playUntil(world.clock.now() + 20)
      if (i % 1000 === 0) say(client, session, `still here ${i}`)
    }
    await world.clock.playUntil(world.clock.now() + 2000)
    expect(server.counts.received - received).toBeGreaterThan(9000)
    expect(server.counts.sent - sent).toBeGreaterThan(1000)
    expect(server.counts.bytesSent - bytesSent).toBeLessThan(
      (server.counts.bytesReceived - bytesReceived) / 10,
    )
    expect(server.size).toBe(1)
    expect(listener.connections).toBe(1)
    for (let i = 0; i < 10_000; i += 1000) expect(heard(world.sessions[0]!)).toBe(`still here ${i}`)
  }, 60_000)

  it('takes a flood of one peer, and the others go on', async () => {
    const world = worldOf(5, { latencyMs: 5, bytesPerSecond: 5_000_000, queueBytes: 100_000 })
    const server = world.daemonAt(SERVER)
    const [flooding, honest] = [world.daemonAt(CLIENT), world.daemonAt('10.0.0.3')]
    await world.listen(server)
    const flood = await world.connect(flooding)
    const session = await world.connect(honest)
    await world.clock.playUntil(() => world.sessions.length === 2)
    const pipe = flood.machine.pipe(0)
    const packet = new Uint8Array(1000)
    for (let i = 0; i < 100; i++) {
      while (pipe.trySend(packet));
      flooding.pump(flood)
      say(honest, session, `honest ${i}`)
      await world.clock.playUntil(world.clock.now() + 20)
    }
    await world.clock.playUntil(() => session.machine.isDrained(), 10_000)
    const other = world.sessions.find(({ path }) => path.place.address === '10.0.0.3')!
    for (let i = 0; i < 100; i++) expect(heard(other)).toBe(`honest ${i}`)
  })

  it('opens no datagram that was replayed or forged, and believes no forged CLOSE', async () => {
    const secure = { secret: 'more than sixteen bytes' }
    const clock = new VirtualClock()
    const seen: Uint8Array[] = []
    const network = new SimulatedNetwork({
      ...{ seed: 6, clock, link: { latencyMs: 1 } },
      trace: ({ bytes, to, fate }) => to.port === PORT && fate === 'taken' && seen.push(bytes.slice()),
    })
    const daemonAt = (host: string) =>
      new Daemon({ ports: simulatedPorts(network, host, { security: seededSecurity(9) }) })
    const [server, client] = [daemonAt(SERVER), daemonAt(CLIENT)]
    const sessions: Session[] = []
    let isListening = false
    void server
      .listen({ host: SERVER, port: PORT, secure, onSession: (one) => sessions.push(one) })
      .then(() => {
        isListening = true
      })
    await clock.playUntil(() => isListening)
    let session: Session | undefined
    void client.connect({ host: SERVER, port: PORT, secure, congestion: 'none' }).then((one) => {
      session = one
    })
    await clock.playUntil(() => sessions.length === 1)
    for (let i = 0; i < 20; i++) say(client, session!, `message ${i}`)
    await clock.playUntil(() => session!.machine.isDrained())
    for (let i = 0; i < 20; i++) expect(heard(sessions[0]!)).toBe(`message ${i}`)
    const { unopened } = server.counts
    const forger = await network.udpPort('10.0.0.66').open({
      ...{ family: 4, host: '10.0.0.66', port: 0, settings: {} },
      onDatagram: () => {},
      onError: () => {},
    })
    const ours = seen.filter((bytes) => (bytes[4]! & 0x7f) === 6)
    for (const bytes of ours) {
      forger.send(bytes, { host: SERVER, port: PORT }, () => {})
      const close = bytes.slice()
      close[4] = 7 | 0x80
      forger.send(close, { host: SERVER, port: PORT }, () => {})
      const clear = bytes.slice(0, 14)
      clear[4] = 7
      forger.send(clear, { host: SERVER, port: PORT }, () => {})
      await clock.playUntil(clock.now() + 5)
    }
    expect(server.counts.unopened - unopened).toBe(3 * ours.length)
    expect(sessions[0]!.end).toBe(undefined)
    expect(heard(sessions[0]!)).toBe(undefined)
    expect(sessions[0]!.path.place.address).toBe(CLIENT)
  })
})
