import {
  type BothWays,
  formatSetting,
  type Knob,
  PairRun,
  type PairSample,
  parseSetting,
  type Setting,
  SettingError,
  usualSetting,
} from '../../../src/sim/gudp/index.ts'
import { make, setText } from '../../common/elements.ts'
import { ChannelTable } from './channel-table.ts'
import { Charts } from './charts.ts'
import { Controls } from './controls.ts'
import { LedgerTable, SidesTable } from './figures-tables.ts'
import { momentText } from './packet-words.ts'
import { Player } from './player.ts'
import { TimeControls, timeText } from './time-controls.ts'
import { TourPanel } from './tour-panel.ts'
import { gudpTours, type Tour } from './tours.ts'
import { WirePicture } from './wire-picture.ts'

/** Figures and plots are not drawn more often than they can be read. */
const FIGURES_EVERY_MS = 100
/** Who wants little to move sees a picture now and then. */
const CALM_EVERY_MS = 1000
/** The way to the next stop of a tour takes no longer. */
const TOUR_WITHIN_MS = 5000

/**
 * Shows two machines of gudp at work: `query` is a setting's text (src/sim/gudp/setting-text.ts), or `tour=hol&step=2`. `onQuery` is told what
 * would show the same again. `leave` gives everything back.
 */
export function mountGudp(
  place: HTMLElement,
  query: string,
  onQuery: (query: string) => void,
): { leave(): void } {
  const view = new GudpView(place, onQuery)
  view.open(query)
  return view
}

class GudpView {
  readonly #place: HTMLElement
  readonly #onQuery: (query: string) => void
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #problem = make('p', { class: 'gudp-problem', role: 'alert' })
  readonly #said = make('p', { class: 'gudp-said', role: 'status' })
  readonly #hash = make('p', { class: 'note' })
  readonly #controls: Controls
  readonly #time: TimeControls
  readonly #tourPanel: TourPanel
  readonly #wire = new WirePicture()
  readonly #charts = new Charts()
  readonly #channels = new ChannelTable()
  readonly #sides = new SidesTable()
  readonly #ledger = new LedgerTable()
  readonly #player: Player
  #run = new PairRun(usualSetting)
  #tour: { readonly tour: Tour; readonly step: number } | undefined
  #figuresAtMs = 0
  #pictureAtMs = 0

