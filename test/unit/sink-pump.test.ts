import { afterEach, describe, expect, it } from 'vitest'
import { Feeds } from '../../src/net/feed.ts'
import { general, LedgerTables } from '../../src/net/ledger-tables.ts'
import type { Lines } from '../../src/net/lines.ts'
import { PartlyWritten } from '../../src/net/sink.ts'
import { SinkPump, type SinkPumpOptions, type SinkStats } from '../../src/net/sink-pump.ts'
import { clock } from '../../src/node/clock.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** A promise that is resolved from outside. */
function gate<T = void>() {
  let open!: (value: T) => void
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/** A pump, and the writing end of its diode. */
function rig(write: (lines: Lines) => void | Promise<void>, options: Partial<SinkPumpOptions> = {}) {
  const counts = LedgerTables.create(1).general
  const dropped: number[] = []
  const failures: unknown[] = []
  const pump = new SinkPump({
    sink: { write },
    name: 'sink',
    capacity: 1024,
    queueBytes: 2 ** 20,
    policy: 'drop-oldest',
    batchRecords: 1024,
    batchBytes: 2 ** 18,
    clock,
    lookUp: (row, flow) => ({ address: `10.0.0.${flow}`, port: row }),
    onDropped: (lines) => dropped.push(lines),
    onFailed: (lines, error) => failures.push([lines, (error as Error).message]),
    ...options,
  })
  const feeds = new Feeds([pump.handle], counts)
  let isEnded = false
  const end = () => {
    isEnded = true
    feeds.close()
    pump.end()
  }
  const close = () => pump.close(counts[general.linesOffered]!, counts[general.bytesOffered]!)
  cleanups.push(() => {
    if (!isEnded) end()
    close()
  })
  const offer = (text: string, number = 1) =>
    feeds.offer({ row: 7, number }, new TextEncoder().encode(text), text.split('\n').length - 1)
  const stats = () => pump.stats(counts[general.linesOffered]!)
  return { pump, offer, end, close, stats, dropped, failures }
}

/** The law that holds at every quiet moment. */
function expectClosed(stats: SinkStats): void {
  const { offered, handed, failed, dropped, inHand, waiting } = stats
  expect(handed + failed + dropped + inHand + waiting, JSON.stringify(stats)).toBe(offered)
}

describe('a pump', () => {
  it('hands on everything, in order, in batches', async () => {
    const got: string[] = []
    const { pump, offer, end, stats } = rig((lines) => {
      got.push(...lines)
    })
    for (let i = 0; i < 500; i++) offer(`${i}a\n${i}b\n`)
    end()
    await pump.run()
    expect(got).toEqual(Array.from({ length: 500 }, (_, i) => [`${i}a`, `${i}b`]).flat())
    expect(stats()).toMatchObject({
      offered: 1000,
      handed: 1000,
      dropped: 0,
      waiting: 0,
      inHand: 0,
      batches: 1,
    })
  })

  it('gives the sink one batch at a time, within bounds', async () => {
    const batches: Lines[] = []
    let busy = false
    const { pump, offer, end } = rig(
      async (lines) => {
        expect(busy).toBe(false)
        busy = true
        await new Promise((resolve) => setImmediate(resolve))
        busy = false
        batches.push(lines)
      },
      { batchRecords: 10, batchBytes: 100 },
    )
    for (let i = 0; i < 100; i++) offer(i % 2 === 0 ? 'x\n' : `${'y'.repeat(60)}\n`)
    end()
    await pump.run()
    expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(100)
    for (const { bytes, count } of batches) {
      expect(count).toBeLessThanOrEqual(10)
      expect(bytes.length).toBeLessThan(100 + 61)
    }
  })

  it('wakes for a line that comes while it sleeps', async () => {
    const first = gate<string[]>()
    const { pump, offer, end } = rig((lines) => first.open([...lines]))
    const running = pump.run()
    await new Promise((resolve) => setImmediate(resolve))
    offer('late\n')
    expect(await first.opened).toEqual(['late'])
    end()
    await running
  })

  it('tells a sink that is too slow exactly how many lines it lost, wherever the gap is', async () => {
    const isIn = gate()
    const mayGo = gate()
    const got: string[] = []
    const { pump, offer, end, stats, dropped } = rig(
      async (lines) => {
        got.push(...lines)
        isIn.open()
        await mayGo.opened
      },
      { capacity: 4, queueBytes: 2 ** 17 },
    )
    const running = pump.run()
    offer('first\n')
    await isIn.opened
    for (let i = 0; i < 10; i++) offer(`${i}\n`.repeat(3))
    expectClosed(stats())
    expect(stats()).toMatchObject({ offered: 31, inHand: 1, waiting: 30, dropped: 0 })
    mayGo.open()
    end()
    await running
    expect(got).toEqual(['first', ...[6, 7, 8, 9].flatMap((i) => Array(3).fill(`${i}`))])
    expect(dropped).toEqual([18])
    expect(stats()).toMatchObject({ offered: 31, handed: 13, dropped: 18, droppedBytes: 36, waiting: 0 })
    expectClosed(stats())
  })

  it('counts what was refused at the end, too (drop-newest)', async () => {
    const got: string[] = []
    const { pump, offer, end, close, stats } = rig(
      (lines) => {
        got.push(...lines)
      },
      { capacity: 2, queueBytes: 2 ** 17, policy: 'drop-newest' },
    )
    for (let i = 0; i < 5; i++) offer(`${i}\n`)
    end()
    await pump.run()
    close()
    expect(got).toEqual(['0', '1'])
    expect(stats()).toMatchObject({ offered: 5, handed: 2, dropped: 3, waiting: 0 })
  })

  it('goes on when the sink throws or rejects', async () => {
    let batch = 0
    const { pump, offer, end, stats, failures } = rig(
      (lines) => {
        batch++
        if (batch === 1) throw new Error('no')
        if (batch === 2) return Promise.reject(new Error('not now'))
        if (batch === 3) return Promise.reject(new PartlyWritten(1, new Error('half')))
        expect(lines.count).toBe(2)
        return undefined
      },
      { batchRecords: 1 },
    )
    for (let i = 0; i < 4; i++) offer('a\nb\n')
    end()
    await pump.run()
    expect(stats()).toMatchObject({ offered: 8, handed: 3, failed: 5, dropped: 0, batches: 4 })
    expect(failures).toEqual([
      [2, 'no'],
      [2, 'not now'],
      [1, '1 lines were written, then: half'],
    ])
    expectClosed(stats())
  })

  it('gives up a sink that never is done: what it has in hand failed, what waits is dropped', async () => {
    const isIn = gate()
    const { pump, offer, end, close, stats, failures, dropped } = rig(() => {
      isIn.open()
      return new Promise(() => {})
    })
    void pump.run()
    offer('a\nb\n')
    await isIn.opened
    offer('c\n')
    end()
    close()
    expect(stats()).toMatchObject({ offered: 3, handed: 0, failed: 2, dropped: 1, inHand: 0, waiting: 0 })
    expect(failures).toEqual([[2, 'it was not done with a batch in time']])
    expect(dropped).toEqual([1])
  })

  it('counts a batch once, though its sink is done after it was given up', async () => {
    const isIn = gate()
    const mayGo = gate()
    const { pump, offer, end, close, stats } = rig(() => {
      isIn.open()
      return mayGo.opened
    })
    const running = pump.run()
    offer('a\n')
    await isIn.opened
    end()
    close()
    mayGo.open()
    await running
    expect(stats()).toMatchObject({ offered: 1, handed: 0, failed: 1 })
  })

  it('leaves the loop its turn, however quick the sink', async () => {
    let batches = 0
    const { pump, offer, end } = rig(
      () => {
        batches++
      },
      { batchRecords: 1 },
    )
    for (let i = 0; i < 100; i++) offer('x\n')
    const running = pump.run()
    await new Promise((resolve) => setImmediate(resolve))
    expect(batches).toBeLessThan(5)
    end()
    await running
    expect(batches).toBe(100)
  })
})

describe('a batch of lines', () => {
  it('has bytes, strings, and where they came from', async () => {
    const got: Lines[] = []
    const { pump, offer, end } = rig((lines) => {
      got.push(lines)
    })
    offer('{"ä":1}\n\ufeff{}\n', 1)
    offer('2\n', 1)
    offer('3\n', 2)
    offer('4\n', 1)
    end()
    await pump.run()
    const [lines] = got
    expect(lines!.count).toBe(5)
    expect(Buffer.from(lines!.bytes).toString()).toBe('{"ä":1}\n\ufeff{}\n2\n3\n4\n')
    expect([...lines!]).toEqual(['{"ä":1}', '\ufeff{}', '2', '3', '4'])
    const parts = [...lines!.parts()].map(({ source, bytes, count }) => [
      source?.address,
      Buffer.from(bytes).toString(),
      count,
    ])
    expect(parts).toEqual([
      ['10.0.0.1', '{"ä":1}\n\ufeff{}\n2\n', 3],
      ['10.0.0.2', '3\n', 1],
      ['10.0.0.1', '4\n', 1],
    ])
    expect([...lines!.parts()][0]!.source).toEqual({ address: '10.0.0.1', port: 7 })
  })

  it("is the sink's own: later ones do not write to it", async () => {
    const got: Lines[] = []
    const { pump, offer, end } = rig(
      (lines) => {
        got.push(lines)
      },
      { batchRecords: 1 },
    )
    offer('aaa\n')
    offer('bbb\n')
    end()
    await pump.run()
    expect(got.map((lines) => [...lines])).toEqual([['aaa'], ['bbb']])
  })
})
