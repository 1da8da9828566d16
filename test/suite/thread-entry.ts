// What the threads of the suite and of the stress tests run, by name. See support/threads.ts.
import { ManyToOne, OneToMany, type OneToManyReader, OneToOne, Waiter } from 'spillway'
import { seeded } from '../../src/sim/network/random.ts'
import { sleep } from '../support/harness.ts'
import { fillPayload, StreamCheck } from '../support/payload.ts'
import type { Channel } from '../support/threads.ts'
import { classOf, type Handle, type Kind, type Reader, type Stats } from './rigs.ts'

export interface WriteJob {
  kind: Kind
  handle: Handle
  writer: number
  records: number
  seed: number
  /** of the records' lengths, both included */
  lengths: readonly [number, number]
  /** offers a refused record again until it is taken */
  retry?: boolean
  /** one in so many records goes through claim and commit, one in so many claims is aborted */
  claimEvery?: number
  /** a pause now and then, so that the reader sees an empty ring */
  pauseEvery?: number
}

export interface WriteReport {
  writer: number
  stored: number
  refused: number
}

/** Writes so many records and leaves. Posts 'started' after the first. */
export async function write(job: WriteJob, channel: Channel): Promise<WriteReport> {
  const diode = classOf(job.kind).from(job.handle as never)
  const random = seeded(job.seed)
  const report: WriteReport = { writer: job.writer, stored: 0, refused: 0 }
  const buffer = new Uint8Array(job.lengths[1])
  for (let sequence = 0; sequence < job.records; sequence++) {
    const record = buffer.subarray(0, random.between(job.lengths[0], job.lengths[1]))
    fillPayload(record, job.writer, sequence)
    const isClaimed = job.claimEvery !== undefined && sequence % job.claimEvery === 0
    while (!(isClaimed ? putInPlace(diode, record, random.chance(0.2)) : diode.set(record))) {
      report.refused++
      if (!job.retry) break
      if (report.refused % 1000 === 0) await sleep(0)
    }
    if (sequence === 0) channel.post('started')
    if (job.pauseEvery && sequence % job.pauseEvery === job.pauseEvery - 1) await sleep(1)
  }
  report.stored = job.retry ? job.records : job.records - report.refused
  diode.close()
  return report
}

/** Through a claim, and now and then one that is given up before it. */
function putInPlace(
  diode: OneToOne | ManyToOne | OneToMany,
  record: Uint8Array,
  abortFirst: boolean,
): boolean {
  const writer = diode as OneToOne
  if (abortFirst) {
    if (!writer.claim(record.length)) return false
    writer.abort()
  }
  const place = writer.claim(record.length)
  if (!place) return false
  place.set(record)
  writer.commit(record.length)
  return true
}

export interface WriteForeverJob {
  kind: Kind
  handle: Handle
  writer: number
  lengths: readonly [number, number]
  /** every other record through a claim, so that it may be killed in the middle of one */
  claims?: boolean
}

/** Where `terminate` does not stop a tight loop (Deno), it stops by itself after this long. */
const FOREVER_MS = 3000

/** Writes until it is terminated. */
export async function writeForever(job: WriteForeverJob, channel: Channel): Promise<void> {
  const diode = classOf(job.kind).from(job.handle as never) as OneToOne
  const buffer = new Uint8Array(job.lengths[1])
  const span = job.lengths[1] - job.lengths[0] + 1
  const end = Date.now() + FOREVER_MS
  for (let sequence = 0; sequence % 256 !== 0 || Date.now() < end; sequence++) {
    const record = buffer.subarray(0, job.lengths[0] + (sequence % span))
    fillPayload(record, job.writer, sequence)
    if (job.claims && sequence % 2) putInPlace(diode, record, sequence % 4 === 1)
    else diode.set(record)
    if (sequence === 0) channel.post('started')
  }
}

export interface ReadJob {
  kind: Kind
  handle: Handle
  way: 'tryNext' | 'drain' | 'waiter' | 'nextSync'
  /** does something else between two records, so that it is overrun */
  slow?: boolean
}

export interface ReadReport {
  records: number
  problems: string[]
  alerted: number
  perWriter: [number, number][]
  stats: Stats
}

/**
 * Reads until the main thread posts 'stop' (or, when woken by the ring, until the ring has ended), then what is left. Posts
 * 'ready' when it has its place.
 */
export async function read(job: ReadJob, channel: Channel): Promise<ReadReport> {
  const check = new StreamCheck()
  let alerted = 0
  const { reader, close } = joinReader(job, (missed) => {
    alerted += missed
  })
  check.take(new Uint8Array(0))
  check.records = 0
  let take = (record: Uint8Array) => check.take(record)
  if (job.slow) {
    take = (record) => {
      check.take(record)
      busy(check.records % 64 === 0 ? 200 : 10)
    }
  }
  reader.drain(take, 1) // takes the role
  const stopped = channel.next()
  channel.post('ready')
  if (job.way === 'waiter') await readWoken(reader, take, stopped)
  else if (job.way === 'nextSync') await readBlocking(reader, take)
  else await readPolling(reader, take, stopped, job.way === 'drain')
  for (let record = reader.tryNext(); record; record = reader.tryNext()) take(record)
  const stats = reader.stats()
  close()
  return { records: check.records, problems: check.problems, alerted, perWriter: [...check.perWriter], stats }
}

