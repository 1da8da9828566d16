// The simulator page: what the address says is what is shown, and what is done changes the address.

import '../common/language.ts'
import { exhibits, settingsIn } from '../../src/sim/exhibits/index.ts'
import { scenarioNamed, scenarios } from '../../src/sim/scenarios/index.ts'
import type { Session } from '../../src/sim/session.ts'
import { element, setText } from '../common/elements.ts'
import { type Address, formatAddress, parseAddress, scenarioIn } from './address.ts'
import { Controls } from './controls.ts'
import { coreOf, type Plant, plantList } from './cores.ts'
import { gudpTours } from './gudp/tours.ts'
import { pressed } from './keys.ts'
import { showSettings } from './settings-form.ts'
import { Stage } from './stage.ts'
import { showTour, stepIn } from './tour-view.ts'
import { type Tour, tours } from './tours.ts'

const at = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const FIRST = exhibits[0]!.id
const GUDP = /^gudp(\?|$)/
/** A link that is longer would not travel: it is made when it is asked for. */
const LONGEST_LINK = 6000
/** Of a key that is held down a browser would not take every change. */
const ADDRESS_EVERY_MS = 350

const controls = new Controls(at('controls'))
let stage: Stage | undefined
let connection: { leave(): void } | undefined
let shown: Address = { run: '' }
/** Of the stage, also while something else is shown. */
let stepped: Address = shown
let plants: readonly Plant[] = []
/** Of opening: the last one wins. */
let turn = 0
/** The address, that will be written. */
let writing: ReturnType<typeof setTimeout> | undefined
let writtenMs = -Infinity

async function open(address: Address): Promise<void> {
  const mine = ++turn
  clearTimeout(writing)
  writing = undefined
  stage?.leave()
  connection?.leave()
  connection = undefined
  const isConnection = GUDP.test(address.run)
  showHalf(isConnection)
  try {
    if (isConnection) {
      await openConnection(address, () => mine === turn)
      return
    }
    const tour = tours.find(({ id }) => id === address.tour)
    const next = tour === undefined ? await stageFor(address) : await stageOfTour(tour, address)
    if (mine !== turn) return
    showStage(next(), address)
  } catch (error) {
    if (mine !== turn) return
    // Nothing is shown that would not answer: what was there before stays, or what one begins with comes.
    if (stage !== undefined) backToStage()
    else if (address.run !== '') await open({ run: '' })
    // What scenarios there are, is in the choice above.
    fail((error as Error).message.replace(/(no scenario .*?); there are .*/s, '$1'))
  }
}

/** Threads that are stepped, or two machines on a network. */
function showHalf(isConnection: boolean): void {
  at('stepped').hidden = isConnection
  at('gudp').hidden = !isConnection
}

/** The stage is as it was left; the choice and the address say so. */
function backToStage(): void {
  showHalf(false)
  shown = stepped
  showChoice(shown)
  writeAddress()
}

/** A schedule that does not fit is shown as far as it goes. */
function showStage({ made, problem }: Made, address: Address): void {
  stage = made
  shown = stepped = address
  showChoice(address)
  made.show()
  if (problem !== undefined) fail(problem)
}

interface Made {
  readonly made: Stage
  readonly problem?: string
}

/** Two machines on a simulated network: what is not stepped, and loaded only when it is asked for. */
async function openConnection(address: Address, isLast: () => boolean): Promise<void> {
  const { mountGudp } = await import('./gudp/mount.ts')
  if (!isLast()) return
  shown = address
  showTour(at('tour-text'), undefined, 1, () => {})
  at<HTMLSelectElement>('scenario').value = 'gudp'
  const query = address.run.replace(GUDP, '')
  at<HTMLSelectElement>('tour').value = new URLSearchParams(query).has('tour')
    ? `gudp?tour=${new URLSearchParams(query).get('tour')}`
    : ''
  connection = mountGudp(at('gudp'), query, (next) => {
    shown = { run: `gudp?${next}` }
    history.replaceState(null, '', formatAddress(shown))
  })
}

/** Whether the bug is nothing but a data race: then one is what fails. */
const isRace = (plant: string | undefined) => plants.some(({ name, isRace }) => name === plant && isRace)

/** What makes it, once the module is there: it takes the place of what is shown. */
async function stageFor({ run, plant, at: position }: Address): Promise<() => Made> {
  const scenario = scenarioNamed(scenarioIn(run || FIRST))
  const core = await coreOf(scenario.module ?? 'core', plant)
  return () => {
    const made = new Stage(core, scenario, controls, isRace(plant), changed)
    try {
      if (run.includes(':')) made.load(run, position)
    } catch (error) {
      return { made, problem: (error as Error).message }
    }
    return { made }
  }
}

/** From the last step that begins anew, all that is done up to this one. */
async function stageOfTour(tour: Tour, { step = 1 }: Address): Promise<() => Made> {
  const upTo = tour.steps.slice(0, stepIn(tour, step))
  const from = Math.max(
    0,
    upTo.findLastIndex(({ plant }) => plant !== undefined),
  )
  const plant = upTo[from]!.plant ?? tour.plant
  const scenario = scenarioNamed(tour.scenario)
  const core = await coreOf(scenario.module ?? 'core', plant === 'none' ? undefined : plant)
  return () => {
    const made = new Stage(core, scenario, controls, isRace(plant), changed)
    for (const { go } of upTo.slice(from)) go(made.session)
    return { made }
  }
}

