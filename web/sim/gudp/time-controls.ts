import { make, setText } from '../../common/elements.ts'
import { count } from '../../common/words.ts'

const speeds = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20]
const fractions: Record<number, string> = { 0.05: '1/20', 0.1: '1/10', 0.25: '1/4', 0.5: '1/2' }

export interface TimeWishes {
  toggle(): void
  step(): void
  skip(ms: number): void
  restart(): void
  /** From the start, with the knobs as they are now, and nothing turned meanwhile. */
  forget(): void
  speed(factor: number): void
}

/** The buttons of virtual time, and what time it is. */
export class TimeControls {
  readonly element: HTMLElement
  readonly #run = make('button', { type: 'button', class: 'gudp-run' }, 'Run')
  readonly #now = make('span', { class: 'gudp-now' })
  readonly #changes = make('span', { class: 'note' })
  readonly #forget = make('button', { type: 'button' }, 'Forget them')

  constructor(wishes: TimeWishes, speed: number) {
    const button = (text: string, call: () => void) => {
      const made = make('button', { type: 'button' }, text)
      made.addEventListener('click', call)
      return made
    }
    this.#run.addEventListener('click', () => wishes.toggle())
    this.#forget.addEventListener('click', () => wishes.forget())
    const speedSelect = make('select', {})
    for (const factor of speeds)
      speedSelect.append(make('option', { value: String(factor) }, `${fractions[factor] ?? factor} ×`))
    speedSelect.value = String(speed)
    speedSelect.addEventListener('change', () => wishes.speed(Number(speedSelect.value)))
    this.element = make(
      'div',
      { class: 'gudp-time', role: 'group', 'aria-label': 'Virtual time' },
      this.#run,
      button('Next packet', () => wishes.step()),
      button('+100 ms', () => wishes.skip(100)),
      button('+1 s', () => wishes.skip(1000)),
      button('From the start', () => wishes.restart()),
      make('label', {}, 'Speed ', speedSelect),
      this.#now,
      this.#changes,
      this.#forget,
    )
  }

  show(nowMs: number, isRunning: boolean, changes: number): void {
    setText(this.#run, isRunning ? 'Pause' : 'Run')
    setText(this.#now, `${timeText(nowMs)}`)
    this.#forget.hidden = changes === 0
    const are = changes === 1 ? 'one change of the link is' : `${changes} changes of the link are`
    setText(this.#changes, changes === 0 ? '' : `${are} part of this run`)
  }
}

export function timeText(nowMs: number): string {
  return `${count(Math.floor(nowMs))}${(nowMs % 1).toFixed(2).slice(1)} ms`
}
