// Waiting: poll, time limits, signals, closing in the middle, blocking and promises side by side.
import { type PollResult, type Socket, type SocketClient, SocketServer } from 'spillway/sockets'
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
import { withInlineServer } from './inline.ts'
import { modes, pair, Rig, type UdpPeer, via } from './rig.ts'

const here = { host: '127.0.0.1' }

async function boundTo(client: SocketClient): Promise<Socket> {
  const socket = client.socket('udp4')
  await socket.bind(here)
  return socket
}

async function listening(client: SocketClient): Promise<Socket> {
  const socket = client.socket('tcp4')
  await socket.bind(here)
  await socket.listen()
  return socket
}

const flagsOf = ({ readable, writable, error, hangup }: PollResult) => ({ readable, writable, error, hangup })

/** Every call that waits, on sockets on which nothing ever comes. */
async function waitingCalls(client: SocketClient, full: Socket) {
  const udp = await boundTo(client)
  const { near } = await pair(client)
  const listener = await listening(client)
  return {
    'recv, UDP': [udp, 'recv', 10],
    recvFrom: [await boundTo(client), 'recvFrom', 10],
    recvMsg: [await boundTo(client), 'recvMsg', [new Uint8Array(1)]],
    'peek, UDP': [await boundTo(client), 'peek'],
    'recv, TCP': [near, 'recv', 10],
    accept: [listener, 'accept'],
    'send, TCP': [full, 'send', new Uint8Array(100)],
  } as unknown as Record<string, [Socket, 'recv', number]>
}

/** A connection on which nothing can be sent any more. */
async function fullConnection(rig: Rig): Promise<Socket> {
  const peer = await rig.tcpPeer()
  const socket = rig.client.socket('tcp4')
  await socket.connect(peer.address)
  const block = new Uint8Array(1024 * 1024)
  while ((await socket.send(block, { timeoutMs: 200 }).catch(() => 0)) > 0);
  return socket
}

