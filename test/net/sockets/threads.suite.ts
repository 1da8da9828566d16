// Threads: what becomes of their sockets when they end, sockets that go from one to another, many at once.
import type { Socket, SocketHandle } from 'spillway/sockets'
import { equal, ok, rejectsCode, suite, text, throwsCode, until, within } from '../../support/harness.ts'
import { RawMemory, usedGranules } from './memory.ts'
import { endOf, isDeno, pair, Rig } from './rig.ts'

const here = { host: '127.0.0.1' }

/** Free again: somebody else can have it. */
async function isFree(rig: Rig, { tcp, udp }: { tcp: number; udp: number }): Promise<void> {
  const [listener, socket] = [rig.client.socket('tcp4'), rig.client.socket('udp4')]
  await listener.bind({ ...here, port: tcp })
  await listener.listen()
  await socket.bind({ ...here, port: udp })
  listener.closeSync()
  socket.closeSync()
}

async function terminatedWhileHolding(rig: Rig, isBlocked: boolean): Promise<void> {
  const raw = new RawMemory(rig.server.handle)
  const peer = await rig.tcpPeer()
  const thread = rig.thread('hold', { port: peer.port, isBlocked })
  const ports = (await within(thread.next(), 'the sockets of the thread')) as { tcp: number; udp: number }
  const connection = await peer.connection()
  const end = endOf(connection)
  await thread.terminate()
  equal(await end, 'end', 'what the peer finds')
  connection.end()
  await until(() => raw.channels().length === 0, 'the places of the hub are free')
  await isFree(rig, ports)
}

