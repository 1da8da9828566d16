// How it ends: the server stops, its thread goes, handles are junk, a client writes nonsense, nothing is left.

import { IoThread, type Socket, SocketClient, SocketServer } from 'spillway/sockets'
import { Channel } from '../../../src/core/channel.ts'
import { Hub } from '../../../src/core/hub.ts'
import { socketsCoreOf } from '../../../src/core/sockets-core.ts'
import { codeOf } from '../../../src/net/sockets/codes.ts'
import { equal, ok, rejectsCode, suite, text, throwsCode, until, within } from '../../support/harness.ts'
import { type RawChannel, RawMemory, usedGranules } from './memory.ts'
import { pair, Rig } from './rig.ts'

const here = { host: '127.0.0.1' }
const blockedCalls = ['recv', 'recvFrom', 'peek', 'accept', 'poll', 'send']

async function boundTo(client: SocketClient): Promise<Socket> {
  const socket = client.socket('udp4')
  await socket.bind(here)
  return socket
}

/** Promises of every kind of call that waits, as their codes. */
async function everyCall(rig: Rig): Promise<Record<string, Promise<string>>> {
  const { client } = rig
  const peer = await rig.tcpPeer() // which does not end when the server does
  const [near, full, listener] = [client.socket('tcp4'), client.socket('tcp4'), client.socket('tcp4')]
  for (const socket of [near, full]) await socket.connect(peer.address)
  await listener.listen()
  const udp = await boundTo(client)
  const calls: Record<string, Promise<unknown>> = {
    recv: near.recv(),
    recvFrom: udp.recvFrom(),
    peek: (await boundTo(client)).peek(),
    accept: listener.accept(),
    send: full.send(new Uint8Array(32 * 1024 * 1024)).then((sent) => full.send(new Uint8Array(sent))),
    poll: client.poll([udp, near, listener]).then((found) => client.poll(found.map(({ socket }) => socket))),
  }
  const settled = Object.entries(calls).map(([name, call]) => [
    name,
    call.then(
      () => 'nothing',
      (error) => error.code,
    ),
  ])
  return Object.fromEntries(settled)
}

async function checkAborted(rig: Rig, end: () => Promise<void>): Promise<void> {
  const peer = await rig.tcpPeer()
  const threads = blockedCalls.map(
    (call) => [call, rig.thread('blockIn', { port: peer.port, call })] as const,
  )
  for (const [call, thread] of threads) equal(await within(thread.next(), call), 'ready', call)
  const promised = await everyCall(rig)
  const near = rig.client.socket('tcp4')
  await near.connect(peer.address)
  await end()
  for (const [call, code] of Object.entries(promised)) {
    const expected = call === 'poll' ? 'nothing' : 'ECONNABORTED' // it tells of hangups
    equal(await within(code, call), expected, call)
  }
  for (const [call, thread] of threads) {
    const expected = call === 'poll' ? 'nothing' : 'ECONNABORTED'
    equal(await within(thread.result, call), expected, `${call}, blocked`)
  }
  throwsCode(() => near.sendSync('x'), 'ECONNABORTED', 'a call after the end')
  throwsCode(() => near.recvSync(), 'ECONNABORTED', 'a call after the end')
  throwsCode(() => rig.client.socket('udp4').bindSync(here), 'ECONNABORTED', 'a new socket')
  throwsCode(() => SocketClient.init(rig.server.handle), 'ECONNABORTED', 'a new client')
  near.closeSync()
}

/** The channel that was made last. */
function lastChannel(raw: RawMemory, before: readonly RawChannel[]): RawChannel {
  const known = new Set(before.map(({ address }) => address))
  const fresh = raw.channels().filter(({ address }) => !known.has(address))
  equal(fresh.length, 1, 'new channels')
  return fresh[0]!
}

type Spoil = (raw: RawMemory, channel: RawChannel, socket: Socket) => void

