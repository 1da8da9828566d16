import { atlasOf } from '../../src/sim/atlas/atlas.ts'
import { ledgersOf } from '../../src/sim/atlas/ledger.ts'
import type { ExhibitScenario } from '../../src/sim/exhibits/index.ts'
import type { Instrumented } from '../../src/sim/instrument.ts'
import type { StepEvent } from '../../src/sim/machine.ts'
import { racesIn } from '../../src/sim/races.ts'
import { Session } from '../../src/sim/session.ts'
import { setText } from '../common/elements.ts'
import { checkedText, checkOrders } from './check.ts'
import type { Controls } from './controls.ts'
import { eventText } from './describe.ts'
import { showLedger } from './ledger-view.ts'
import { MemoryPicture } from './memory-picture.ts'
import { Runner } from './runner.ts'
import { ThreadsView } from './threads-view.ts'
import { TraceView } from './trace-view.ts'

const at = (id: string) => document.getElementById(id)!
/** States that the page looks at when it is asked to check every order: some seconds. */
const CHECKED_STATES = 500_000

/** One session on the page: its threads, its memory, and what can be done with them. */
export class Stage {
  readonly #core: Instrumented
  readonly #scenario: ExhibitScenario
  readonly #isRace: boolean
  readonly #onChange: (session: Session) => void
  readonly session: Session
  readonly #controls: Controls
  readonly #threads: ThreadsView
  readonly #memory: MemoryPicture
  readonly #trace: TraceView
  readonly #runner: Runner
  #stopCheck: (() => void) | undefined
  /** What was lost by which step. */
  readonly #alerts = new Map<number, string>()
  /** What was lost up to here. */
  #lost: Map<string, number>

