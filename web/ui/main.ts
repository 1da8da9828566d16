// The live page of `spillway collect --ui`: asks for the figures once a second, and draws them.
import { element, fillTable, Keyed, setText } from '../common/elements.ts'
import { type Line, Plot } from '../common/plots.ts'
import { ago, brief, clock, count, share } from '../common/words.ts'
import {
  addressOf,
  type Figures,
  fetchFigures,
  handedOf,
  keyOf,
  type Place,
  placesOf,
  Rates,
  waitingOf,
} from './figures.ts'

const EVERY_MS = 1000
const LATE_MS = 5000
/** Five minutes. */
const SHOWN = 300

const rates = new Rates()
const byId = (id: string) => document.getElementById(id)!
const bodyOf = (id: string) => document.querySelector<HTMLTableSectionElement>(`#${id} tbody`)!
const plotAt = (id: string, lines: readonly Line[]) =>
  new Plot(byId(id), byId(`${id}-summary`), lines, { shown: SHOWN, timeText: clock })
const plots = {
  rates: plotAt('rates', [
    { label: 'received', colour: 'blue' },
    { label: 'taken', colour: 'good' },
  ]),
  losses: plotAt('losses', [
    { label: 'source', colour: 'orange' },
    { label: 'network', colour: 'loss' },
    { label: 'kernel', colour: 'purple' },
    { label: 'sinks', colour: 'teal' },
  ]),
  queue: plotAt('queue', [{ label: 'waiting', colour: 'blue' }]),
}

const totals = new Keyed(byId('totals'), () => {
  const item = element('div')
  const [name, value, more] = [element('dt'), element('dd'), element('small')]
  const figure = element('span')
  value.append(figure, more)
  item.append(name, value)
  return { item, parts: new Map(Object.entries({ name, figure, more })) }
})

const places = new Keyed(byId('places'), () => {
  const item = element('li')
  const [name, figure, more] = [
    element('span', '', 'name'),
    element('span', '', 'count'),
    element('span', '', 'more'),
  ]
  item.append(name, figure, more)
  return { item, parts: new Map(Object.entries({ name, figure, more })) }
})

function show(list: Keyed, key: string, name: string, figure: string, more: string, isLoss = false): void {
  const parts = list.item(key)
  setText(parts.get('name')!, name)
  setText(parts.get('figure')!, figure)
  setText(parts.get('more')!, more)
  parts.get('item')!.classList.toggle('lossy', isLoss)
}

function draw(figures: Figures): void {
  const ways = placesOf(figures)
  const rate = rates.next(figures.time, countsOf(figures, ways))
  setText(byId('transport'), figures.transport)
  drawTotals(figures, rate)
  for (const { key, name, unit, lost, detail } of ways)
    show(places, key, name, lost === undefined ? '–' : count(lost), `${unit}; ${detail}`, (lost ?? 0) > 0)
  drawTables(figures, rate)
  plots.rates.add(figures.time, [rate('received'), rate('handed')])
  plots.losses.add(
    figures.time,
    ['source', 'network', 'kernel', 'sinks'].map((key) => rate(`lost ${key}`)),
  )
  plots.queue.add(figures.time, [waitingOf(figures)])
}

function countsOf(figures: Figures, ways: readonly Place[]): Map<string, number> {
  const { received, bytes, datagrams } = figures.totals
  return new Map([
    ...Object.entries({ received, bytes, datagrams, handed: handedOf(figures) }),
    ...ways.map(({ key, lost = 0 }) => [`lost ${key}`, lost] as const),
    ...figures.sinks.map(({ name, handed }) => [`sink ${name}`, handed] as const),
    ...figures.sources.map((source) => [`from ${keyOf(source)}`, source.received] as const),
  ])
}

function drawTotals(figures: Figures, rate: (name: string) => number): void {
  const { totals: all, gudp } = figures
  show(totals, 'rate', 'lines a second', count(rate('received')), `${brief(rate('bytes'))} bytes a second`)
  show(totals, 'received', 'lines received', count(all.received), `${count(all.datagrams)} datagrams`)
  show(
    totals,
    'handed',
    'lines taken by sinks',
    count(handedOf(figures)),
    `${count(rate('handed'))} a second`,
  )
  show(
    totals,
    'lost',
    'lost on the network',
    share(all.lost, all.received + all.lost),
    `${count(all.lost)} lines`,
    all.lost > 0,
  )
  show(totals, 'waiting', 'lines waiting', count(waitingOf(figures)), 'for sinks')
  const sessions =
    gudp === undefined ? `${count(figures.flows)} flows` : `${count(gudp.sessions)} connections`
  show(totals, 'sources', 'sources', count(figures.sources.length + figures.hiddenSources), sessions)
}

function drawTables({ sources, hiddenSources, sinks, time }: Figures, rate: (name: string) => number): void {
  fillTable(
    bodyOf('sources'),
    sources.map((source) => [
      { text: addressOf(source) },
      { text: source.id ?? '–' },
      { text: count(rate(`from ${keyOf(source)}`)) },
      { text: count(source.received) },
      { text: count(source.lost), isLoss: source.lost > 0 },
      { text: count(source.droppedAtSource), isLoss: source.droppedAtSource > 0 },
      { text: source.flows.every(({ isOver }) => isOver) ? 'over' : ago(time - source.lastSeen) },
    ]),
  )
  const hidden = hiddenSources > 0 ? `and ${count(hiddenSources)} smaller ones` : ''
  const none = sources.length === 0 ? 'Nothing has come yet.' : hidden
  setText(byId('hidden-sources'), none)
  fillTable(
    bodyOf('sinks'),
    sinks.map(({ name, handed, failed, dropped, inHand, waiting }) => [
      { text: name },
      { text: count(rate(`sink ${name}`)) },
      { text: count(handed) },
      { text: count(failed), isLoss: failed > 0 },
      { text: count(dropped), isLoss: dropped > 0 },
      { text: count(inHand) },
      { text: count(waiting) },
    ]),
  )
}

function tell(state: 'live' | 'gone', text: string): void {
  const place = byId('state')
  place.dataset.state = state
  setText(place, text)
}

/** One after the other: a collector that is busy is not asked twice at once. */
async function follow(): Promise<never> {
  for (;;) {
    const next = new Promise((resolve) => setTimeout(resolve, EVERY_MS))
    try {
      draw(await fetchFigures(LATE_MS))
      tell('live', 'live')
    } catch {
      tell('gone', 'no answer: it has ended, or is busy. Asking on')
    }
    await next
  }
}

void follow()
