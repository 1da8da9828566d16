// TCP through the server: making connections, bytes both ways, backpressure.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import {
  bytes,
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
import { allOf, endOf, freePort, itself, modes, pair, Rig, via } from './rig.ts'

const MIB = 1024 * 1024
const here = (port: number) => ({ host: '127.0.0.1', port })
const sha = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

export const tcpSuite = suite('sockets, TCP', (t) => {
  for (const mode of modes) {
    for (const [kind, host, family] of [
      ['tcp4', '127.0.0.1', 4],
      ['tcp6', '::1', 6],
    ] as const) {
      t.test(`${mode}, ${kind}: listen, connect, accept, and bytes both ways`, () =>
        Rig.run(async (rig) => {
          const listener = via(mode, rig.client.socket(kind))
          await listener.bind(0, host)
          equal(listener.getSockName().port, 0, 'the port before it listens')
          await listener.listen(5)
          const { port } = listener.getSockName()
          equal(listener.getOption('SO_ACCEPTCONN'), true, 'SO_ACCEPTCONN')
          const near = via(mode, rig.client.socket(kind))
          await near.connect({ host, port })
          const far = via(mode, await listener.accept({ timeoutMs: 5000 }))
          deepEqual(near.getPeerName(), { address: host, port, family }, 'the peer of one')
          deepEqual(far.getPeerName(), near.getSockName(), 'the peer of the other')
          equal(await near.send('ping'), 4, 'bytes')
          equal(text(await far.recv(100, { timeoutMs: 5000 })), 'ping', 'there')
          await far.sendMsg(['po', '', 'ng'])
          const parts = [new Uint8Array(1), new Uint8Array(3)]
          const { bytes: count } = await near.recvMsg(parts, { waitAll: true, timeoutMs: 5000 })
          deepEqual([count, ...parts.map(text)], [4, 'p', 'ong'], 'and back')
        }),
      )
    }

    t.test(`${mode}: half-close: the end comes behind the data, and the other way stays open`, () =>
      Rig.run(async (rig) => {
        const ends = await pair(rig.client)
        const [near, far] = [via(mode, ends.near), via(mode, ends.far)]
        await near.send('last words')
        await near.shutdown('write')
        equal(text(await far.recv(100, { timeoutMs: 5000 })), 'last words', 'the data')
        equal((await far.recv(100, { timeoutMs: 5000 })).length, 0, 'the end')
        equal((await far.recv(100)).length, 0, 'and again')
        equal(await far.recv(new Uint8Array(5)), 0, 'into a buffer')
        await rejectsCode(() => near.send('x'), 'EPIPE', 'after shutdown')
        await far.send('heard')
        equal(text(await near.recv(100, { timeoutMs: 5000 })), 'heard', 'the other way')
        await far.close()
        equal((await near.recv(100, { timeoutMs: 5000 })).length, 0, 'the end of the other way')
      }),
    )

    t.test(`${mode}: shutdown('read') throws away what comes`, () =>
      Rig.run(async (rig) => {
        const ends = await pair(rig.client)
        const near = via(mode, ends.near)
        await near.shutdown('read')
        equal((await near.recv(10)).length, 0, 'the end at once')
        const much = new Uint8Array(2 * MIB)
        equal(await ends.far.send(much, { timeoutMs: 10_000 }), much.length, 'the peer is not held up')
        equal((await near.recv(10)).length, 0, 'still the end')
      }),
    )

    t.test(`${mode}: waitAll, peek and release`, () =>
      Rig.run(async (rig) => {
        const ends = await pair(rig.client)
        const near = via(mode, ends.near)
        deepEqual([(await near.recv(0)).length, await near.recv(new Uint8Array(0))], [0, 0], 'none of none')
        await ends.far.send('0123')
        await near.recv(1, { peek: true, timeoutMs: 5000 })
        equal(text(await near.recv(2, { peek: true })), '01', 'peeked')
        const seen = await near.peek()
        ok(seen.data.buffer instanceof SharedArrayBuffer, 'no copy')
        throwsCode(() => near.release(5), 'EINVAL', 'more than there is')
        near.release(1)
        await ends.far.send('456')
        equal(text(await near.recv(6, { waitAll: true, timeoutMs: 5000 })), '123456', 'all of it')
        await ends.far.send('ab')
        await ends.far.shutdown('write')
        equal(
          text(await near.recv(6, { waitAll: true, timeoutMs: 5000 })),
          'ab',
          'as much as there is to the end',
        )
      }),
    )

    t.test(`${mode}: nobody listens: ECONNREFUSED; the socket may try again`, () =>
      Rig.run(async (rig) => {
        const port = await freePort()
        const socket = via(mode, rig.client.socket('tcp4'))
        await rejectsCode(() => socket.connect(here(port)), 'ECONNREFUSED')
        equal(socket.getOption('SO_ERROR'), 0, 'it was told')
        await rejectsCode(() => socket.send('x'), 'ENOTCONN')
        await rejectsCode(() => socket.recv(), 'ENOTCONN')
        throwsCode(() => socket.getPeerName(), 'ENOTCONN')
        const peer = await rig.tcpPeer()
        await socket.connect(peer.address)
        await rejectsCode(() => socket.connect(peer.address), 'EISCONN')
        await rejectsCode(() => socket.sendTo('x', peer.address), 'EISCONN')
      }),
    )

    t.test(`${mode}: dontWait connect: EINPROGRESS, writable, SO_ERROR, for both outcomes`, () =>
      Rig.run(async (rig) => {
        const peer = await rig.tcpPeer()
        for (const [port, error] of [
          [peer.port, 0],
          [await freePort(), 'ECONNREFUSED'],
        ] as const) {
          const socket = via(mode, rig.client.socket('tcp4'))
          const code = await socket.connect(here(port), { dontWait: true }).catch((failure) => failure.code)
          if (code !== 'EINPROGRESS') {
            equal(code ?? 0, error, 'it was decided at once')
            continue
          }
          const set = [{ socket: itself(socket), writable: true }]
          const [result] = mode === 'sync' ? rig.client.pollSync(set, 5000) : await rig.client.poll(set, 5000)
          deepEqual([result?.writable, result?.error], [true, error !== 0], 'poll')
          equal(socket.getOption('SO_ERROR'), error, 'SO_ERROR')
          equal(socket.getOption('SO_ERROR'), 0, 'SO_ERROR again')
          if (error === 0) equal(await socket.send('x'), 1, 'it is connected')
          else await rejectsCode(() => socket.send('x'), 'ENOTCONN')
        }
      }),
    )
  }

  t.test('100 MB through a worker that blocks: nothing is lost, nothing added', () =>
    Rig.run(async (rig) => {
      const listener = rig.client.socket('tcp4')
      await listener.bind(here(0))
      await listener.listen()
      const echo = rig.thread('echo', { port: listener.getSockName().port })
      const socket = await within(listener.accept(), 'the worker connects')
      const block = Uint8Array.from({ length: MIB }, (_, i) => (i * 31) ^ (i >> 9))
      const blocks = 100
      const [sent, received] = [createHash('sha256'), createHash('sha256')]
      const sending = (async () => {
        for (let i = 0; i < blocks; i++) {
          block.set(bytes(`block ${i}`))
          sent.update(block)
          await socket.send(block)
        }
        await socket.shutdown('write')
      })()
      const buffer = new Uint8Array(262_144)
      let total = 0
      for (let got = await socket.recv(buffer); got > 0; got = await socket.recv(buffer)) {
        received.update(buffer.subarray(0, got))
        total += got
      }
      await sending
      equal(total, blocks * MIB, 'bytes')
      equal(received.digest('hex'), sent.digest('hex'), 'their content')
      equal(await within(echo.result, 'the worker'), blocks * MIB, 'bytes of the worker')
    }),
  )

  t.test('a peer that never reads: what is held is bounded, send says how much went', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.connect(peer.address)
      await peer.connection()
      const before = process.memoryUsage()
      const block = new Uint8Array(MIB)
      let sent = 0
      let went = 0
      do {
        went = await socket.send(block, { timeoutMs: 300 }).catch((error) => {
          equal(error.code, 'ETIMEDOUT', 'nothing went')
          return 0
        })
        sent += went
      } while (went > 0)
      ok(sent > 65536 && sent < 64 * MIB, `the kernel and the ring hold ${sent} bytes`)
      throwsCode(() => socket.sendSync(block, { timeoutMs: 10 }), 'ETIMEDOUT', 'sync')
      throwsCode(() => socket.sendSync(block, { dontWait: true }), 'EWOULDBLOCK', 'dontWait')
      await socket.setOption('SO_SNDTIMEO', 10)
      throwsCode(() => socket.sendSync(block), 'EWOULDBLOCK', 'SO_SNDTIMEO')
      equal(rig.client.pollSync([{ socket, writable: true }], 0).length, 0, 'not writable')
      const after = process.memoryUsage()
      const grown = after.external + after.arrayBuffers - before.external - before.arrayBuffers
      ok(grown < 16 * MIB, `our side holds no more than its ring: ${grown} bytes more`)
    }),
  )

  t.test('a peer that floods is held up by TCP while the client does not read; then all of it comes', () =>
    Rig.run(async (rig) => {
      const flood = new Uint8Array(32 * MIB).map((_, i) => i >> 7)
      let wrote = false
      const peer = await rig.tcpPeer((connection) => {
        connection.end(flood, () => {
          wrote = true
        })
      })
      const socket = rig.client.socket('tcp4')
      await socket.connect(peer.address)
      const connection = await peer.connection()
      let held = -1
      await until(() => {
        const before = held
        held = connection.bytesWritten - connection.writableLength
        return held === before
      }, 'the flood stands still')
      ok(!wrote, 'the peer cannot get rid of it')
      const received = new Uint8Array(flood.length)
      equal(await socket.recv(received, { waitAll: true }), flood.length, 'bytes')
      equal(sha(received), sha(flood), 'their content')
      equal((await socket.recv()).length, 0, 'the end')
    }),
  )

  t.test('dontWait sends what fits', () =>
    Rig.run(async (rig) => {
      const { near, far } = await pair(rig.client)
      const data = new Uint8Array(MIB).map((_, i) => i >> 4)
      const parts: number[] = []
      do parts.push(await near.send(data, { dontWait: true }).catch(() => 0))
      while (parts.at(-1) === MIB && parts.length < 64)
      ok(parts.at(-1)! < MIB, `of ${parts.length} MiB not all fit`)
      for (const part of parts) {
        const received = await far.recv(part, { waitAll: true, timeoutMs: 5000 })
        equal(sha(received), sha(data.subarray(0, part)), 'their content')
      }
    }),
  )

  t.test('data comes before the error of a peer that resets', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.connect(peer.address)
      const connection = await peer.connection()
      connection.write('last words')
      equal(text(await socket.recv(4, { timeoutMs: 5000 })), 'last', 'the first bytes')
      connection.resetAndDestroy()
      await until(() => rig.client.pollSync([socket], 0)[0]?.hangup === true, 'the reset is heard')
      equal(text(await socket.recv(100)), ' words', 'the rest')
      await rejectsCode(() => socket.recv(100), 'ECONNRESET', 'then the error')
      equal((await socket.recv(100)).length, 0, 'once, and the end after it')
      await rejectsCode(() => socket.send('x'), 'EPIPE', 'sending')
      equal(socket.getOption('SO_ERROR'), 0, 'SO_ERROR')
    }),
  )

  t.test('a reset behind the end is heard with the next send, if not before', () =>
    Rig.run(async (rig) => {
      const { near, far } = await pair(rig.client)
      await far.shutdown('write')
      equal((await near.recv(1, { timeoutMs: 5000 })).length, 0, 'the end')
      await far.setOption('SO_LINGER', 0)
      await far.close()
      let code: string | undefined
      while (code === undefined) {
        await near.send('x', { timeoutMs: 5000 }).catch((error) => {
          code = error.code
        })
      }
      ok(code === 'ECONNRESET' || code === 'EPIPE', `sending: ${code}`)
      equal((await near.recv(1)).length, 0, 'still the end')
    }),
  )

  t.test('a slow client gets what came before the reset, as far as the kernel gave it out', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.setOption('SO_RCVBUF', 4096)
      await socket.connect(peer.address)
      const connection = await peer.connection()
      const data = new Uint8Array(40_000).map((_, i) => i >> 2)
      await new Promise((resolve) => connection.write(data, resolve))
      await until(() => rig.client.pollSync([socket], 0).length > 0, 'something is there')
      await new Promise((resolve) => setTimeout(resolve, 50)) // the ring is full, and the rest on its way or held up
      connection.resetAndDestroy()
      const parts: Uint8Array[] = []
      let code: string | undefined
      while (code === undefined) {
        const part = await within(socket.recv(1000), 'recv').catch((error) => error.code)
        if (typeof part === 'string') code = part
        else if (part.length === 0) code = 'the end'
        else parts.push(part)
      }
      const got = new Uint8Array(Buffer.concat(parts))
      // Some systems tell whoever was not reading when the reset came of an end instead.
      ok(code === 'ECONNRESET' || code === 'the end', `what comes last: ${code}`)
      equal(sha(got), sha(data.subarray(0, got.length)), 'nothing is missing in between')
      equal(got.length, data.length, 'bytes')
    }),
  )

  t.test('accept with no time still takes a connection that waits', () =>
    Rig.run(async (rig) => {
      const listener = rig.client.socket('tcp4')
      await listener.bind(here(0))
      await listener.listen()
      for (const mode of modes) {
        const raw = await rig.rawConnection(listener.getSockName().port)
        await until(() => rig.client.pollSync([listener], 0).length > 0, 'it waits')
        const socket = await via(mode, listener).accept({ timeoutMs: 0 })
        raw.write('hello')
        equal(text(await socket.recv(10, { timeoutMs: 5000 })), 'hello', mode)
        await rejectsCode(() => via(mode, listener).accept({ timeoutMs: 0 }), 'ETIMEDOUT', mode)
      }
    }),
  )

  t.test('names are looked up by connect; one that is unknown is ENOTFOUND', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.connect({ host: 'localhost', port: peer.port })
      equal(socket.getPeerName().address, '127.0.0.1', 'the peer')
      const lost = rig.client.socket('tcp4')
      const code = await lost.connect({ host: 'nobody.invalid', port: 1 }).catch((error) => error.code)
      ok(code === 'ENOTFOUND' || code === 'EAI_AGAIN', `an unknown name: ${code}`)
      await rejectsCode(() => lost.connect({ host: '::1', port: 1 }), 'EAFNOSUPPORT')
      await rejectsCode(() => lost.connect({ host: '127.0.0.1' }), 'EINVAL')
    }),
  )

  t.test('a port that is taken: EADDRINUSE from listen; bound before connect it is where we come from', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const taken = rig.client.socket('tcp4')
      taken.bindSync(here(peer.port))
      throwsCode(() => taken.listenSync(), 'EADDRINUSE')
      const port = await freePort()
      const socket = rig.client.socket('tcp4')
      await socket.bind(here(port))
      deepEqual(socket.getSockName(), { address: '127.0.0.1', port, family: 4 }, 'before')
      await socket.connect(peer.address)
      equal((await peer.connection()).remotePort, port, 'where it comes from')
      throwsCode(() => socket.bindSync(here(0)), 'EINVAL', 'bound twice')
      throwsCode(() => socket.listenSync(), 'EINVAL', 'listen when connected')
    }),
  )

  t.test('connections that wait to be accepted, beyond the backlog, are reset and counted', () =>
    Rig.run(async (rig) => {
      const listener = rig.client.socket('tcp4')
      await listener.bind(here(0))
      await listener.listen(2)
      const { port } = listener.getSockName()
      for (let i = 0; i < 2; i++) await rig.rawConnection(port)
      await until(() => rig.client.pollSync([listener], 0).length === 1, 'one waits')
      const third = connect(port, '127.0.0.1')
      rig.onEnd(() => third.destroy())
      ok(['ECONNRESET', 'close'].includes(await endOf(third)), 'the third one ends')
      equal(listener.getOption('SO_RXQ_OVFL'), 1, 'SO_RXQ_OVFL')
      for (let i = 0; i < 2; i++) ok(await within(listener.accept(), 'accept'), 'the first two')
      throwsCode(() => listener.acceptSync({ dontWait: true }), 'EWOULDBLOCK')
    }),
  )

  t.test('SO_LINGER 0 resets', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.connect(peer.address)
      const connection = await peer.connection()
      const end = endOf(connection)
      await socket.setOption('SO_LINGER', 0)
      await socket.close()
      equal(await end, 'ECONNRESET', 'what the peer finds')
    }),
  )

  t.test('SO_LINGER waits until the kernel has it all, or the time is up', () =>
    Rig.run(async (rig) => {
      const data = new Uint8Array(4 * MIB).map((_, i) => i >> 3)
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.setOption('SO_LINGER', 20)
      await socket.connect(peer.address)
      const connection = await peer.connection()
      const whole = allOf(connection)
      await socket.send(data)
      await within(socket.close(), 'close, though the peer does not end')
      equal(sha(await whole), sha(data), 'what the peer gets')
      const stuck = rig.client.socket('tcp4')
      await stuck.setOption('SO_LINGER', 1)
      await stuck.connect(peer.address)
      await stuck.send(new Uint8Array(32 * MIB), { timeoutMs: 300 })
      await rejectsCode(() => stuck.close(), 'EWOULDBLOCK', 'a peer that does not read')
      ok(stuck.closed, 'it is closed all the same')
    }),
  )

  t.test('close delivers behind the scenes what was sent', () =>
    Rig.run(async (rig) => {
      const data = new Uint8Array(3 * MIB).map((_, i) => i >> 5)
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.connect(peer.address)
      const connection = await peer.connection()
      const sending = socket.send(data).then(() => socket.close())
      equal(sha(await allOf(connection)), sha(data), 'what the peer gets')
      await sending
      ok(socket.closed, 'closed')
      await rejectsCode(() => socket.send('x'), 'EBADF')
      await socket.close()
    }),
  )

  t.test('options of a connection; an accepted one begins with those of its listener', () =>
    Rig.run(async (rig) => {
      const listener = rig.client.socket('tcp4')
      await listener.setOption('TCP_NODELAY', true)
      await listener.setOption('SO_RCVTIMEO', 20)
      await listener.bind(here(0))
      await listener.listen()
      await rejectsCode(() => listener.accept(), 'EWOULDBLOCK', 'SO_RCVTIMEO')
      const near = rig.client.socket('tcp4')
      await near.connect(here(listener.getSockName().port))
      const far = await listener.accept({ timeoutMs: 5000 })
      deepEqual([far.getOption('TCP_NODELAY'), far.getOption('SO_RCVTIMEO')], [true, 20], 'of the listener')
      await rejectsCode(() => far.recv(), 'EWOULDBLOCK', 'SO_RCVTIMEO')
      for (const value of [true, false]) {
        await near.setOption('TCP_NODELAY', value)
        await near.setOption('SO_KEEPALIVE', value)
      }
      await near.setOption('TCP_KEEPIDLE', 60)
      equal(near.getOption('TCP_KEEPIDLE'), 60, 'TCP_KEEPIDLE')
      throwsCode(() => near.setOptionSync('SO_BROADCAST', true), 'ENOPROTOOPT')
    }),
  )

  t.test('a connection that is under way: EALREADY, and closing gives it up', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      const codeOf = () => socket.connect(peer.address, { dontWait: true }).catch((error) => error.code)
      const [first, second] = [await codeOf(), await codeOf()]
      ok(first === 'EINPROGRESS' || first === undefined, `the first: ${first}`)
      ok(second === 'EALREADY' || second === 'EISCONN', `the second, as soon as that: ${second}`)
      await socket.close()
      await rejectsCode(() => socket.connect(peer.address), 'EBADF')
    }),
  )

  t.test('the end of a peer that closes with data on its way to it is ECONNRESET or EPIPE', () =>
    Rig.run(async (rig) => {
      const peer = await rig.tcpPeer()
      const socket = rig.client.socket('tcp4')
      await socket.connect(peer.address)
      const connection = await peer.connection()
      connection.destroy()
      await once(connection, 'close')
      let code: string | undefined
      while (code === undefined) {
        await socket.send(new Uint8Array(1000), { timeoutMs: 5000 }).catch((error) => {
          code = error.code
        })
      }
      ok(code === 'ECONNRESET' || code === 'EPIPE', `sending to it: ${code}`)
      await rejectsCode(() => socket.send('x'), 'EPIPE', 'and from there on')
    }),
  )
})
