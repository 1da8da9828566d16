import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Link, type LinkOptions, seeded, VirtualClock } from '../../src/sim/network/index.ts'
import { codeOf } from '../support/code-of.ts'

const COUNT = 20_000

interface Arrival {
  readonly index: number
  readonly atMs: number
}

class Rig {
  readonly clock = new VirtualClock(0)
  readonly arrivals: Arrival[] = []
  readonly fates: string[] = []
  readonly link: Link

  constructor(options: LinkOptions, seed = 1) {
    this.link = new Link(this.clock, seeded(seed), options)
  }

  send(bytes: number): void {
    const index = this.fates.length
    this.fates.push(this.link.pass(bytes, () => void this.arrivals.push({ index, atMs: this.clock.now() })))
  }

  /** One each millisecond, and then until all are there. */
  run(count = COUNT, bytes = 100): this {
    for (let i = 0; i < count; i++) {
      this.send(bytes)
      this.clock.advance(1)
    }
    this.clock.advance(100_000)
    return this
  }

  lostIndices(): number[] {
    return this.fates.flatMap((fate, index) => (fate === 'lost' || fate === 'burst' ? [index] : []))
  }

  count(...fates: string[]): number {
    return this.fates.filter((fate) => fates.includes(fate)).length
  }
}

/** Within four standard deviations. */
function expectShare(count: number, of: number, probability: number): void {
  const sigma = Math.sqrt(of * probability * (1 - probability))
  expect(Math.abs(count - of * probability)).toBeLessThan(4 * sigma)
}

