import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AlertInbox, alertRecord } from '../../src/net/alert-inbox.ts'
import { type AlertThresholds, checkThresholds, defaultThresholds } from '../../src/net/alert-levels.ts'
import { Alerter } from '../../src/net/alerter.ts'
import type { Alert, DropAlert, ErrorAlert, LevelAlert } from '../../src/net/alerts.ts'
import { wireErrors } from '../../src/net/counters.ts'
import { VirtualClock } from '../../src/sim/network/virtual-clock.ts'

function open(thresholds: Partial<AlertThresholds> = {}) {
  const clock = new VirtualClock()
  const alerts: Alert[] = []
  const counts = { offered: 0 }
  const alerter = new Alerter({
    clock,
    intervalMs: 1000,
    thresholds: { ...defaultThresholds, ...thresholds },
    offered: () => counts.offered,
    publish: (alert) => void alerts.push(alert),
  })
  return { clock, alerts, alerter, counts, taken: () => alerts.splice(0) }
}

/** `open`, and so much is offered that nothing raises the level of the drop rate. */
function openBusy() {
  const rig = open()
  rig.counts.offered = 1e9
  return rig
}

const of = <Kind extends Alert['kind']>(alerts: Alert[], kind: Kind) =>
  alerts.filter((alert) => alert.kind === kind) as Extract<Alert, { kind: Kind }>[]
const levels = (alerts: Alert[]) => of(alerts, 'level').map(({ name, state }) => `${name} ${state}`)
const recordOf = (alert: Alert) => new TextEncoder().encode(alertRecord(alert))

describe('drops', () => {
  it('tells the first of a burst at once, and the rest as one sum when the interval has passed', () => {
    const { clock, alerter, taken } = openBusy()
    alerter.dropped('full', 3)
    expect(taken()).toEqual([
      {
        kind: 'drop',
        reason: 'full',
        events: 3,
        total: 3,
        sinceMs: 0,
        message: expect.stringMatching(/^3 events dropped \(full\): .*Raise capacity/),
      },
    ])
    clock.advance(100)
    alerter.dropped('full', 5)
    alerter.dropped('full', 5)
    clock.advance(400)
    alerter.dropped('full', 9)
    expect(taken()).toEqual([])
    clock.advance(499)
    expect(taken()).toEqual([])
    clock.advance(1)
    expect(taken()).toEqual([expect.objectContaining({ events: 6, total: 9, sinceMs: 900 })])
  })

  it('has no timer once everything is told, and tells the next burst at once', () => {
    const { clock, alerter, taken } = openBusy()
    alerter.dropped('full', 1)
    alerter.dropped('full', 2)
    clock.advance(2000)
    expect(clock.timers).toBe(0)
    expect(taken()).toHaveLength(2)
    alerter.dropped('full', 3)
    expect(of(taken(), 'drop')).toEqual([expect.objectContaining({ events: 1, total: 3, sinceMs: 0 })])
  })

  it('holds back each reason by itself', () => {
    const { alerter, taken } = openBusy()
    alerter.dropped('full', 1)
    alerter.dropped('oversize', 1)
    alerter.dropped('full', 2)
    expect(of(taken(), 'drop').map(({ reason }) => reason)).toEqual(['full', 'oversize'])
  })

  it('tells what is held back on flush, and nothing twice', () => {
    const { clock, alerter, taken } = openBusy()
    alerter.dropped('full', 1)
    alerter.dropped('full', 4)
    taken()
    alerter.flush()
    alerter.flush()
    expect(of(taken(), 'drop').map(({ events }) => events)).toEqual([3])
    clock.advance(5000)
    expect(taken()).toEqual([])
  })

  it('tells the rest on close, leaves no timer, and is silent from then on', () => {
    const { clock, alerter, alerts } = open()
    alerter.peerRefused()
    alerter.peerAnswersAgain()
    alerter.dropped('full', 1)
    alerter.dropped('full', 4)
    alerter.close()
    alerter.close()
    expect(of(alerts, 'drop').map(({ events }) => events)).toEqual([1, 3])
    expect(clock.timers).toBe(0)
    const before = alerts.length
    alerter.dropped('full', 9)
    alerter.failed('EMSGSIZE', 1, 1)
    alerter.queue(9, 10)
    alerter.peerAnswersAgain()
    alerter.note('warning', { message: 'late' })
    clock.advance(5000)
    expect([alerts.length, clock.timers]).toEqual([before, 0])
  })

  it('keeps a bounded number of reasons: the rest goes under one name', () => {
    const { clock, alerter, alerts } = openBusy()
    for (let i = 0; i < 100; i++) alerter.dropped(`reason ${i}`, 1)
    clock.advance(5000)
    expect(new Set(of(alerts, 'drop').map(({ reason }) => reason)).size).toBe(33)
    expect(of(alerts, 'drop').at(-1)).toMatchObject({ reason: 'other' })
  })
})