/** What a client may do to the memory of its own socket. */
const nonsense: Record<string, { kind: 'udp4' | 'tcp4'; spoil: Spoil; code: string }> = {
  'a question that is no JSON': {
    kind: 'udp4',
    code: 'EPROTO',
    spoil: (raw, channel) => raw.ask(channel, '{{{'),
  },
  'a question that is no object': {
    kind: 'tcp4',
    code: 'EPROTO',
    spoil: (raw, channel) => raw.ask(channel, 'null'),
  },
  'options that are none': {
    kind: 'udp4',
    code: 'EPROTO',
    spoil: (raw, channel) => raw.ask(channel, '{"op":"set","options":null}'),
  },
  'a question longer than there is room for': {
    kind: 'udp4',
    code: 'EPROTO',
    spoil: (raw, channel) => {
      raw.put32(channel, 132, 0xffffffff) // ASKED_BYTES_OFFSET
      raw.put32(channel, 128, raw.get32(channel, 128) + 1) // ASKED_OFFSET
      raw.abi.clientSays(channel.address, channel.generation, 0)
    },
  },
  'a tail that is ahead of everything, UDP': {
    kind: 'udp4',
    code: 'EPROTO',
    spoil: (raw, channel) => {
      raw.put64(channel, raw.layout.CLIENT_RING_OFFSET!, 2n ** 60n)
      raw.abi.clientSays(channel.address, channel.generation, 0)
    },
  },
  'a tail that is ahead of everything, TCP': {
    kind: 'tcp4',
    code: 'EPROTO',
    spoil: (raw, channel) => {
      raw.put64(channel, raw.layout.CLIENT_RING_OFFSET!, 2n ** 60n)
      raw.abi.clientSays(channel.address, channel.generation, 0)
    },
  },
  'a datagram that is longer than the ring': {
    kind: 'udp4',
    code: 'EPROTO',
    spoil: (raw, channel) => {
      raw.put32(channel, raw.layout.CHANNEL_DATA_OFFSET, 0x7fffffff)
      raw.put64(channel, raw.layout.CLIENT_RING_OFFSET!, 4096n)
      raw.abi.clientSays(channel.address, channel.generation, 0)
    },
  },
  'a datagram whose head is garbage': {
    kind: 'udp4',
    code: 'EPROTO',
    spoil: (raw, channel) => {
      raw.put32(channel, raw.layout.CHANNEL_DATA_OFFSET, 32)
      for (let i = 8; i < 40; i += 4) raw.put32(channel, raw.layout.CHANNEL_DATA_OFFSET + i, 0xffffffff)
      raw.put64(channel, raw.layout.CLIENT_RING_OFFSET!, 40n)
      raw.abi.clientSays(channel.address, channel.generation, 0)
    },
  },
  'a shape that is none': {
    kind: 'udp4',
    code: 'EBADF', // it is no channel any more, for its client neither
    spoil: (raw, channel) => {
      raw.put32(channel, raw.layout.SHAPE_OFFSET, 0xffffffff)
    },
  },
  'a shape that reaches into others': {
    kind: 'tcp4',
    code: 'EBADF',
    spoil: (raw, channel) => {
      raw.put32(channel, raw.layout.SHAPE_OFFSET, raw.layout.TYPE_STREAM | (26 << 8) | (26 << 16))
    },
  },
}

/** Questions that have the form of questions. */
const absurd: readonly object[] = [
  { op: 'nothing' },
  { op: 'bind', family: 5, host: 7, port: -1, options: {} },
  { op: 'bind', family: 4, host: '127.0.0.1', port: 0 },
  { op: 'connect', family: 4, host: null, port: 1e9, options: {} },
  { op: 'connect', family: {}, host: '127.0.0.1', port: 70000, local: 5, options: { TCP_NODELAY: {} } },
  { op: 'listen', family: 4, host: '127.0.0.1', port: 0, backlog: 1e9, options: { IPV6_V6ONLY: [] } },
  { op: 'accept', listener: 'x', generation: {}, options: {} },
  { op: 'set', options: { IP_TTL: 'x', toString: 1, __defineGetter__: 1 } },
  { op: 'set', options: { IP_ADD_MEMBERSHIP: null } },
  { op: 'set', options: { SO_RCVBUF: -5, IP_MULTICAST_IF: {} } },
  { op: 'disconnect' },
]

