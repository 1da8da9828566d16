import type { Op, Program, Range, StateView, Workbench } from '../program.ts'
import { constantRange, program, sharedRange } from '../program.ts'
import {
  dataRange,
  ledgerFault,
  ledgerOf,
  type RingBench,
  scratchOf,
  scratchRanges,
  startRing,
  tablesAreConstant,
} from '../scenarios/bench.ts'
import { tableRange } from '../scenarios/region.ts'
import {
  type Lane,
  type ReaderState,
  readerProgram,
  type WriterState,
  type Writing,
  writerProgram,
} from './diode-programs.ts'
import { eventIn, MOST_EVENTS } from './events.ts'
import type { Exhibit, ExhibitScenario, Figure, Setting, Settings } from './exhibit.ts'

/** It has made the ring, is a member as long as anybody looks, and tells of deaths. */
const HOST = 0
/** The host has the first. */
const FIRST_KEY = 2

const policy: Setting = {
  name: 'policy',
  label: 'when it is full',
  default: 'drop-oldest',
  choices: ['drop-oldest', 'drop-newest'],
  texts: ['the oldest is dropped', 'the new one is refused'],
}
const capacity: Setting = { name: 'capacity', label: 'capacity, records', default: 3, least: 1, most: 64 }
const bytes: Setting = { name: 'bytes', label: 'bytes of a record', default: 16, least: 8, most: 64 }
const events: Setting = {
  name: 'events',
  label: 'events of each writer',
  default: 6,
  least: 1,
  most: MOST_EVENTS,
}
/** Whether the runtime says that a thread has ended, and what it held is given back. More of the memory may change then. */
const deaths: Setting = {
  name: 'deaths',
  label: 'when a thread is killed',
  default: 'untold',
  choices: ['untold', 'told'],
  texts: ['nobody is told', 'the runtime cleans up after it'],
}
const count = (name: string, label: string, usual: number, most: number): Setting => ({
  name,
  label,
  default: usual,
  least: 1,
  most,
})

interface Diode {
  readonly kind: 'KIND_ONE_TO_ONE' | 'KIND_ONE_TO_MANY' | 'KIND_MANY_TO_ONE'
  readonly writers: number
  readonly readers: number
  readonly settings: Settings
}

interface Stand {
  readonly bench: RingBench
  readonly lanes: readonly Lane[]
  readonly slots: readonly number[]
}

/** Threads 0 to `writers - 1` write, then come the readers, then, for each of them, the runtime that tells of its death. */
function diodeScenario(diode: Diode): Omit<ExhibitScenario, 'name'> {
  const { writers, readers, settings } = diode
  let stand: Stand
  const users = writers + readers
  const isReader = (thread: number) => thread >= writers && thread < users
  const stateOf = (view: StateView, thread: number) => view.threads[thread]!.state
  return {
    killable: Array.from({ length: users }, (_, thread) => thread),
    setup: (workbench) => {
      stand = makeStand(workbench, diode)
    },
    threads: () => {
      const programs = [
        ...stand.lanes.map((lane, writer) => writerProgram(stand.bench, writingOf(settings, lane, writer))),
        ...Array.from({ length: readers }, (_, reader) => readerOf(stand, diode, reader)),
      ]
      const runtime = programs.map(({ name }, thread) => runtimeOf(stand.bench, thread, name))
      return tellsOf(settings) ? [...programs, ...runtime] : programs
    },
    ranges: () => (tellsOf(settings) ? rangesWithBurial(stand) : rangesInUse(stand)),
    eventIn,
    firstKey: FIRST_KEY,
    invariant: (view) => {
      for (let thread = writers; thread < users; thread++) {
        const { fault } = stateOf(view, thread) as unknown as ReaderState
        if (fault !== '') return `${view.threads[thread]!.name}: ${fault}`
      }
      return undefined
    },
    terminal: (view) => faultAtEnd({ ...stand, bench: { ...stand.bench, ...view } }, view, diode),
    figures: (view) =>
      Array.from({ length: users }, (_, thread) =>
        isReader(thread) ? readerFigures(view, thread) : writerFigures(view, thread),
      ).flat(),
  }
}

const tellsOf = (settings: Settings) => settings.deaths === 'told'

