// Threads: one connection that several have, their ends, and its.
import { GudpConnection, type GudpConnectionHandle } from 'spillway/gudp'
import { deepEqual, equal, ok, sleep, suite, text, until, within } from '../../support/harness.ts'
import type { Thread } from '../../support/threads.ts'
import { all, content, fill, GudpRig, stateIs } from './rig.ts'

const PACED = { congestion: 'paced' } as const
const SMALL = { ...PACED, channelBufferBytes: 8192, timeoutMs: 5000 }

async function ready(thread: Thread): Promise<void> {
  equal(await within(thread.next(), 'the thread is ready'), 'ready', 'what it says')
}

interface Consumed {
  readonly received: string[]
  readonly state: string
}

const texts = (messages: Uint8Array[]): string[] => messages.map((message) => text(message)!)

export const gudpThreadsSuite = suite('gudp, threads', (t) => {
  t.test('consumers in threads, blocking and not, share a connection: each message once', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const { handle } = far
      const threads = [true, true, false, false].map((isSync) => rig.thread('consume', { handle, isSync }))
      for (const thread of threads) await ready(thread)
      const here = all(far.messages.reliable)
      const sent = Array.from({ length: 3000 }, (_, i) => `message ${i}`)
      for (const message of sent) await near.messages.reliable.sendWhenRoom(message)
      await near.close()
      const parts = [{ received: texts(await within(here, 'this thread')), state: far.status.state }]
      for (const thread of threads) parts.push((await within(thread.result, 'a thread')) as Consumed as never)
      for (const { received, state } of parts) {
        equal(state as string, 'closed', 'what each finds')
        const numbers = received.map((message) => Number(message.split(' ')[1]))
        ok(
          numbers.every((number, i) => i === 0 || number > numbers[i - 1]!),
          'each has its own in their order',
        )
      }
      deepEqual(parts.flatMap(({ received }) => received).sort(), [...sent].sort(), 'all together')
    }),
  )

  t.test('senders in threads, blocking and not: each message once, those of a thread in order', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair({ ...PACED, channelBufferBytes: 16_384 })
      const count = 800
      const threads = [0, 1, 2, 3].map((id) =>
        rig.thread('produce', { handle: near.handle, id, count, isSync: id % 2 === 0 }),
      )
      const next = [0, 0, 0, 0]
      for (let i = 0; i < count * next.length; i++) {
        const message = text(await far.messages.reliable.recv({ timeoutMs: 10_000 }))
        const [id, number] = message!.split(' ').map(Number) as [number, number]
        equal(number, next[id]!++, `the next of ${id}`)
      }
      for (const thread of threads) equal(await within(thread.result, 'a thread'), count, 'taken')
      equal(far.messages.reliable.recvSync({ timeoutMs: 20 }), undefined, 'no more')
    }),
  )

  const calls: readonly [string, string][] = [
    ['recvSync', 'undefined'],
    ['recv', 'undefined'],
    ['recvSync of packets', 'undefined'],
    ['sendSync', 'false'],
    ['sendWhenRoom', 'false'],
    ['flushSync', 'false'],
    ['flush', 'false'],
  ]
  t.test('the end of the connection wakes whoever waits, in whatever call, on whatever thread', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(SMALL)
      const threads = calls.map(([call]) => rig.thread('waitIn', { handle: near.handle, call }))
      for (const thread of threads) await ready(thread)
      fill(near.messages.reliable, content(1, 1000))
      const here = [near.recv(), near.messages.unreliable.recv(), near.flush()] as const
      await far.close()
      for (const [i, thread] of threads.entries()) {
        const [call, outcome] = calls[i]!
        deepEqual(await within(thread.result, call), { outcome, state: 'closed' }, call)
      }
      equal(await within(here[0], 'recv here'), undefined, 'recv here')
      equal(await within(here[1], 'recv of messages here'), undefined, 'recv of messages here')
      equal(await within(here[2], 'flush here'), false, 'flush here')
    }),
  )

  t.test('one thread closes: the others find the end, and what had come before', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      for (let i = 0; i < 50; i++) near.messages.reliable.send(`message ${i}`)
      ok(await near.flush({ timeoutMs: 5000 }), 'they are there')
      const waiter = rig.thread('waitIn', { handle: far.handle, call: 'recvSync' })
      await ready(waiter)
      const other = GudpConnection.from(far.handle)
      await far.close()
      deepEqual(await within(waiter.result, 'the waiter'), { outcome: 'undefined', state: 'closed' }, 'it')
      stateIs(other, 'closed')
      equal((await within(all(other.messages.reliable), 'what had come')).length, 50, 'what had come')
      other.leave()
    }),
  )

  for (const call of ['recvSync', 'recv', 'sendSync', 'sendWhenRoom', 'flushSync']) {
    t.test(
      `a thread that is terminated in ${call} leaves the connection to the others`,
      () =>
        GudpRig.run(async (rig) => {
          const { near, far } = await rig.pair(SMALL)
          const thread = rig.thread('waitIn', { handle: near.handle, call })
          await ready(thread)
          await thread.terminate()
          const reading = all(far.messages.reliable)
          ok(await near.messages.reliable.sendWhenRoom('still here', { timeoutMs: 5000 }), 'it is sent')
          ok(far.messages.unreliable.send('and back'), 'and the other way')
          equal(text(await near.messages.unreliable.recv({ timeoutMs: 5000 })), 'and back', 'what comes back')
          await near.close()
          const read = await within(reading, 'all of it')
          equal(text(read.at(-1)), 'still here', 'the last')
        }),
      { needs: ['exits'] },
    )
  }

  t.test(
    'threads that are terminated while they send: what is whole arrives, and others go on',
    () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(PACED)
        const reading = all(far.messages.reliable)
        for (let round = 0; round < 4; round++) {
          const thread = rig.thread('flood', { handle: near.handle })
          await ready(thread)
          await near.messages.reliable.sendWhenRoom('not alone')
          await thread.terminate()
        }
        ok(await near.messages.reliable.sendWhenRoom('last', { timeoutMs: 5000 }), 'room')
        await within(near.close(), 'the close')
        const read = texts(await within(reading, 'all of it'))
        equal(read.at(-1), 'last', 'the last')
        ok(
          read.every((message) => /^(flood \d+|not alone|last)$/.test(message)),
          'each is whole',
        )
        equal(read.filter((message) => message === 'not alone').length, 4, 'those of this thread')
      }),
    { needs: ['exits'] },
  )

  t.test(
    'threads that are terminated while they receive: no message comes twice, and others go on',
    () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(PACED)
        let isOver = false
        const sending = (async () => {
          let sent = 0
          while (!isOver && near.isOpen) {
            if (await near.messages.reliable.sendWhenRoom(`${sent}`, { timeoutMs: 50 })) sent++
            if (sent % 50 === 0) await sleep(0) // where there is always room nothing else would have its turn
          }
          return sent
        })()
        const numbers: number[] = []
        for (let round = 0; round < 4; round++) {
          const thread = rig.thread('take', { handle: far.handle })
          await ready(thread)
          numbers.push(Number(await within(thread.next(), 'a message')))
          thread.onMessage((message) => numbers.push(Number(message)))
          await thread.terminate()
          numbers.push(Number(text(await far.messages.reliable.recv({ timeoutMs: 5000 }))))
        }
        isOver = true
        const sent = await within(sending, 'the sender')
        const closing = near.close()
        for (const message of await within(all(far.messages.reliable), 'the rest'))
          numbers.push(Number(text(message)))
        await closing
        equal(new Set(numbers).size, numbers.length, 'each at most once')
        ok(numbers.includes(sent - 1), 'the last')
      }),
    { needs: ['exits'] },
  )

  t.test('who opened it leaves: it goes on with another thread, and is closed when nobody has it', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const thread = rig.thread('keep', { handle: near.handle })
      await ready(thread)
      near.leave()
      stateIs(near, 'closed', 'for who has left')
      thread.post('from the thread')
      equal(text(await far.messages.reliable.recv({ timeoutMs: 5000 })), 'from the thread', 'what comes')
      stateIs(far, 'open')
      thread.post('leave')
      await within(thread.result, 'the thread')
      equal(await within(far.recv(), 'the end'), undefined, 'the end')
      stateIs(far, 'closed')
    }),
  )

  t.test(
    'the last thread that has it is terminated: the peer finds it closed, after what was sent',
    () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(PACED)
        const thread = rig.thread('keep', { handle: near.handle })
        await ready(thread)
        near.leave()
        thread.post('the last')
        equal(text(await far.messages.reliable.recv({ timeoutMs: 5000 })), 'the last', 'what comes')
        await thread.terminate()
        equal(await within(far.recv(), 'the end'), undefined, 'the end')
        stateIs(far, 'closed')
      }),
    { needs: ['exits'] },
  )

  t.test('leave with something left to send: it is sent, then it is closed', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const reading = all(far.messages.reliable)
      const sent = fill(near.messages.reliable, content(1, 1000))
      near.leave()
      equal((await within(reading, 'the end')).length, sent, 'messages')
      stateIs(far, 'closed')
    }),
  )

  t.test('a daemon in a thread: this one has its connection, and finds its orderly end', () =>
    GudpRig.run(async (rig) => {
      const inlet = await rig.inlet(PACED)
      const thread = rig.thread('open', { port: inlet.port, options: PACED })
      const handle = (await within(thread.next(), 'the handle')) as GudpConnectionHandle
      const far = await inlet.next()
      const near = GudpConnection.from(handle)
      far.messages.reliable.send('for whoever has it')
      equal(text(await near.messages.reliable.recv({ timeoutMs: 5000 })), 'for whoever has it', 'what comes')
      const waiting = [near.recv(), far.recv()]
      thread.post('end')
      for (const wait of waiting) equal(await within(wait, 'the end'), undefined, 'the end')
      stateIs(near, 'closed')
      stateIs(far, 'closed', 'the state there')
      near.leave()
    }),
  )

  t.test('an I/O thread that is gone: ERR_IO_THREAD, waiters wake, another daemon can be had', () =>
    GudpRig.run(async (rig) => {
      const { daemon, ioThread } = await rig.daemonApart()
      const inlet = await rig.inlet(PACED)
      const near = await daemon.connect({ host: '127.0.0.1', port: inlet.port, ...PACED })
      const waiting = near.recv()
      await ioThread.stop()
      equal(await within(waiting, 'who waits'), undefined, 'what it gets')
      await until(() => !near.isOpen, 'the end is told')
      equal(near.send('x'), false, 'nothing is sent')
      await within(near.close(), 'the close')
      await within(daemon.stop(), 'the stop')
    }),
  )
})
