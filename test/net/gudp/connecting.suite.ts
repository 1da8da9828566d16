// Connecting: who is taken, who is not, and what each is told. What a connection is once it is closed.
import {
  GudpConnection,
  type GudpConnectOptions,
  GudpDaemon,
  type GudpListenOptions,
  generateKeyPair,
  SpillwayError,
} from 'spillway/gudp'
import {
  deepEqual,
  equal,
  fail,
  ok,
  rejectsCode,
  suite,
  text,
  throwsCode,
  within,
} from '../../support/harness.ts'
import { type Both, freePort, GudpRig, host, isDeno, NOBODY, type Pair, stateIs } from './rig.ts'

const SECRET = 'a secret that only the two of us have'
const keyPair = generateKeyPair()
const { publicKey } = keyPair
const SHORT = { connectTimeoutMs: 300 }

async function greet({ near, far }: Pair): Promise<void> {
  ok(near.messages.reliable.send('hello'), 'it is sent')
  equal(text(await far.messages.reliable.recv({ timeoutMs: 5000 })), 'hello', 'what comes')
  ok(far.send('a packet'), 'the answer is sent')
  equal(text(await near.recv({ timeoutMs: 5000 })), 'a packet', 'the answer')
}

/** Rejects with the code, and a message that names what is wrong. */
async function isToldOf(
  call: () => Promise<unknown>,
  name: string,
  code = 'ERR_INVALID_ARGUMENT',
): Promise<void> {
  try {
    await call()
  } catch (error) {
    const { code: actual, message } = error as SpillwayError
    equal(actual as string, code, `the code for ${name} (${message})`)
    ok(error instanceof SpillwayError, `${name}: a SpillwayError`)
    ok(message.includes(name) && message.length > name.length + 10, `advice about ${name}: ${message}`)
    return
  }
  fail(`${name}: it was taken`)
}

interface Refusal {
  readonly title: string
  readonly listen: Partial<GudpListenOptions>
  readonly connect: Both
  readonly code: string
}

const refusals: readonly Refusal[] = [
  {
    title: 'other channels',
    listen: { channels: ['reliable', 'unreliable'] },
    connect: { channels: ['unreliable', 'reliable'] },
    code: 'EPROTO',
  },
  { title: 'fewer channels', listen: {}, connect: { channels: [] }, code: 'EPROTO' },
  {
    title: 'another protocolId',
    listen: { protocolId: 1 },
    connect: { protocolId: 2, ...SHORT },
    code: 'ETIMEDOUT',
  },
  {
    title: 'another secret',
    listen: { secure: { secret: SECRET } },
    connect: { secure: { secret: `${SECRET}!` } },
    code: 'EACCES',
  },
  {
    title: 'the public key of another server',
    listen: { secure: { keyPair } },
    connect: { secure: { publicKey: generateKeyPair().publicKey } },
    code: 'EACCES',
  },
  {
    title: 'the key and not the secret',
    listen: { secure: { keyPair, secret: SECRET } },
    connect: { secure: { publicKey } },
    code: 'EACCES',
  },
  {
    title: 'the secret and not the key',
    listen: { secure: { keyPair, secret: SECRET } },
    connect: { secure: { secret: SECRET } },
    code: 'EACCES',
  },
  {
    title: 'in the clear to one that is secure',
    listen: { secure: { secret: SECRET } },
    connect: {},
    code: 'EACCES',
  },
  {
    title: 'secure to one in the clear',
    listen: {},
    connect: { secure: { secret: SECRET } },
    code: 'EPROTO',
  },
]