export const threadsSuite = suite('sockets, threads', (t) => {
  for (const isBlocked of [true, false]) {
    const how = isBlocked ? 'blocked in a call' : 'awaiting several'
    t.test(`a thread is terminated, ${how}: its peer sees the end, its ports and places are free`, () =>
      Rig.run((rig) => terminatedWhileHolding(rig, isBlocked)),
    )
  }

  t.test(
    'threads that are terminated with sockets leave no memory taken',
    () =>
      Rig.run(async (rig) => {
        await terminatedWhileHolding(rig, true)
        const before = usedGranules(rig.server.handle)
        for (let i = 0; i < 5; i++) await terminatedWhileHolding(rig, i % 2 === 0)
        await until(() => usedGranules(rig.server.handle) <= before, 'granules are flat')
      }),
    { needs: ['exits'] },
  )

  t.test('in Deno the memory of a terminated thread stays taken; elsewhere it does not', () =>
    Rig.run(async (rig) => {
      const before = usedGranules(rig.server.handle)
      await terminatedWhileHolding(rig, true)
      if (isDeno) ok(usedGranules(rig.server.handle) > before, 'it may still be written to')
      else await until(() => usedGranules(rig.server.handle) <= before, 'granules are flat')
    }),
  )

  t.test('detach here, adopt there: the connection goes on in the other thread', () =>
    Rig.run(async (rig) => {
      const { near, far } = await pair(rig.client)
      await near.setOption('SO_RCVTIMEO', 5000)
      await far.send('for whoever has it')
      const handle = near.detach()
      ok(near.closed, 'here it is closed')
      await rejectsCode(() => near.recv(), 'EBADF')
      throwsCode(() => near.detach(), 'EBADF')
      const thread = rig.thread('adoptAndAnswer', { socket: handle })
      equal(await within(thread.result, 'the thread'), 'for whoever has it', 'what it got')
      equal(text(await far.recv(100, { timeoutMs: 5000 })), 'for whoever has it', 'its answer')
      equal((await far.recv(100, { timeoutMs: 5000 })).length, 0, 'and its end')
      throwsCode(() => rig.client.adopt(handle), 'EBADF', 'a second adopt')
    }),
  )

  t.test('adopt by the same thread, of every kind, with what was set and shut', () =>
    Rig.run(async (rig) => {
      const { near, far, listener } = await pair(rig.client)
      await near.shutdown('write')
      await near.setOption('SO_RCVTIMEO', 7)
      const adopted = rig.client.adopt(structuredClone(near.detach()))
      equal(adopted.getOption('SO_RCVTIMEO'), 7, 'an option')
      await rejectsCode(() => adopted.recv(), 'EWOULDBLOCK', 'and it holds')
      await rejectsCode(() => adopted.send('x'), 'EPIPE', 'shut for writing')
      await far.send('hello')
      equal(text(await adopted.recv()), 'hello', 'what comes')
      const again = rig.client.adopt(listener.detach())
      const other = rig.client.socket('tcp4')
      await other.connect({ ...here, port: again.getSockName().port })
      ok(await within(again.accept(), 'accept'), 'a listener')
      const udp = rig.client.socket('udp4')
      udp.sendToSync('first use', { ...here, port: 9 })
      await until(() => udp.getSockName().port > 0, 'it is bound')
      const moved = rig.client.adopt(udp.detach())
      await moved.sendTo('to itself', { ...here, port: moved.getSockName().port })
      equal(text(await moved.recv(100, { timeoutMs: 5000 })), 'to itself', 'UDP')
      throwsCode(() => rig.client.socket('udp4').detach(), 'ENOTCONN', 'a new one')
    }),
  )

  t.test('one that is let go and never adopted is closed when its thread ends', () =>
    Rig.run(async (rig) => {
      const raw = new RawMemory(rig.server.handle)
      const thread = rig.thread('letGo')
      const handle = (await within(thread.next(), 'the handle')) as SocketHandle
      equal(raw.channels().length, 1, 'it is open')
      await thread.terminate()
      await until(() => raw.channels().length === 0, 'its place is free')
      await until(() => {
        try {
          rig.client.adopt(handle).closeSync()
          return false
        } catch (error) {
          return (error as { code: string }).code === 'EBADF'
        }
      }, 'it is gone for good')
    }),
  )

  t.test('one that has been let go outlives its thread once it is adopted', () =>
    Rig.run(async (rig) => {
      const thread = rig.thread('letGo')
      const handle = (await within(thread.next(), 'the handle')) as SocketHandle
      const socket = rig.client.adopt(handle)
      await thread.terminate()
      await thread.exited
      await socket.sendTo('still here', socket.getSockName())
      equal(text(await socket.recv(100, { timeoutMs: 5000 })), 'still here', 'what it sends to itself')
    }),
  )

  t.test('no wake-up is lost: poll against senders in three threads, thousands of times', () =>
    Rig.run(async (rig) => {
      const [rounds, senders] = [800, 3]
      const sockets: Socket[] = []
      for (let i = 0; i < 20; i++) {
        const socket = rig.client.socket('udp4')
        await socket.bind(here)
        sockets.push(socket)
      }
      const ports = sockets.map((socket) => socket.getSockName().port)
      const threads = Array.from({ length: senders }, (_, id) =>
        rig.thread('sendInStep', { ports, rounds, id }),
      )
      for (let done = 0, turn = 0; done < rounds * senders; turn++) {
        // Blocking and promised in turn; a short wait now and then, so that some are given up.
        const ms = turn % 5 === 0 ? 1 : 10_000
        const found = turn % 2 === 0 ? rig.client.pollSync(sockets, ms) : await rig.client.poll(sockets, ms)
        if (found.length === 0 && ms > 1) throw new Error(`nobody came in round ${done}`)
        for (const { socket } of found) {
          const { port } = socket.recvFromSync(100, { dontWait: true })
          socket.sendToSync('', { ...here, port })
          done++
        }
        if (turn % 64 === 0) await new Promise((resolve) => setTimeout(resolve))
      }
      for (const thread of threads) equal(await within(thread.result, 'a sender'), rounds, 'its rounds')
    }),
  )

  t.test('a listener here, clients in threads: each gets its own bytes back', () =>
    Rig.run(async (rig) => {
      const listener = rig.client.socket('tcp4')
      await listener.bind(here)
      await listener.listen()
      const threads = [0, 1, 2, 3].map(() => rig.thread('echo', { port: listener.getSockName().port }))
      const data = new Uint8Array(500_000).map((_, i) => i >> 3)
      const serving = threads.map(async () => {
        const socket = await listener.accept()
        const sending = socket.send(data).then(() => socket.shutdown('write'))
        const back = await socket.recv(data.length, { waitAll: true })
        await sending
        equal(Buffer.compare(back, data), 0, 'what comes back')
        await socket.close()
      })
      await within(Promise.all(serving), 'all of them', 20_000)
      for (const thread of threads) equal(await within(thread.result, 'a thread'), data.length, 'its bytes')
    }),
  )
})
