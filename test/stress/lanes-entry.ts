// What the threads of the lanes' stress tests do.
import type { ObjectHandle } from '../../src/core/member.ts'
import { Monitor, type MonitorHandle } from '../../src/core/monitor.ts'
import { numberOf, openPipe, recordOf } from '../support/lanes.ts'
import type { Channel } from '../support/threads.ts'

export interface ConsumeJob {
  handle: ObjectHandle
  way: 'sync' | 'async' | 'polling'
  longest: number
  /** How often each record was taken. */
  taken: SharedArrayBuffer
}

/** Takes records until the end. */
export async function consume(
  { handle, way, longest, taken }: ConsumeJob,
  channel: Channel,
): Promise<number> {
  const counts = new Int32Array(taken)
  const { pipe, close } = openPipe(handle)
  let seen = 0
  const take = (record: Uint8Array) => {
    const n = numberOf(record, longest)
    if (n < 0) throw new Error('a record is not whole')
    Atomics.add(counts, n, 1)
    seen++
  }
  channel.post('ready')
  if (way === 'sync') {
    while (!pipe.isEnded) {
      const record = pipe.receiveSync(seen % 50 === 49 ? 1 : 10_000)
      if (record !== undefined) take(record)
    }
  } else if (way === 'async') {
    const task = async () => {
      for (let record = await pipe.receiveAsync(); record !== undefined; record = await pipe.receiveAsync())
        take(record)
    }
    await Promise.all([task(), task(), task()])
  } else {
    while (!pipe.isEnded) {
      const record =
        pipe.receive() ?? (await pipe.receiveAsync(AbortSignal.timeout(2)).catch(() => undefined))
      if (record !== undefined) take(record)
    }
  }
  close()
  return seen
}

export interface ProduceJob {
  handle: ObjectHandle
  way: 'sync' | 'async'
  longest: number
  from: number
  count: number
}

/** Sends so many records, and waits until they are freed. */
export async function produce(job: ProduceJob, channel: Channel): Promise<void> {
  const { handle, way, longest, from, count } = job
  const { pipe, close } = openPipe(handle)
  channel.post('ready')
  for (let n = from; n < from + count; n++) {
    const record = recordOf(n, longest)
    if (way === 'sync') pipe.sendSync(record)
    else if (n % 4 === 0 && n + 3 < from + count) {
      await Promise.all([0, 1, 2, 3].map((i) => pipe.sendAsync(recordOf(n + i, longest))))
      n += 3
    } else await pipe.sendAsync(record)
  }
  if (way === 'sync') pipe.drainedSync()
  else await pipe.drained()
  close()
}

export interface CountJob {
  handle: MonitorHandle
  way: 'sync' | 'async'
  turns: number
  /** Two words that are equal whenever nobody has the lock. */
  words: SharedArrayBuffer
}

/** Counts both words up under the lock, one after the other. */
export async function count({ handle, way, turns, words }: CountJob, channel: Channel): Promise<number> {
  const monitor = Monitor.from(handle)
  const counters = new Int32Array(words)
  let deaths = 0
  let wrong = 0
  channel.post('ready')
  for (let turn = 0; turn < turns; turn++) {
    const locked = way === 'sync' ? monitor.lockSync() : await monitor.lock()
    if (locked === 'owner-died') {
      deaths++
      counters[1] = counters[0]!
    }
    if (counters[0] !== counters[1]) wrong++
    counters[0]!++
    counters[1]!++
    monitor.unlock()
  }
  monitor.close()
  return wrong > 0 ? -wrong : deaths
}

/** Waits for the count to become 0 or more, and takes one, so many times. */
export async function takeTurns({ handle, way, turns, words }: CountJob, channel: Channel): Promise<void> {
  const monitor = Monitor.from(handle)
  const stock = new Int32Array(words)
  channel.post('ready')
  for (let turn = 0; turn < turns; turn++) {
    if (way === 'sync') monitor.lockSync()
    else await monitor.lock()
    while (stock[0]! <= 0) {
      if (way === 'sync') monitor.waitSync()
      else await monitor.wait()
    }
    stock[0]!--
    monitor.unlock()
  }
  monitor.close()
}