describe('errors', () => {
  it('counts how often and how many events, each since it was last told', () => {
    const { clock, alerter, taken } = openBusy()
    alerter.failed('EMSGSIZE', 2, 7)
    alerter.failed('EMSGSIZE', 3, 7)
    alerter.failed('EMSGSIZE', 3, 9)
    clock.advance(1000)
    expect(taken()).toEqual([
      {
        kind: 'error',
        code: 'EMSGSIZE',
        times: 2,
        events: 7,
        total: 2,
        totalEvents: 7,
        message: expect.stringMatching(/^EMSGSIZE, 2 times, 7 events lost: .*Lower maxDatagramBytes/),
      },
      expect.objectContaining({ times: 1, events: 2, total: 3, totalEvents: 9 }),
    ])
  })

  it('puts codes that it does not know under one', () => {
    const { alerter, taken } = openBusy()
    alerter.failed('EWHATEVER', 1, 0)
    expect(taken()).toEqual([expect.objectContaining({ code: 'EOTHER', times: 1, events: 0 })])
  })

  it('says what each code means, and what to do', () => {
    const { alerter, alerts } = openBusy()
    for (const code of wireErrors) alerter.failed(code, 1, 0)
    expect(of(alerts, 'error').map(({ code }) => code)).toEqual(wireErrors)
    for (const { code, message } of of(alerts, 'error')) {
      expect(message).toMatch(new RegExp(`^${code}, 1 time, no event lost: .{20}`))
    }
  })
})

describe('levels', () => {
  it('raises the queue at its threshold, and recovers well below it', () => {
    const { clock, alerter, taken } = open()
    const at = (depth: number) => {
      alerter.queue(depth, 100)
      clock.advance(1000)
      return taken()
    }
    expect(at(79)).toEqual([])
    expect(at(80)).toEqual([
      {
        kind: 'level',
        name: 'queue',
        state: 'raised',
        value: 0.8,
        threshold: 0.8,
        message: expect.stringContaining('filling up'),
      },
    ])
    expect([...at(100), ...at(51), ...at(80)]).toEqual([])
    expect(at(50)).toEqual([expect.objectContaining({ state: 'recovered', value: 0.5, threshold: 0.5 })])
    expect(at(0)).toEqual([])
    expect(clock.timers).toBe(0)
  })

  it('does not tell of every swing: only where a level stands when the interval has passed', () => {
    const { clock, alerter, taken } = open()
    for (let i = 0; i < 10; i++) {
      alerter.queue(90, 100)
      alerter.queue(10, 100)
    }
    expect(levels(taken())).toEqual(['queue raised'])
    clock.advance(1000)
    expect(levels(taken())).toEqual(['queue recovered'])
    alerter.queue(90, 100)
    alerter.queue(10, 100)
    alerter.queue(90, 100)
    clock.advance(5000)
    expect(levels(taken())).toEqual(['queue raised'])
  })

  it('raises the drop rate when more than a hundredth is lost within an interval', () => {
    const { clock, alerter, counts, taken } = open()
    const pass = (offered: number, dropped: number) => {
      counts.offered += offered
      alerter.queue(0, 100)
      alerter.dropped('overwritten', dropped)
      clock.advance(100)
    }
    for (let i = 1; i <= 40; i++) pass(1000, i * 10)
    expect(levels(taken())).toEqual([])
    for (let i = 1; i <= 15; i++) pass(1000, 400 + i * 50)
    const [raised] = of(taken(), 'level') as LevelAlert[]
    expect(raised).toMatchObject({ name: 'drop-rate', state: 'raised', threshold: 0.01 })
    expect(raised!.value).toBeGreaterThan(0.01)
    expect(raised!.value).toBeLessThanOrEqual(0.05)
  })

  it('lets the drop rate recover after an interval without a loss, and then has no timer', () => {
    const { clock, alerter, counts, taken } = open()
    counts.offered = 100
    alerter.dropped('full', 50)
    clock.advance(1000)
    expect(of(taken(), 'level')).toEqual([expect.objectContaining({ name: 'drop-rate', value: 0.5 })])
    counts.offered = 200
    alerter.dropped('full', 51)
    clock.advance(1000)
    expect(levels(taken())).toEqual([])
    clock.advance(1000)
    expect(levels(taken())).toEqual(['drop-rate recovered'])
    expect(clock.timers).toBe(0)
  })

  it('holds a burst after a long rest against what was offered with it, not against all before', () => {
    const { clock, alerter, counts, taken } = open()
    counts.offered = 1_000_000
    alerter.queue(0, 100)
    clock.advance(3_600_000)
    counts.offered += 100
    alerter.queue(0, 100)
    alerter.failed('EMSGSIZE', 1, 10)
    clock.advance(1000)
    expect(of(taken(), 'level')).toEqual([expect.objectContaining({ name: 'drop-rate', value: 0.1 })])
  })

  it('does not lose a window whose timer comes late', () => {
    const { clock, alerter, counts, taken } = open()
    counts.offered = 100
    alerter.queue(0, 100)
    clock.after(1000, () => alerter.queue(0, 100)) // somebody looks when the window is over, but its timer is not yet heard
    alerter.dropped('full', 50)
    clock.advance(1000)
    expect(levels(taken())).toEqual(['drop-rate raised'])
  })

  it('takes the peer for dead at a refusal, and for alive when one second of sending has brought none', () => {
    const { clock, alerter, taken } = open()
    alerter.peerAnswersAgain()
    expect(clock.timers).toBe(0)
    alerter.peerRefused()
    expect(of(taken(), 'level')).toEqual([
      expect.objectContaining({ name: 'peer', state: 'raised', value: 1, threshold: 1 }),
    ])
    clock.advance(60_000)
    expect([taken(), clock.timers]).toEqual([[], 0]) // nothing was sent: nothing is known
    alerter.peerAnswersAgain()
    clock.advance(999)
    alerter.peerRefused()
    clock.advance(60_000)
    expect([taken(), clock.timers]).toEqual([[], 0])
    alerter.peerAnswersAgain()
    clock.advance(500)
    alerter.peerAnswersAgain()
    clock.advance(500)
    expect(of(taken(), 'level')).toEqual([
      expect.objectContaining({ name: 'peer', state: 'recovered', value: 0 }),
    ])
  })

  it('takes thresholds of the user’s own, and refuses what cannot be one', () => {
    expect(checkThresholds(undefined)).toEqual(defaultThresholds)
    expect(checkThresholds({ dropRate: 0.5 })).toEqual({ ...defaultThresholds, dropRate: 0.5 })
    const wrong = [
      { queueRaise: 1.1 },
      { queueRecover: -1 },
      { dropRate: Number.NaN },
      { queueRaise: 0.4 },
      { queueRecover: 0.8 },
      { peerRecoverMs: -1 },
      { peerRecoverMs: Number.POSITIVE_INFINITY },
    ]
    const otherTypes = ['100', 100n].map((peerRecoverMs) => ({ peerRecoverMs: peerRecoverMs as never }))
    for (const thresholds of [...wrong, ...otherTypes]) {
      expect(() => checkThresholds(thresholds), String(Object.entries(thresholds))).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
      )
    }
    const { alerter, alerts } = open({ queueRaise: 0.2, queueRecover: 0.1 })
    alerter.queue(20, 100)
    expect(levels(alerts)).toEqual(['queue raised'])
  })
})

