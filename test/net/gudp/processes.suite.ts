// A peer in a process of its own that is killed, started anew, or stops its daemon.
import type { GudpConnection } from 'spillway/gudp'
import { deepEqual, equal, ok, rejectsCode, suite, text, within } from '../../support/harness.ts'
import { GudpRig, NOBODY, stateIs } from './rig.ts'

const PACED = { congestion: 'paced' } as const
const SHORT = { connectTimeoutMs: 1000 }
const QUICK = { ...PACED, timeoutMs: 800, heartbeatMs: 150 }

/** The peer has not only the connection, but is serving it. */
async function heard(connection: GudpConnection): Promise<void> {
  connection.messages.reliable.send('hello')
  equal(text(await connection.messages.reliable.recv({ timeoutMs: 5000 })), 'hello', 'it goes')
}

export const processesSuite = suite('gudp, peers in processes', (t) => {
  t.test('the peer is killed: refused or timed-out, and whoever waits is woken; nobody is there then', () =>
    GudpRig.run(async (rig) => {
      const peer = await rig.peer(QUICK)
      const near = await rig.connect(peer.port, QUICK)
      near.send('hello')
      equal(text(await near.recv({ timeoutMs: 5000 })), 'hello', 'it goes')
      const waiting = [near.recv(), near.messages.reliable.recv()]
      await peer.kill()
      near.messages.reliable.send('nobody hears')
      for (const wait of waiting) equal(await within(wait, 'who waits'), undefined, 'what it gets')
      const { state } = near.status
      ok(state === 'refused' || state === 'timed-out', `the state is ${state}`)
      await rejectsCode(() => rig.connect(peer.port, SHORT), NOBODY)
    }),
  )

  t.test('the peer is started anew at its port: the old connection ends, a new one can be made', () =>
    GudpRig.run(async (rig) => {
      const first = await rig.peer(QUICK)
      const { port } = first
      const old = await rig.connect(port, QUICK)
      const waiting = old.recv()
      await first.kill()
      const second = await rig.peer({ ...QUICK, port })
      equal(second.port, port, 'the port')
      const near = await rig.connect(port, QUICK)
      near.messages.reliable.send('hello again')
      equal(text(await near.messages.reliable.recv({ timeoutMs: 5000 })), 'hello again', 'the new one')
      equal(await within(waiting, 'who waits'), undefined, 'what it gets')
      ok(['refused', 'timed-out', 'reset'].includes(old.status.state), `the old one is ${old.status.state}`)
      stateIs(near, 'open', 'the new one')
    }),
  )

  t.test('the daemon of the peer stops: closed on both sides, and whoever waits is woken', () =>
    GudpRig.run(async (rig) => {
      const peer = await rig.peer(PACED)
      const near = await rig.connect(peer.port, PACED)
      await heard(near)
      const waiting = [near.recv(), near.messages.reliable.recv(), near.messages.unreliable.recv()]
      peer.tell('stop')
      for (const wait of waiting) equal(await within(wait, 'who waits'), undefined, 'what it gets')
      stateIs(near, 'closed')
      deepEqual(await peer.next(), { ended: 'closed' }, 'the peer')
      await rejectsCode(() => rig.connect(peer.port, SHORT), NOBODY)
    }),
  )

  t.test('this daemon stops: what was sent goes out, waiters wake, the peer finds it closed', () =>
    GudpRig.run(async (rig) => {
      const { near, far } = await rig.pair(PACED)
      const peer = await rig.peer(PACED)
      const other = await rig.connect(peer.port, PACED)
      await heard(other)
      const waiting = [near.recv(), other.messages.reliable.recv()]
      const sent = Array.from({ length: 100 }, (_, i) => `message ${i}`)
      for (const message of sent) near.messages.reliable.send(message)
      const stopping = rig.client.stop()
      for (const message of sent)
        equal(text(await far.messages.reliable.recv({ timeoutMs: 5000 })), message, 'what comes')
      equal(await within(far.messages.reliable.recv(), 'the end'), undefined, 'the end')
      stateIs(far, 'closed')
      for (const wait of waiting) equal(await within(wait, 'who waits'), undefined, 'what it gets')
      deepEqual(await peer.next(), { ended: 'closed' }, 'the peer')
      await within(stopping, 'the stop')
      stateIs(near, 'closed')
      equal(near.send('x'), false, 'nothing more')
      await near.close()
    }),
  )
})
