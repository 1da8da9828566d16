import { describe, expect, it, onTestFinished } from 'vitest'
import { defaultRegion } from '../../src/core/region.ts'
import {
  formatSetting,
  type Knob,
  knobNames,
  PairRun,
  parseSetting,
  SettingError,
  usualSetting,
} from '../../src/sim/gudp/index.ts'
import { contentOf } from '../../src/sim/gudp/packet-kind.ts'
import { runPlan } from '../../src/sim/gudp/plan-traffic.ts'
import { planOf } from '../../src/sim/gudp/seed-plan.ts'

// What the simulator page shows of gudp: runs of two machines that follow from one setting.

function runOf(query: string): PairRun {
  const run = new PairRun(parseSetting(query))
  onTestFinished(() => run.leave())
  return run
}

const settings = [
  '',
  'loss=10&duplicate=5&jitter=50&from=both',
  'congestion=none&loss=20&channels=packets,reliable,unreliable&bytes=3000&messages=50&rate=300&from=both',
  'congestion=paced&rate=100&queue=16&messages=500&bytes=500',
  'loss=100,0&messages=5',
  'plan=3',
  'plan=7',
  'change=500:loss=50&change=1000:latency=300,10&change=1500:rate=5',
]

describe('a run of two machines', () => {
  it.each(settings)('%s: its ledger closes at every moment, and nothing comes that was not sent', (query) => {
    const run = runOf(query)
    for (let i = 0; i < 60; i++) {
      run.advance(i % 7 === 0 ? 13.7 : 100)
      for (const row of run.ledger())
        expect(row, `${row.what} at ${run.nowMs}`).toMatchObject({ isClosed: true })
      const { faults, flows } = run.sample()
      expect(faults).toEqual([])
      for (const { given, delivered, held, away } of flows) expect(given).toBe(delivered + held + away)
    }
  })

  it.each(settings)('%s: is the same again, however it is advanced', (query) => {
    const [one, other, stepped] = [runOf(query), runOf(query), runOf(query)]
    one.advance(4000)
    while (other.nowMs < 4000) other.advanceTo(Math.min(4000, other.nowMs + 16.67))
    for (let i = 0; i < 300 && stepped.nowMs < 3000; i++) stepped.step()
    stepped.advanceTo(4000)
    expect(other.hash).toBe(one.hash)
    expect(stepped.hash).toBe(one.hash)
    expect(other.sample()).toEqual(one.sample())
    expect(stepped.sample()).toEqual(one.sample())
  })

  it('of a plan sends what the seed test sends, to the packet', () => {
    for (const seed of [3, 7, 11]) {
      const { packets, virtualMs, messages, faults } = runPlan(planOf(seed))
      const run = runOf(`plan=${seed}`)
      run.advance(virtualMs)
      const { there, back, flows } = run.sample()
      expect(faults).toEqual([])
      expect(there.sent + back.sent).toBe(packets)
      expect(flows.reduce((sum, { given }) => sum + given, 0)).toBe(messages)
      expect(
        flows.filter(({ isReliable }) => isReliable).every((flow) => flow.delivered === flow.given),
      ).toBe(true)
    }
  })

  it('can be turned while it runs, and tells a setting that does it again', () => {
    const run = runOf('loss=0&jitter=0')
    run.advance(1000)
    run.turn('loss', [50, 50])
    run.turn('loss', [100, 100]) // at the same moment: the one before is forgotten
    run.step()
    run.turn('latency', [10, 500])
    run.advance(2000)
    run.turn('loss', [0, 0])
    run.advanceTo(6000)
    const text = formatSetting(run.setting)
    expect(run.setting.changes.map(({ knob }) => knob)).toEqual(['loss', 'latency', 'loss'])
    expect(run.knob('latency')).toEqual([10, 500])
    const again = runOf(text)
    again.advance(6000)
    expect(again.hash).toBe(run.hash)
    expect(again.sample()).toEqual(run.sample())
    const straight = runOf('loss=0&jitter=0')
    straight.advance(6000)
    expect(straight.hash).not.toBe(run.hash)
  })

  it('can be turned before anything has happened, and in a plan', () => {
    const run = runOf('plan=7')
    run.turn('loss', [60, 60])
    run.advance(1500)
    const again = runOf(formatSetting(run.setting))
    again.advance(1500)
    expect(formatSetting(run.setting)).toBe('plan=7&change=0:loss=60')
    expect(again.hash).toBe(run.hash)
  })

  it('steps from packet to packet, and says when there is none for long', () => {
    const run = runOf('loss=0&jitter=0&latency=50&messages=1&channels=reliable&congestion=none')
    const times: number[] = []
    for (let i = 0; i < 6; i++) {
      expect(run.step()).toBe(true)
      times.push(run.nowMs)
    }
    expect(times[0]).toBe(0)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(times.some((ms) => ms === 50)).toBe(true) // the first has come
    const dead = runOf('loss=100&messages=0')
    while (dead.step());
    expect(dead.sample().left.end).toBe('timed-out')
    expect(dead.ledger().every(({ isClosed }) => isClosed)).toBe(true)
  })

  it('knows of each packet what it carries, what became of it, and when it comes', () => {
    const run = runOf(
      'congestion=none&loss=10&duplicate=10&jitter=20&channels=packets,reliable,unreliable&bytes=1500',
    )
    run.advance(3000)
    const packets = run.packets(0)
    const kinds = new Set(packets.map(({ content }) => content.kind))
    expect([...kinds].sort()).toEqual(expect.arrayContaining(['ack', 'fragment', 'stream']))
    for (const { fate, arrivalsMs, sentAtMs } of packets) {
      expect(arrivalsMs.length).toBe({ passed: 1, doubled: 2 }[fate as string] ?? 0)
      for (const atMs of arrivalsMs) expect(atMs - sentAtMs).toBeGreaterThanOrEqual(80)
    }
    expect(packets.some(({ isAgain }) => isAgain)).toBe(true)
    expect(run.packets(2000).every(({ sentAtMs }) => sentAtMs >= 2000)).toBe(true)
  })

  it('tells what is held because an earlier message is missing', () => {
    const run = runOf(
      'congestion=none&loss=0&jitter=0&channels=reliable,unreliable&change=495:loss=100,0&change=505:loss=0',
    )
    run.advance(700)
    const [reliable, unreliable] = run.sample().flows
    expect(reliable).toMatchObject({ missing: 10, delivered: 10 })
    expect(reliable!.held).toBeGreaterThan(0)
    expect(unreliable).toMatchObject({ missing: undefined, held: 0 })
    expect(run.messages(5)[0]!.includes('held')).toBe(true)
    run.advance(700)
    expect(run.sample().flows[0]).toMatchObject({ missing: undefined, held: 0 })
  })

  it('gives back its memory', () => {
    const before = defaultRegion().abi.usedGranules()
    const run = new PairRun(parseSetting('plan=7'))
    run.advance(500)
    run.leave()
    expect(defaultRegion().abi.usedGranules()).toBe(before)
  })
})