describe('notes', () => {
  it('tells the last of each kind, and how many there were', () => {
    const { clock, alerter, taken } = open()
    for (let i = 1; i <= 5; i++) alerter.note('address', { message: `to 10.0.0.${i}`, port: i })
    alerter.note('warning', { message: 'x'.repeat(10_000) })
    expect(taken()).toEqual([
      { kind: 'address', times: 1, total: 1, message: 'to 10.0.0.1', port: 1 },
      { kind: 'warning', times: 1, total: 1, message: 'x'.repeat(300) },
    ])
    clock.advance(1000)
    expect(taken()).toEqual([{ kind: 'address', times: 4, total: 5, message: 'to 10.0.0.5', port: 5 }])
    expect(clock.timers).toBe(0)
  })
})

// ---- the sums, under anything ------------------------------------------------------------------------------

type Step =
  | { do: 'drop'; reason: string; more: number }
  | { do: 'fail'; code: string; times: number; events: number }
  | { do: 'note' | 'flush' }
  | { do: 'wait'; ms: number }
  | { do: 'queue'; depth: number }

const more = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('drop' as const), reason: fc.constantFrom('full', 'oversize', 'own'), more }),
  fc.record({
    do: fc.constant('fail' as const),
    code: fc.constantFrom('EMSGSIZE', 'ENOBUFS', 'EOTHER'),
    times: more,
    events: more,
  }),
  fc.record({ do: fc.constantFrom('note' as const, 'flush' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(1500) }),
  fc.record({ do: fc.constant('queue' as const), depth: fc.nat(10) }),
)

/** What has been done, by name. */
class Totals {
  readonly #totals: Record<string, number> = {}

  add(name: string, more: number): number {
    this.#totals[name] = (this.#totals[name] ?? 0) + more
    return this.#totals[name]
  }

  nonzero(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#totals).filter(([, total]) => total > 0))
  }
}

