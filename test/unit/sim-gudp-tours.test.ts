import { describe, expect, it, onTestFinished } from 'vitest'
import { formatSetting, PairRun, type PairSample, parseSetting } from '../../src/sim/gudp/index.ts'
import { gudpTours, type Tour } from '../../web/sim/gudp/tours.ts'

// What the tours tell of a run is so: each claim is looked for in the text, and then in the run.

const tourOf = (id: string): Tour => gudpTours.find((tour) => tour.id === id)!

/** Runs to each step of a tour in turn; all steps are stops of one run. */
function walk(id: string) {
  const { steps } = tourOf(id)
  expect(new Set(steps.map(({ query }) => query)).size).toBe(1)
  const run = new PairRun(parseSetting(steps[0]!.query))
  onTestFinished(() => run.leave())
  let next = 0
  return {
    run,
    /** The next step, whose text says all of that. */
    step(...claims: RegExp[]): PairSample {
      const { text, untilMs } = steps[next++]!
      for (const claim of claims) expect(text).toMatch(claim)
      run.advanceTo(untilMs!)
      return run.sample()
    },
    isOver: () => next === steps.length,
  }
}

describe('the tours of gudp', () => {
  it('have names of their own, steps in the order of time, and settings as they are written', () => {
    expect(new Set(gudpTours.map(({ id }) => id)).size).toBe(gudpTours.length)
    for (const { steps } of gudpTours) {
      for (const [i, { query, untilMs }] of steps.entries()) {
        expect(parseSetting(formatSetting(parseSetting(query)))).toEqual(parseSetting(query))
        expect(untilMs).toBeGreaterThan(steps[i - 1]?.untilMs ?? 0)
      }
    }
  })

  it('head-of-line blocking: one lost packet holds up its own channel, and no other', () => {
    const { run, step, isOver } = walk('hol')
    const held = ({ flows }: PairSample) => flows.map((flow) => flow.held)
    const worst = ({ flows }: PairSample) => flows.map(({ worstDelayMs }) => Math.round(worstDelayMs!))

    const quiet = step(/Three channels/, /every 50 ms/, /two are reliable/, /comes 100 ms after/)
    expect(quiet.flows.map(({ isReliable }) => isReliable)).toEqual([true, true, false])
    expect(quiet.flows.map(({ given }) => given)).toEqual([19, 18, 18]) // in 900 ms
    expect(worst(quiet)).toEqual([100, 100, 100])
    expect(quiet.there.lost).toBe(0)

    const lost = step(/hits one packet/, /message 20 of the first/, /Nobody knows/)
    expect([lost.there.lost, lost.back.lost, lost.left.packetsLost]).toEqual([1, 0, 0])
    expect(lost.flows[0]!.given).toBe(21)

    const blocked = step(/21, 22 and 23/, /20 is missing/, /still take 100 ms/)
    expect(blocked.flows[0]).toMatchObject({ delivered: 20, missing: 20, held: 3 })
    expect(run.messages(6)[0]).toEqual(['away', 'held', 'held', 'held', 'away', 'away'])
    expect(blocked.flows.slice(1).map(({ delivered }) => delivered)).toEqual([23, 23])
    expect(worst(blocked)).toEqual([100, 100, 100])

    const again = step(/given up/, /message 20 goes once more/, /new sequence number/)
    expect(again.left.packetsLost).toBe(1)
    const [first, second] = run
      .packets(0)
      .filter(({ content, side }) => side === 'left' && content.lane === 1 && content.from === 20 * 104)
    expect(first).toMatchObject({ fate: 'lost', isAgain: false })
    expect(second).toMatchObject({ fate: 'passed', isAgain: true })
    expect(second!.content.sequence).toBeGreaterThan(first!.content.sequence)
    const freed = step(/after 372 ms/, /the five that had waited/, /longer than 100 ms/)
    expect(freed.flows[0]).toMatchObject({ delivered: 26, held: 0 })
    expect(worst(freed)).toEqual([372, 100, 100])

    const unreliable = step(/message 40 is lost/, /41 to 45/, /not sent again/)
    expect(unreliable.there.lost).toBe(2)
    expect(held(unreliable)).toEqual([0, 0, 0])
    // 46 and 47 are under way.
    const states = run.messages(8)[2]
    expect(states).toEqual(['away', ...Array(5).fill('delivered'), 'away', 'away'])
    expect(unreliable.flows[2]!.given).toBe(48)
    expect(worst(unreliable)).toEqual([372, 100, 100])
    run.advance(5000)
    expect(run.sample().flows[2]!.delivered).toBe(run.sample().flows[2]!.given - 3) // 40, and two under way
    expect(isOver()).toBe(true)
  })

  it('congestion: bad above the limit, and good again only after a time that doubles', () => {
    const { run, step, isOver } = walk('bad-mode')
    const rateOf = () => {
      const before = run.sample().left.packetsSent
      run.advance(1000)
      return run.sample().left.packetsSent - before
    }

    const begin = step(/begins in bad mode/, /round trip is 85 ms/, /Sixty messages a second/)
    expect(begin.left).toMatchObject({ mode: 'bad', allowedRate: 10 })
    expect(begin.left.rttMs).toBeCloseTo(85, 0)
    expect(begin.flows.every(({ wanted, given }) => wanted === given)).toBe(true)
    expect(begin.flows.reduce((sum, { given }) => sum + given, 0)).toBeCloseTo(180, -1)

    const good = step(/4 seconds/, /at about 4\.1 s the mode became good/, /30 packets a second/)
    expect(good.left).toMatchObject({ mode: 'good', allowedRate: 30 })
    expect(rateOf()).toBeCloseTo(30, -0.5)

    const slow = step(/At 8 s/, /still good/, /a tenth/)
    expect(slow.left.mode).toBe('good')
    expect(slow.left.rttMs).toBeGreaterThan(90)
    expect(slow.left.rttMs).toBeLessThan(250)

    const bad = step(/about 8\.6 s/, /above 250 ms/, /doubles, to 8 seconds/, /Five packets .* none was lost/)
    expect(bad.left).toMatchObject({ mode: 'bad', allowedRate: 10, packetsLost: 5 })
    expect(bad.there.lost + bad.back.lost).toBe(0)
    expect(bad.left.acksLate).toBeGreaterThan(0)

    run.advanceTo(14_000)
    expect(run.sample().left.rttMs).toBeLessThan(250)
    const held = step(/At 12 s/, /before 14 s/, /now 8 seconds/)
    expect(held.left).toMatchObject({ mode: 'bad', allowedRate: 10 })

    expect(step(/about 20\.6 s/).left).toMatchObject({ mode: 'good', allowedRate: 30 })
    expect(step(/about 25\.6 s/, /lasted 5 seconds/, /16 seconds/).left.mode).toBe('bad')
    const untrusted = step(/quick for 16 seconds/, /85 ms/, /still bad/)
    expect(untrusted.left.mode).toBe('bad')
    expect(untrusted.left.rttMs).toBeCloseTo(85, 0)
    expect(step(/about 43\.5 s/).left.mode).toBe('good')
    expect(isOver()).toBe(true)
  })

  it('congestion: the modes change when the text says', () => {
    const run = new PairRun(parseSetting(tourOf('bad-mode').steps[0]!.query))
    onTestFinished(() => run.leave())
    const times: number[] = []
    for (let mode = 'bad'; run.nowMs < 45_000; run.advance(10)) {
      const now = run.sample().left.mode
      if (now !== mode) times.push(run.nowMs / 1000)
      mode = now
    }
    expect(times.map((s) => s.toFixed(1))).toEqual(['4.1', '8.6', '20.6', '25.6', '43.5'])
  })
})
