// Across threads: joining by handle, whoever made the ring.
import { OneToMany, OneToOne } from 'spillway'
import { deepEqual, equal, suite, text } from '../support/harness.ts'
import { spawnThread } from '../support/threads.ts'
import { checkLaw } from './ledger.ts'
import { classOf, type Handle, kinds, readAll } from './rigs.ts'
import { heard, needs, soon } from './thread-helpers.ts'

export const joiningSuite = suite('threads: joining', (t) => {
  for (const kind of kinds) {
    t.test(
      `${kind} by a handle in a message, and back`,
      async () => {
        const diode = new (classOf(kind))(8)
        const reader = diode instanceof OneToMany ? diode.poller() : diode
        const thread = spawnThread('greet')
        thread.post({ kind, handle: diode.handle })
        const { handle } = (await heard(thread, 'the handle')) as { handle: Handle }
        equal(text(reader.tryNext()), 'hello from a thread', 'tryNext')
        const again = classOf(kind).from(handle as never)
        equal(again.stats().written, 1, 'written, by the handle that came back')
        again.close()
        thread.post('go')
        equal(await soon(thread.result, 'the end'), 'bye', 'the result')
        reader.close()
        diode.close()
      },
      { needs },
    )

    t.test(
      `${kind} made in another thread's memory`,
      async () => {
        const mine = new (classOf(kind))(4)
        const thread = spawnThread('host', { kind })
        const { handle } = (await heard(thread, 'the handle')) as { handle: Handle }
        const diode = classOf(kind).from(handle as never)
        const reader = diode instanceof OneToMany ? diode.poller() : diode
        equal(text(reader.tryNext()), 'made elsewhere', 'tryNext')
        mine.set('mine')
        equal(mine.stats().written, 1, 'written to my own')
        thread.post('go on')
        equal(await heard(thread, 'written'), 'written', 'message')
        equal(text(reader.tryNext()), 'and later', 'tryNext')
        thread.post('leave')
        equal(((await soon(thread.result, 'the end')) as { written: number }).written, 2, 'written')
        reader.close()
        diode.close()
        mine.close()
      },
      { needs },
    )
  }

  t.test(
    'a handle passed on from thread to thread',
    async () => {
      const host = spawnThread('host', { kind: 'ManyToOne' })
      const { handle } = (await heard(host, 'the handle')) as { handle: Handle }
      const guest = spawnThread('greet')
      guest.post({ kind: 'ManyToOne', handle })
      await heard(guest, 'the handle')
      guest.post('go')
      await soon(guest.result, 'the end of the guest')
      host.post('go on')
      await heard(host, 'written')
      host.post('leave')
      equal(((await soon(host.result, 'the end')) as { written: number }).written, 3, 'written')
    },
    { needs },
  )

  t.test(
    'the maker leaves, the ring lives on',
    async () => {
      const host = spawnThread('host', { kind: 'OneToOne' })
      const { handle } = (await heard(host, 'the handle')) as { handle: Handle }
      const diode = OneToOne.from(handle as never)
      host.post('go on')
      await heard(host, 'written')
      host.post('leave')
      await soon(host.result, 'the end')
      await host.terminate()
      deepEqual(readAll(diode).map(text), ['made elsewhere', 'and later'])
      checkLaw(diode.stats(), 'at the end')
      diode.close()
    },
    { needs },
  )
})
