// Packets: what `send` and `recv` of a connection do, by blocking and by promises.
import { equal, ok, rejectsCode, suite, text, throwsCode, within } from '../../support/harness.ts'
import { content, fill, GudpRig, isContent, modes, receive, transmit } from './rig.ts'

const PACED = { congestion: 'paced' } as const
/** A packet each 200 ms goes out of a buffer for four. */
const SLOW = { packetsPerSecond: { good: 5, bad: 5 }, packetBufferBytes: 4096 }

export const packetsSuite = suite('gudp, packets', (t) => {
  for (const mode of modes) {
    t.test(`of 0 to 30,000 bytes, both ways, ${mode}`, () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(PACED)
        for (const [number, length] of [0, 1, 1100, 1200, 30_000, 32_768].entries()) {
          ok(near.send(content(number, length)), `${length} bytes there`)
          ok(await transmit(mode, far, content(number + 50, length)), `${length} bytes back`)
          isContent(await receive(mode, far), number, length, 'a packet there')
          isContent(await receive(mode, near), number + 50, length, 'a packet back')
        }
        ok(near.stats().fragmentsSent >= 55, 'the long ones went in fragments')
        ok(far.stats().fragmentsReceived >= 55, 'and came so')
      }),
    )

    t.test(`nothing comes: undefined when the time is up, and what comes later is there, ${mode}`, () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(PACED)
        const began = performance.now()
        equal(await receive(mode, far, 60), undefined, 'in the time')
        const took = performance.now() - began
        ok(took > 50 && took < 2000, `it took ${took} ms`)
        equal(await receive(mode, far, 0), undefined, 'when it only looks')
        near.send('later')
        equal(text(await receive(mode, far)), 'later', 'what came')
      }),
    )

    t.test(`a full buffer: false at once and when the time is up; there will be room again, ${mode}`, () =>
      GudpRig.run(async (rig) => {
        const { near, far } = await rig.pair(SLOW)
        const sent = fill(near, content(1, 1000))
        ok(sent >= 3, `${sent} were taken`)
        let more = 0
        while (await transmit(mode, near, content(1, 1000), 5)) more++
        ok(more <= 2, `not in 5 ms: ${more} more`)
        equal(await transmit(mode, near, content(1, 1000)), true, 'with time')
        for (let i = 0; i < 2; i++) isContent(await receive(mode, far), 1, 1000, 'a packet')
      }),
    )
  }

  t.test('too long: EMSGSIZE, and the longest is taken', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair({ ...PACED, maxPacketBytes: 2000 })
      throwsCode(() => near.send(new Uint8Array(2001)), 'EMSGSIZE')
      throwsCode(() => near.sendSync(new Uint8Array(2001)), 'EMSGSIZE')
      await rejectsCode(() => near.sendWhenRoom(new Uint8Array(2001)), 'EMSGSIZE')
      throwsCode(() => near.messages.reliable.send(new Uint8Array(262_145)), 'EMSGSIZE')
      ok(near.send(content(3, 2000)), 'the longest')
      isContent(await far.recv({ timeoutMs: 5000 }), 3, 2000, 'a packet')
    }),
  )

  t.test('one that is too long is told of, and those who wait behind it are served', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(SLOW)
      fill(near, content(1, 1000))
      const first = near.sendWhenRoom('first')
      const long = rejectsCode(() => near.sendWhenRoom(new Uint8Array(5000)), 'EMSGSIZE')
      const last = near.sendWhenRoom('last')
      equal(await within(first, 'the first'), true, 'the first')
      await within(long, 'the long one')
      equal(await within(last, 'the last'), true, 'the last')
      ok((await far.recv({ timeoutMs: 5000 })) !== undefined, 'a packet')
    }),
  )

  t.test('the signal ends a wait: it rejects with the reason, and the message goes to the next', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      for (const reason of [new Error('enough'), 'a text', null]) {
        for (const timeoutMs of [undefined, 10_000]) {
          const abort = new AbortController()
          const waits = [far.recv({ signal: abort.signal, timeoutMs }), far.recv({ timeoutMs })]
          abort.abort(reason)
          equal(await waits[0]!.catch((error) => error), reason as never, 'why it rejects')
          near.send('for the next')
          equal(text(await within(waits[1]!, 'the next')), 'for the next', 'what comes')
          const before = far.recv({ signal: abort.signal, timeoutMs })
          equal(await before.catch((error) => error), reason as never, 'aborted before')
        }
      }
    }),
  )

  t.test('the signal ends a wait for room, too', () =>
    GudpRig.run(async (rig) => {
      const { near } = await rig.pair(SLOW)
      fill(near, content(1, 1000))
      const abort = new AbortController()
      const { signal } = abort
      // More than can have found room meanwhile.
      const sending = Array.from({ length: 10 }, () => near.sendWhenRoom(content(2, 1000), { signal }))
      const reason = new Error('enough')
      abort.abort(reason)
      const outcomes = await Promise.allSettled(sending)
      equal((outcomes.at(-1) as PromiseRejectedResult).reason, reason, 'why it rejects')
    }),
  )

  t.test('text goes as UTF-8, and what comes is the caller’s own', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      near.send('grüße')
      const first = (await far.recv({ timeoutMs: 5000 }))!
      near.send('others')
      await far.recv({ timeoutMs: 5000 })
      equal(text(first), 'grüße', 'the first')
      ok(!(first.buffer instanceof SharedArrayBuffer), 'in memory of its own')
    }),
  )
})