  constructor(place: HTMLElement, onQuery: (query: string) => void) {
    this.#place = place
    this.#onQuery = onQuery
    this.#player = new Player(this.#run, {
      onSample: () => this.#charts.note(this.#run.sample(), this.#run.congestion),
      onFrame: () => this.#draw(),
      onState: () => this.#drawAll(),
    })
    this.#controls = new Controls({
      turn: (knob, to) => this.#turn(knob, to),
      choose: (part) => this.#choose(part),
    })
    this.#time = new TimeControls(
      {
        toggle: () => this.#toggle(),
        step: () => this.#step(),
        skip: (ms) => this.#skip(ms),
        restart: () => this.#restart(this.#run.setting),
        forget: () => this.#restart(this.#asItStands()),
        speed: (factor) => {
          this.#player.speed = factor
        },
      },
      this.#player.speed,
    )
    this.#tourPanel = new TourPanel(
      (by) => this.#goOn(by),
      () => this.#endTour(),
    )
    this.#build()
  }

  open(query: string): void {
    setText(this.#problem, '')
    try {
      const params = new URLSearchParams(query)
      const id = params.get('tour')
      if (id !== null) {
        this.#openTour(id, params.get('step'))
        return
      }
      this.#use(parseSetting(query))
    } catch (error) {
      if (!(error instanceof SettingError)) throw error
      setText(this.#problem, `This address cannot be shown: ${error.message}. Here is the usual setting.`)
      this.#use(usualSetting)
    }
    if (!this.#calm.matches) this.#player.start()
  }

  leave(): void {
    this.#player.pause()
    this.#charts.leave()
    this.#wire.leave()
    this.#run.leave()
    this.#place.replaceChildren()
  }

  // ---- what is wished for --------------------------------------------------------------------------------

  #turn(knob: Knob, to: BothWays): void {
    const { setting } = this.#run
    // Before anything has happened it is no change, but another beginning.
    if (this.#run.nowMs === 0 && setting.plan === undefined) {
      this.#choose({ links: { ...setting.links, [knob]: to } })
      return
    }
    // At a whole millisecond: it is to be read in the address.
    this.#run.advanceTo(Math.ceil(this.#run.nowMs))
    this.#run.turn(knob, to)
    this.#controls.show(this.#run)
    this.#drawAll()
    this.#onQuery(formatSetting(this.#run.setting))
  }

  #choose(part: Partial<Setting>): void {
    this.#restart({ ...this.#run.setting, ...part, changes: [] })
  }

  #restart(setting: Setting): void {
    const wasRunning = this.#player.isRunning
    this.#use(setting)
    if (wasRunning) this.#player.start()
    this.#onQuery(formatSetting(setting))
  }

  #toggle(): void {
    if (this.#player.isRunning) {
      this.#player.pause()
      this.#say('paused')
    } else this.#player.start()
  }

  #step(): void {
    this.#player.step()
    this.#say(momentText(this.#run.packets(this.#run.nowMs - 10_000), this.#run.nowMs))
    this.#drawAll()
  }

  #skip(ms: number): void {
    this.#player.skipTo(this.#run.nowMs + ms)
    this.#say(summaryOf(this.#run.sample()))
    this.#drawAll()
  }

  /** The links as they are now, from the start. */
  #asItStands(): Setting {
    const { setting } = this.#run
    const names = Object.keys(setting.links) as Knob[]
    const links = Object.fromEntries(names.map((knob) => [knob, this.#run.knob(knob)]))
    return {
      ...setting,
      changes: [],
      ...(setting.plan === undefined && { links: links as Setting['links'] }),
    }
  }

  #use(setting: Setting): void {
    const run = new PairRun(setting)
    this.#player.use(run)
    this.#run.leave()
    this.#run = run
    this.#charts.clear()
    this.#controls.show(run)
    setText(this.#said, '')
    this.#drawAll()
  }

  // ---- tours ---------------------------------------------------------------------------------------------

  #openTour(id: string, stepText: string | null): void {
    const tour = gudpTours.find((one) => one.id === id)
    if (tour === undefined)
      throw new SettingError(`there is no tour ${id}: ${gudpTours.map((one) => one.id).join(', ')}`)
    const wished = Number(stepText ?? 1)
    const step = Number.isInteger(wished) ? Math.min(Math.max(wished, 1), tour.steps.length) - 1 : 0
    this.#use(parseSetting(tour.steps[step]!.query))
    this.#stand(tour, step, true)
  }

  #goOn(by: 1 | -1): void {
    const { tour, step } = this.#tour!
    const [next, query] = [step + by, formatSetting(this.#run.setting)]
    const { query: nextQuery, untilMs = 0 } = tour.steps[next]!
    const wanted = parseSetting(nextQuery)
    const isOnTheWay = formatSetting(wanted) === query && this.#run.nowMs <= untilMs
    if (!isOnTheWay) this.#use(wanted)
    this.#stand(tour, next, !isOnTheWay || this.#calm.matches)
    this.#onQuery(`tour=${tour.id}&step=${next + 1}`)
  }

  #stand(tour: Tour, step: number, isAtOnce: boolean): void {
    this.#tour = { tour, step }
    this.#tourPanel.show(tour, step)
    const { untilMs = 0 } = tour.steps[step]!
    if (isAtOnce) this.#player.skipTo(untilMs)
    else this.#player.start(untilMs, TOUR_WITHIN_MS)
    this.#drawAll()
  }

  #endTour(): void {
    this.#tour = undefined
    this.#tourPanel.hide()
    this.#onQuery(formatSetting(this.#run.setting))
  }

  // ---- what is seen --------------------------------------------------------------------------------------

  #build(): void {
    const section = (title: string, ...content: HTMLElement[]) =>
      make('section', { 'aria-label': title }, make('h2', {}, title), ...content)
    const figures = make('div', { class: 'gudp-tables' }, this.#sides.element, this.#ledger.element)
    this.#place.classList.add('gudp')
    this.#place.replaceChildren(
      this.#problem,
      this.#tourPanel.element,
      this.#time.element,
      this.#said,
      make(
        'div',
        { class: 'gudp-main' },
        make(
          'div',
          { class: 'gudp-pictures' },
          this.#wire.element,
          section('Channels', this.#channels.element),
          section('The last minute of virtual time', this.#charts.element),
        ),
        this.#controls.element,
      ),
      section('Both machines, and the ledger', figures, this.#hash),
    )
  }

  #say(text: string): void {
    setText(this.#said, `At ${timeText(this.#run.nowMs)}: ${text}.`)
  }

  #draw(): void {
    const nowMs = performance.now()
    if (!this.#calm.matches || nowMs - this.#pictureAtMs >= CALM_EVERY_MS) {
      this.#pictureAtMs = nowMs
      this.#wire.draw(this.#run)
      this.#showTime()
    }
    if (nowMs - this.#figuresAtMs >= (this.#calm.matches ? CALM_EVERY_MS : FIGURES_EVERY_MS))
      this.#drawFigures()
  }

  #drawAll(): void {
    this.#wire.draw(this.#run)
    this.#showTime()
    this.#drawFigures()
  }

  #showTime(): void {
    const changes = this.#run.setting.changes.length
    this.#time.show(this.#run.nowMs, this.#player.isRunning, changes)
  }

  #drawFigures(): void {
    this.#figuresAtMs = performance.now()
    const sample = this.#run.sample()
    this.#wire.describe(summaryOf(sample))
    this.#channels.draw(this.#run, sample)
    this.#charts.show()
    this.#sides.draw(sample)
    this.#ledger.draw(this.#run.ledger())
    const faults = sample.faults.length > 0 ? ` Not as it should be: ${sample.faults.join('; ')}.` : ''
    const hash = this.#run.hash.toString(16).padStart(8, '0')
    setText(
      this.#hash,
      `Trace ${hash}: the same for the same setting, in every browser and in the tests.${faults}`,
    )
  }
}

function summaryOf({ left, there, back, flows }: PairSample): string {
  const rtt = left.rttMs === undefined ? 'round trip not known yet' : `round trip ${left.rttMs.toFixed(0)} ms`
  const waiting = flows.filter(({ held }) => held > 0)
  const held = waiting.map((flow) => `${flow.held} of ${flow.name} wait for message ${flow.missing}`)
  const lost = there.lost + there.queueDropped + back.lost + back.queueDropped
  const way = `packets on their way to the right: ${there.inFlight}, to the left: ${back.inFlight}, lost so far: ${lost}`
  return [way, rtt, `the left side is in ${left.mode} mode`, ...held].join('; ')
}