/** With what each message has to name. */
const badOfBoth: readonly [object, string][] = [
  [{ channels: ['reliable', 'ordered'] }, 'channel'],
  [{ channels: Array(16).fill('reliable') }, 'channel'],
  [{ congestion: 'fast' }, 'congestion'],
  [{ packetsPerSecond: { good: 0, bad: 1 } }, 'packetsPerSecond.good'],
  [{ packetsPerSecond: { good: 1 } }, 'packetsPerSecond.bad'],
  [{ timeoutMs: 1 }, 'timeoutMs'],
  [{ timeoutMs: '100' }, 'timeoutMs'],
  [{ heartbeatMs: Number.NaN }, 'heartbeatMs'],
  [{ windowPackets: 100 }, 'windowPackets'],
  [{ maxDatagramBytes: 100 }, 'maxDatagramBytes'],
  [{ maxDatagramBytes: 9000 }, 'maxDatagramBytes'],
  [{ fragmentBytes: 1200 }, 'fragmentBytes'],
  [{ maxPacketBytes: 100_000 }, 'maxPacketBytes'],
  [{ channelBufferBytes: 100 }, 'channelBufferBytes'],
  [{ maxMessageBytes: 1e6 }, 'maxMessageBytes'],
  [{ protocolId: -1 }, 'protocolId'],
  [{ port: 65_536 }, 'port'],
  [{ port: -1 }, 'port'],
  [{ port: '80' }, 'port'],
  [{ host: 7 }, 'host'],
  [{ socketBufferBytes: -1 }, 'socketBufferBytes'],
  [{ secure: true }, 'secure'],
  [{ secure: {} }, 'secure'],
  [{ secure: { secret: 'short' } }, 'secret'],
]
const badOfConnect: readonly [object, string][] = [
  ...badOfBoth,
  [{ port: 0 }, 'port'],
  [{ port: undefined }, 'port'],
  [{ localPort: 70_000 }, 'localPort'],
  [{ family: 5 }, 'family'],
  [{ connectTimeoutMs: -1 }, 'connectTimeoutMs'],
  [{ connectTimeoutMs: Number.NaN }, 'connectTimeoutMs'],
  [{ secure: { keyPair } }, 'keyPair'],
  [{ secure: { publicKey: 'no key' } }, 'publicKey'],
  [{ bare: true, secure: { secret: SECRET } }, 'bare'],
]
const badOfListen: readonly [object, string][] = [
  ...badOfBoth,
  [{ maxConnections: 0 }, 'maxConnections'],
  [{ onConnection: undefined }, 'onConnection'],
  [{ secure: { publicKey } }, 'publicKey'],
]