function run(steps: Step[]): { told: Alert[]; done: Totals; timersLeft: number } {
  const { clock, alerter, alerts, counts } = open()
  const done = new Totals()
  for (const one of steps) {
    counts.offered += 10
    if (one.do === 'drop') alerter.dropped(one.reason, done.add(`drop ${one.reason}`, one.more))
    else if (one.do === 'fail') {
      const times = done.add(`times ${one.code}`, one.times)
      alerter.failed(one.code, times, done.add(`events ${one.code}`, one.events))
    } else if (one.do === 'note') {
      done.add('warning', 1)
      alerter.note('warning', { message: 'one more' })
    } else if (one.do === 'queue') alerter.queue(one.depth, 10)
    else if (one.do === 'wait') clock.advance(one.ms)
    else alerter.flush()
  }
  clock.advance(4000)
  return { told: alerts, done, timersLeft: clock.timers }
}

function sumsOf(alerts: Alert[]): Totals {
  const sums = new Totals()
  for (const alert of alerts) {
    if (alert.kind === 'drop') sums.add(`drop ${alert.reason}`, alert.events)
    else if (alert.kind === 'error') {
      sums.add(`times ${alert.code}`, alert.times)
      sums.add(`events ${alert.code}`, alert.events)
    } else if (alert.kind !== 'level') sums.add(alert.kind, alert.times!)
  }
  return sums
}

describe('the sums', () => {
  it('over all alerts are the totals, whatever happens, and no timer is left', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { told, done, timersLeft } = run(steps)
        expect(sumsOf(told).nonzero()).toEqual(done.nonzero())
        expect(timersLeft).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  it('are never told in more alerts than one an interval and name', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const calm = steps.filter((one) => one.do !== 'flush')
        const waited = calm.reduce((sum, one) => sum + (one.do === 'wait' ? one.ms : 0), 0)
        const { told } = run(calm)
        for (const kind of ['full', 'oversize', 'own']) {
          const alerts = of(told, 'drop').filter(({ reason }) => reason === kind)
          expect(alerts.length).toBeLessThanOrEqual(2 + waited / 1000)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('are exact on the reading side, too, although alerts get lost on the way', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.boolean()), (steps, arrives) => {
        const { told, done } = run(steps)
        const last = new Map(told.map((alert) => [nameOf(alert), alert]))
        const arrived = told.filter((alert) => last.get(nameOf(alert)) === alert || arrives.next().value)
        const inbox = new AlertInbox()
        const received = arrived.map((alert) => inbox.receive(recordOf(alert)))
        expect(sumsOf(received).nonzero()).toEqual(done.nonzero())
      }),
      { numRuns: 300 },
    )
  })
})

const nameOf = (alert: Alert) => {
  if (alert.kind === 'drop') return `drop ${alert.reason}`
  return alert.kind === 'error' ? `error ${alert.code}` : alert.kind
}

describe('the inbox', () => {
  const drop = (events: number, total: number): DropAlert => {
    return { kind: 'drop', reason: 'full', events, total, sinceMs: 0, message: `${events} events dropped` }
  }

  it('makes up for alerts that were missed, in numbers and in words', () => {
    const inbox = new AlertInbox()
    expect(inbox.receive(recordOf(drop(3, 3)))).toMatchObject({ events: 3, total: 3 })
    const next = inbox.receive(recordOf(drop(1, 9)))
    expect(next).toMatchObject({ events: 6, total: 9, message: expect.stringMatching(/^6 events dropped/) })
  })

  it('counts from the start again when the other side has', () => {
    const inbox = new AlertInbox()
    inbox.receive(recordOf(drop(100, 100)))
    expect(inbox.receive(recordOf(drop(2, 2)))).toMatchObject({ events: 2, total: 2 })
  })

  it('hands on levels, and what has no total, as they are', () => {
    const inbox = new AlertInbox()
    const { alerter, alerts } = open()
    alerter.queue(9, 10)
    const note: Alert = { kind: 'io-thread', events: 3, message: 'ended' }
    for (const alert of [alerts[0]!, note]) expect(inbox.receive(recordOf(alert))).toEqual(alert)
  })

  it('takes no record for an alert that is none', () => {
    const inbox = new AlertInbox()
    for (const text of ['', '{', 'null', '5', '[]', '{"kind":"drop"}', '{"kind":"toString","message":""}']) {
      expect(inbox.receive(new TextEncoder().encode(text)), text).toMatchObject({ kind: 'warning' })
    }
  })

  it('gets alerts that can be cloned to other threads', () => {
    const { alerter, alerts } = open()
    alerter.dropped('full', 1)
    alerter.failed('EMSGSIZE', 1, 1)
    alerter.queue(9, 10)
    alerter.note('address', { message: 'moved', address: '10.0.0.1' })
    expect(alerts).toHaveLength(4)
    expect(structuredClone(alerts)).toEqual(alerts)
    expect(of(alerts, 'error').every((alert: ErrorAlert) => alert.message.length < 500)).toBe(true)
  })
})