describe('the text of a setting', () => {
  it.each([...settings, 'seed=7&loss=2.5,0&from=both', 'messages=0&bytes=8&channels=packets'])(
    '%s is what it was',
    (query) => {
      const setting = parseSetting(query)
      expect(parseSetting(formatSetting(setting))).toEqual(setting)
      expect([...new URLSearchParams(formatSetting(setting))].sort()).toEqual(
        [...new URLSearchParams(query)].sort(),
      )
    },
  )

  it('leaves out what is as usual, and takes what a browser has escaped', () => {
    expect(formatSetting(usualSetting)).toBe('')
    expect(parseSetting('')).toEqual(usualSetting)
    expect(parseSetting('?seed=1&loss=2%2C2')).toEqual(usualSetting)
    expect(parseSetting('loss=5').links.loss).toEqual([5, 5])
    expect(parseSetting('loss=5,0').links.loss).toEqual([5, 0])
  })

  it('has changes in the order of time', () => {
    const { changes } = parseSetting('change=300:loss=1&change=100:rate=5,6&change=300:loss=2')
    expect(changes.map(({ atMs, to }) => [atMs, ...to])).toEqual([
      [100, 5, 6],
      [300, 1, 1],
      [300, 2, 2],
    ])
  })

  it.each([
    ['los=5', /there is no setting los: .*loss/],
    ['loss=5&loss=6', /loss is there twice/],
    ['loss=101', /loss is a number from 0 to 100 %, not 101/],
    ['loss=', /loss is a number/],
    ['loss=-1', /loss is a number/],
    ['latency=NaN', /latency is a number from 0 to 2000 ms, not NaN/],
    ['loss=1,2,3', /loss has one value, or two for there and back/],
    ['seed=1.5', /seed is a whole number/],
    ['bytes=4', /bytes is a whole number from 8 to 8000/],
    ['congestion=fast', /congestion is one of good-bad, paced, none, not fast/],
    ['channels=reliable,fast', /a channel is one of packets, reliable, unreliable, not fast/],
    ['channels=packets,packets', /name them once/],
    [`channels=${Array(9).fill('reliable')}`, /there may be 8 channels/],
    ['plan=7&loss=5', /a plan says all by itself: leave out loss/],
    ['change=loss', /a change is a time in ms/],
    ['change=100:seed=5', /a change is a time in ms/],
    ['change=x:loss=5', /the time of a change is a number/],
    ['change=100:loss=500', /loss is a number/],
  ])('%s is refused, and says why', (query, why) => {
    expect(() => parseSetting(query)).toThrow(SettingError)
    expect(() => parseSetting(query)).toThrow(why)
  })

  it('has a value for every knob', () => {
    const setting = parseSetting(knobNames.map((knob: Knob, i) => `${knob}=${i},${i + 1}`).join('&'))
    expect(Object.keys(setting.links)).toEqual(knobNames)
    expect(setting.links.queue).toEqual([5, 6])
  })
})