function joinReader(job: ReadJob, alert: (missed: number) => void): { reader: Reader; close: () => void } {
  if (job.kind !== 'OneToMany') {
    const diode =
      job.kind === 'OneToOne' ? OneToOne.from(job.handle, alert) : ManyToOne.from(job.handle, alert)
    return { reader: diode, close: () => diode.close() }
  }
  const diode = OneToMany.from(job.handle)
  const reader: OneToManyReader = diode.poller(alert)
  const close = () => {
    reader.close()
    diode.close()
  }
  return { reader, close }
}

type Take = (record: Uint8Array) => void

async function readWoken(reader: Reader, take: Take, stopped: Promise<unknown>): Promise<void> {
  const abort = new AbortController()
  stopped.then(() => abort.abort())
  for await (const record of new Waiter(reader, { signal: abort.signal })) take(record)
}

/** Ends with the ring: a thread that blocks hears no message. */
async function readBlocking(reader: Reader, take: Take): Promise<void> {
  const waiter = new Waiter(reader)
  for (let record = waiter.nextSync(); record; record = waiter.nextSync()) take(record)
}

async function readPolling(
  reader: Reader,
  take: Take,
  stopped: Promise<unknown>,
  draining: boolean,
): Promise<void> {
  let isStopped = false
  stopped.then(() => {
    isStopped = true
  })
  while (!isStopped) {
    for (let i = 0; i < 200; i++) {
      if (draining) {
        reader.drain(take, 1 + (i % 64))
        continue
      }
      const record = reader.tryNext()
      if (record) take(record)
    }
    await sleep(0)
  }
}

function busy(turns: number): number {
  let sum = 0
  for (let i = 0; i < turns * 100; i++) sum += i ^ (sum & 7)
  return sum
}

/** Joins a ring that comes as a message, says 'hello', and hands the handle back. */
export async function greet(_: unknown, channel: Channel): Promise<string> {
  const { kind, handle } = (await channel.next()) as { kind: Kind; handle: Handle }
  const diode = classOf(kind).from(handle as never)
  diode.set('hello from a thread')
  channel.post({ handle: diode.handle })
  await channel.next()
  diode.close()
  return 'bye'
}

/** Makes a ring in this thread's own memory and posts its handle; writes when told to, leaves when told to. */
export async function host({ kind }: { kind: Kind }, channel: Channel): Promise<Stats> {
  const diode = new (classOf(kind))(8)
  diode.set('made elsewhere')
  channel.post({ handle: diode.handle })
  await channel.next()
  diode.set('and later')
  channel.post('written')
  await channel.next()
  const stats = diode.stats()
  diode.close()
  return stats
}

/** Takes a role and keeps it until it is told to end, or is terminated; with `leave` it closes before the end. */
export async function hold(
  job: {
    kind: Kind
    handle: Handle
    as: 'writer' | 'reader'
    record?: string
    leave?: boolean
    claim?: boolean
  },
  channel: Channel,
): Promise<string> {
  const diode = classOf(job.kind).from(job.handle as never)
  const reader = diode instanceof OneToMany ? diode.poller() : diode
  try {
    if (job.as === 'reader') reader.tryNext()
    else if (job.record !== undefined) diode.set(job.record)
    if (job.claim) (diode as OneToOne).claim(8)?.fill(0xee)
  } catch (error) {
    channel.post(String((error as { code?: string }).code))
    return 'refused'
  }
  channel.post('holding')
  await channel.next()
  if (job.leave) {
    reader.close()
    diode.close()
  }
  return 'ended'
}

/** Blocks for the next record, with a limit. */
export function blockForNext(
  job: { kind: Kind; handle: Handle; timeoutMs?: number },
  channel: Channel,
): unknown {
  const { reader, close } = joinReader({ ...job, way: 'nextSync' }, () => {})
  reader.tryNext()
  channel.post('ready')
  const record = new Waiter(reader).nextSync(job.timeoutMs)
  close()
  return record && new TextDecoder().decode(record)
}

/** Echoes every record of one ring into another, woken; ends with the first ring. */
export async function echo(job: { from: Handle; to: Handle }, channel: Channel): Promise<number> {
  const from = OneToOne.from(job.from)
  const to = OneToOne.from(job.to)
  from.tryNext()
  channel.post('ready')
  let count = 0
  for await (const record of new Waiter(from)) {
    while (!to.set(record)) await sleep(0)
    count++
  }
  from.close()
  to.close()
  return count
}
