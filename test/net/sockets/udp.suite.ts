// UDP through the server: every call blocking and as a promise, against raw sockets.
import type { Socket } from 'spillway/sockets'
import {
  deepEqual,
  equal,
  ok,
  rejectsCode,
  suite,
  text,
  throwsCode,
  until,
  within,
} from '../../support/harness.ts'
import { freePort, isBun, isDeno, modes, Rig, via } from './rig.ts'

/** The next call, or SO_ERROR, has the code of what the kernel said later. */
async function errorOf(socket: Socket): Promise<string> {
  let code: string | 0 = 0
  await until(() => {
    code = socket.getOption('SO_ERROR')
    return code !== 0
  }, 'SO_ERROR')
  return String(code)
}

const families = [
  { kind: 'udp4', host: '127.0.0.1', any: '0.0.0.0', family: 4 },
  { kind: 'udp6', host: '::1', any: '::', family: 6 },
] as const

export const udpSuite = suite('sockets, UDP', (t) => {
  for (const mode of modes) {
    for (const { kind, host, family } of families) {
      t.test(`${mode}, ${kind}: datagrams go both ways, with their addresses`, () =>
        Rig.run(async (rig) => {
          const peer = await rig.udpPeer(host)
          const socket = via(mode, rig.client.socket(kind))
          await socket.bind({ host })
          const { address, port } = socket.getSockName()
          deepEqual([address, port > 0], [host, true], 'where it is bound')
          equal(await socket.sendTo('to the peer', { host, port: peer.port }), 11, 'bytes sent')
          const arrived = await peer.next()
          deepEqual([arrived.text, arrived.port], ['to the peer', port], 'what the peer got')
          await peer.send('and back', port)
          const { data, ...rest } = await socket.recvFrom(100, { timeoutMs: 5000 })
          equal(text(data), 'and back', 'what came back')
          deepEqual(
            rest,
            { address: host, port: peer.port, family, bytes: 8, length: 8, truncated: false },
            'from whom',
          )
        }),
      )
    }

    t.test(`${mode}: a socket that is used without having been bound gets a port`, () =>
      Rig.run(async (rig) => {
        const peer = await rig.udpPeer()
        const socket = via(mode, rig.client.socket('udp4'))
        equal(socket.getSockName().port, 0, 'the port before')
        await socket.sendTo('hello', { host: '127.0.0.1', port: peer.port })
        const { port } = await peer.next()
        await until(() => socket.getSockName().port === port, 'getSockName has the port')
        await rejectsCode(() => socket.bind({ host: '127.0.0.1' }), 'EINVAL', 'bind after the first use')
      }),
    )

    t.test(`${mode}: a connected socket sends to, and hears, its peer only; connect(null) ends that`, () =>
      Rig.run(async (rig) => {
        const [peer, other] = [await rig.udpPeer(), await rig.udpPeer()]
        const socket = via(mode, rig.client.socket('udp4'))
        await rejectsCode(() => socket.send('x'), 'EDESTADDRREQ')
        throwsCode(() => socket.getPeerName(), 'ENOTCONN')
        await socket.bind({ host: '127.0.0.1', port: await freePort() }) // of our own: see the next case
        await socket.connect({ host: '127.0.0.1', port: peer.port })
        deepEqual(socket.getPeerName(), { address: '127.0.0.1', port: peer.port, family: 4 }, 'the peer')
        const { port } = socket.getSockName()
        equal(await socket.send('one'), 3, 'bytes')
        equal((await peer.next()).text, 'one', 'what the peer got')
        await rejectsCode(() => socket.sendTo('x', { host: '127.0.0.1', port: other.port }), 'EISCONN')
        await other.send('from a stranger', port)
        await peer.send('from the peer', port)
        equal(text(await socket.recv(100, { timeoutMs: 5000 })), 'from the peer', 'only the peer is heard')
        await socket.connect(null)
        await rejectsCode(() => socket.connect(null), 'ENOTCONN', 'connect(null) twice')
        await other.send('from a stranger', port)
        equal(text(await socket.recv(100, { timeoutMs: 5000 })), 'from a stranger', 'after connect(null)')
        await socket.connect({ host: '127.0.0.1', port: peer.port })
        await socket.connect({ host: '127.0.0.1', port: other.port })
        await socket.send('to the second peer')
        equal((await other.next()).text, 'to the second peer', 'connected anew')
      }),
    )

    t.test(
      `${mode}: connect(null) may take back a port that the system had chosen, and getSockName says so`,
      () =>
        Rig.run(async (rig) => {
          const peer = await rig.udpPeer()
          const socket = via(mode, rig.client.socket('udp4'))
          await socket.connect({ host: '127.0.0.1', port: peer.port })
          const before = socket.getSockName().port
          await socket.connect(null)
          const { port } = socket.getSockName()
          ok(port === 0 || port === before, `the port is ${port}, and was ${before}`)
          await socket.sendTo('on it goes', { host: '127.0.0.1', port: peer.port })
          equal((await peer.next()).text, 'on it goes', 'what the peer gets')
        }),
    )

    t.test(`${mode}: an empty datagram is one`, () =>
      Rig.run(async (rig) => {
        const peer = await rig.udpPeer()
        const socket = via(mode, rig.client.socket('udp4'))
        await socket.bind({ host: '127.0.0.1' })
        equal(await socket.sendTo('', { host: '127.0.0.1', port: peer.port }), 0, 'bytes sent')
        equal((await peer.next()).bytes.length, 0, 'bytes at the peer')
        await peer.send('', socket.getSockName().port)
        await peer.send('behind it', socket.getSockName().port)
        const { length, port } = await socket.recvFrom(10, { timeoutMs: 5000 })
        deepEqual([length, port], [0, peer.port], 'the empty one')
        equal(text(await socket.recv(100, { timeoutMs: 5000 })), 'behind it', 'the next one')
      }),
    )

    t.test(`${mode}: what is cut says so; peek leaves it there; recvMsg fills several buffers`, () =>
      Rig.run(async (rig) => {
        const peer = await rig.udpPeer()
        const socket = via(mode, rig.client.socket('udp4'))
        await socket.bind({ host: '127.0.0.1' })
        const { port } = socket.getSockName()
        await peer.send('0123456789', port)
        const buffer = new Uint8Array(4)
        const peeked = await socket.recvFrom(buffer, { peek: true, timeoutMs: 5000 })
        deepEqual([peeked.bytes, peeked.length, peeked.truncated], [4, 10, true], 'peeked')
        equal(text(buffer), '0123', 'the buffer')
        const parts = [new Uint8Array(3), new Uint8Array(0), new Uint8Array(5)]
        const received = await socket.recvMsg(parts, { timeoutMs: 5000 })
        deepEqual([received.bytes, received.length, received.truncated], [8, 10, true], 'received')
        deepEqual(parts.map(text), ['012', '', '34567'], 'the buffers')
        await rejectsCode(() => socket.recv(buffer, { dontWait: true }), 'EWOULDBLOCK', 'nothing is left')
        await socket.sendMsg({ buffers: ['ab', '', 'cde'], to: { host: '127.0.0.1', port: peer.port } })
        equal((await peer.next()).text, 'abcde', 'several buffers are one datagram')
      }),
    )

    t.test(`${mode}: peek() shows a datagram where it lies, in shared memory, until release()`, () =>
      Rig.run(async (rig) => {
        const peer = await rig.udpPeer()
        const socket = via(mode, rig.client.socket('udp4'))
        await socket.bind({ host: '127.0.0.1' })
        throwsCode(() => socket.release(), 'EINVAL', 'release without peek')
        for (const word of ['one', 'two']) await peer.send(word, socket.getSockName().port)
        for (const word of ['one', 'two']) {
          const { data, port } = await socket.peek({ timeoutMs: 5000 })
          ok(data.buffer instanceof SharedArrayBuffer, 'the bytes are shared memory')
          deepEqual([text(data.slice()), port], [word, peer.port], 'what lies there')
          socket.release()
        }
        await rejectsCode(() => socket.peek({ dontWait: true }), 'EWOULDBLOCK', 'nothing is left')
      }),
    )

    t.test(`${mode}: nobody listens: ECONNREFUSED, told once`, () =>
      Rig.run(async (rig) => {
        const peer = await rig.udpPeer()
        await peer.close()
        const socket = via(mode, rig.client.socket('udp4'))
        await socket.connect({ host: '127.0.0.1', port: peer.port })
        await socket.send('x')
        if (isDeno) {
          await rejectsCode(() => socket.recv(10, { timeoutMs: 300 }), 'ETIMEDOUT', 'Deno does not tell')
          return
        }
        await rejectsCode(() => socket.recv(10, { timeoutMs: 5000 }), 'ECONNREFUSED', 'the next call')
        equal(socket.getOption('SO_ERROR'), 0, 'SO_ERROR after it was told')
        await rejectsCode(() => socket.recv(10, { timeoutMs: 50 }), 'ETIMEDOUT', 'and it is told once')
        await socket.send('x')
        equal(await errorOf(socket), 'ECONNREFUSED', 'SO_ERROR')
        await rejectsCode(() => socket.recv(10, { dontWait: true }), 'EWOULDBLOCK', 'SO_ERROR took it')
      }),
    )
  }

  t.test('a socket without a peer is not told that nobody listens', () =>
    Rig.run(async (rig) => {
      const [gone, peer] = [await rig.udpPeer(), await rig.udpPeer()]
      await gone.close()
      const socket = rig.client.socket('udp4')
      await socket.bind({ host: '127.0.0.1' })
      for (let i = 0; i < 20; i++) {
        socket.sendToSync('to nobody', { host: '127.0.0.1', port: gone.port })
        socket.sendToSync(`${i}`, { host: '127.0.0.1', port: peer.port })
        equal((await peer.next()).text, `${i}`, 'what the peer gets')
      }
      equal(socket.getOption('SO_ERROR'), 0, 'SO_ERROR')
    }),
  )

  t.test('65,507 bytes go through whole; one more is EMSGSIZE', () =>
    Rig.run(async (rig) => {
      const [a, b] = [rig.client.socket('udp4'), rig.client.socket('udp4')]
      b.bindSync({ host: '127.0.0.1' })
      const longest = Uint8Array.from({ length: 65507 }, (_, i) => i * 7)
      const to = { host: '127.0.0.1', port: b.getSockName().port }
      equal(a.sendToSync(longest, to), 65507, 'bytes')
      deepEqual(b.recvSync(70000, { timeoutMs: 5000 }), longest, 'the longest datagram')
      throwsCode(() => a.sendToSync(new Uint8Array(65508), to), 'EMSGSIZE')
      const small = rig.client.socket('udp4')
      await small.setOption('SO_SNDBUF', 4096)
      throwsCode(() => small.sendToSync(new Uint8Array(5000), to), 'EMSGSIZE', 'longer than the ring')
      equal(small.sendToSync(new Uint8Array(4000), to), 4000, 'one that the ring has room for')
      equal(b.recvSync(70000, { timeoutMs: 5000 }).length, 4000, 'it comes')
    }),
  )

  t.test('thousands of datagrams come in their order, though the ring is small', () =>
    Rig.run(async (rig) => {
      const peer = rig.client.socket('udp4')
      await peer.setOption('SO_RCVBUF', 4_194_304)
      await peer.bind({ host: '127.0.0.1' })
      const socket = rig.client.socket('udp4')
      await socket.setOption('SO_SNDBUF', 4096)
      const to = { host: '127.0.0.1', port: peer.getSockName().port }
      const buffer = new Uint8Array(100)
      for (let round = 0; round < 40; round++) {
        for (let i = 0; i < 50; i++) socket.sendToSync(`${round * 50 + i} ${'x'.repeat(80)}`, to)
        for (let i = 0; i < 50; i++) {
          const bytes = peer.recvSync(buffer, { timeoutMs: 5000 })
          equal(Number.parseInt(text(buffer.slice(0, bytes))!, 10), round * 50 + i, 'the number')
        }
      }
    }),
  )

  t.test('a receive ring that is full drops what comes, and SO_RXQ_OVFL counts it exactly', () =>
    Rig.run(async (rig) => {
      const socket = rig.client.socket('udp4')
      await socket.setOption('SO_RCVBUF', 4096)
      await socket.bind({ host: '127.0.0.1' })
      await socket.setOption('SO_RCVBUF', 4_194_304) // of the kernel, which is not to drop any
      const peer = await rig.udpPeer()
      const { port } = socket.getSockName()
      const sent = 60 // about 30 find room; few enough for any kernel to hold them until they are taken up
      for (let i = 0; i < sent; i++) await peer.send(`${i}`.padEnd(100), port)
      await until(() => socket.getOption('SO_RXQ_OVFL') >= 20, 'it is full, and drops')
      let received = 0
      let last = -1
      const take = () => {
        if (rig.client.pollSync([socket], 0).length === 0) return false
        const datagram = text(socket.recvSync(200))!
        ok(Number(datagram) > last, `${datagram} comes after ${last}`)
        last = Number(datagram)
        received++
        return true
      }
      await until(() => {
        while (take());
        return received + socket.getOption('SO_RXQ_OVFL') === sent
      }, `received and dropped are ${sent}`)
      ok(received >= 20, `a ring of 4096 bytes has room for 20 of 100, not ${received}`)
    }),
  )

  t.test('options that are refused say why; those before the first use take effect', () =>
    Rig.run(async (rig) => {
      const first = rig.client.socket('udp4')
      await first.setOption('SO_REUSEADDR', true)
      await first.bind({ host: '127.0.0.1' })
      const { port } = first.getSockName()
      const taken = rig.client.socket('udp4')
      await rejectsCode(() => taken.bind({ host: '127.0.0.1', port }), 'EADDRINUSE')
      await taken.bind({ host: '127.0.0.1' })
      ok(taken.getSockName().port > 0, 'after a failure it can be bound elsewhere')
      throwsCode(() => first.setOptionSync('SO_REUSEADDR', false), 'ENOPROTOOPT', 'in use')
      throwsCode(() => first.setOptionSync('TCP_NODELAY', true), 'ENOPROTOOPT', 'of TCP')
      throwsCode(() => first.setOptionSync('IP_TTL', 0), 'EINVAL', 'no TTL')
      first.setOptionSync('IP_TTL', 5)
      equal(first.getOption('IP_TTL'), 5, 'IP_TTL')
      deepEqual(
        [first.getOption('SO_TYPE'), first.getOption('SO_DOMAIN'), first.getOption('SO_ACCEPTCONN')],
        ['dgram', 4, false],
        'facts',
      )
      throwsCode(() => rig.client.socket('raw' as 'udp4'), 'EAFNOSUPPORT')
      throwsCode(() => first.sendToSync('x', { host: '::1', port }), 'EAFNOSUPPORT')
      throwsCode(() => first.sendToSync('x', { host: 'localhost', port }), 'EINVAL')
      throwsCode(() => first.sendToSync('x', { host: '127.0.0.1', port: 0 }), 'EINVAL')
      throwsCode(() => first.listenSync(), 'EOPNOTSUPP')
      throwsCode(() => first.acceptSync(), 'EOPNOTSUPP')
    }),
  )

  t.test('a broadcast needs SO_BROADCAST', () =>
    Rig.run(async (rig) => {
      const socket = rig.client.socket('udp4')
      await socket.bind()
      const to = { host: '255.255.255.255', port: 9 }
      socket.sendToSync('x', to)
      const code = await errorOf(socket)
      const expected = isDeno ? 'EIO' : 'EACCES' // Deno has no name for it
      ok(code === expected || code === 'ENETUNREACH', `without it: ${expected}, not ${code}`)
      if (code === 'ENETUNREACH') console.log('this host has no network to broadcast to')
      await socket.setOption('SO_BROADCAST', true)
      equal(socket.getOption('SO_BROADCAST'), true, 'the option')
    }),
  )

  t.test('multicast on the loopback: joined, left, and joined before the first use', () =>
    Rig.run(async (rig) => {
      const group = '239.255.77.1'
      const member = rig.client.socket('udp4')
      await member.setOption('IP_ADD_MEMBERSHIP', { group, interface: '127.0.0.1' })
      await member.bind()
      const to = { host: group, port: member.getSockName().port }
      const sender = rig.client.socket('udp4')
      await sender.bind({ host: '127.0.0.1' })
      await sender.setOption('IP_MULTICAST_IF', '127.0.0.1')
      const none = sender.setOption('IP_MULTICAST_TTL', 0)
      if (isDeno || isBun) await rejectsCode(() => none, 'EINVAL', 'these runtimes want at least 1')
      else await none
      await sender.setOption('IP_MULTICAST_TTL', 1)
      sender.sendToSync('to the group', to)
      equal(text(await member.recv(100, { timeoutMs: 5000 })), 'to the group', 'what the group gets')
      await member.setOption('IP_DROP_MEMBERSHIP', { group, interface: '127.0.0.1' })
      sender.sendToSync('to nobody', to)
      sender.sendToSync('directly', { host: '127.0.0.1', port: to.port })
      equal(text(await member.recv(100, { timeoutMs: 5000 })), 'directly', 'after it has left')
      await rejectsCode(
        () => member.setOption('IP_DROP_MEMBERSHIP', { group: 'no group' }),
        'EINVAL',
        'no group',
      )
    }),
  )

  t.test('what was sent before close goes out, even by a socket that was never bound', () =>
    Rig.run(async (rig) => {
      const peer = await rig.udpPeer()
      for (let i = 0; i < 20; i++) {
        const socket = rig.client.socket('udp4')
        for (let n = 0; n < 5; n++) socket.sendToSync(`${i}.${n}`, { host: '127.0.0.1', port: peer.port })
        socket.closeSync()
        for (let n = 0; n < 5; n++) equal((await peer.next()).text, `${i}.${n}`, 'what arrives')
      }
    }),
  )

  t.test('a first use that finds no port fails with the next call, and does not wait for ever', () =>
    Rig.run(async (rig) => {
      const socket = rig.client.socket('udp6')
      await socket.setOption('IP_MULTICAST_IF', 'no address') // which the system refuses when the socket is made
      await rejectsCode(() => within(socket.recv(10), 'recv'), 'EINVAL', 'the call that waits')
      await rejectsCode(() => within(socket.recv(10), 'recv'), 'ECANCELED', 'and the next')
      throwsCode(() => socket.sendToSync('x', { host: '::1', port: 9 }), 'ECANCELED', 'and sending')
    }),
  )
})
