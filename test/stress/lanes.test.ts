// Lanes and monitors on real threads: each record once, whoever waits how, and whoever dies.
import '../../src/node/thread-host.ts'
import { afterEach, expect, test } from 'vitest'
import { Monitor } from '../../src/core/monitor.ts'
import { sleep, within } from '../support/harness.ts'
import { useNodeThreads } from '../support/hosts/node.ts'
import { LaneDaemon, numberOf, openPipe, recordOf } from '../support/lanes.ts'
import { spawnThread, type Thread } from '../support/threads.ts'
import type { ConsumeJob, CountJob, ProduceJob } from './lanes-entry.ts'

useNodeThreads(new URL('../../build/test/lanes-thread.mjs', import.meta.url))

const LONGEST = 100
const LONGEST_MS = 60_000
const shape = { inBytes: 1024, outBytes: 1024, longest: LONGEST }

const threads: Thread[] = []
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.terminate()))
})

async function started(name: string, job: object): Promise<Thread> {
  const thread = spawnThread(name, job)
  threads.push(thread)
  expect(await within(thread.next(), `'ready' of ${name}`, LONGEST_MS)).toBe('ready')
  return thread
}

const result = (thread: Thread) => within(thread.result, 'a thread', LONGEST_MS)

async function putAll(daemon: LaneDaemon, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const record = recordOf(n, LONGEST)
    while (!daemon.put(record)) await sleep(0)
    if (n % 500 === 0) await sleep(1) // now and then all have gone to sleep
  }
}

function consumers(daemon: LaneDaemon, taken: SharedArrayBuffer, ways: readonly ConsumeJob['way'][]) {
  const { handle } = daemon
  return Promise.all(
    ways.map((way) => started('consume', { handle, way, longest: LONGEST, taken } satisfies ConsumeJob)),
  )
}

test('consumers on several threads, blocking and not: each record once, and then the end', async () => {
  const records = 20_000
  const taken = new SharedArrayBuffer(records * 4)
  const daemon = new LaneDaemon(shape)
  const all = await consumers(daemon, taken, ['sync', 'sync', 'async', 'polling'])
  await putAll(daemon, 0, records)
  daemon.finish()
  const counts = (await Promise.all(all.map(result))) as number[]
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(records)
  expect(new Int32Array(taken).every((times) => times === 1)).toBe(true)
  daemon.leave()
})

test('consumers that are killed: none of the rest twice, and no more lost than were in hand', async () => {
  const [rounds, each] = [12, 800]
  const taken = new SharedArrayBuffer(rounds * each * 4)
  const daemon = new LaneDaemon(shape)
  const rest = await consumers(daemon, taken, ['sync', 'async'])
  for (let round = 0; round < rounds; round++) {
    const [victim] = await consumers(daemon, taken, [round % 2 === 0 ? 'sync' : 'async'])
    const putting = putAll(daemon, round * each, (round + 1) * each)
    await sleep(round % 4)
    await victim!.terminate()
    await within(putting, 'the others, who read on', LONGEST_MS)
  }
  daemon.finish()
  await Promise.all(rest.map(result))
  const times = [...new Int32Array(taken)]
  expect(times.filter((count) => count > 1)).toEqual([])
  expect(times.filter((count) => count === 0).length).toBeLessThanOrEqual(rounds)
  daemon.leave()
})

test('senders on several threads: each record once, in the order of its sender; one is killed', async () => {
  const each = 6000
  const daemon = new LaneDaemon(shape)
  const { handle } = daemon
  const job = (way: ProduceJob['way'], i: number): ProduceJob => ({
    handle,
    way,
    longest: LONGEST,
    from: i * each,
    count: each,
  })
  const all = await Promise.all([
    started('produce', job('sync', 0)),
    started('produce', job('async', 1)),
    started('produce', job('sync', 2)),
    started('produce', job('sync', 3)),
  ])
  const victim = all.pop()!
  const next = [0, 1, 2, 3].map((i) => i * each)
  let got = 0
  let areDone = false
  const done = Promise.all(all.map(result)).then(() => {
    areDone = true
  })
  while (!areDone) {
    for (let record = daemon.next(); record; record = daemon.next()) {
      const n = numberOf(record, LONGEST)
      const sender = Math.floor(n / each)
      expect(n).toBe(next[sender])
      next[sender]!++
      if (++got === 3000) void victim.terminate()
    }
    await sleep(0)
  }
  await done
  expect(next.slice(0, 3)).toEqual([each, 2 * each, 3 * each])
  daemon.leave()
})