export const waitingSuite = suite('sockets, waiting', (t) => {
  t.test('where the runtime lets no thread block: ERR_CANNOT_BLOCK, and the socket is as it was', () =>
    Rig.run(async (rig) => {
      const socket = await boundTo(rig.client)
      const { wait } = Atomics
      // As browsers have it on the main thread. No runtime with sockets does so.
      Atomics.wait = () => {
        throw new TypeError('Atomics.wait cannot be called in this context')
      }
      try {
        throwsCode(() => socket.recvSync(10), 'ERR_CANNOT_BLOCK', 'recvSync')
        throwsCode(() => rig.client.pollSync([socket], 100), 'ERR_CANNOT_BLOCK', 'pollSync')
        throwsCode(() => socket.recvSync(10, { dontWait: true }), 'EWOULDBLOCK', 'what need not wait')
      } finally {
        Atomics.wait = wait
      }
      socket.sendToSync('still there', socket.getSockName())
      equal(text(await socket.recv(100, { timeoutMs: 5000 })), 'still there', 'afterwards')
    }),
  )

  for (const mode of modes) {
    t.test(`${mode}: every call that waits ends when its time is up`, () =>
      Rig.run(async (rig) => {
        const calls = await waitingCalls(rig.client, await fullConnection(rig))
        for (const [name, [socket, call, argument]] of Object.entries(calls)) {
          const started = performance.now()
          const run = () => via(mode, socket)[call](argument, { timeoutMs: 30 })
          const noArgument = () => via(mode, socket)[call]({ timeoutMs: 30 } as never)
          await rejectsCode(argument === undefined ? noArgument : run, 'ETIMEDOUT', name)
          ok(performance.now() - started >= 29, `${name}: not before`)
          const now = argument === undefined ? [{ dontWait: true }] : [argument, { dontWait: true }]
          await rejectsCode(async () => via(mode, socket)[call](...(now as [number])), 'EWOULDBLOCK', name)
          await socket.setOption(call === ('send' as string) ? 'SO_SNDTIMEO' : 'SO_RCVTIMEO', 20)
          const usual = argument === undefined ? [] : [argument]
          await rejectsCode(
            async () => via(mode, socket)[call](...(usual as [number])),
            'EWOULDBLOCK',
            `${name}, SO_*TIMEO`,
          )
        }
        const started = performance.now()
        const set = [calls.accept![0]]
        deepEqual(mode === 'sync' ? rig.client.pollSync(set, 30) : await rig.client.poll(set, 30), [], 'poll')
        ok(performance.now() - started >= 29, 'poll: not before')
        deepEqual(
          mode === 'sync' ? rig.client.pollSync(set, 0) : await rig.client.poll(set, 0),
          [],
          'poll at once',
        )
      }),
    )

    t.test(`${mode}: poll over 200 sockets finds those with something, and only those`, () =>
      Rig.run(async (rig) => {
        const sockets: Socket[] = []
        for (let i = 0; i < 200; i++) {
          const socket = rig.client.socket('udp4')
          await socket.setOption('SO_RCVBUF', 4096)
          await socket.setOption('SO_SNDBUF', 4096)
          await socket.bind(here)
          sockets.push(socket)
        }
        const poll = async (set: Socket[], ms: number) =>
          mode === 'sync' ? rig.client.pollSync(set, ms) : rig.client.poll(set, ms)
        deepEqual(await poll(sockets, 0), [], 'none')
        const peer: UdpPeer = await rig.udpPeer()
        for (const index of [0, 63, 64, 131, 199]) {
          const finding = mode === 'async' ? poll(sockets, 5000) : undefined
          await peer.send(`for ${index}`, sockets[index]!.getSockName().port)
          const found = await (finding ?? poll(sockets, 5000))
          equal(found.length, 1, 'how many')
          equal(found[0]!.socket, sockets[index], 'which')
          deepEqual(
            flagsOf(found[0]!),
            { readable: true, writable: false, error: false, hangup: false },
            'what',
          )
          equal(text(sockets[index]!.recvSync()), `for ${index}`, 'what is there')
        }
        const writable = sockets.map((socket) => ({ socket, writable: true }))
        const all = mode === 'sync' ? rig.client.pollSync(writable) : await rig.client.poll(writable)
        equal(all.length, 200, 'all are writable')
      }),
    )

    t.test(`${mode}: poll tells of listeners, room, ends, errors and hangups`, () =>
      Rig.run(async (rig) => {
        const poll = async (set: Parameters<SocketClient['poll']>[0]) =>
          mode === 'sync' ? rig.client.pollSync(set, 5000) : rig.client.poll(set, 5000)
        const listener = await listening(rig.client)
        const near = rig.client.socket('tcp4')
        const none = { readable: false, writable: false, error: false, hangup: false }
        deepEqual((await poll([near])).map(flagsOf), [{ ...none, readable: true, hangup: true }], 'new')
        deepEqual(
          (await poll([{ socket: near }])).map(flagsOf),
          [{ ...none, hangup: true }],
          'new, asked nothing',
        )
        await near.connect({ ...here, port: listener.getSockName().port })
        deepEqual((await poll([listener])).map(flagsOf), [{ ...none, readable: true }], 'a connection waits')
        const far = await listener.accept()
        deepEqual(
          (await poll([{ socket: far, readable: true, writable: true }])).map(flagsOf),
          [{ ...none, writable: true }],
          'room',
        )
        await far.shutdown('write')
        deepEqual((await poll([near])).map(flagsOf), [{ ...none, readable: true }], 'the end')
        const other = await pair(rig.client)
        await other.far.setOption('SO_LINGER', 0)
        await other.far.close()
        const [failed] = await poll([{ socket: other.near }])
        deepEqual([failed?.error || failed?.hangup, failed?.readable], [true, false], 'reset')
        const closed = rig.client.socket('udp4')
        await closed.close()
        await rejectsCode(() => poll([closed]), 'EBADF', 'closed')
        await rejectsCode(() => poll([{} as Socket]), 'EINVAL', 'no socket')
      }),
    )
  }

  t.test('a signal gives up every call that waits, with its reason', () =>
    Rig.run(async (rig) => {
      const calls = await waitingCalls(rig.client, await fullConnection(rig))
      for (const [name, [socket, call, argument]] of Object.entries(calls)) {
        const abort = new AbortController()
        const options = { signal: abort.signal }
        const running =
          argument === undefined ? socket[call](options as never) : socket[call](argument, options)
        const reason = new Error('enough')
        setTimeout(() => abort.abort(reason), 5)
        equal(
          await within(
            running.then(
              () => undefined,
              (error) => error,
            ),
            name,
          ),
          reason,
          name,
        )
        await running.catch(() => {})
        equal(
          await socket[call](...([argument, options].filter((one) => one !== undefined) as [number])).catch(
            (error) => error,
          ),
          reason,
          `${name}, aborted before`,
        )
      }
      const options = { signal: AbortSignal.abort(new Error('before')) }
      const fresh = rig.client.socket('tcp4')
      const asking = [
        fresh.bind(here, options),
        fresh.connect({ ...here, port: 1 }, options),
        fresh.listen(5, options),
      ]
      const setting = calls.accept![0].setOption('TCP_NODELAY', true, options)
      for (const call of [...asking, setting])
        equal(await call.catch((error) => error.message), 'before', 'a call that asks')
      const abort = new AbortController()
      const polling = rig.client.poll([calls.accept![0]], 10_000, { signal: abort.signal })
      abort.abort()
      equal((await polling.catch((error) => error)).name, 'AbortError', 'poll')
    }),
  )

  t.test('closing a socket ends the calls that wait for it: EBADF', () =>
    Rig.run(async (rig) => {
      const calls = await waitingCalls(rig.client, await fullConnection(rig))
      for (const [name, [socket, call, argument]] of Object.entries(calls)) {
        const running = argument === undefined ? socket[call]() : socket[call](argument)
        const polling = rig.client.poll([socket], 10_000)
        setTimeout(() => socket.closeSync(), 5)
        await within(
          rejectsCode(() => running, 'EBADF', name),
          name,
        )
        await within(
          rejectsCode(() => polling, 'EBADF', `poll, ${name}`),
          `poll, ${name}`,
        )
      }
    }),
  )

  t.test('client.close() does, too', () =>
    Rig.run(async (rig) => {
      const calls = await waitingCalls(rig.client, await fullConnection(rig))
      const running = Object.values(calls).map(([socket, call, argument]) =>
        (argument === undefined ? socket[call]() : socket[call](argument)).then(
          () => 'nothing',
          (error) => error.code,
        ),
      )
      rig.client.close()
      deepEqual(
        await within(Promise.all(running), 'the calls'),
        running.map(() => 'EBADF'),
        'their codes',
      )
      throwsCode(() => rig.client.socket('udp4'), 'ERR_CLOSED')
      throwsCode(() => rig.client.pollSync([]), 'ERR_CLOSED')
      rig.client.close()
    }),
  )

  t.test('calls of one kind wait for one another; a Sync call beside one is EBUSY or EALREADY', () =>
    Rig.run(async (rig) => {
      const peer = await rig.udpPeer()
      const socket = await boundTo(rig.client)
      const received = [socket.recv(), socket.recv(), socket.recvFrom()]
      throwsCode(() => socket.recvSync(10, { dontWait: true }), 'EBUSY')
      throwsCode(() => socket.detach(), 'EBUSY')
      for (const word of ['one', 'two', 'three']) await peer.send(word, socket.getSockName().port)
      equal(text((await received[0]) as Uint8Array), 'one', 'the first')
      equal(text((await received[1]) as Uint8Array), 'two', 'the second')
      equal(text(((await received[2]) as { data: Uint8Array }).data), 'three', 'the third')
      throwsCode(() => socket.recvSync(10, { dontWait: true }), 'EWOULDBLOCK', 'and now it may')
      const fresh = rig.client.socket('udp4')
      const binding = fresh.bind(here)
      throwsCode(() => fresh.bindSync(here), 'EALREADY')
      await binding
    }),
  )

  t.test('two polls and a recv on one socket: each is told', () =>
    Rig.run(async (rig) => {
      const peer = await rig.udpPeer()
      const [socket, other] = [await boundTo(rig.client), await boundTo(rig.client)]
      for (let round = 0; round < 50; round++) {
        // One that gives up must not take the wait of the others with it.
        const short = rig.client.poll([socket, other], 1)
        const polls = [rig.client.poll([socket], 5000), rig.client.poll([socket, other], 5000)]
        deepEqual(await short, [], 'nothing yet')
        throwsCode(() => other.recvSync(1, { timeoutMs: 1 }), 'ETIMEDOUT', 'a blocking call in between')
        await peer.send(`${round}`, socket.getSockName().port)
        for (const poll of polls)
          equal((await within(poll, `a poll of round ${round}`)).length, 1, 'readable')
        const [first, second] = [socket.recv(), rig.client.poll([socket], 5000)]
        equal(text(await first), `${round}`, 'what is there')
        await peer.send('again', socket.getSockName().port)
        equal((await within(second, `the poll of round ${round}`)).length, 1, 'readable again')
        await socket.recv()
      }
    }),
  )

  t.test('blocking calls and promises side by side on one thread', () =>
    Rig.run(async (rig) => {
      const [quiet, busy, to] = [
        await boundTo(rig.client),
        await boundTo(rig.client),
        await boundTo(rig.client),
      ]
      const waiting = quiet.recv()
      for (let i = 0; i < 300; i++) {
        to.sendToSync(`${i}`, busy.getSockName())
        equal(text(busy.recvSync(10, { timeoutMs: 5000 })), `${i}`, 'blocking')
        if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve))
      }
      to.sendToSync('at last', quiet.getSockName())
      equal(text(await within(waiting, 'the promise')), 'at last', 'the promise')
    }),
  )

  t.test('a full send ring blocks, and goes on when there is room', () =>
    Rig.run(async (rig) => {
      const receiver = rig.client.socket('udp4')
      await receiver.setOption('SO_RCVBUF', 4_194_304)
      await receiver.bind(here)
      const socket = rig.client.socket('udp4')
      await socket.setOption('SO_SNDBUF', 4096)
      await socket.bind(here)
      let full = 0
      for (let i = 0; i < 3000; i++) {
        try {
          socket.sendToSync('x'.repeat(1000), receiver.getSockName(), { dontWait: true })
        } catch (error) {
          equal((error as { code: string }).code, 'EWOULDBLOCK', 'a ring of 4 datagrams')
          full++
          equal(
            socket.sendToSync('y'.repeat(1000), receiver.getSockName(), { timeoutMs: 5000 }),
            1000,
            'blocks',
          )
          await socket.sendTo('z'.repeat(1000), receiver.getSockName(), { timeoutMs: 5000 })
        }
      }
      ok(full > 0, 'it was full now and then')
    }),
  )

  t.test('on the thread of the server a call that would block is EDEADLK; promises do', () =>
    withInlineServer(async (client) => {
      const socket = client.socket('udp4')
      throwsCode(() => socket.bindSync(here), 'EDEADLK')
      await socket.bind(here)
      throwsCode(() => socket.recvSync(), 'EDEADLK')
      throwsCode(() => client.pollSync([socket]), 'EDEADLK')
      socket.sendToSync('to itself', socket.getSockName())
      equal(text(await within(socket.recv(), 'recv')), 'to itself', 'what does not wait works')
      const listener = client.socket('tcp4')
      await listener.bind(here)
      await listener.listen()
      const near = client.socket('tcp4')
      await near.connect({ ...here, port: listener.getSockName().port })
      await until(() => client.pollSync([listener], 0).length === 1, 'a connection waits')
      throwsCode(() => listener.acceptSync(), 'EDEADLK')
      const far = await within(listener.accept(), 'it is not lost by that')
      await near.send('hello')
      equal(text(await within(far.recv(), 'recv')), 'hello', 'bytes')
      throwsCode(() => far.recvSync(), 'EDEADLK')
    }),
  )

  t.test('options that make no sense are refused', async () => {
    await rejectsCode(() => SocketServer.start({ maxSockets: 0 }), 'ERR_INVALID_ARGUMENT')
    await rejectsCode(() => SocketServer.start({ lingerMs: -1 }), 'ERR_INVALID_ARGUMENT')
    await Rig.run(async (rig) => {
      const socket = await boundTo(rig.client)
      throwsCode(() => rig.client.pollSync([socket], -1), 'ERR_INVALID_ARGUMENT')
      throwsCode(() => socket.recvSync(10, { timeoutMs: Number.NaN }), 'ERR_INVALID_ARGUMENT')
      throwsCode(() => socket.recvSync(-1), 'EINVAL')
      throwsCode(() => socket.sendToSync(5 as never, here), 'EINVAL')
    })
  })
})