export const endsSuite = suite('sockets, ends', (t) => {
  t.test('server.stop() in the middle of every call: ECONNABORTED, and none hangs', () =>
    Rig.run((rig) => checkAborted(rig, () => rig.server.stop())),
  )

  t.test('the I/O thread is terminated in the middle of every call: the same', async () => {
    const ioThread = IoThread.start()
    await Rig.run((rig) => checkAborted(rig, () => ioThread.stop()), { ioThread })
    await ioThread.stop()
  })

  t.test('SocketClient.init: after stop, another version, junk', async () => {
    const server = await SocketServer.start()
    const { handle } = server
    throwsCode(() => SocketClient.init({ ...handle, version: 99 }), 'ERR_HANDLE_VERSION')
    throwsCode(() => SocketClient.init({ ...handle, spillway: 99 }), 'ERR_HANDLE_VERSION')
    for (const junk of [
      undefined,
      null,
      5,
      'x',
      {},
      { ...handle, topology: 'OneToOne' },
      { ...handle, memory: {} },
    ])
      throwsCode(() => SocketClient.init(junk as never), 'ERR_INVALID_HANDLE')
    for (const address of [-8, 0.5, 2 ** 40])
      throwsCode(() => SocketClient.init({ ...handle, address }), 'ERR_INVALID_HANDLE')
    throwsCode(() => SocketClient.init({ ...handle, generation: handle.generation + 1 }), 'ECONNABORTED')
    throwsCode(() => SocketClient.init({ ...handle, address: handle.address + 8 }), 'ECONNABORTED')
    const client = SocketClient.init(handle)
    for (const other of [
      undefined,
      null,
      5,
      {},
      { ...handle, kind: 'udp4', state: 'bound', index: 0, owner: 1 },
    ])
      throwsCode(() => client.adopt(other as never), 'EBADF')
    await server.stop()
    throwsCode(() => SocketClient.init(handle), 'ECONNABORTED', 'a client is still in')
    client.close()
    throwsCode(() => SocketClient.init(handle), 'ECONNABORTED', 'nobody is in')
    await server.stop()
  })

  t.test('a channel of another version: EPROTONOSUPPORT', () =>
    Rig.run(async (rig) => {
      const hub = Hub.from(socketsCoreOf, rig.server.handle)
      const channel = Channel.create(hub, { type: 'datagram', sendBytes: 4096, recvBytes: 4096 }, 99)!
      channel.ask('{"op":"bind"}')
      let errno = 0
      await until(() => {
        errno = channel.takeError()
        return errno !== 0
      }, 'the error')
      equal(codeOf(errno), 'EPROTONOSUPPORT', 'the code')
      channel.leave()
      hub.leave()
    }),
  )

  for (const [name, { kind, spoil, code }] of Object.entries(nonsense)) {
    t.test(`a client writes ${name}: its socket ends with ${code}, the others go on`, () =>
      Rig.run(async (rig) => {
        const raw = new RawMemory(rig.server.handle)
        const good = await boundTo(rig.client)
        const peer = await rig.tcpPeer()
        const before = raw.channels()
        const socket = rig.client.socket(kind)
        if (kind === 'udp4') await socket.bind(here)
        else await socket.connect(peer.address)
        spoil(raw, lastChannel(raw, before), socket)
        await within(
          rejectsCode(() => socket.recv(10), code, 'recv'),
          'recv',
        )
        for (let i = 0; i < 3; i++) {
          await good.sendTo(`${i}`, good.getSockName())
          equal(text(await good.recv(10, { timeoutMs: 5000 })), `${i}`, 'another socket')
        }
        await within(socket.close(), 'close')
        const fresh = await boundTo(rig.client)
        ok(fresh.getSockName().port > 0, 'a new socket')
      }),
    )
  }

  t.test('questions of absurd values are answered with a refusal', () =>
    Rig.run(async (rig) => {
      const raw = new RawMemory(rig.server.handle)
      const peer = await rig.tcpPeer()
      for (const kind of ['udp4', 'tcp4', 'listener'] as const) {
        const before = raw.channels()
        const socket = rig.client.socket(kind === 'udp4' ? kind : 'tcp4')
        if (kind === 'udp4') await socket.bind(here)
        else if (kind === 'tcp4') await socket.connect(peer.address)
        else await socket.listen()
        const channel = lastChannel(raw, before)
        for (const question of absurd) {
          raw.ask(channel, JSON.stringify(question))
          await until(() => raw.answer(channel) !== undefined, `an answer to ${JSON.stringify(question)}`)
        }
        if (kind === 'udp4') await socket.sendTo('x', { host: '127.0.0.1', port: peer.port })
        else if (kind === 'tcp4') equal(await socket.send('x'), 1, 'it goes on')
        else equal(rig.client.pollSync([socket], 0).length, 0, 'it goes on')
      }
    }),
  )

  t.test('random words all over a channel harm nobody else', () =>
    Rig.run(async (rig) => {
      const raw = new RawMemory(rig.server.handle)
      const good = await boundTo(rig.client)
      let seed = 12345
      const random = () => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
        return seed
      }
      for (let round = 0; round < 60; round++) {
        const before = raw.channels()
        const { near, far, listener } = await pair(rig.client)
        const victims = [near, far, listener, await boundTo(rig.client)]
        for (const channel of raw
          .channels()
          .filter(({ address }) => before.every((one) => one.address !== address))) {
          for (let i = 0; i < 6; i++) {
            const parts = [
              [12, 4],
              [128, 12],
              [384, 4],
              [512, 4],
              [1152, 144],
              [1408, 144],
              [4096, 512],
            ] as const
            const [from, length] = parts[random() % parts.length]!
            raw.put32(channel, from + ((random() >> 3) % (length / 4)) * 4, random() >>> (random() % 32))
          }
          raw.abi.clientSays(channel.address, channel.generation, 0)
        }
        await good.sendTo(`${round}`, good.getSockName())
        equal(text(await good.recv(10, { timeoutMs: 5000 })), `${round}`, 'another socket')
        for (const socket of victims) socket.closeSync()
      }
    }),
  )

  t.test('more sockets than maxSockets: ENOBUFS, until one is closed', () =>
    Rig.run(
      async (rig) => {
        const sockets: Socket[] = []
        for (let i = 0; i < 64; i++) sockets.push(await boundTo(rig.client))
        const more = rig.client.socket('udp4')
        await rejectsCode(() => more.bind(here), 'ENOBUFS')
        throwsCode(() => more.sendToSync('x', { ...here, port: 9 }), 'ENOBUFS')
        await sockets[10]!.close()
        const raw = new RawMemory(rig.server.handle)
        await until(() => raw.channels().length === 63, 'its place is free')
        await more.bind(here)
      },
      { maxSockets: 64 },
    ),
  )

  t.test('no shared memory left: ENOMEM, until some is free', () =>
    Rig.run(async (rig) => {
      const sockets: Socket[] = []
      const open = async () => {
        const socket = rig.client.socket('tcp4')
        await socket.setOption('SO_RCVBUF', 2 ** 26)
        await socket.setOption('SO_SNDBUF', 2 ** 26)
        sockets.push(socket)
        await socket.connect(peer.address)
      }
      const peer = await rig.tcpPeer()
      const code = await (async () => {
        for (let i = 0; i < 40; i++) await open()
      })().catch((error) => error.code)
      equal(code, 'ENOMEM', `after ${sockets.length} sockets of 128 MiB`)
      for (const socket of sockets) await socket.close()
      await (await boundTo(rig.client)).close()
    }),
  )

  t.test('closed sockets leave nothing: granules and places', () =>
    Rig.run(async (rig) => {
      const raw = new RawMemory(rig.server.handle)
      const rounds = 300
      const churn = async () => {
        for (let i = 0; i < rounds; i++) {
          const { near, far, listener } = await pair(rig.client)
          await near.send('x')
          await far.recv(1)
          for (const socket of [near, far, listener]) socket.closeSync()
          const udp = rig.client.socket('udp4')
          await (i % 2 === 0 ? udp.bind(here) : udp.sendTo('x', { ...here, port: 9 }))
          udp.closeSync()
        }
        await until(() => raw.channels().length === 0, 'all places are free')
      }
      const before = usedGranules(rig.server.handle)
      await churn()
      equal(usedGranules(rig.server.handle), before, 'granules')
    }),
  )
})
