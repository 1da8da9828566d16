import { describe, expect, it, onTestFinished } from 'vitest'
import { Outlet } from '../../src/core/outlet.ts'
import { defaultRegion } from '../../src/core/region.ts'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import { counter } from '../../src/net/counters.ts'
import { codeOf } from '../support/code-of.ts'

function twoEndpoints(): [Outlet, Outlet] {
  const one = Outlet.create({ longestLine: 100, newlines: 'refuse' })
  const other = Outlet.from(structuredClone(one.handle))
  onTestFinished(() => {
    one.leave()
    other.leave()
  })
  return [one, other]
}

describe('an outlet', () => {
  it('is shut for every endpoint, and for good', () => {
    const [one, other] = twoEndpoints()
    expect([one.isClosed(), other.isClosed()]).toEqual([false, false])
    other.shut()
    other.shut()
    expect([one.isClosed(), other.isClosed()]).toEqual([true, true])
  })

  it('counts, from every endpoint into one', () => {
    const [one, other] = twoEndpoints()
    one.add(3)
    other.add(3, 2 ** 40)
    one.raise(63, 7)
    other.raise(63, 5)
    expect([one.get(3), other.get(63), one.get(0), one.get(62)]).toEqual([2 ** 40 + 1, 7, 0, 0])
    other.raise(63, 8)
    expect(one.get(63)).toBe(8)
  })

  it('takes no counter and no amount that there is not', () => {
    const [one] = twoEndpoints()
    const wrong = [
      () => one.add(64),
      () => one.add(-1),
      () => one.add(1, -1),
      () => one.add(1, Number.NaN),
      () => one.add(1, Number.POSITIVE_INFINITY),
      () => one.raise(64, 1),
      () => one.get(64),
    ]
    for (const call of wrong) expect(codeOf(call)).toBe('ERR_INVALID_ARGUMENT')
    expect(Array.from({ length: 64 }, (_, i) => one.get(i))).toEqual(new Array(64).fill(0))
  })

  it('serves the tickets of a flush, those before with it', () => {
    const [asker, reader] = twoEndpoints()
    const first = asker.askFlush()
    const second = reader.askFlush()
    expect([asker.isServed(first), asker.isServed(second)]).toEqual([false, false])
    const asked = reader.asked()
    const third = asker.askFlush()
    reader.serve(asked)
    expect([first, second, third].map((ticket) => asker.isServed(ticket))).toEqual([true, true, false])
    reader.serve(reader.asked())
    expect(asker.isServed(third)).toBe(true)
  })

  it('serves tickets when their count has come round', () => {
    const [one] = twoEndpoints()
    const { words, index } = one.servedWord()
    const { ASKED_OFFSET, SERVED_OFFSET } = one.region.layout as unknown as Record<string, number>
    const asked = index + ((ASKED_OFFSET! - SERVED_OFFSET!) >> 2)
    Atomics.store(words, asked, -2)
    Atomics.store(words, index, -2)
    const [last, wrapped] = [one.askFlush(), one.askFlush()]
    expect([last, wrapped]).toEqual([2 ** 32 - 1, 0])
    one.serve(last)
    expect([one.isServed(last), one.isServed(wrapped)]).toEqual([true, false])
    one.serve(one.asked())
    expect([one.isServed(last), one.isServed(wrapped)]).toEqual([true, true])
  })

  it('wakes who sleeps on the word of what is served', async () => {
    const [asker, reader] = twoEndpoints()
    const ticket = asker.askFlush()
    const { words, index } = asker.servedWord()
    const before = Atomics.load(words, index)
    expect(asker.isServed(ticket)).toBe(false)
    const waiting = Atomics.waitAsync(words, index, before)
    expect(waiting.async).toBe(true)
    reader.serve(reader.asked())
    expect(await waiting.value).toBe('ok')
    expect(asker.isServed(ticket)).toBe(true)
  })

  it('lives until the last endpoint has left, which keeps its counts', () => {
    const used = defaultRegion().abi.usedGranules()
    const [one, other] = twoEndpoints()
    other.add(5, 9)
    one.leave()
    one.leave()
    expect(other.get(5)).toBe(9)
    one.add(5)
    one.raise(5, 100)
    one.shut()
    one.serve(1)
    expect([one.get(5), other.get(5), other.isClosed(), one.isClosed()]).toEqual([9, 9, false, true])
    other.leave()
    expect(codeOf(() => Outlet.from(one.handle))).toBe('ERR_STALE_HANDLE')
    expect(defaultRegion().abi.usedGranules()).toBe(used)
  })

  it('is not made of what it cannot be', () => {
    for (const longestLine of [0, -1, 1.5, 2 ** 20, Number.NaN])
      expect(codeOf(() => Outlet.create({ longestLine, newlines: 'refuse' }))).toBe('ERR_INVALID_ARGUMENT')
    expect(codeOf(() => Outlet.create({ longestLine: 9, newlines: 'drop' as 'refuse' }))).toBe(
      'ERR_INVALID_ARGUMENT',
    )
  })

  it('counts in Wasm under the numbers that src/net has for it', () => {
    const { layout } = defaultRegion()
    expect(layout.COUNTER_OVERSIZE).toBe(counter.oversize)
    expect(layout.COUNTER_RAW_NEWLINE).toBe(counter.rawNewline)
    expect(Math.max(...Object.values(counter))).toBeLessThan(layout.MAX_COUNTERS)
  })
})

describe('shared bytes', () => {
  it('are seen by every endpoint, zeros at first', () => {
    const one = SharedBytes.create(5000)
    const other = SharedBytes.from(structuredClone(one.handle))
    expect([one.length, other.length]).toEqual([5000, 5000])
    expect(one.view(0, 5000).every((byte) => byte === 0)).toBe(true)
    one.view(4990, 5000).fill(7)
    expect([...other.view(4988, 4992)]).toEqual([0, 0, 7, 7])
    one.leave()
    expect(codeOf(() => one.view(0, 1))).toBe('ERR_CLOSED')
    expect(other.view(4999, 5000)[0]).toBe(7)
    other.leave()
    expect(codeOf(() => SharedBytes.from(one.handle))).toBe('ERR_STALE_HANDLE')
  })

  it('have no byte outside themselves', () => {
    const bytes = SharedBytes.create(10)
    for (const [from, to] of [
      [0, 11],
      [-1, 5],
      [6, 5],
      [0.5, 2],
    ])
      expect(codeOf(() => bytes.view(from!, to!))).toBe('ERR_INVALID_ARGUMENT')
    bytes.leave()
    for (const length of [0, -1, 2 ** 28 + 1, 1.5])
      expect(codeOf(() => SharedBytes.create(length))).toBe('ERR_INVALID_ARGUMENT')
  })
})
