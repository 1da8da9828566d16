// What the tours say is so.
import { describe, expect, it } from 'vitest'
import { atlasOf } from '../../src/sim/atlas/atlas.ts'
import { ledgersOf } from '../../src/sim/atlas/ledger.ts'
import { eventIn } from '../../src/sim/exhibits/events.ts'
import type { Instrumented } from '../../src/sim/index.ts'
import { scenarioNamed } from '../../src/sim/scenarios/index.ts'
import { Session } from '../../src/sim/session.ts'
import { tours } from '../../web/sim/tours.ts'
import { shipped } from './fixtures/shipped.ts'

const sound = shipped('core')

const planted = new Map<string, Instrumented>()

/** What the page has for them: the build plants what tours need. */
function coreWith(name: string | undefined): Instrumented {
  if (name === undefined || name === 'none') return sound
  const core = planted.get(name) ?? shipped(`plants/${name}`)
  planted.set(name, core)
  return core
}

/** The session as it is when a step's text is read; each is another, so that later steps do not change it. */
function steps(id: string): Session[] {
  const tour = tours.find((one) => one.id === id)!
  const sessions: Session[] = []
  for (const [i, step] of tour.steps.entries()) {
    const begins = tour.steps.slice(0, i + 1).findLastIndex(({ plant }) => plant !== undefined)
    const from = Math.max(begins, 0)
    const session = new Session(coreWith(tour.steps[from]!.plant ?? tour.plant), scenarioNamed(tour.scenario))
    for (const { go } of tour.steps.slice(from, i + 1)) go(session)
    sessions.push(session)
    expect(step.text.length, `${id} ${i}`).toBeGreaterThan(80)
  }
  return sessions
}

const staged = (session: Session, member: number, bytes: number) => {
  const { memory } = session.machine
  return memory.bytes(atlasOf(session.machine.view).members[member]!.staging, bytes)
}
const text = (bytes: readonly number[]) => String.fromCharCode(...bytes)
const figures = (session: Session) =>
  Object.fromEntries(
    scenarioNamed(session.machine.scenario.name).figures!(session.machine.view).map(
      ({ thread, label, value }) => [`${thread} ${label}`, value],
    ),
  )
const records = (session: Session) =>
  atlasOf(session.machine.view).structures.flatMap(({ tracks }) =>
    tracks.flatMap(({ spans }) =>
      spans.map(({ address, headerBytes, bytes }) =>
        eventIn(session.machine.memory.bytes(address + headerBytes, bytes)),
      ),
    ),
  )

describe('tours', () => {
  it('overtaken: a copy that was torn is thrown away, and what was missed is told', async () => {
    const [first, half, late, over, torn, end] = steps('overtaken')
    expect(records(first!)).toEqual([{ writer: 0, value: 1 }])
    expect(text(staged(half!, 2, 16))).toBe(`A0001A00${'\0'.repeat(8)}`)
    expect(records(late!).map((event) => event?.value)).toEqual([14, 15, 16])
    expect(records(over!).map((event) => event?.value)).toEqual([15, 16, 17])
    expect(text(staged(torn!, 2, 16))).toBe('A0001A0017A0017A')
    expect(eventIn(staged(torn!, 2, 16))).toBeUndefined()
    expect(text(staged(end!, 2, 5))).toBe('A0015')
    expect(figures(end!)).toMatchObject({ '1 read': 1, '1 told it missed': 14 })
  })

  it('lost wake-up: with the bug the reader sleeps over a record; without, it does not', async () => {
    const [looked, left, asleep, armed, rung, found] = steps('lost-wake-up')
    expect(looked!.machine.view.threads.map(({ status }) => status)).toEqual(['running', 'running'])
    expect(left!.machine.view.threads[0]!.status).toBe('finished')
    expect(asleep!.fault).toMatch(/^lost wake-up/)
    const bell = (session: Session) => {
      const fields = atlasOf(session.machine.view).structures[0]!.blocks.flatMap((block) => block.fields)
      return fields.find(({ label }) => label === 'bell')!.text
    }
    expect(bell(armed!)).toBe('0 rings, armed')
    expect(records(rung!)).toEqual([{ writer: 0, value: 1 }])
    expect(bell(rung!)).toBe('1 ring')
    expect(figures(found!)).toMatchObject({ '1 read': 1 })
    expect(found!.machine.view.threads[1]!.status).toBe('running')
  })

  it('killed writer: the half record was never there, and what the dead held is given back', async () => {
    const [writing, killed, others, read, buried] = steps('killed-writer')
    const lanes = (session: Session) =>
      atlasOf(session.machine.view).structures.filter(({ title }) => title.startsWith('lane'))
    const [lane] = lanes(writing!)
    const tail = lane!.tracks[0]!.cursors.find(({ label }) => label === 'tail')!
    // The copy begins at the end.
    expect(text(writing!.machine.memory.bytes(tail.address + 16, 16))).toBe(`${'\0'.repeat(8)}02A0002A`)
    expect(killed!.machine.view.threads[0]!.status).toBe('killed')
    expect(figures(others!)).toMatchObject({ '1 offered': 2 })
    expect(figures(read!)).toMatchObject({ '2 read': 3, '2 told it missed': 0 })
    expect(records(read!)).toEqual([])
    const { machine } = buried!
    expect(buried!.fault).toBeUndefined()
    expect(atlasOf(machine.view).members.map(({ key }) => key)).not.toContain(2)
    expect(ledgersOf(machine, atlasOf(machine.view))).toMatchObject([{ title: 'ManyToOne', holds: true }])
    expect(figures(buried!)).toMatchObject({ '2 read': 4 })
    const [left] = lanes(buried!)
    const fields = left!.blocks.flatMap((block) => block.fields)
    expect(left!.title).toBe('lane 1')
    expect(fields.find(({ label }) => label === 'writer')!.text).toBe('one that is gone')
  })
})