describe('what a packet carries', () => {
  const of = (...bytes: number[]) => contentOf(Uint8Array.from(bytes))
  // Short ack, no byte of ack bits, sequence 7.
  const head = [0x20, 7, 0, 1]

  it('is read from its first frames, by the wire', () => {
    expect(of(...head)).toEqual({ kind: 'ack', sequence: 7, lane: undefined })
    expect(of(0x1e, 7, 1, 0, 0, 1, 2, 3, 4)).toEqual({ kind: 'ack', sequence: 263, lane: undefined })
    expect(of(...head, 4)).toMatchObject({ kind: 'ping' })
    expect(of(...head, 3, 1, 9, 0, 0, 0)).toMatchObject({ kind: 'credit', lane: undefined })
    expect(of(...head, 3, 1, 9, 0, 0, 0, 4)).toMatchObject({ kind: 'credit' })
    expect(of(...head, 1, 0, 65)).toMatchObject({ kind: 'packet', lane: 0 })
    expect(of(...head, 4, 5, 2, 1, 0, 65)).toMatchObject({ kind: 'message', lane: 2 })
    expect(of(...head, 2, 1, 3, 0, 0, 0, 2, 0)).toMatchObject({ kind: 'stream', lane: 1, from: 24, to: 40 })
    expect(of(1, 7, 0, 0, 2, ...head, 1, 3)).toEqual({
      kind: 'fragment',
      sequence: 7,
      lane: 3,
      hasMore: true,
    })
    expect(of(1, 7, 0, 2, 2, 9)).toEqual({ kind: 'fragment', sequence: 7, lane: undefined, hasMore: false })
  })
})
