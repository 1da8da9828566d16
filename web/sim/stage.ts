import { atlasOf } from '../../src/sim/atlas/atlas.ts'
import { ledgersOf } from '../../src/sim/atlas/ledger.ts'
import type { ExhibitScenario } from '../../src/sim/exhibits/index.ts'
import { explore } from '../../src/sim/explorer.ts'
import type { Instrumented } from '../../src/sim/instrument.ts'
import type { StepEvent } from '../../src/sim/machine.ts'
import { Session } from '../../src/sim/session.ts'
import { setText } from '../common/elements.ts'
import { Runner } from './clock.ts'
import { Controls } from './controls.ts'
import { eventText } from './describe.ts'
import { showLedger } from './ledger-view.ts'
import { MemoryPicture } from './memory-picture.ts'
import { ThreadsView } from './threads-view.ts'
import { TraceView } from './trace-view.ts'

const at = (id: string) => document.getElementById(id)!
/** States that the page looks at when it is asked to check every order: a few seconds. */
const CHECKED_STATES = 200_000

/** One session on the page: its threads, its memory, and what can be done with them. */
export class Stage {
  readonly #core: Instrumented
  readonly #scenario: ExhibitScenario
  readonly #onChange: (session: Session) => void
  readonly session: Session
  readonly #controls: Controls
  readonly #threads: ThreadsView
  readonly #memory: MemoryPicture
  readonly #trace: TraceView
  readonly #runner: Runner
  /** What was lost by which step. */
  readonly #alerts = new Map<number, string>()

  constructor(core: Instrumented, scenario: ExhibitScenario, onChange: (session: Session) => void) {
    this.#core = core
    this.#scenario = scenario
    this.#onChange = onChange
    this.session = new Session(core, scenario)
    this.#controls = new Controls(at('controls'), {
      back: (steps) => this.goTo(this.session.position - steps),
      forward: () => this.forward(),
      goTo: (position) => this.goTo(position),
      toggle: () => this.toggle(),
      run: (steps) => this.#change(() => this.#run(steps)),
    })
    this.#threads = new ThreadsView(at('stage'), this.session, scenario, {
      step: (thread) => this.step(thread),
      finish: (thread) => this.finish(thread),
      kill: (thread) => this.#change(() => this.#noted(() => this.session.kill(thread)), true),
    })
    this.#memory = new MemoryPicture(at('memory'), scenario)
    this.#trace = new TraceView(at('trace'), (position) => this.goTo(position))
    this.#runner = new Runner((steps) => this.#change(() => this.#run(steps)))
    setText(at('checked'), '')
  }

  step(thread: number): void {
    if (this.session.canStep(thread)) this.#change(() => this.#noted(() => this.session.step(thread)), true)
  }

  finish(thread: number): void {
    if (this.session.canStep(thread)) this.#change(() => this.#noted(() => this.session.finish(thread)), true)
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
    else {
      this.#runner.perSecond = this.#controls.perSecond
      this.#runner.start()
    }
    this.show()
  }

  leave(): void {
    this.#runner.stop()
  }

  /** A schedule of this scenario, up to some step of it. Throws where it does not fit. */
  load(schedule: string, position?: number): void {
    this.#noted(() => this.session.load(schedule))
    if (position !== undefined) this.session.goTo(position)
  }

  /** Searches all orders, within bounds, and opens the one that fails. */
  check(): void {
    this.#runner.stop()
    const { failure, complete, states } = explore(this.#core, this.#scenario, {
      kills: 0,
      maxStates: CHECKED_STATES,
    })
    const count = states.toLocaleString('en')
    if (failure !== undefined) {
      this.#change(() => this.load(failure.schedule))
      setText(
        at('checked'),
        `${count} states, and one of them fails: ${failure.message}. Here is the way there.`,
      )
    } else if (complete) setText(at('checked'), `All orders looked at, ${count} states: none fails.`)
    else
      setText(
        at('checked'),
        `${count} states looked at, none fails; there are more. Fewer events, or a smaller ring, make it complete.`,
      )
  }

  show(says = false): void {
    const { session } = this
    this.#runner.perSecond = this.#controls.perSecond
    const names = session.machine.view.threads.map(({ name }) => name)
    const firstKey = this.#scenario.firstKey ?? 1
    const atlas = atlasOf(session.machine.view, (key) => names[key - firstKey] ?? 'the host')
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
        said(session.last, (event) => eventText(event, atlas)),
      )
    setText(at('hash'), session.hash)
    this.#onChange(session)
  }

  #run(steps: number): void {
    // One by one, so that each loss is told at the step that made it.
    for (let i = 0; i < steps && !this.session.isOver; i++)
      this.#noted(() => this.session.run(1, this.#controls.turns))
    if (this.session.isOver) this.#runner.stop()
  }

  #change(action: () => void, says = false): void {
    action()
    this.show(says)
  }

  /** Tells what a step has lost. */
  #noted(action: () => unknown): void {
    const before = this.#losses()
    action()
    const grown = [...this.#losses()].filter(([label, value]) => value > (before.get(label) ?? 0))
    const text = grown.map(([label, value]) => `${label}: ${value}`).join(', ')
    if (text === '') this.#alerts.delete(this.session.position)
    else this.#alerts.set(this.session.position, text)
  }

  #figures() {
    return this.#scenario.figures?.(this.session.machine.view) ?? []
  }

  #losses(): Map<string, number> {
    const { threads } = this.session.machine.view
    const losses = this.#figures().filter(({ isLoss }) => isLoss)
    return new Map(
      losses.map(({ thread, label, value }) => [
        `${thread === undefined ? '' : threads[thread]!.name} ${label}`,
        value,
      ]),
    )
  }
}

function said(last: StepEvent | undefined, textOf: (event: StepEvent) => string): string {
  return last === undefined ? 'At the beginning.' : `${last.name} ${textOf(last)}`
}