function makeStand(workbench: Workbench, { kind, writers, readers, settings }: Diode): Stand {
  const bench = startRing(workbench, {
    kind,
    capacity: settings.capacity as number,
    recordBytes: settings.bytes as number,
    policy: settings.policy as 'drop-oldest' | 'drop-newest',
    threads: 1 + writers + readers,
    maxWriters: writers,
  })
  const { ring, generation, tokens, call, memory, layout } = bench
  const own: Lane = { at: ring, generation }
  const lanes = Array.from({ length: writers }, (_, writer): Lane => {
    const token = tokens[1 + writer]!
    if (kind === 'KIND_MANY_TO_ONE') {
      const at = call('manyToOneJoin', ring, generation, token, 1)
      return { at, generation: memory.u32(at + layout.OBJECT_GENERATION_OFFSET!) }
    }
    call('writerTake', ring, generation, token, 1)
    return own
  })
  const slots = Array.from({ length: readers }, (_, reader) => {
    const token = tokens[1 + writers + reader]!
    return kind === 'KIND_ONE_TO_MANY'
      ? call('pollerJoin', ring, generation, token, 1)
      : call('readerTake', ring, generation, token, 1)
  })
  return { bench, lanes, slots }
}

function writingOf(settings: Settings, lane: Lane, writer: number): Writing {
  return {
    lane,
    thread: 1 + writer,
    writer,
    events: settings.events as number,
    bytes: settings.bytes as number,
    claims: settings.writes === 'claim',
  }
}

function readerOf(
  { bench, slots }: Stand,
  { kind, writers, readers, settings }: Diode,
  reader: number,
): Program {
  const { ring, generation, tokens } = bench
  const thread = 1 + writers + reader
  const token = tokens[thread]!
  const name = readers > 1 ? `reader ${reader + 1}` : 'reader'
  if (kind === 'KIND_ONE_TO_MANY') {
    const slot = slots[reader]!
    return readerProgram(bench, {
      thread,
      name,
      take: { call: 'pollerNext', args: [ring, generation, slot, token] },
      arm: { call: 'pollerArm', args: [ring, generation, slot] },
    })
  }
  const family = kind === 'KIND_MANY_TO_ONE' ? 'manyToOne' : 'oneToOne'
  const drains = settings.reads === 'drain'
  return readerProgram(bench, {
    thread,
    name,
    ...(drains && { drains: { ask: { call: `${family}Next`, args: [ring, generation, token] } } }),
    take: drains
      ? { call: `${family}Batch`, args: [ring, generation, token, 4] }
      : { call: `${family}Next`, args: [ring, generation, token] },
    arm: { call: 'ringArm', args: [ring, generation] },
  })
}

/** What the runtime does when a thread of it has ended: it says so, by the host, and what the thread held is given back. */
function runtimeOf({ tokens }: RingBench, thread: number, name: string): Program {
  return program<'alive' | 'ended' | 'told'>({
    name: `runtime, of ${name}`,
    isRuntime: true,
    init: 'alive',
    next: (state): Op | undefined => {
      if (state === 'alive') return { join: thread }
      return state === 'ended' ? { call: 'threadEnd', args: [FIRST_KEY + thread, tokens[HOST]!] } : undefined
    },
    done: (state, killed) => (state === 'alive' && killed === 1 ? 'ended' : 'told'),
  })
}

/** What threads touch that use the ring, and do not come or go: what nobody changes has no scheduling points. */
function rangesInUse({ bench, lanes }: Stand): Range[] {
  const { ring, layout } = bench
  const [tail, members] = [layout.TAIL_OFFSET!, layout.MEMBERS_OFFSET!]
  const own = lanes.filter(({ at }) => at !== ring)
  return [
    tablesAreConstant(bench),
    constantRange(ring, tail),
    sharedRange(ring + tail, members - tail),
    constantRange(ring + members, layout.LANES_OFFSET! - members),
    // The lanes of a ManyToOne are there; the pollers of a OneToMany read on.
    ...(own.length > 0 ? [constantRange(ring + layout.LANES_OFFSET!, own.length * 8)] : bodyRanges(bench)),
    ...own.flatMap(({ at }) => [
      constantRange(at, tail),
      sharedRange(at + tail, members - tail),
      dataRange(bench, at),
    ]),
    ...(own.length > 0 ? [] : [dataRange(bench, ring)]),
    ...usersScratch(bench),
  ]
}

/** All that may change when one of them is buried. */
function rangesWithBurial({ bench, lanes }: Stand): Range[] {
  const { ring, layout, tokens } = bench
  const own = lanes.filter(({ at }) => at !== ring)
  return [
    ...tableRange(bench),
    sharedRange(ring, layout.MEMBERS_OFFSET! + tokens.length * 4),
    ...(own.length > 0 ? [sharedRange(ring + layout.LANES_OFFSET!, own.length * 8)] : bodyRanges(bench)),
    ...own.flatMap(({ at }) => [sharedRange(at, layout.MEMBERS_OFFSET!), dataRange(bench, at)]),
    ...(own.length > 0 ? [] : [dataRange(bench, ring)]),
    constantRange(scratchOf(bench, tokens[HOST]!), 64),
    ...usersScratch(bench),
  ]
}

