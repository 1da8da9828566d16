// Messages in channels: order, blocking of one by another, what is delivered before the end.
import { deepEqual, equal, ok, suite, text, until, within } from '../../support/harness.ts'
import { all, content, fill, GudpRig, isContent, modes, receive, stateIs, transmit } from './rig.ts'

const PACED = { congestion: 'paced' } as const
const SMALL = { ...PACED, channelBufferBytes: 8192 }
const LENGTHS = [0, 1, 1100, 5000, 262_144, 3, 65_536, 0, 100_000, 262_144, 7]

export const messagesSuite = suite('gudp, messages', (t) => {
  for (const mode of modes) {
    t.test(`reliable, of 0 to 256 KiB, ${mode}`, () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(PACED)
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          for (const [i, length] of LENGTHS.entries()) {
            ok(await transmit(mode, from.messages.reliable, content(i, length)), 'it is sent')
            isContent(await receive(mode, to.messages.reliable), i, length, 'a message')
          }
        }
      }),
    )
  }

  t.test('reliable, both ways at once, in their order', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const lengths = [...LENGTHS, ...Array.from({ length: 300 }, (_, i) => (i * 37) % 3000)]
      const work = [near, far].flatMap((end) => [
        (async () => {
          for (const [i, length] of lengths.entries())
            ok(await end.messages.reliable.sendWhenRoom(content(i, length)), 'it is sent')
        })(),
        (async () => {
          for (const [i, length] of lengths.entries())
            isContent(await end.messages.reliable.recv({ timeoutMs: 10_000 }), i, length, 'a message')
        })(),
      ])
      await within(Promise.all(work), 'all messages', 20_000)
    }),
  )

  t.test('a channel that nobody reads does not hold up the others', () =>
    GudpRig.run(async (rig) => {
      const channels = ['reliable', 'unreliable', 'reliable', 'reliable'] as const
      const { near, far } = await rig.pair({ ...SMALL, channels })
      const blocked = near.messages.channel(0)
      let sent = 0
      while (await blocked.sendWhenRoom(content(sent, 900), { timeoutMs: 100 })) sent++
      ok(sent >= 16, `${sent} messages fill both buffers`)
      for (let i = 0; i < 100; i++) {
        for (const index of [2, 3]) {
          ok(await near.messages.channel(index).sendWhenRoom(content(i, 500), { timeoutMs: 5000 }), 'sent')
          isContent(await far.messages.channel(index).recv({ timeoutMs: 5000 }), i, 500, 'a message')
        }
      }
      near.messages.unreliable.send('and this')
      equal(text(await far.messages.unreliable.recv({ timeoutMs: 5000 })), 'and this', 'unreliable')
      for (let i = 0; i < sent; i++)
        isContent(await far.messages.channel(0).recv({ timeoutMs: 5000 }), i, 900, 'a message that waited')
      equal(near.messages.reliable, blocked, 'the first reliable one')
    }),
  )

  t.test('unreliable: each once', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const sent = Array.from({ length: 60 }, (_, i) => `message ${i}`)
      for (const message of sent) ok(near.messages.unreliable.send(message), 'it is sent')
      const received: string[] = []
      while (received.length < sent.length) {
        const message = await far.messages.unreliable.recv({ timeoutMs: 2000 })
        if (message === undefined) break
        received.push(text(message)!)
      }
      deepEqual([...received].sort(), [...sent].sort(), 'what came, on loopback')
      ok(near.messages.unreliable.send(content(1, 100_000)), 'a long one')
      isContent(await far.messages.unreliable.recv({ timeoutMs: 5000 }), 1, 100_000, 'a long one')
    }),
  )

  t.test('iteration ends with the connection, after all that came', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const reading = (async () => {
        const received: string[] = []
        for await (const message of far.messages.reliable) received.push(text(message)!)
        return received
      })()
      const sent = Array.from({ length: 100 }, (_, i) => `message ${i}`)
      for (const message of sent) await near.messages.reliable.sendWhenRoom(message)
      await near.close()
      deepEqual(await within(reading, 'the end'), sent, 'what came')
      stateIs(far, 'closed')
    }),
  )

  for (const mode of modes) {
    t.test(`flush: the peer has all of it, ${mode}`, () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(PACED)
        for (let i = 0; i < 50; i++) near.messages.reliable.send(content(i, 1000))
        const limit = { timeoutMs: 10_000 }
        ok(mode === 'sync' ? near.flushSync(limit) : await near.flush(limit), 'flushed')
        for (let i = 0; i < 50; i++)
          isContent(far.messages.reliable.recvSync({ timeoutMs: 0 }), i, 1000, 'a message')
        equal(far.messages.reliable.recvSync({ timeoutMs: 0 }), undefined, 'no more')
      }),
    )

    t.test(`flush: false when the peer does not take it in time, ${mode}`, () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(SMALL)
        let sent = 0
        while (await near.messages.reliable.sendWhenRoom(content(1, 900), { timeoutMs: 50 })) sent++
        const flush = async (timeoutMs: number) =>
          mode === 'sync' ? near.flushSync({ timeoutMs }) : near.flush({ timeoutMs })
        equal(await flush(50), false, 'in time')
        equal(await flush(0), false, 'at once')
        const reading = all(far.messages.reliable)
        // Nobody reads while this thread blocks.
        equal(mode === 'sync' ? await near.flush() : await flush(10_000), true, 'when somebody reads')
        equal(await flush(0), true, 'there is no more')
        await near.close()
        equal((await reading).length, sent, 'what was read')
      }),
    )
  }

  t.test('close: what was sent goes out first', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const reading = Promise.all([all(far), all(far.messages.reliable), all(far.messages.unreliable)])
      const sent = fill(near.messages.reliable, content(5, 10_000))
      ok(near.send('a packet') && near.messages.unreliable.send('unreliable'), 'the others')
      await within(near.close(), 'the close')
      const [packets, reliable, unreliable] = await within(reading, 'the end')
      equal(reliable.length, sent, 'reliable messages')
      for (const message of reliable) isContent(message, 5, 10_000, 'a message')
      equal(packets.length, 1, 'packets')
      equal(unreliable.length, 1, 'unreliable messages')
      stateIs(near, 'closed')
      stateIs(far, 'closed')
    }),
  )

  t.test('the peer closes: what came before is received afterwards, then undefined', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      for (let i = 0; i < 20; i++) near.messages.reliable.send(content(i, 1000))
      near.send('a packet')
      await near.close()
      await until(() => !far.isOpen, 'the end is told')
      stateIs(far, 'closed')
      equal(far.messages.reliable.send('x'), false, 'nothing more is sent')
      for (let i = 0; i < 20; i++)
        isContent(
          i % 2 ? far.messages.reliable.recvSync() : await far.messages.reliable.recv(),
          i,
          1000,
          'a message',
        )
      equal(await far.messages.reliable.recv(), undefined, 'no more')
      equal(far.messages.reliable.recvSync(), undefined, 'no more, sync')
      equal(text(far.recvSync()), 'a packet', 'the packet')
      equal(await far.recv(), undefined, 'no more packets')
      equal(await far.flush(), true, 'there is nothing to flush')
      await far.close()
    }),
  )

  t.test('both close at once', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const waits = [near.recv(), far.recv(), near.messages.reliable.recv()]
      await within(Promise.all([near.close(), far.close()]), 'both are closed')
      for (const wait of waits) equal(await within(wait, 'a waiter'), undefined, 'what it got')
    }),
  )

  t.test('many connections of one port, each has its own', () =>
    GudpRig.run(async (rig) => {
      const inlet = await rig.inlet(PACED)
      const ends = await Promise.all(Array.from({ length: 30 }, () => rig.connect(inlet.port, PACED)))
      for (const [i, end] of ends.entries()) end.messages.reliable.send(`of ${i}`)
      for (let i = 0; i < ends.length; i++) {
        const far = await inlet.next()
        void far.messages.reliable.recv().then((message) => far.messages.reliable.send(message!))
      }
      for (const [i, end] of ends.entries())
        equal(text(await end.messages.reliable.recv({ timeoutMs: 5000 })), `of ${i}`, 'what comes back')
      await within(Promise.all(ends.map((end) => end.close())), 'all are closed')
    }),
  )
})
