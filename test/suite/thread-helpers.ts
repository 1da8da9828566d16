// Writers and readers in threads of their own, and what this thread does meanwhile.
import { deepEqual, equal, sleep, within } from '../support/harness.ts'
import { StreamCheck } from '../support/payload.ts'
import { spawnThread, type Thread } from '../support/threads.ts'
import { checkLaw } from './ledger.ts'
import type { Reader } from './rigs.ts'
import type { ReadJob, ReadReport, WriteJob } from './thread-entry.ts'

export const soon = <T>(promise: Promise<T>, what: string) => within(promise, what, 30_000)
export const heard = (thread: Thread, what: string) => soon(thread.next(), `'${what}' from the thread`)

export const spawnWriter = (job: WriteJob) => spawnThread('write', job)

export async function spawnReader(job: ReadJob): Promise<Thread> {
  const thread = spawnThread('read', job)
  equal(await heard(thread, 'ready'), 'ready', 'the reader')
  return thread
}

export async function stopReader(thread: Thread): Promise<ReadReport> {
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
export async function readUntil(reader: Reader, done: Promise<unknown>): Promise<StreamCheck> {
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

export const needs = ['threads' as const]
