// Threads that write and threads that read one diode, and what must be true of it afterwards.
import { expect } from 'vitest'
import { type Random, seeded } from '../../src/sim/network/random.ts'
import { checkLaw } from '../suite/ledger.ts'
import { classOf, type Kind, type Policy, type Writer } from '../suite/rigs.ts'
import type { ReadJob, ReadReport, WriteJob, WriteReport } from '../suite/thread-entry.ts'
import { within } from '../support/harness.ts'
import { useNodeThreads } from '../support/hosts/node.ts'
import { spawnThread, type Thread } from '../support/threads.ts'

useNodeThreads(new URL('../../build/test/thread.mjs', import.meta.url))

const LONGEST_MS = 60_000

/** Runs `fn` with a seed of its own (or SPILLWAY_SEED), and names it when it fails. */
export async function withSeed(fn: (random: Random) => Promise<void>): Promise<void> {
  const seed = Number(process.env.SPILLWAY_SEED ?? Math.floor(Math.random() * 2 ** 31))
  try {
    await fn(seeded(seed))
  } catch (error) {
    throw new Error(`SPILLWAY_SEED=${seed}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}

export interface Scenario {
  kind: Kind
  policy: Policy
  capacity: number
  recordBytes: number
  lengths: readonly [number, number]
  records: number
  writers: number
  /** how each reader reads; one-to-many has as many as there are ways, the others take one */
  ways: readonly ReadJob['way'][]
}

/** All that was written was read or counted as missed, by every reader; all that was not was counted as dropped. */
export async function runScenario(scenario: Scenario, random: Random): Promise<void> {
  const { kind, policy, capacity, recordBytes, lengths, records } = scenario
  const diode = new (classOf(kind))(capacity, null, { policy, recordBytes })
  const { handle } = diode
  try {
    const readers: Thread[] = []
    for (const [i, way] of scenario.ways.entries()) {
      const job: ReadJob = { kind, handle, way, slow: i > 0 || random.chance(0.5) }
      readers.push(await started('read', job, 'ready'))
    }
    const jobs: WriteJob[] = Array.from({ length: scenario.writers }, (_, i) => ({
      kind,
      handle,
      writer: i + 1,
      records,
      seed: random.between(0, 2 ** 31),
      lengths,
      claimEvery: random.between(2, 9),
      pauseEvery: random.pick([500, 2000, 100_000]),
    }))
    const writers = jobs.map((job) => spawnThread('write', job))
    const reports = (await ends(writers)) as WriteReport[]
    for (const reader of readers) reader.post('stop')
    const readings = (await ends(readers)) as ReadReport[]
    checkScenario(diode, reports, readings)
  } finally {
    diode.close()
  }
}

function checkScenario(diode: Writer, writers: WriteReport[], readers: ReadReport[]): void {
  const sum = (key: 'stored' | 'refused') => writers.reduce((total, report) => total + report[key], 0)
  const ring = diode.stats()
  checkLaw(ring, 'ring')
  expect({ written: ring.written, dropped: ring.dropped, oversize: ring.oversize }, 'ring').toEqual({
    written: sum('stored'),
    dropped: sum('refused'),
    oversize: 0,
  })
  for (const [i, { problems, stats, records, alerted }] of readers.entries()) {
    expect(problems, `reader ${i}: torn, repeated or out of order`).toEqual([])
    checkLaw(stats, `reader ${i}`)
    expect(
      { written: stats.written, read: stats.read, missed: stats.missed, depth: stats.depth },
      `reader ${i}`,
    ).toEqual({
      written: sum('stored'),
      read: records,
      missed: alerted,
      depth: 0,
    })
  }
}

export async function started(name: string, job: object, signal = 'started'): Promise<Thread> {
  const thread = spawnThread(name, job)
  expect(await within(thread.next(), `'${signal}' from ${name}`, LONGEST_MS)).toBe(signal)
  return thread
}

export const ends = (threads: Thread[]): Promise<unknown[]> =>
  within(Promise.all(threads.map(({ result }) => result)), 'the threads', LONGEST_MS)
