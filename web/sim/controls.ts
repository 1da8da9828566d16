import type { Session, Turns } from '../../src/sim/session.ts'
import { element } from '../common/elements.ts'

export interface ControlActions {
  back(steps: number): void
  forward(): void
  goTo(position: number): void
  toggle(): void
  run(steps: number): void
}

const SPEEDS = [2, 10, 60, 1000, 20_000] as const
const TURNS: readonly (readonly [Turns, string])[] = [
  ['round-robin', 'in turn'],
  ['random', 'at random'],
  ['one-thread', 'one, as long as it can'],
]

/** The row above the threads: to and fro, run, how fast, and who steps next. What is chosen stays so from one session to the next. */
export class Controls {
  readonly #turns = select('Who steps', TURNS)
  readonly #speed = select(
    'How fast',
    SPEEDS.map((speed) => [String(speed), `${speed}/s`] as const),
  )
  readonly #run: HTMLButtonElement
  readonly #back: HTMLButtonElement
  readonly #forward: HTMLButtonElement
  readonly #position: HTMLInputElement
  readonly #count: HTMLOutputElement

  /** Of the session that is shown. */
  actions: ControlActions | undefined

  constructor(place: HTMLElement) {
    const button = (text: string, label: string, action: () => void): HTMLButtonElement => {
      const made = element('button', text) as HTMLButtonElement
      made.type = 'button'
      made.setAttribute('aria-label', label)
      made.title = label
      made.addEventListener('click', action)
      return made
    }
    this.#back = button('◀', 'One step back', () => this.actions?.back(1))
    this.#forward = button('▶', 'One step forward', () => this.actions?.forward())
    this.#run = button('Run', 'Run', () => this.actions?.toggle())
    this.#position = element('input') as HTMLInputElement
    this.#position.type = 'range'
    this.#position.min = '0'
    this.#position.setAttribute('aria-label', 'Step')
    this.#position.addEventListener('input', () => this.actions?.goTo(Number(this.#position.value)))
    this.#count = element('output') as HTMLOutputElement
    // It changes with every frame while it runs: nobody wants to hear that.
    this.#count.setAttribute('aria-live', 'off')
    this.#speed.control.value = '10'
    const start = button('|◀', 'To the beginning', () => this.actions?.goTo(0))
    const many = button('+1000', 'A thousand steps', () => this.actions?.run(1000))
    place.replaceChildren(
      start,
      this.#back,
      this.#forward,
      this.#run,
      many,
      this.#turns.label,
      this.#speed.label,
      this.#position,
      this.#count,
    )
  }

  get turns(): Turns {
    return this.#turns.control.value as Turns
  }

  get perSecond(): number {
    return Number(this.#speed.control.value)
  }

  show(session: Session, isRunning: boolean): void {
    const { position, length } = session
    this.#back.disabled = position === 0
    this.#forward.disabled = session.isOver && position === length
    this.#run.textContent = isRunning ? 'Pause' : 'Run'
    this.#run.setAttribute('aria-pressed', String(isRunning))
    this.#run.disabled = session.isOver && !isRunning
    this.#position.max = String(length)
    this.#position.value = String(position)
    this.#position.setAttribute('aria-valuetext', `${position} of ${length}`)
    const text = `step ${position}${position < length ? ` of ${length}` : ''}`
    if (this.#count.textContent !== text) this.#count.textContent = text
  }
}

function select(
  name: string,
  options: readonly (readonly [value: string, text: string])[],
): { label: HTMLElement; control: HTMLSelectElement } {
  const label = element('label', `${name} `)
  const control = element('select') as HTMLSelectElement
  for (const [value, text] of options) control.append(new Option(text, value))
  label.append(control)
  return { label, control }
}