/** Between the members and the data: pollers, where the ring has them. */
function bodyRanges({ ring, layout, memory }: RingBench): Range[] {
  const data = memory.u32(ring + layout.DATA_OFFSET!)
  return data > ring + layout.LANES_OFFSET!
    ? [sharedRange(ring + layout.LANES_OFFSET!, data - ring - layout.LANES_OFFSET!)]
    : []
}

/** The host has no thread here. */
function usersScratch(bench: RingBench): Range[] {
  return scratchRanges({ ...bench, tokens: bench.tokens.slice(1) })
}

/** The ledger closes, and nobody sleeps over what is there. */
function faultAtEnd(
  { bench, slots }: Stand,
  view: StateView,
  { kind, writers, settings }: Diode,
): string | undefined {
  const { call, ring, generation } = bench
  if (kind !== 'KIND_ONE_TO_MANY') {
    const lanes = kind === 'KIND_MANY_TO_ONE' ? writers : 1
    const held = settings.reads === 'drain' ? 4 : 0
    const fault = ledgerFault(ledgerOf(bench), (settings.capacity as number) * lanes, held)
    if (fault !== undefined) return fault
  }
  // One that was killed between publishing and ringing wakes nobody: what is told of its death does.
  if (!tellsOf(settings) && view.threads.some(({ status }) => status === 'killed')) return undefined
  for (const [reader, slot] of slots.entries()) {
    const { status, name } = view.threads[writers + reader]!
    if (status !== 'blocked') continue
    const armed =
      kind === 'KIND_ONE_TO_MANY'
        ? call('pollerArm', ring, generation, slot)
        : call('ringArm', ring, generation)
    if (armed === 0) return `lost wake-up: ${name} sleeps, and there is something for it`
  }
  return undefined
}

function writerFigures(view: StateView, thread: number): Figure[] {
  const { value, refused } = view.threads[thread]!.state as unknown as WriterState
  return [
    { thread, label: 'offered', value: value - 1 },
    { thread, label: 'refused', value: refused, isLoss: true },
  ]
}

function readerFigures(view: StateView, thread: number): Figure[] {
  const { got, missed } = view.threads[thread]!.state as unknown as ReaderState
  return [
    { thread, label: 'read', value: got },
    { thread, label: 'told it missed', value: missed, isLoss: true },
  ]
}

export const diodeExhibits: readonly Exhibit[] = [
  {
    id: 'one-to-one',
    title: 'OneToOne diode',
    about:
      'One writer, one reader. The writer never waits: when the ring is full it overwrites the oldest records, or refuses the new one.',
    settings: [
      capacity,
      policy,
      events,
      bytes,
      {
        name: 'writes',
        label: 'the writer',
        default: 'set',
        choices: ['set', 'claim'],
        texts: ['copies a record in', 'claims a place, and writes there'],
      },
      {
        name: 'reads',
        label: 'the reader',
        default: 'next',
        choices: ['next', 'drain'],
        texts: ['takes one at a time', 'drains up to four at once'],
      },
      deaths,
    ],
    build: (settings) => diodeScenario({ kind: 'KIND_ONE_TO_ONE', writers: 1, readers: 1, settings }),
  },
  {
    id: 'many-to-one',
    title: 'ManyToOne diode',
    about:
      'A lane for each writer, and a reader that goes round them: a writer that stands still, or is killed, holds up nobody.',
    settings: [count('writers', 'writers', 2, 3), { ...capacity, default: 2 }, policy, events, bytes, deaths],
    build: (settings) =>
      diodeScenario({ kind: 'KIND_MANY_TO_ONE', writers: settings.writers as number, readers: 1, settings }),
  },
  {
    id: 'one-to-many',
    title: 'OneToMany diode',
    about:
      'One writer and readers that take nothing out: each copies, and looks afterwards whether the writer had come round to what it copied.',
    settings: [count('readers', 'readers', 2, 3), capacity, policy, events, bytes, deaths],
    build: (settings) =>
      diodeScenario({ kind: 'KIND_ONE_TO_MANY', writers: 1, readers: settings.readers as number, settings }),
  },
  {
    id: 'signal',
    title: 'Signal: the bell',
    about:
      'How a reader sleeps and is woken: it arms the bell, looks again, and only then sleeps. The writer publishes, and then looks at the bell.',
    settings: [events, deaths],
    build: ({ events, deaths }) =>
      diodeScenario({
        kind: 'KIND_ONE_TO_ONE',
        writers: 1,
        readers: 1,
        settings: {
          events: events!,
          deaths: deaths!,
          capacity: 2,
          policy: 'drop-newest',
          bytes: 8,
          writes: 'set',
          reads: 'next',
        },
      }),
  },
]
