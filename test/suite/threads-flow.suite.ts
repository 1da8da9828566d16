// Across threads: whole, in order, none twice, every loss counted.
import { ManyToOne, OneToMany, OneToOne } from 'spillway'
import { deepEqual, equal, sleep, suite } from '../support/harness.ts'
import { checkLaw } from './ledger.ts'
import { type Policy, policies } from './rigs.ts'
import type { ReadJob, WriteReport } from './thread-entry.ts'
import { needs, readUntil, soon, spawnReader, spawnWriter, stopReader } from './thread-helpers.ts'

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

const nameOf = ({ policy, lengths, capacity }: Flow) =>
  `${policy}, ${capacity} records of ${lengths.join('-')} bytes`

export const flowSuite = suite('threads: whole, in order, none twice, every loss counted', (t) => {
  for (const flow of flows) {
    const options = { policy: flow.policy, recordBytes: 300 }
    const { lengths } = flow

    t.test(
      `OneToOne, a thread writes, ${nameOf(flow)}`,
      async () => {
        let alerted = 0
        const diode = new OneToOne(flow.capacity, (missed) => (alerted += missed), options)
        const { handle } = diode
        const thread = spawnWriter({
          kind: 'OneToOne',
          handle,
          writer: 1,
          records: 20_000,
          seed: 11,
          lengths,
          claimEvery: 5,
        })
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
      },
      { needs },
    )

    t.test(
      `ManyToOne, three threads write, ${nameOf(flow)}`,
      async () => {
        let alerted = 0
        const diode = new ManyToOne(flow.capacity, (missed) => (alerted += missed), options)
        const { handle } = diode
        const threads = [1, 2, 3].map((writer) =>
          spawnWriter({
            kind: 'ManyToOne',
            handle,
            writer,
            records: 8000,
            seed: writer,
            lengths,
            claimEvery: 7,
          }),
        )
        const check = await readUntil(
          diode,
          soon(Promise.all(threads.map(({ result }) => result)), 'the writers'),
        )
        deepEqual(check.problems, [], 'problems')
        const reports = (await Promise.all(threads.map(({ result }) => result))) as WriteReport[]
        const stats = diode.stats()
        checkLaw(stats, 'at the end')
        equal(alerted, stats.missed, 'the sum of the alerts')
        equal(
          stats.written,
          reports.reduce((sum, { stored }) => sum + stored, 0),
          'written',
        )
        equal(
          stats.dropped,
          reports.reduce((sum, { refused }) => sum + refused, 0),
          'dropped',
        )
        equal(check.records, stats.read, 'read')
        diode.close()
      },
      { needs },
    )

    t.test(
      `OneToMany, a thread writes, two others and this one read, ${nameOf(flow)}`,
      async () => {
        const diode = new OneToMany(flow.capacity, null, options)
        let alerted = 0
        const poller = diode.poller((missed) => (alerted += missed))
        const job: ReadJob = { kind: 'OneToMany', handle: diode.handle, way: 'drain' }
        const readers = [await spawnReader(job), await spawnReader({ ...job, way: 'tryNext', slow: true })]
        const writer = spawnWriter({
          kind: 'OneToMany',
          handle: diode.handle,
          writer: 1,
          records: 10_000,
          seed: 5,
          lengths,
        })
        const check = await readUntil(poller, soon(writer.result, 'the writer'))
        deepEqual(check.problems, [], 'problems')
        const { stored } = (await writer.result) as WriteReport
        for (const reader of readers)
          equal((await stopReader(reader)).stats.written, stored, 'written, as the thread saw')
        const stats = poller.stats()
        checkLaw(stats, 'poller')
        checkLaw(diode.stats(), 'ring')
        equal(stats.written, stored, 'written')
        equal(alerted, stats.missed, 'the sum of the alerts')
        poller.close()
        diode.close()
      },
      { needs },
    )
  }

  for (const way of ['tryNext', 'drain', 'waiter', 'nextSync'] as const) {
    t.test(
      `OneToOne, a thread reads by ${way}, nothing is lost when the writer waits`,
      async () => {
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
      },
      { needs },
    )
  }
})
