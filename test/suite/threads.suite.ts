// Across threads: every diode joined by handle from other threads, and threads that are terminated.
import { ManyToOne, OneToMany, OneToOne, Waiter } from 'spillway'
import { deepEqual, equal, ok, sleep, suite, text, until, within } from '../support/harness.ts'
import { seeded } from '../support/random.ts'
import { spawnThread, type Thread } from '../support/threads.ts'
import { StreamCheck } from '../support/payload.ts'
import { checkLaw } from './ledger.ts'
import { classOf, type Handle, kinds, type Policy, policies, type Reader, readAll } from './rigs.ts'
import type { ReadJob, ReadReport, WriteJob, WriteReport } from './thread-entry.ts'

const soon = <T>(promise: Promise<T>, what: string) => within(promise, what, 30_000)
const heard = (thread: Thread, what: string) => soon(thread.next(), `'${what}' from the thread`)

const spawnWriter = (job: WriteJob) => spawnThread('write', job)

async function spawnReader(job: ReadJob): Promise<Thread> {
  const thread = spawnThread('read', job)
  equal(await heard(thread, 'ready'), 'ready', 'the reader')
  return thread
}

async function stopReader(thread: Thread): Promise<ReadReport> {
  thread.post('stop')
  const report = (await soon(thread.result, 'the report of the reader')) as ReadReport
  deepEqual(report.problems, [], 'problems the reader found')
  checkLaw(report.stats, 'reader')
  equal(report.alerted, report.stats.missed, 'the sum of the alerts')
  equal(report.stats.depth, 0, 'depth')
  equal(report.records, report.stats.read, 'records read')
  return report
}

/** Reads on this thread until the threads are done and the ring is empty. */
async function readUntil(reader: Reader, done: Promise<unknown>): Promise<StreamCheck> {
  const check = new StreamCheck()
  let isDone = false
  done.then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  for (;;) {
    const wasDone = isDone
    const count = reader.drain((record) => check.take(record), 5000)
    if (count === 0 && wasDone) return check
    if (count < 5000) await sleep(0)
  }
}

const needs = ['threads' as const]

export const joiningSuite = suite('threads: joining', (t) => {
  for (const kind of kinds) {
    t.test(`${kind} by a handle in a message, and back`, async () => {
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
    }, { needs })

    t.test(`${kind} made in another thread's memory`, async () => {
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
    }, { needs })
  }

  t.test('a handle passed on from thread to thread', async () => {
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
  }, { needs })

  t.test('the maker leaves, the ring lives on', async () => {
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
  }, { needs })
})

interface Flow {
  policy: Policy
  lengths: readonly [number, number]
  capacity: number
}

const flows: Flow[] = policies.flatMap((policy) => [
  { policy, lengths: [12, 12] as const, capacity: 1024 },
  { policy, lengths: [0, 300] as const, capacity: 16 },
  { policy, lengths: [12, 64] as const, capacity: 1 },
])

const nameOf = ({ policy, lengths, capacity }: Flow) => `${policy}, ${capacity} records of ${lengths.join('-')} bytes`

