import type { Atlas } from '../../src/sim/atlas/atlas.ts'
import type { ExhibitScenario } from '../../src/sim/exhibits/index.ts'
import type { ThreadView } from '../../src/sim/program.ts'
import type { Session } from '../../src/sim/session.ts'
import { element, setText } from '../common/elements.ts'
import { colourOf } from './colours.ts'
import { nextOf, opText, textIn } from './describe.ts'

/** What may be asked of a thread. */
export interface ThreadActions {
  step(thread: number): void
  finish(thread: number): void
  kill(thread: number): void
}

interface ThreadCard {
  readonly card: HTMLElement
  readonly status: HTMLElement
  readonly op: HTMLElement
  readonly next: HTMLElement
  readonly source: HTMLElement
  readonly staged: HTMLElement
  readonly figures: HTMLElement
  readonly buttons: Readonly<Record<keyof ThreadActions, HTMLButtonElement>>
}

/** Of the scratch, as much as shows what is in it. */
const STAGED_BYTES = 32

/** A card for each thread: what it is in, what it does next, and the line of the source that does it. */
export class ThreadsView {
  readonly #place: HTMLElement
  readonly #scenario: ExhibitScenario
  readonly #cards: readonly ThreadCard[]

  constructor(place: HTMLElement, session: Session, scenario: ExhibitScenario, actions: ThreadActions) {
    this.#place = place
    this.#scenario = scenario
    const { threads } = session.machine.view
    this.#cards = threads.map((_, thread) => makeCard(threads, thread, actions))
    place.replaceChildren(...this.#cards.map(({ card }) => card))
  }

  show(session: Session, atlas: Atlas): void {
    const { machine, last } = session
    const figures = this.#scenario.figures?.(machine.view) ?? []
    for (const [thread, lane] of this.#cards.entries()) {
      const { status, op } = machine.view.threads[thread]!
      // Who only waits for another to end is in nobody's way.
      lane.card.hidden = op !== undefined && 'join' in op && !machine.canStep(thread)
      lane.card.classList.toggle('ran', last?.thread === thread)
      lane.card.dataset.status = status
      setText(lane.status, statusText(session, thread))
      setText(lane.op, opText(op, atlas))
      showNext(lane, session, atlas, thread)
      setText(lane.staged, stagedText(session, atlas, thread + (this.#scenario.firstKey ?? 1)))
      const own = figures.filter((figure) => figure.thread === thread)
      setText(lane.figures, own.map(({ label, value }) => `${label} ${value}`).join(' · '))
      lane.buttons.step.disabled = !session.canStep(thread)
      lane.buttons.finish.disabled = !session.canStep(thread)
      lane.buttons.kill.disabled = !session.canKill(thread)
    }
    this.#place.classList.toggle('over', session.isOver)
  }
}

function makeCard(threads: readonly ThreadView[], thread: number, actions: ThreadActions): ThreadCard {
  const { name, isRuntime } = threads[thread]!
  const card = element('article', '', 'card lane')
  card.style.setProperty('--own', colourOf(isRuntime ? undefined : thread))
  const title = element('h2', name)
  title.id = `thread-${thread}`
  card.setAttribute('aria-labelledby', title.id)
  const status = element('span', '', 'status')
  title.append(' ', status)
  const [op, next, source, staged, figures] = ['op', 'next', 'source', 'staged', 'figures'].map((part) =>
    element('p', '', part),
  ) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement]
  const row = element('div', '', 'buttons')
  const button = (action: keyof ThreadActions, text: string, label: string): HTMLButtonElement => {
    const made = element('button', text) as HTMLButtonElement
    made.type = 'button'
    made.setAttribute('aria-label', `${label} ${name}`)
    made.addEventListener('click', () => actions[action](thread))
    row.append(made)
    return made
  }
  const buttons = {
    step: button('step', 'Step', 'Step'),
    finish: button('finish', 'Finish call', 'To the end of the call of'),
    kill: button('kill', 'Kill', 'Kill'),
  }
  buttons.step.append(' ', element('kbd', `${thread + 1}`))
  buttons.kill.classList.add('danger')
  card.append(title, op, next, source, staged, figures, row)
  return { card, status, op, next, source, staged, figures, buttons }
}

function statusText({ machine }: Session, thread: number): string {
  const { status, op } = machine.view.threads[thread]!
  if (status === 'running') return 'ready'
  if (status !== 'blocked') return status
  return op !== undefined && 'wait' in op ? 'asleep' : 'waits'
}

function showNext({ next, source }: ThreadCard, { machine }: Session, atlas: Atlas, thread: number): void {
  const pending = machine.isBlocked(thread) ? undefined : nextOf(machine, atlas, thread)
  if (pending === undefined) {
    setText(next, '')
    setText(source, '')
    return
  }
  setText(next, `next: ${pending.verb} ${pending.place}`)
  const { func, file } = pending.source
  setText(source, file === '' ? pending.op : `${func} in ${file}, ${pending.op}`)
}

/** What the thread has in its scratch, if it is text: what it is about to set, or what it has got. */
function stagedText({ machine }: Session, { members }: Atlas, key: number): string {
  const member = members.find((one) => one.key === key)
  if (member === undefined || member.scratch === 0) return ''
  const bytes = machine.memory.bytes(member.staging, STAGED_BYTES)
  const length = bytes.indexOf(0) < 0 ? bytes.length : bytes.indexOf(0)
  return length < 4 ? '' : `in its scratch: ${textIn(bytes.slice(0, length))}`
}