  /** `isRace`: a data race is what fails. */
  constructor(
    core: Instrumented,
    scenario: ExhibitScenario,
    controls: Controls,
    isRace: boolean,
    onChange: (session: Session) => void,
  ) {
    this.#core = core
    this.#scenario = scenario
    this.#isRace = isRace
    this.#onChange = onChange
    this.session = new Session(core, scenario, { races: racesIn(scenario, isRace) })
    this.session.onStep = () => this.#noteLosses()
    this.#lost = this.#losses()
    this.#controls = controls
    controls.actions = {
      back: (steps) => this.goTo(this.session.position - steps),
      forward: () => this.forward(),
      goTo: (position) => this.goTo(position),
      toggle: () => this.toggle(),
      run: (steps) => this.#change(() => this.#run(steps), true),
    }
    this.#threads = new ThreadsView(at('stage'), this.session, scenario, {
      step: (thread) => this.step(thread),
      finish: (thread) => this.finish(thread),
      kill: (thread) => this.#change(() => this.session.kill(thread), true),
    })
    this.#memory = new MemoryPicture(at('memory'), scenario)
    this.#trace = new TraceView(at('trace'), (position) => this.goTo(position))
    this.#runner = new Runner((steps) => this.#change(() => this.#run(steps)))
    setText(at('checked'), '')
  }

  step(thread: number): void {
    if (this.session.canStep(thread)) this.#change(() => this.session.step(thread), true)
  }

  finish(thread: number): void {
    if (this.session.canStep(thread)) this.#change(() => this.session.finish(thread), true)
  }

  /** What is known ahead, or else whoever's turn it is. */
  forward(): void {
    const { session } = this
    if (session.position < session.length) this.goTo(session.position + 1)
    else this.#change(() => this.#run(1), true)
  }

  goTo(position: number): void {
    this.#runner.stop()
    this.#change(() => this.session.goTo(position), true)
  }

  toggle(): void {
    if (this.#runner.isRunning) this.#runner.stop()
    else this.#runner.start()
    this.show(!this.#runner.isRunning)
  }

  leave(): void {
    this.#runner.stop()
    if (this.#stopCheck !== undefined) this.#endCheck('')
  }

  /** A schedule of this scenario, up to some step of it. Throws where it does not fit. */
  load(schedule: string, position?: number): void {
    this.session.goTo(0)
    this.#lost = this.#losses()
    this.session.load(schedule)
    if (position !== undefined) this.session.goTo(position)
  }

  /** Searches all orders, within bounds, and opens the one that fails. Asked again meanwhile, it stops. */
  check(kills: 0 | 1): void {
    if (this.#stopCheck !== undefined) {
      this.#endCheck('Stopped.')
      return
    }
    this.#runner.stop()
    this.show()
    setText(at('checked'), 'Looking at every order …')
    setText(at('check'), 'Stop checking')
    const question = {
      core: this.#core,
      scenario: this.#scenario.name,
      kills,
      races: this.#isRace,
      maxStates: CHECKED_STATES,
    }
    this.#stopCheck = checkOrders(question, (checked) => {
      if (checked instanceof Error) {
        this.#endCheck(checked.message)
        return
      }
      const { failure } = checked
      if (failure !== undefined) this.#change(() => this.load(failure.schedule))
      this.#endCheck(checkedText(checked, kills))
    })
  }

  #endCheck(text: string): void {
    this.#stopCheck?.()
    this.#stopCheck = undefined
    setText(at('check'), 'Check every order')
    setText(at('checked'), text)
  }

  show(says = false): void {
    const { session } = this
    this.#runner.perSecond = this.#controls.perSecond
    const names = session.machine.view.threads.map(({ name }) => name)
    const firstKey = this.#scenario.firstKey ?? 1
    const atlas = atlasOf(session.machine.view, (key) => names[key - firstKey] ?? 'the main thread')
    this.#controls.show(session, this.#runner.isRunning)
    this.#threads.show(session, atlas)
    this.#memory.show(session, atlas)
    this.#trace.show(session, atlas, (position) => this.#alerts.get(position))
    showLedger(at('ledger'), ledgersOf(session.machine, atlas), this.#figures(), names)
    const fault = at('fault')
    fault.hidden = session.fault === undefined
    setText(fault, session.fault === undefined ? '' : `It fails here: ${session.fault}`)
    if (says)
      setText(
        at('said'),
        said(session, (event) => eventText(event, atlas)),
      )
    // A browser takes only so many changes of the address, and a schedule that flies past is read by nobody.
    if (this.#runner.isRunning) return
    setText(at('hash'), session.hash)
    this.#onChange(session)
  }

  #run(steps: number): void {
    this.session.run(steps, this.#controls.turns)
    if (this.session.isOver) this.#runner.stop()
  }

  /** While it runs nothing is said, but where it stops. */
  #change(action: () => void, says = false): void {
    this.#lost = this.#losses()
    action()
    this.show(says || !this.#runner.isRunning)
  }

  /** Tells what the last step has lost. */
  #noteLosses(): void {
    const before = this.#lost
    this.#lost = this.#losses()
    const texts = [...this.#lost].flatMap(([label, value]) => {
      const more = value - (before.get(label) ?? 0)
      return more > 0 ? [`${label} ${more}, ${value} in all`] : []
    })
    if (texts.length === 0) this.#alerts.delete(this.session.position)
    else this.#alerts.set(this.session.position, texts.join('; '))
  }

  #figures() {
    return this.#scenario.figures?.(this.session.machine.view) ?? []
  }

  #losses(): Map<string, number> {
    const { threads } = this.session.machine.view
    const losses = this.#figures().filter(({ isLoss }) => isLoss)
    return new Map(
      losses.map(({ thread, label, value }) => [
        `${thread === undefined ? '' : `${threads[thread]!.name}: `}${label}`,
        value,
      ]),
    )
  }
}

function said({ last, isOver, fault }: Session, textOf: (event: StepEvent) => string): string {
  const done = last === undefined ? 'At the beginning.' : `${last.name} ${textOf(last)}.`
  return isOver && fault === undefined ? `${done} That is the end: nobody can take a step.` : done
}
