import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded, VirtualClock } from '../../src/sim/network/index.ts'

describe('the virtual clock', () => {
  it('calls what is due at its own time, in order, and at the same time in the order asked for', () => {
    const clock = new VirtualClock(0)
    const called: string[] = []
    for (const [name, ms] of Object.entries({ c: 30, a1: 10, b: 20, a2: 10, late: 31 }))
      clock.after(ms, () => called.push(`${name}@${clock.now()}`))
    clock.advance(30)
    expect(called).toEqual(['a1@10', 'a2@10', 'b@20', 'c@30'])
    expect([clock.now(), clock.timers, clock.nextAt()]).toEqual([30, 1, 31])
  })

  it('takes timers back, also twice, also one that has been called', () => {
    const clock = new VirtualClock()
    let calls = 0
    const cancels = [1, 2, 3].map((ms) => clock.after(ms, () => calls++))
    cancels[1]!()
    cancels[1]!()
    clock.advance(5)
    cancels[0]!()
    expect([calls, clock.timers, clock.nextAt()]).toEqual([2, 0, undefined])
  })

  it('against an array: any timers, put in and taken back in any order', () => {
    const step = fc.oneof(
      fc.record({ after: fc.nat(50) }),
      fc.record({ cancel: fc.nat(100) }),
      fc.record({ advance: fc.nat(20) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const clock = new VirtualClock(0)
        const called: number[] = []
        const expected: number[] = []
        let model: { id: number; atMs: number }[] = []
        const cancels: (() => void)[] = []
        for (const each of steps) {
          if ('after' in each) {
            const id = cancels.length
            cancels.push(clock.after(each.after, () => called.push(id)))
            model.push({ id, atMs: clock.now() + each.after })
          } else if ('cancel' in each) {
            const id = cancels.length === 0 ? -1 : each.cancel % cancels.length
            cancels[id]?.()
            model = model.filter((timer) => timer.id !== id)
          } else {
            clock.advance(each.advance)
            const due = model.filter(({ atMs }) => atMs <= clock.now())
            expected.push(...due.sort((a, b) => a.atMs - b.atMs || a.id - b.id).map(({ id }) => id))
            model = model.filter(({ atMs }) => atMs > clock.now())
          }
          expect(called).toEqual(expected)
          expect(clock.timers).toBe(model.length)
        }
      }),
    )
  })

  it('runs until a condition holds, and no longer; or gives up', () => {
    const clock = new VirtualClock(0)
    let ticks = 0
    const tick = () => {
      ticks++
      clock.after(10, tick)
    }
    tick()
    expect([clock.runUntil(() => ticks === 5), clock.now()]).toEqual([true, 40])
    expect([clock.runUntil(() => false, 100), clock.now()]).toEqual([false, 140])
    expect([clock.runUntil(200), clock.now()]).toEqual([true, 200])
    expect([clock.runUntil(100), clock.now()]).toEqual([true, 200]) // never back
  })

  it('lets promises be kept before time goes on, when it plays', async () => {
    const clock = new VirtualClock(0)
    const seen: number[] = []
    const later = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))
    const story = async () => {
      for (let round = 0; round < 3; round++) {
        await later(10)
        await Promise.all([Promise.resolve(), new Promise<void>((resolve) => clock.soon(resolve))])
        seen.push(clock.now())
      }
    }
    clock.after(1000, () => {})
    void story()
    await clock.playUntil(1000)
    expect(seen).toEqual([10, 20, 30])
  })

  it('watches a condition without a timer', () => {
    const clock = new VirtualClock()
    let [asked, isSo] = [0, false]
    const cancel = clock.watch(() => ++asked < 0)
    clock.watch(() => isSo)
    expect(clock.timers).toBe(0)
    clock.after(5, () => (isSo = true))
    clock.advance(10)
    const before = asked
    cancel()
    clock.advance(10)
    expect([before > 0, asked]).toEqual([true, before])
  })

  it('has 10,000 timers at hand, each put off twenty times, in no time', () => {
    const clock = new VirtualClock(0)
    const random = seeded(1)
    let calls = 0
    const started = performance.now()
    for (let i = 0; i < 10_000; i++) {
      let left = 20
      const again = () => {
        calls++
        if (--left > 0) clock.after(random.between(1, 1000), again)
      }
      clock.after(random.between(1, 1000), again)
    }
    clock.advance(20_000)
    expect([calls, clock.timers]).toEqual([200_000, 0])
    expect(performance.now() - started).toBeLessThan(10_000) // a linear scan takes minutes
  })
})

describe('the seeded source', () => {
  it('draws the same for a seed, and something else for another and for each fork', () => {
    const draw = (random = seeded(1)) => Array.from({ length: 5 }, () => random.word())
    expect(draw()).toEqual(draw())
    const all = [
      draw(),
      draw(seeded(2)),
      draw(seeded(1).fork('a')),
      draw(seeded(1).fork('b')),
      draw(seeded(2).fork('a')),
    ]
    expect(new Set(all.flat()).size).toBe(25)
  })

  it('does not let a fork depend on what has been drawn', () => {
    const random = seeded(9)
    const before = random.fork('x').word()
    random.next()
    expect(random.fork('x').word()).toBe(before)
  })

  it('is even enough, and inside its bounds', () => {
    const random = seeded(3)
    const counts = new Array(10).fill(0)
    for (let i = 0; i < 100_000; i++) counts[random.between(0, 9)]++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400) // 4 sigma
    const floats = Array.from({ length: 10_000 }, () => random.next())
    expect(floats.every((x) => x >= 0 && x < 1)).toBe(true)
    expect(
      random
        .shuffle([...Array(50).keys()])
        .slice()
        .sort((a, b) => a - b),
    ).toEqual([...Array(50).keys()])
  })
})