test('a lock that threads take and die with: nobody else is inside, and nobody waits for ever', async () => {
  const monitor = Monitor.create()
  const words = new SharedArrayBuffer(8)
  const { handle } = monitor
  const job = (way: CountJob['way'], turns: number): CountJob => ({ handle, way, turns, words })
  const rest = [await started('count', job('sync', 20_000)), await started('count', job('async', 3000))]
  for (let round = 0; round < 8; round++) {
    const victim = await started('count', job(round % 2 === 0 ? 'sync' : 'async', 1e9))
    await sleep(round % 3)
    await victim.terminate()
  }
  for (const thread of rest) expect(await result(thread)).toBeGreaterThanOrEqual(0)
  const locked = await monitor.lock()
  const [one, other] = new Int32Array(words)
  if (locked === 'free') expect(one).toBe(other)
  monitor.unlock()
  monitor.close()
})

test('a condition: what is signalled is taken by somebody, and by all in the end', async () => {
  const monitor = Monitor.create()
  const words = new SharedArrayBuffer(8)
  const stock = new Int32Array(words)
  const { handle } = monitor
  const job = (way: CountJob['way']): CountJob => ({ handle, way, turns: 1000, words })
  const all = [await started('takeTurns', job('sync')), await started('takeTurns', job('async'))]
  for (let given = 0; given < 2000; given++) {
    await monitor.lock()
    stock[0]!++
    monitor.unlock()
    monitor.signal()
  }
  await Promise.all(all.map(result))
  expect(stock[0]).toBe(0)
  monitor.close()
})

test('several promises of one thread at one lane: first come, first served; one that is given up leaves the others', async () => {
  const daemon = new LaneDaemon({ ...shape, outBytes: 104 })
  const { pipe, close } = openPipe(daemon.handle)
  const other = openPipe(daemon.handle)
  const aborter = new AbortController()
  const waits = [
    pipe.receiveAsync(),
    pipe.receiveAsync(aborter.signal),
    other.pipe.receiveAsync(),
    pipe.receiveAsync(),
  ]
  aborter.abort(new Error('given up'))
  await expect(waits[1]).rejects.toThrow('given up')
  for (let n = 1; n <= 2; n++) daemon.put(recordOf(n, LONGEST))
  expect(numberOf((await waits[0])!, LONGEST)).toBe(1)
  expect(numberOf((await waits[2])!, LONGEST)).toBe(2)
  daemon.put(recordOf(3, LONGEST))
  // Taken by another call of the thread: the promise waits on, and gets the next.
  expect(numberOf(pipe.receive()!, LONGEST)).toBe(3)
  daemon.put(recordOf(4, LONGEST))
  expect(numberOf((await waits[3])!, LONGEST)).toBe(4)

  const whole = new Uint8Array(100)
  expect(pipe.trySend(whole)).toBe(true)
  expect(pipe.trySend('x')).toBe(false)
  expect(pipe.sendSync('x', 1)).toBe(false)
  expect(pipe.drainedSync(1)).toBe(false)
  const order: string[] = []
  const sends = [
    pipe.sendAsync('a').then(() => order.push('a')),
    other.pipe.sendAsync('b').then(() => order.push('b')),
  ]
  const drained = pipe.drained().then(() => order.push('drained'))
  await sleep(5)
  expect(order).toEqual([])
  expect(daemon.next()!.length).toBe(100)
  await Promise.all(sends)
  expect([daemon.next(), daemon.next()].map((record) => new TextDecoder().decode(record))).toEqual(['a', 'b'])
  await drained
  expect(order).toEqual(['a', 'b', 'drained'])

  const last = [pipe.receiveAsync(), other.pipe.receiveAsync()]
  daemon.put(recordOf(5, LONGEST))
  daemon.finish()
  expect(numberOf((await last[0])!, LONGEST)).toBe(5)
  expect(await last[1]).toBeUndefined()
  expect(pipe.isEnded).toBe(true)
  expect(pipe.receiveSync()).toBeUndefined()
  expect(pipe.trySend('x')).toBe(false)
  await expect(pipe.sendAsync('x')).rejects.toThrow('over')
  close()
  other.close()
  daemon.leave()
})
