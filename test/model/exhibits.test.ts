// What the simulator shows is checked as everything else is: every order, and a thread killed at every point.
import { describe, expect, it } from 'vitest'
import { exhibitName, exhibitNamed, exhibits, settingsIn } from '../../src/sim/exhibits/index.ts'
import {
  explore,
  formatSchedule,
  type Instrumented,
  parseSchedule,
  replay,
  scenarioNamed,
} from '../../src/sim/index.ts'
import { Session } from '../../src/sim/session.ts'
import { assemble } from '../../tools/assemble.mjs'
import { plants } from '../../tools/plants.mjs'
import { instrumented } from './fixtures/compile.ts'
import { shipped } from './fixtures/shipped.ts'

const cores = new Map<string, Instrumented>()

function coreOf(name: string): Instrumented {
  const module = scenarioNamed(name).module ?? 'core'
  const known = cores.get(module)
  if (known !== undefined) return known
  const core = shipped(module)
  cores.set(module, core)
  return core
}

/** As small as shows the whole of each. */
const small = [
  'one-to-one/events=4',
  'one-to-one/capacity=2/policy=drop-newest/events=3',
  'one-to-one/capacity=1/events=2/writes=claim/reads=drain',
  'one-to-one/capacity=1/events=1/deaths=told',
  'many-to-one/capacity=1/events=1',
  'many-to-one/writers=1/capacity=1/events=1/deaths=told',
  // One record is all there is: the writer drops it before it has another.
  'one-to-many/readers=1/capacity=1/events=2',
  'one-to-many/readers=1/capacity=1/policy=drop-newest/events=2',
  'one-to-many/readers=1/capacity=1/events=1/deaths=told',
  'signal/events=3',
  'bipartite-ring/events=3',
  'stream-ring/events=3',
  'monitor/consumers=1/turns=1',
  'status-word/times=1',
] as const

describe('every order of an exhibit', () => {
  for (const name of small) {
    for (const kills of [0, 1] as const) {
      it(`${name}${kills === 1 ? ', a thread killed at every point' : ''}`, () => {
        const { failure, complete } = explore(coreOf(name), scenarioNamed(name), { kills })
        if (failure) expect.fail(`${failure.message}\nnpm run replay -- '${failure.schedule}'`)
        expect(complete).toBe(true)
      })
    }
  }

  it('is looked at of each', () => {
    expect(new Set(small.map((name) => name.split('/')[0]))).toEqual(new Set(exhibits.map(({ id }) => id)))
  })

  it('finds what is planted', async () => {
    const plant = plants.find(({ name }) => name === 'publish-before-payload')!
    for (const [core, scenario] of [
      [shipped('plants/wait-without-recheck'), 'signal/events=1'],
      [instrumented(await assemble('core', plant)), 'one-to-one/events=2'],
    ] as const) {
      const { failure } = explore(core, scenarioNamed(scenario))
      expect(failure, scenario).toBeDefined()
      expect(replay(core, scenarioNamed(scenario), failure!.schedule).message).toBe(failure!.message)
    }
  })
})

describe('the name of an exhibit', () => {
  it('has what differs from the usual, and comes back', () => {
    for (const exhibit of exhibits) {
      expect(exhibitName(exhibit, {})).toBe(exhibit.id)
      const name = exhibitNamed(exhibit.id)!.name
      expect(name).toBe(exhibit.id)
      expect(exhibitName(exhibit, settingsIn(exhibit, name))).toBe(name)
    }
    expect(exhibitNamed('one-to-one/policy=drop-newest/capacity=3')!.name).toBe(
      'one-to-one/policy=drop-newest',
    )
    expect(exhibitNamed('lane-oldest')).toBeUndefined()
  })

  it.each([
    ['one-to-one/colour=red', /no setting 'colour'; it has capacity, policy/],
    ['one-to-one/capacity=0', /capacity of one-to-one is from 1 to 64, and not '0'/],
    ['one-to-one/capacity=two', /from 1 to 64/],
    ['one-to-one/policy=newest', /one of drop-oldest, drop-newest/],
    ['no-such-thing', /no scenario 'no-such-thing'; there are one-to-one, .*lane-oldest/],
  ])('%s says what there is', (name, says) => {
    expect(() => scenarioNamed(name)).toThrow(says)
  })
})