export const connectingSuite = suite('gudp, connecting', (t) => {
  t.test('the daemon stops while a connection comes in: nobody is told of it, and nothing is thrown', () =>
    GudpRig.run(async (rig) => {
      const nothing = new Int32Array(new SharedArrayBuffer(4))
      for (let i = 0; i < 5; i++) {
        const server = await GudpDaemon.start()
        const listener = await server.listen({
          port: 0,
          onConnection: (connection) => void connection.close(),
        })
        const near = await rig.connect(listener.address().port)
        const stopping = server.stop()
        // What comes from the I/O thread meanwhile is looked at when the connection has gone.
        Atomics.wait(nothing, 0, 0, 60)
        await within(stopping, 'the stop')
        await within(near.close(), 'the close')
      }
    }),
  )

  t.test('both sides are open and know where the other is', () =>
    GudpRig.run(async (rig) => {
      const inlet = await rig.inlet()
      const near = await rig.connect(inlet.port)
      const far = await inlet.next()
      deepEqual(near.peer, { address: host, port: inlet.port }, 'the peer')
      deepEqual(far.local, { address: host, port: inlet.port }, 'the local place of the server')
      deepEqual(near.local, isDeno ? { ...far.peer, address: '0.0.0.0' } : far.peer, 'where the client is')
      for (const end of [near, far]) {
        stateIs(end, 'open')
        equal(end.isOpen, true, 'isOpen')
      }
      await greet({ near, far })
      const [ours, theirs] = [await rig.client.stats(), await rig.server.stats()]
      equal(ours.connections, 1, 'connections of the client')
      equal(theirs.connections, 1, 'connections of the server')
      ok(ours.sent >= 3 && theirs.received >= 3, 'datagrams are counted')
    }),
  )

  t.test('nobody listens: ECONNREFUSED, long before the time is up; in Deno ETIMEDOUT', () =>
    GudpRig.run(async (rig) => {
      const port = await freePort()
      const options = isDeno ? SHORT : {}
      await within(
        isToldOf(() => rig.connect(port, options), String(port), NOBODY),
        'the refusal',
        2000,
      )
    }),
  )

  t.test('something else listens and says nothing: ETIMEDOUT, in the time that was given', () =>
    GudpRig.run(async (rig) => {
      const port = await rig.mute()
      const began = performance.now()
      await isToldOf(() => rig.connect(port, SHORT), String(port), 'ETIMEDOUT')
      const took = performance.now() - began
      ok(took > 280 && took < 3000, `it took ${took} ms`)
    }),
  )

  for (const { title, listen, connect, code } of refusals) {
    t.test(`${title}: ${code}`, () =>
      GudpRig.run(async (rig) => {
        const { port } = await rig.inlet(listen)
        await rejectsCode(() => rig.connect(port, connect), code)
        equal((await rig.server.stats()).connections, 0, 'connections of the server')
      }),
    )
  }

  const secured: readonly [string, Both, object][] = [
    ['a secret', { secure: { secret: SECRET } }, {}],
    ['a key pair', { secure: { publicKey } }, { secure: { keyPair } }],
    ['both', { secure: { publicKey, secret: SECRET } }, { secure: { keyPair, secret: SECRET } }],
  ]
  for (const [title, connect, listen] of secured) {
    t.test(`secure, with ${title}`, () => GudpRig.run(async (rig) => greet(await rig.pair(connect, listen))))
  }

  t.test('bare: packets alone, no handshake, no channels', () =>
    GudpRig.run(async (rig) => {
      const [here, there] = [await freePort(), await freePort()]
      const bare = { bare: true, localHost: host }
      const near = await rig.connect(there, { ...bare, localPort: here })
      const far = await rig.server.connect({ host, port: here, ...bare, localPort: there })
      throwsCode(() => near.messages.reliable, 'ERR_INVALID_ARGUMENT')
      ok(near.send('a packet'), 'it is sent')
      equal(text(await far.recv({ timeoutMs: 5000 })), 'a packet', 'what comes')
      ok(far.send(new Uint8Array(5000).fill(9)), 'one in fragments')
      equal((await near.recv({ timeoutMs: 5000 }))?.length, 5000, 'its length')
    }),
  )

  t.test('a listener that is full refuses; when one has gone there is room', () =>
    GudpRig.run(async (rig) => {
      const inlet = await rig.inlet({ maxConnections: 1 })
      const first = await rig.connect(inlet.port)
      const far = await inlet.next()
      await rejectsCode(() => rig.connect(inlet.port), 'ECONNREFUSED')
      await first.close()
      equal(await far.recv({ timeoutMs: 5000 }), undefined, 'the end of the first')
      await greet({ near: await rig.connect(inlet.port), far: await inlet.next() })
    }),
  )

  t.test('a daemon that is full: ERR_TOO_MANY_CONNECTIONS', () =>
    GudpRig.run(
      async (rig) => {
        const inlet = await rig.inlet()
        const first = await rig.connect(inlet.port)
        await rejectsCode(() => rig.connect(inlet.port), 'ERR_TOO_MANY_CONNECTIONS')
        await first.close()
      },
      { maxConnections: 1 },
    ),
  )

  t.test('a port that is taken: EADDRINUSE', () =>
    GudpRig.run(async (rig) => {
      const { port } = await rig.inlet()
      await isToldOf(() => rig.inlet({ port }), String(port), 'EADDRINUSE')
      const elsewhere = await rig.mute()
      const from = { localHost: host, localPort: elsewhere }
      await isToldOf(() => rig.connect(port, from), String(elsewhere), 'EADDRINUSE')
    }),
  )

  t.test('a host that is none: ERR_UNRESOLVED', () =>
    GudpRig.run(async (rig) => {
      const nowhere = { host: 'nowhere.invalid', port: 9 }
      await isToldOf(() => rig.client.connect(nowhere), 'nowhere.invalid', 'ERR_UNRESOLVED')
    }),
  )

  t.test('bad options of connect: ERR_INVALID_ARGUMENT, and which', () =>
    GudpRig.run(async (rig) => {
      for (const [bad, name] of badOfConnect) {
        const options = { host, port: 9, ...SHORT, ...bad } as GudpConnectOptions
        await isToldOf(() => rig.client.connect(options), name)
      }
      await isToldOf(() => rig.client.connect(undefined as never), 'connect')
    }),
  )

  t.test('bad options of listen: ERR_INVALID_ARGUMENT, and which', () =>
    GudpRig.run(async (rig) => {
      for (const [bad, name] of badOfListen) {
        const options = { port: 0, onConnection: () => {}, ...bad } as GudpListenOptions
        await isToldOf(() => rig.server.listen(options), name)
      }
      await isToldOf(() => rig.server.listen(undefined as never), 'listen')
    }),
  )

  t.test('bad options of start: ERR_INVALID_ARGUMENT, and which', async () => {
    for (const name of ['maxConnections', 'maxDatagramBytes']) {
      for (const value of [0, 1e6, 1.5, '9'])
        await isToldOf(() => GudpDaemon.start({ [name]: value } as object), name)
    }
  })

  t.test('options that cannot be sent to the I/O thread are refused', () =>
    GudpRig.run(async (rig) => {
      const options = { host, port: 9, more: () => {} } as GudpConnectOptions
      await rejectsCode(() => rig.client.connect(options), 'ERR_INVALID_ARGUMENT')
    }),
  )

  t.test('the daemon is stopped in the middle of a connect: ECONNABORTED; then ERR_CLOSED', () =>
    GudpRig.run(async (rig) => {
      const port = await rig.mute()
      const connecting = rejectsCode(() => rig.connect(port), 'ECONNABORTED')
      await rig.client.stats() // it has been asked before this
      await within(rig.client.stop(), 'the stop')
      await connecting
      equal(rig.client.stop(), rig.client.stop(), 'a second stop')
      await rejectsCode(() => rig.connect(port), 'ERR_CLOSED')
      await rejectsCode(() => rig.client.listen({ port: 0, onConnection: () => {} }), 'ERR_CLOSED')
      await rejectsCode(() => rig.client.stats(), 'ERR_CLOSED')
    }),
  )

  t.test('a listener that is closed takes no more; the connection that is there goes on', () =>
    GudpRig.run(async (rig) => {
      const inlet = await rig.inlet()
      const pair = { near: await rig.connect(inlet.port), far: await inlet.next() }
      const { port } = inlet
      inlet.listener.close()
      inlet.listener.close()
      await rejectsCode(() => rig.connect(port, SHORT), 'ETIMEDOUT')
      await greet(pair)
      await pair.near.close()
      equal(await pair.far.recv({ timeoutMs: 5000 }), undefined, 'the end')
      const again = await rig.inlet({ port })
      equal(again.port, port, 'the port is free again')
    }),
  )

  t.test('after close: nothing is sent, nothing comes, status and stats stay', () =>
    GudpRig.run(async (rig) => {
      const pair = await rig.pair()
      const { near, far } = pair
      await greet(pair)
      const { handle } = near
      const closing = near.close()
      equal(near.close(), closing, 'a second close')
      await within(closing, 'the close')
      await near.close()
      near.leave()
      equal(near.isOpen, false, 'isOpen')
      stateIs(near, 'closed')
      for (const channel of [near, near.messages.reliable, near.messages.unreliable]) {
        equal(channel.send('x'), false, 'send')
        equal(channel.sendSync('x'), false, 'sendSync')
        equal(await channel.sendWhenRoom('x'), false, 'sendWhenRoom')
        equal(await channel.recv(), undefined, 'recv')
        equal(channel.recvSync(), undefined, 'recvSync')
        equal(channel.recvSync({ timeoutMs: 0 }), undefined, 'recvSync that only looks')
      }
      equal(await near.flush(), false, 'flush')
      equal(near.flushSync(), false, 'flushSync')
      const stats = near.stats()
      ok(stats.packetsSent >= 1 && stats.packetsReceived >= 1, 'stats after the close')
      deepEqual(near.stats(), stats, 'and again')
      equal(near.messages.reliable.maxMessageBytes, 262_144, 'maxMessageBytes')
      equal(await far.recv({ timeoutMs: 5000 }), undefined, 'the other side')
      stateIs(far, 'closed', 'the state there')
      ok(far.stats().packetsReceived >= 1, 'stats of one that is over')
      await far.close()
      throwsCode(() => GudpConnection.from({ ...handle, type: 'other' } as never), 'ERR_INVALID_HANDLE')
      throwsCode(() => GudpConnection.from({ ...handle, version: 0 }), 'ERR_HANDLE_VERSION')
    }),
  )

  t.test('arguments of calls: ERR_INVALID_ARGUMENT', () =>
    GudpRig.run(async (rig) => {
      const { near } = await rig.pair()
      const { reliable } = near.messages
      for (const timeoutMs of [-1, Number.NaN, '1'] as number[]) {
        throwsCode(() => reliable.recvSync({ timeoutMs }), 'ERR_INVALID_ARGUMENT')
        throwsCode(() => reliable.sendSync('x', { timeoutMs }), 'ERR_INVALID_ARGUMENT')
        await rejectsCode(() => reliable.recv({ timeoutMs }), 'ERR_INVALID_ARGUMENT')
        await rejectsCode(() => reliable.sendWhenRoom('x', { timeoutMs }), 'ERR_INVALID_ARGUMENT')
        await rejectsCode(() => near.flush({ timeoutMs }), 'ERR_INVALID_ARGUMENT')
        throwsCode(() => near.flushSync({ timeoutMs }), 'ERR_INVALID_ARGUMENT')
      }
      const signal = {} as AbortSignal
      await rejectsCode(() => near.recv({ signal }), 'ERR_INVALID_ARGUMENT')
      throwsCode(() => near.send(7 as never), 'ERR_INVALID_ARGUMENT')
      throwsCode(() => near.messages.channel(2), 'ERR_INVALID_ARGUMENT')
    }),
  )
})
