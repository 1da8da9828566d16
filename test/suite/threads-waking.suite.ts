// Across threads: who sleeps is woken.
import { ManyToOne, OneToOne, Waiter } from 'spillway'
import { deepEqual, equal, sleep, suite, text, until } from '../support/harness.ts'
import { StreamCheck } from '../support/payload.ts'
import { spawnThread } from '../support/threads.ts'
import { checkLaw } from './ledger.ts'
import { classOf, growMemory, kinds } from './rigs.ts'
import { heard, needs, soon, spawnWriter } from './thread-helpers.ts'

export const wakingSuite = suite('threads: waking', (t) => {
  t.test(
    'a sleeping thread is woken, whatever it waits by',
    async () => {
      for (const kind of kinds) {
        const diode = new (classOf(kind))(8)
        const thread = spawnThread('blockForNext', { kind, handle: diode.handle, timeoutMs: 20_000 })
        await heard(thread, 'ready')
        await sleep(30)
        diode.set('wake up')
        equal(await soon(thread.result, 'the sleeper'), 'wake up', kind)
        diode.close()
      }
    },
    { needs },
  )

  t.test(
    'memory that grows here while a thread is blocked there',
    async () => {
      const diode = new OneToOne(8)
      const job = { kind: 'OneToOne', handle: diode.handle, timeoutMs: 20_000 }
      const thread = spawnThread('blockForNext', job)
      await heard(thread, 'ready')
      const { newest, close } = growMemory()
      diode.set('wake up')
      equal(await soon(thread.result, 'the sleeper'), 'wake up', 'the record')
      newest.set('skipped'.repeat(100_000))
      newest.set('x'.repeat(50_000))
      const reader = spawnThread('blockForNext', { kind: 'OneToOne', handle: newest.handle })
      equal(await soon(reader.result, 'the reader'), 'x'.repeat(50_000), 'a record in the new part')
      close()
      diode.close()
    },
    { needs },
  )

  t.test(
    'a blocked thread times out',
    async () => {
      const diode = new OneToOne(8)
      const thread = spawnThread('blockForNext', { kind: 'OneToOne', handle: diode.handle, timeoutMs: 30 })
      equal(await soon(thread.result, 'the sleeper'), undefined, 'the result')
      diode.close()
    },
    { needs },
  )

  t.test(
    'a blocked thread is woken by the end of the ring',
    async () => {
      const diode = new OneToOne(8)
      const thread = spawnThread('blockForNext', { kind: 'OneToOne', handle: diode.handle })
      diode.set('a')
      await heard(thread, 'ready')
      await sleep(20)
      diode.close()
      await soon(thread.result, 'the sleeper')
    },
    { needs },
  )

  t.test(
    'records go to a thread and back, each woken',
    async () => {
      const there = new OneToOne(8, null, { policy: 'drop-newest' })
      const back = new OneToOne(8, null, { policy: 'drop-newest' })
      const thread = spawnThread('echo', { from: there.handle, to: back.handle })
      await heard(thread, 'ready')
      const waiter = new Waiter(back)
      for (let i = 0; i < 300; i++) {
        there.set(`${i}`)
        equal(text(await soon(waiter.next(), `echo ${i}`)), `${i}`, 'the echo')
      }
      there.close()
      equal(await soon(thread.result, 'the echo thread'), 300, 'records echoed')
      equal(await soon(waiter.next(), 'the end'), undefined, 'next after the writer has left')
      back.close()
    },
    { needs },
  )

  t.test(
    'a Waiter here hears of a burst there',
    async () => {
      const diode = new ManyToOne(64)
      const abort = new AbortController()
      const threads = [1, 2].map((writer) =>
        spawnWriter({
          kind: 'ManyToOne',
          handle: diode.handle,
          writer,
          records: 600,
          seed: writer,
          lengths: [12, 40],
          pauseEvery: 60,
        }),
      )
      const check = new StreamCheck()
      const reading = (async () => {
        for await (const record of new Waiter(diode, { signal: abort.signal })) check.take(record)
      })()
      await soon(Promise.all(threads.map(({ result }) => result)), 'the writers')
      await until(() => diode.stats().depth === 0, 'the ring is read')
      abort.abort()
      await soon(reading, 'the loop')
      deepEqual(check.problems, [], 'problems')
      const stats = diode.stats()
      equal(stats.written, 1200, 'written')
      equal(check.records, stats.read, 'read')
      checkLaw(stats, 'at the end')
      diode.close()
    },
    { needs },
  )
})