describe('a session', () => {
  const long = [
    'one-to-one/events=9999',
    'many-to-one/events=9999',
    'one-to-many/events=9999',
    'signal/events=9999',
    'bipartite-ring/events=9999',
    'stream-ring/events=9999',
    'monitor/turns=2000',
    'status-word/times=9999',
  ]

  it.each(long)(
    'of %s takes ten thousand steps, and comes to the same state to and fro and by its schedule',
    (name) => {
      const [core, scenario] = [coreOf(name), scenarioNamed(name)]
      const session = new Session(core, scenario)
      expect(session.run(5000, 'random')).toBe(5000)
      const half = session.hash
      expect(session.run(5000)).toBe(5000)
      expect([session.fault, session.isOver]).toEqual([undefined, false])
      const end = session.hash
      session.goTo(5000)
      expect(session.hash).toBe(half)
      session.goTo(0)
      session.goTo(10_000)
      expect(session.hash).toBe(end)
      const again = new Session(core, scenario)
      again.load(session.schedule)
      expect(again.hash).toBe(end)
      // The checker's own replay comes to the same memory.
      const { machine, message } = replay(core, scenario, session.schedule, { livelock: false })
      expect(message).toBeUndefined()
      expect([machine.memoryLow, machine.memoryHigh]).toEqual([
        session.machine.memoryLow,
        session.machine.memoryHigh,
      ])
    },
  )

  it('takes another way from the past, and forgets the one that it took', () => {
    const session = new Session(coreOf('one-to-one'), scenarioNamed('one-to-one'))
    session.run(40, 'random')
    const whole = session.schedule
    session.goTo(10)
    expect([session.position, session.length]).toEqual([10, 40])
    expect(
      formatSchedule({ ...parseSchedule(whole), transitions: parseSchedule(whole).transitions.slice(0, 10) }),
    ).toBe(session.schedule)
    session.kill(0)
    expect([session.position, session.length, session.canKill(0), session.canStep(0)]).toEqual([
      11,
      11,
      false,
      false,
    ])
    expect(session.last).toMatchObject({ kind: 'kill', name: 'writer A' })
    session.goTo(10)
    expect(session.canKill(0)).toBe(true)
  })

  it('says what is wrong, stops there, and goes back from it', () => {
    const core = shipped('plants/wait-without-recheck')
    const { failure } = explore(core, scenarioNamed('signal/events=1'))
    const session = new Session(core, scenarioNamed('signal/events=1'))
    session.load(failure!.schedule)
    expect(session.fault).toBe(failure!.message)
    expect([session.isOver, session.canStep(0), session.canStep(1)]).toEqual([true, false, false])
    session.goTo(session.position - 1)
    expect(session.fault).toBeUndefined()
    expect(session.isOver).toBe(false)
  })

  it('kills, and what was held is given back', () => {
    const session = new Session(coreOf('many-to-one'), scenarioNamed('many-to-one/events=2/deaths=told'))
    for (let i = 0; i < 30; i++) session.step(0)
    session.kill(0)
    session.run(10_000)
    expect(session.fault).toBeUndefined()
    const [a, b, reader] = session.machine.view.threads
    expect([a!.status, b!.status, reader!.status]).toEqual(['killed', 'finished', 'blocked'])
    expect(session.machine.scenario.terminal!(session.machine.view)).toBeUndefined()
  })

  it('says which step of a schedule does not fit', () => {
    const session = new Session(coreOf('one-to-one'), scenarioNamed('one-to-one'))
    expect(() => session.load('one-to-one:0*3,5')).toThrow(/step 3: thread 5 cannot do that there/)
    expect(() => session.load('many-to-one:0')).toThrow(/a schedule of many-to-one, not of one-to-one/)
    // The usual settings may be written out.
    session.load('one-to-one/capacity=3/policy=drop-oldest:0*4')
    expect(session.position).toBe(4)
  })

  it('refuses a step that cannot be done, and goes on', () => {
    const session = new Session(coreOf('one-to-one'), scenarioNamed('one-to-one/events=1'))
    session.kill(0)
    for (const thread of [0, 2, 9, -1]) expect(() => session.step(thread)).toThrow(/cannot step here/)
    expect(() => session.kill(0)).toThrow(/cannot be killed here/)
    expect([session.fault, session.position]).toEqual([undefined, 1])
    session.step(1)
  })

  it('can be had with every setting at its least and at its most', () => {
    for (const { id, settings } of exhibits) {
      for (const which of ['least', 'most'] as const) {
        const chosen = settings.map((setting) =>
          'choices' in setting ? '' : `/${setting.name}=${setting[which]}`,
        )
        const name = `${id}${chosen.join('')}`
        const session = new Session(coreOf(id), scenarioNamed(name))
        session.run(200, 'random')
        expect(session.fault, name).toBeUndefined()
      }
    }
  })
})