function showChoice(address: Address): void {
  const tour = tours.find(({ id }) => id === address.tour)
  const name = tour === undefined ? scenarioIn(address.run || FIRST) : tour.scenario
  const exhibit = exhibits.find(({ id }) => id === name.split('/', 1)[0])
  const plant = plants.find(({ name: one }) => one === address.plant)
  at<HTMLSelectElement>('scenario').value =
    plant === undefined ? (exhibit?.id ?? name) : `plant:${plant.name}`
  at<HTMLSelectElement>('tour').value = tour?.id ?? ''
  setText(
    at('about'),
    plant === undefined
      ? (exhibit?.about ?? 'A scenario of the model checker: a small program that it runs in every order.')
      : `A planted bug, not what ships: ${plant.what}.`,
  )
  showSettings(
    at('settings'),
    tour === undefined ? exhibit : undefined,
    exhibit === undefined ? {} : settingsIn(exhibit, name),
    (chosen) => go({ run: chosen, ...(address.plant !== undefined && { plant: address.plant }) }),
  )
  showTour(at('tour-text'), tour, address.step ?? 1, (step) =>
    go(step === undefined ? { run: name } : { run: '', tour: tour!.id, step }),
  )
}

function changed(session: Session): void {
  const text = session.schedule
  if (document.activeElement !== at('schedule')) at<HTMLTextAreaElement>('schedule').value = text
  if (shown.tour !== undefined) return
  const run = session.position === 0 ? session.machine.scenario.name : text
  if (run.length > LONGEST_LINK) return
  shown = stepped = { run, ...(shown.plant !== undefined && { plant: shown.plant }) }
  const waitMs = writtenMs + ADDRESS_EVERY_MS - performance.now()
  if (waitMs <= 0) writeAddress()
  else writing ??= setTimeout(writeAddress, waitMs)
}

function writeAddress(): void {
  clearTimeout(writing)
  writing = undefined
  if (formatAddress(shown) === location.hash) return
  writtenMs = performance.now()
  history.replaceState(null, '', formatAddress(shown))
}

/** Somewhere else, so that “back” leads here. */
function go(address: Address): void {
  history.pushState(null, '', formatAddress(address))
  void open(address)
}

function fail(message: string): void {
  at('fault').hidden = false
  setText(at('fault'), message)
}

function fillChoices(): void {
  const group = (
    label: string,
    options: readonly (readonly [value: string, text: string])[],
  ): HTMLElement => {
    const made = element('optgroup') as HTMLOptGroupElement
    made.label = label
    for (const [value, text] of options) made.append(new Option(text, value))
    return made
  }
  at('scenario').replaceChildren(
    group('Structures', [
      ...exhibits.map(({ id, title }) => [id, title] as const),
      ['gudp', 'GUDP, over a simulated network'],
    ]),
    ...['core', 'sockets', 'gudp'].map((module) =>
      group(
        `Checked: ${module}`,
        scenarios
          .filter((scenario) => (scenario.module ?? 'core') === module)
          .map(({ name }) => [name, name] as const),
      ),
    ),
    group(
      'Planted bugs',
      plants.map(({ name }) => [`plant:${name}`, name] as const),
    ),
  )
  at('tour').replaceChildren(
    new Option('choose …', ''),
    ...tours.map(({ id, title }) => new Option(title, id)),
    ...gudpTours.map(({ id, title }) => new Option(title, `gudp?tour=${id}`)),
  )
}

function listen(): void {
  at('scenario').addEventListener('change', () => {
    const { value } = at<HTMLSelectElement>('scenario')
    const plant = plants.find(({ name }) => `plant:${name}` === value)
    go(plant === undefined ? { run: value } : { run: plant.scenario, plant: plant.name })
  })
  at('tour').addEventListener('change', () => {
    const { value } = at<HTMLSelectElement>('tour')
    go(value === '' ? { run: FIRST } : GUDP.test(value) ? { run: value } : { run: '', tour: value, step: 1 })
  })
  at('open-schedule').addEventListener('click', () =>
    go({
      ...parseAddress(at<HTMLTextAreaElement>('schedule').value.trim()),
      ...(shown.plant !== undefined && { plant: shown.plant }),
    }),
  )
  at('copy-link').addEventListener('click', () => void copyLink())
  at('check').addEventListener('click', () =>
    stage?.check(plants.find(({ name }) => name === shown.plant)?.kills ?? 0),
  )
  // It has no address of its own: that is what is stepped.
  document.querySelector('.skip')!.addEventListener('click', (event) => {
    event.preventDefault()
    at(at('stepped').hidden ? 'gudp' : 'stage').focus()
  })
  addEventListener('popstate', () => void open(parseAddress(location.hash)))
  addEventListener('hashchange', () => {
    if (formatAddress(shown) !== location.hash) void open(parseAddress(location.hash))
  })
  addEventListener('keydown', (event) => {
    if (stage !== undefined && !at('stepped').hidden) pressed(stage, event)
  })
}

async function copyLink(): Promise<void> {
  const { schedule } = stage!.session
  const link = new URL(
    formatAddress({ run: schedule, ...(shown.plant !== undefined && { plant: shown.plant }) }),
    location.href,
  )
  try {
    await navigator.clipboard.writeText(link.href)
    setText(at('checked'), 'Copied.')
  } catch {
    setText(at('checked'), `Not allowed to copy. The link: ${link.href}`)
  }
}

async function begin(): Promise<void> {
  plants = await plantList()
  fillChoices()
  listen()
  await open(parseAddress(location.hash))
  performance.mark('usable')
  document.documentElement.dataset.ready = 'true'
}

begin().catch((error: unknown) => fail((error as Error).message))