describe('a link', () => {
  it('is perfect unless told otherwise, but never calls at once', () => {
    const rig = new Rig({})
    rig.send(10)
    expect([rig.arrivals.length, rig.link.inFlight]).toEqual([0, 1])
    rig.clock.advance(0)
    expect(rig.arrivals).toEqual([{ index: 0, atMs: 0 }])
  })

  it('keeps the order and the latency to the point without jitter', () => {
    const rig = new Rig({ latencyMs: 33.3, loss: 0.1 }).run(2000)
    const order = rig.arrivals.map(({ index }) => index)
    expect(order).toEqual(order.slice().sort((a, b) => a - b))
    for (const { index, atMs } of rig.arrivals) expect(atMs).toBeCloseTo(index + 33.3, 6)
    expect(rig.link.counters.reordered).toBe(0)
  })

  it('adds jitter, evenly from 0 to all of it', () => {
    const { arrivals, link } = new Rig({ latencyMs: 50, jitterMs: 20 }).run()
    const delays = arrivals.map(({ index, atMs }) => atMs - index)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(50)
    expect(Math.max(...delays)).toBeLessThan(70)
    const mean = delays.reduce((sum, ms) => sum + ms, 0) / COUNT
    expect(mean).toBeGreaterThan(59.8)
    expect(mean).toBeLessThan(60.2)
    expect(link.counters.reordered).toBeGreaterThan(0)
  })

  it('loses each by itself', () => {
    const rig = new Rig({ loss: 0.1 }).run()
    expectShare(rig.link.counters.lost, COUNT, 0.1)
    expect(rig.link.counters.lost).toBe(rig.count('lost'))
    expect(rig.arrivals.length).toBe(COUNT - rig.link.counters.lost)
    const lost = new Set(rig.lostIndices())
    const pairs = [...lost].filter((index) => lost.has(index + 1)).length
    expectShare(pairs, COUNT, 0.01)
  })

  it('loses in bursts, as long and as often as it was told', () => {
    const rig = new Rig({ burst: { enter: 0.01, leave: 0.1, loss: 1 } }).run()
    const { lost, lostInBurst } = rig.link.counters
    expect([lost, lostInBurst]).toEqual([rig.count('burst'), rig.count('burst')])
    expect(lost / COUNT).toBeGreaterThan(0.07) // 1 / 11 of the time
    expect(lost / COUNT).toBeLessThan(0.115)
    const indices = rig.lostIndices()
    const bursts = indices.filter((index, i) => index !== indices[i - 1]! + 1).length
    expect(lost / bursts).toBeGreaterThan(8) // 10 datagrams on average
    expect(lost / bursts).toBeLessThan(12)
  })

  it('loses the same and some more when it loses more', () => {
    const few = new Rig({ loss: 0.05 }).run(5000).lostIndices()
    const more = new Set(new Rig({ loss: 0.1, jitterMs: 5, duplicate: 0.1 }).run(5000).lostIndices())
    expect(few.length).toBeGreaterThan(0)
    expect(few.filter((index) => !more.has(index))).toEqual([])
  })

  it('doubles', () => {
    const rig = new Rig({ latencyMs: 5, duplicate: 0.2, loss: 0.5 }).run()
    const { duplicated, delivered, lost } = rig.link.counters
    expectShare(duplicated, COUNT, 0.1)
    expect(duplicated).toBe(rig.count('doubled'))
    expect(rig.link.counters.reordered).toBe(0) // a copy right behind is not late
    expect(delivered).toBe(rig.arrivals.length)
    expect(delivered).toBe(COUNT - lost + duplicated)
    expect(rig.arrivals.length - new Set(rig.arrivals.map(({ index }) => index)).size).toBe(duplicated)
  })

  it('holds back, so that others overtake, and counts what a receiver sees', () => {
    const rig = new Rig({ latencyMs: 10, reorder: 0.05, reorderMs: 40 }).run()
    expectShare(rig.link.counters.heldBack, COUNT, 0.05)
    let [latest, late] = [-1, 0]
    for (const { index } of rig.arrivals) {
      if (index < latest) late++
      else latest = index
    }
    expect(rig.link.counters.reordered).toBe(late)
    expect(late).toBeGreaterThan(COUNT * 0.04)
    expect(Math.max(...rig.arrivals.map(({ index, atMs }) => atMs - index))).toBeLessThan(50)
  })

  it('has a bottleneck: the stated throughput, and the delay of what waits before', () => {
    const rig = new Rig({ latencyMs: 20, bytesPerSecond: 100_000, queueBytes: 10_000 })
    for (let i = 0; i < 10; i++) rig.send(1000)
    rig.clock.advance(1000)
    const expected = Array.from({ length: 10 }, (_, i) => 20 + 10 * (i + 1))
    for (const [i, { atMs }] of rig.arrivals.entries()) expect(atMs).toBeCloseTo(expected[i]!, 6)

    const flooded = new Rig({ bytesPerSecond: 100_000, queueBytes: 10_000 }).run(10_000, 1000)
    const { delivered, queueDropped, bytesDelivered } = flooded.link.counters
    expect(queueDropped).toBe(flooded.count('queue'))
    expect(delivered + queueDropped).toBe(10_000)
    // Ten seconds, and the queue that was full at their end.
    expect(bytesDelivered).toBeGreaterThanOrEqual(1_000_000)
    expect(bytesDelivered).toBeLessThanOrEqual(1_011_000)
    const delays = flooded.arrivals.map(({ index, atMs }) => atMs - index)
    expect(Math.max(...delays)).toBeLessThanOrEqual(100 + 1e-6) // a full queue, never more
    expect(flooded.link.counters.reordered).toBe(0)
  })

  it('takes one that is longer than its queue when nothing waits', () => {
    const rig = new Rig({ bytesPerSecond: 1000, queueBytes: 10 })
    rig.send(1000)
    rig.send(1)
    rig.clock.advance(5000)
    rig.send(1000)
    rig.clock.advance(5000)
    expect(rig.fates).toEqual(['passed', 'queue', 'passed'])
    expect(rig.arrivals.map(({ atMs }) => atMs)).toEqual([1000, 6000])
  })

  it('has room again at the moment at which one has left', () => {
    const rig = new Rig({ bytesPerSecond: 1000, queueBytes: 20 })
    for (let i = 0; i < 3; i++) rig.send(10)
    rig.clock.advance(10)
    for (let i = 0; i < 2; i++) rig.send(10)
    expect(rig.fates).toEqual(['passed', 'passed', 'queue', 'passed', 'queue'])
  })

  it('keeps the order when the bottleneck is taken away', () => {
    const rig = new Rig({ bytesPerSecond: 1000 })
    rig.send(100)
    rig.link.set({ bytesPerSecond: 0 })
    rig.send(100)
    rig.clock.advance(200)
    expect(rig.arrivals).toEqual([
      { index: 0, atMs: 100 },
      { index: 1, atMs: 100 },
    ])
  })

  it('lets nothing through that is too long', () => {
    const rig = new Rig({ mtuBytes: 1200 })
    for (const bytes of [1199, 1200, 1201, 0]) rig.send(bytes)
    rig.clock.advance(0)
    expect(rig.fates).toEqual(['passed', 'passed', 'too-long', 'passed'])
    expect(rig.link.counters).toMatchObject({ sent: 4, tooLong: 1, delivered: 3, bytesDelivered: 2399 })
  })

  it('can be changed and blocked while it runs; what is in flight arrives', () => {
    const rig = new Rig({ latencyMs: 100 })
    rig.send(1)
    rig.link.isBlocked = true
    rig.link.set({ latencyMs: 10 })
    rig.send(1)
    rig.link.isBlocked = false
    rig.send(1)
    rig.clock.advance(200)
    expect(rig.fates).toEqual(['passed', 'blocked', 'passed'])
    expect(rig.arrivals).toEqual([
      { index: 2, atMs: 10 },
      { index: 0, atMs: 100 },
    ])
  })

  it('has one timer, and none when nothing is in flight', () => {
    const rig = new Rig({ latencyMs: 10, jitterMs: 10 })
    for (let i = 0; i < 100; i++) rig.send(1)
    expect(rig.clock.timers).toBe(1)
    rig.clock.advance(20)
    expect([rig.clock.timers, rig.link.inFlight]).toEqual([0, 0])
    rig.send(1)
    rig.link.close()
    expect(rig.clock.timers).toBe(0)
  })

  it('goes on when a receiver throws', () => {
    const rig = new Rig({ latencyMs: 1 })
    rig.link.pass(1, () => {
      throw new Error('no')
    })
    rig.send(1)
    expect(() => rig.clock.advance(5)).toThrow('no')
    rig.clock.advance(5)
    expect(rig.arrivals.length).toBe(1)
  })

  it('says which option is wrong', () => {
    const wrong = [
      { loss: 1.1 },
      { loss: Number.NaN },
      { latencyMs: -1 },
      { jitterMs: Number.POSITIVE_INFINITY },
      { burst: { enter: 0.1, leave: 2, loss: 1 } },
      { speed: 1 },
    ]
    for (const options of wrong)
      expect(codeOf(() => new Rig(options as LinkOptions))).toBe('ERR_INVALID_ARGUMENT')
  })

  it('loses count of none: sent + duplicated = delivered + lost + dropped + too long + blocked + in flight', () => {
    const probability = fc.double({ min: 0, max: 1, noNaN: true })
    const options = fc.record({
      latencyMs: fc.nat(50),
      jitterMs: fc.nat(50),
      loss: probability,
      burst: fc.option(fc.record({ enter: probability, leave: probability, loss: probability }), {
        nil: undefined,
      }),
      duplicate: probability,
      reorder: probability,
      reorderMs: fc.nat(50),
      bytesPerSecond: fc.nat(100_000),
      queueBytes: fc.nat(5000),
      mtuBytes: fc.nat(2000),
    })
    const step = fc.oneof(
      { weight: 10, arbitrary: fc.record({ bytes: fc.nat(1500), thenMs: fc.nat(10) }) },
      { weight: 1, arbitrary: fc.record({ options }) },
      { weight: 1, arbitrary: fc.record({ isBlocked: fc.boolean() }) },
    )
    fc.assert(
      fc.property(fc.nat(), options, fc.array(step, { maxLength: 200 }), (seed, first, steps) => {
        const rig = new Rig(first, seed)
        for (const each of steps) {
          if ('bytes' in each) {
            rig.send(each.bytes)
            rig.clock.advance(each.thenMs)
          } else if ('options' in each) rig.link.set(each.options)
          else rig.link.isBlocked = each.isBlocked
          const { sent, duplicated, delivered, lost, queueDropped, tooLong, blocked } = rig.link.counters
          const ended = delivered + lost + queueDropped + tooLong + blocked
          expect(sent + duplicated).toBe(ended + rig.link.inFlight)
          expect(delivered).toBe(rig.arrivals.length)
        }
        rig.clock.advance(1e7)
        expect([rig.link.inFlight, rig.clock.timers]).toEqual([0, 0])
        const { lostInBurst, ...counters } = rig.link.counters
        expect(counters).toMatchObject({
          sent: rig.fates.length,
          lost: rig.count('lost', 'burst'),
          duplicated: rig.count('doubled'),
          queueDropped: rig.count('queue'),
          tooLong: rig.count('too-long'),
          blocked: rig.count('blocked'),
        })
        expect(lostInBurst).toBe(rig.count('burst'))
      }),
      { numRuns: 200 },
    )
  })
})
