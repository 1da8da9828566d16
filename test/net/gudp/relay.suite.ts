// A link that loses, doubles, delays and moves, between two processes.
import { deepEqual, equal, ok, suite, text, within } from '../../support/harness.ts'
import { type Both, content, GudpRig, isContent, stateIs } from './rig.ts'

const PACED = { congestion: 'paced' } as const
const ROUGH = { latencyMs: 2, jitterMs: 20, loss: 0.1, duplicate: 0.05, reorder: 0.05 }
const COUNT = 2000

/** Mostly short ones, some in several packets. */
const lengthOf = (i: number): number => (i % 40 === 0 ? 8000 : (i * 131) % 700)

/** All go there, and come back as they went. */
async function exchange(rig: GudpRig, port: number, options: Both, between = async (_i: number) => {}) {
  const connection = await rig.connect(port, options)
  const { reliable } = connection.messages
  const sending = (async () => {
    for (let i = 0; i < COUNT; i++)
      ok(await reliable.sendWhenRoom(content(i, lengthOf(i))), `message ${i} is sent`)
  })()
  for (let i = 0; i < COUNT; i++) {
    isContent(await reliable.recv({ timeoutMs: 20_000 }), i, lengthOf(i), 'a message')
    await between(i)
  }
  await sending
  equal(reliable.recvSync({ timeoutMs: 50 }), undefined, 'no more')
  return connection
}

export const relaySuite = suite('gudp, a lossy link between processes', (t) => {
  const secure = { secret: 'of both sides, and nobody else' }
  t.test(
    'loss, doubles, reordering, jitter: 2,000 messages both ways, each once, in order; the peer’s port changes meanwhile',
    () =>
      GudpRig.run(async (rig) => {
        const peer = await rig.peer({ ...PACED, secure })
        const relay = await rig.relay({ toPort: peer.port, seed: 11, there: ROUGH, back: ROUGH })
        const connection = await exchange(
          rig,
          relay.port,
          { ...PACED, secure, connectTimeoutMs: 10_000 },
          async (i) => {
            if (i === COUNT / 2) await relay.rebind()
          },
        )
        ok(relay.there.counters.lost > 50 && relay.back.counters.lost > 50, 'the link did lose some')
        ok(connection.stats().packetsLost > 0, 'which was found out')
        peer.tell('stats')
        const { moved } = await peer.next<{ moved: number }>()
        ok(moved >= 1, 'the peer saw that it moved')
        const socketErrors = [...relay.errors].filter(([code]) => code !== 'ECONNREFUSED')
        deepEqual(socketErrors, [], 'errors of the relay')
      }),
  )

  t.test('it goes silent: timed-out in its time, on both sides', () =>
    GudpRig.run(async (rig) => {
      const options = { ...PACED, timeoutMs: 600, heartbeatMs: 150 }
      const peer = await rig.peer(options)
      const relay = await rig.relay({ toPort: peer.port, seed: 12 })
      const near = await rig.connect(relay.port, options)
      near.messages.reliable.send('hello')
      equal(text(await near.messages.reliable.recv({ timeoutMs: 5000 })), 'hello', 'it goes')
      const waiting = near.recv()
      relay.there.set({ loss: 1 })
      relay.back.set({ loss: 1 })
      const began = performance.now()
      ok(near.messages.reliable.send('nobody hears'), 'it is taken')
      equal(await within(waiting, 'who waits'), undefined, 'what it gets')
      const took = performance.now() - began
      ok(took > 300 && took < 2500, `after ${took} ms`)
      stateIs(near, 'timed-out')
      equal(await near.flush(), false, 'flush')
      deepEqual(await peer.next(), { ended: 'timed-out' }, 'the peer')
    }),
  )

  t.test('idle for longer than the timeout: heartbeats keep it', () =>
    GudpRig.run(async (rig) => {
      const options = { ...PACED, timeoutMs: 400, heartbeatMs: 100 }
      const peer = await rig.peer(options)
      const near = await rig.connect(peer.port, options)
      equal(await near.recv({ timeoutMs: 900 }), undefined, 'nothing comes')
      stateIs(near, 'open')
      ok(near.stats().pingsSent > 0, 'it was asked')
      near.messages.reliable.send('still here')
      equal(text(await near.messages.reliable.recv({ timeoutMs: 5000 })), 'still here', 'it goes')
    }),
  )
})
