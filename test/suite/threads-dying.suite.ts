// Threads that are terminated: the others go on.
import { ManyToOne, OneToMany, OneToOne, Waiter } from 'spillway'
import { seeded } from '../../src/sim/network/random.ts'
import { deepEqual, equal, ok, sleep, suite, text, until } from '../support/harness.ts'
import { StreamCheck } from '../support/payload.ts'
import { spawnThread } from '../support/threads.ts'
import { checkLaw } from './ledger.ts'
import { memoryBytes, readAll } from './rigs.ts'
import { heard, needs, soon, spawnReader } from './thread-helpers.ts'

export const dyingSuite = suite('threads: terminated', (t) => {
  t.test(
    'writers killed in the middle: others go on, nothing half-written comes out',
    async () => {
      const random = seeded(77)
      let alerted = 0
      const diode = new ManyToOne(32, (missed) => (alerted += missed), { maxWriters: 32, recordBytes: 400 })
      const check = new StreamCheck()
      for (let round = 0; round < 5; round++) {
        const spawn = (writer: number) =>
          spawnThread('writeForever', {
            kind: 'ManyToOne',
            handle: diode.handle,
            writer,
            lengths: [0, 400],
            claims: writer % 2 === 1,
          })
        const [victim, other] = [spawn(round * 2 + 1), spawn(round * 2 + 2)]
        await Promise.all([heard(victim, 'started'), heard(other, 'started')])
        const before = Date.now()
        const lifetime = random.between(1, 15)
        while (Date.now() - before < lifetime) {
          diode.drain((record) => check.take(record), 500)
          await sleep(0)
        }
        await victim.terminate()
        const written = diode.stats().written
        await until(() => {
          diode.drain((record) => check.take(record), 500)
          return diode.stats().written > written
        }, 'the other goes on')
        await other.terminate()
      }
      await sleep(20)
      await quiet(() => diode.stats().written)
      while (diode.drain((record) => check.take(record)) > 0);
      deepEqual(check.problems, [], 'problems')
      const stats = diode.stats()
      checkLaw(stats, 'at the end')
      equal(alerted, stats.missed, 'the sum of the alerts')
      equal(stats.depth, 0, 'depth')
      diode.close()
    },
    { needs },
  )

  t.test(
    'a poller killed under drop-oldest: writer and other pollers do not notice',
    async () => {
      const diode = new OneToMany(16)
      const poller = diode.poller()
      const victim = await spawnReader({ kind: 'OneToMany', handle: diode.handle, way: 'drain' })
      for (let i = 0; i < 1000; i++) diode.set(`${i}`)
      await victim.terminate()
      for (let i = 0; i < 1000; i++) equal(diode.set(`${i}`), true, 'set')
      equal(readAll(poller).length, 16, 'records the other poller finds')
      checkLaw(poller.stats(), 'poller')
      checkLaw(diode.stats(), 'ring')
      poller.close()
      diode.close()
    },
    { needs },
  )

  t.test(
    'a poller killed under drop-newest does not freeze the ring for ever',
    async () => {
      const diode = new OneToMany(4, null, { policy: 'drop-newest' })
      const poller = diode.poller()
      const victim = spawnThread('hold', { kind: 'OneToMany', handle: diode.handle, as: 'reader' })
      await heard(victim, 'holding')
      await victim.terminate()
      const deadline = Date.now() + 8000
      let stored = 0
      while (stored < 20 && Date.now() < deadline) {
        if (diode.set('x')) stored++
        else await sleep(5)
        readAll(poller)
      }
      equal(stored, 20, 'records stored within 8 s of the death')
      checkLaw(poller.stats(), 'poller')
      checkLaw(diode.stats(), 'ring')
      poller.close()
      diode.close()
    },
    { needs },
  )

  t.test(
    'what a dead writer had completed is still delivered',
    async () => {
      const diode = new ManyToOne(8)
      const victim = spawnThread('hold', {
        kind: 'ManyToOne',
        handle: diode.handle,
        as: 'writer',
        record: 'last words',
        claim: true,
      })
      await heard(victim, 'holding')
      await victim.terminate()
      await sleep(50)
      deepEqual(readAll(diode).map(text), ['last words'])
      checkLaw(diode.stats(), 'at the end')
      diode.close()
    },
    { needs },
  )

  t.test(
    "a dead writer's place is given again where its end is known",
    async () => {
      const diode = new ManyToOne(8, null, { maxWriters: 2 })
      const job = { kind: 'ManyToOne', handle: diode.handle, as: 'writer', record: 'x' }
      for (let round = 0; round < 6; round++) {
        const victim = spawnThread('hold', job)
        equal(await heard(victim, 'holding'), 'holding', `round ${round}`)
        if (round % 2) {
          victim.post('end')
          await soon(victim.exited, 'the end of the thread')
        } else {
          await victim.terminate()
        }
        await sleep(10)
      }
      equal(readAll(diode).length, 6, 'records')
      checkLaw(diode.stats(), 'at the end')
      diode.close()
    },
    { needs: ['threads', 'exits'] },
  )

  t.test(
    'a dead writer of OneToOne ends the waiting, once drained, and can be replaced',
    async () => {
      const diode = new OneToOne(8)
      const { handle } = diode
      const victim = spawnThread('hold', {
        kind: 'OneToOne',
        handle,
        as: 'writer',
        record: 'last words',
        claim: true,
      })
      await heard(victim, 'holding')
      const waiter = new Waiter(diode)
      equal(text(await soon(waiter.next(), 'the record')), 'last words', 'next')
      const pending = waiter.next()
      await victim.terminate()
      equal(await soon(pending, 'the end'), undefined, 'next after the death')
      const heir = spawnThread('hold', { kind: 'OneToOne', handle, as: 'writer', record: 'new words' })
      equal(await heard(heir, 'holding'), 'holding', 'the heir')
      equal(text(diode.tryNext()), 'new words', 'tryNext')
      heir.post('end')
      await soon(heir.result, 'the heir')
      checkLaw(diode.stats(), 'at the end')
      diode.close()
    },
    { needs: ['threads', 'exits'] },
  )

  t.test(
    'a dead reader can be replaced, and what it had not read is not lost',
    async () => {
      const diode = new OneToOne(8)
      const { handle } = diode
      const victim = spawnThread('hold', { kind: 'OneToOne', handle, as: 'reader' })
      await heard(victim, 'holding')
      for (let i = 0; i < 5; i++) diode.set(`${i}`)
      await victim.terminate()
      await sleep(10)
      const heir = OneToOne.from(handle)
      deepEqual(readAll(heir).map(text), ['0', '1', '2', '3', '4'])
      checkLaw(heir.stats(), 'at the end')
      heir.close()
      diode.close()
    },
    { needs: ['threads', 'exits'] },
  )

  t.test(
    'threads that come and go leave memory flat',
    async () => {
      const diode = new ManyToOne(8, null, { maxWriters: 4 })
      const size = () => memoryBytes(diode)
      const round = async (leave: boolean) => {
        const job = { kind: 'ManyToOne', handle: diode.handle, as: 'writer', record: 'x', leave }
        const thread = spawnThread('hold', job)
        equal(await heard(thread, 'holding'), 'holding', 'a new thread')
        thread.post('end')
        await soon(thread.exited, 'the end of the thread')
        await sleep(2)
        readAll(diode)
      }
      for (let i = 0; i < 4; i++) await round(i % 2 === 0)
      const before = size()
      for (let i = 0; i < 16; i++) await round(i % 2 === 0)
      equal(size(), before, 'bytes of shared memory')
      ok(diode.stats().written === 20, 'written')
      diode.close()
    },
    { needs: ['threads', 'exits'] },
  )
})

/** Waits until a figure stands still: where `terminate` is no proof of death, a thread may run on for a while. */
async function quiet(figure: () => number): Promise<void> {
  const deadline = Date.now() + 15_000
  let last = figure()
  for (let still = 0; still < 10; still++) {
    await sleep(20)
    if (figure() !== last) still = 0
    last = figure()
    ok(Date.now() < deadline, 'the terminated threads stop within 15 s')
  }
}