export const flowSuite = suite('threads: whole, in order, none twice, every loss counted', (t) => {
  for (const flow of flows) {
    const options = { policy: flow.policy, recordBytes: 300 }
    const { lengths } = flow

    t.test(`OneToOne, a thread writes, ${nameOf(flow)}`, async () => {
      let alerted = 0
      const diode = new OneToOne(flow.capacity, (missed) => (alerted += missed), options)
      const { handle } = diode
      const thread = spawnWriter({ kind: 'OneToOne', handle, writer: 1, records: 20_000, seed: 11, lengths, claimEvery: 5 })
      const check = await readUntil(diode, soon(thread.result, 'the writer'))
      deepEqual(check.problems, [], 'problems')
      const report = (await thread.result) as WriteReport
      const stats = diode.stats()
      checkLaw(stats, 'at the end')
      equal(alerted, stats.missed, 'the sum of the alerts')
      equal(stats.written, report.stored, 'written')
      equal(stats.dropped, report.refused, 'dropped')
      equal(check.records, stats.read, 'read')
      diode.close()
    }, { needs })

    t.test(`ManyToOne, three threads write, ${nameOf(flow)}`, async () => {
      let alerted = 0
      const diode = new ManyToOne(flow.capacity, (missed) => (alerted += missed), options)
      const { handle } = diode
      const threads = [1, 2, 3].map((writer) =>
        spawnWriter({ kind: 'ManyToOne', handle, writer, records: 8000, seed: writer, lengths, claimEvery: 7 }),
      )
      const check = await readUntil(diode, soon(Promise.all(threads.map(({ result }) => result)), 'the writers'))
      deepEqual(check.problems, [], 'problems')
      const reports = (await Promise.all(threads.map(({ result }) => result))) as WriteReport[]
      const stats = diode.stats()
      checkLaw(stats, 'at the end')
      equal(alerted, stats.missed, 'the sum of the alerts')
      equal(stats.written, reports.reduce((sum, { stored }) => sum + stored, 0), 'written')
      equal(stats.dropped, reports.reduce((sum, { refused }) => sum + refused, 0), 'dropped')
      equal(check.records, stats.read, 'read')
      diode.close()
    }, { needs })

    t.test(`OneToMany, a thread writes, two others and this one read, ${nameOf(flow)}`, async () => {
      const diode = new OneToMany(flow.capacity, null, options)
      let alerted = 0
      const poller = diode.poller((missed) => (alerted += missed))
      const job: ReadJob = { kind: 'OneToMany', handle: diode.handle, way: 'drain' }
      const readers = [await spawnReader(job), await spawnReader({ ...job, way: 'tryNext', slow: true })]
      const writer = spawnWriter({ kind: 'OneToMany', handle: diode.handle, writer: 1, records: 10_000, seed: 5, lengths })
      const check = await readUntil(poller, soon(writer.result, 'the writer'))
      deepEqual(check.problems, [], 'problems')
      const { stored } = (await writer.result) as WriteReport
      for (const reader of readers) equal((await stopReader(reader)).stats.written, stored, 'written, as the thread saw')
      const stats = poller.stats()
      checkLaw(stats, 'poller')
      checkLaw(diode.stats(), 'ring')
      equal(stats.written, stored, 'written')
      equal(alerted, stats.missed, 'the sum of the alerts')
      poller.close()
      diode.close()
    }, { needs })
  }

  for (const way of ['tryNext', 'drain', 'waiter', 'nextSync'] as const) {
    t.test(`OneToOne, a thread reads by ${way}, nothing is lost when the writer waits`, async () => {
      const diode = new OneToOne(32, null, { policy: 'drop-newest' })
      const reader = await spawnReader({ kind: 'OneToOne', handle: diode.handle, way })
      let stored = 0
      for (let i = 0; i < 5000; i++) {
        const record = new Uint8Array(12)
        new DataView(record.buffer).setUint32(4, i, true)
        record[8] = 12
        while (!diode.set(record)) await sleep(0)
        stored++
        if (i % 500 === 0) await sleep(2)
      }
      const writerStats = diode.stats()
      equal(writerStats.written, stored, 'written')
      diode.close()
      const report = await stopReader(reader)
      equal(report.records, stored, 'records that came')
      equal(report.stats.missed, 0, 'missed')
    }, { needs })
  }
})

export const wakingSuite = suite('threads: waking', (t) => {
  t.test('a sleeping thread is woken, whatever it waits by', async () => {
    for (const kind of kinds) {
      const diode = new (classOf(kind))(8)
      const thread = spawnThread('blockForNext', { kind, handle: diode.handle, timeoutMs: 20_000 })
      await heard(thread, 'ready')
      await sleep(30)
      diode.set('wake up')
      equal(await soon(thread.result, 'the sleeper'), 'wake up', kind)
      diode.close()
    }
  }, { needs })

  t.test('a blocked thread times out', async () => {
    const diode = new OneToOne(8)
    const thread = spawnThread('blockForNext', { kind: 'OneToOne', handle: diode.handle, timeoutMs: 30 })
    equal(await soon(thread.result, 'the sleeper'), undefined, 'the result')
    diode.close()
  }, { needs })

  t.test('a blocked thread is woken by the end of the ring', async () => {
    const diode = new OneToOne(8)
    const thread = spawnThread('blockForNext', { kind: 'OneToOne', handle: diode.handle })
    diode.set('a')
    await heard(thread, 'ready')
    await sleep(20)
    diode.close()
    await soon(thread.result, 'the sleeper')
  }, { needs })

  t.test('records go to a thread and back, each woken', async () => {
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
  }, { needs })

  t.test('a Waiter here hears of a burst there', async () => {
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
  }, { needs })
})

export const dyingSuite = suite('threads: terminated', (t) => {
  t.test('writers killed in the middle: others go on, nothing half-written comes out', async () => {
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
  }, { needs })

  t.test('a poller killed under drop-oldest: writer and other pollers do not notice', async () => {
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
  }, { needs })

  t.test('a poller killed under drop-newest does not freeze the ring for ever', async () => {
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
  }, { needs })

  t.test('what a dead writer had completed is still delivered', async () => {
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
  }, { needs })

  t.test("a dead writer's place is given again where its end is known", async () => {
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
  }, { needs: ['threads', 'exits'] })

  t.test('a dead writer of OneToOne ends the waiting, once drained, and can be replaced', async () => {
    const diode = new OneToOne(8)
    const { handle } = diode
    const victim = spawnThread('hold', { kind: 'OneToOne', handle, as: 'writer', record: 'last words', claim: true })
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
  }, { needs: ['threads', 'exits'] })

  t.test('a dead reader can be replaced, and what it had not read is not lost', async () => {
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
  }, { needs: ['threads', 'exits'] })

  t.test('threads that come and go leave memory flat', async () => {
    const diode = new ManyToOne(8, null, { maxWriters: 4 })
    const size = () => (diode.handle as { memory: WebAssembly.Memory }).memory.buffer.byteLength
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
  }, { needs: ['threads', 'exits'] })
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
