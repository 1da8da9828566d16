import { make, setText } from '../../common/elements.ts'
import type { Tour } from './tours.ts'

/** What a tour says where it stands, and the way on. */
export class TourPanel {
  readonly element: HTMLElement
  readonly #title = make('span')
  readonly #place = make('small')
  readonly #text = make('p', { 'aria-live': 'polite' })
  readonly #back = make('button', { type: 'button' }, '◀ Back')
  readonly #next = make('button', { type: 'button', class: 'gudp-run' }, 'Next ▶')

  constructor(go: (by: 1 | -1) => void, leave: () => void) {
    const end = make('button', { type: 'button' }, 'Leave the tour')
    this.#back.addEventListener('click', () => go(-1))
    this.#next.addEventListener('click', () => go(1))
    end.addEventListener('click', leave)
    const buttons = make('div', { class: 'gudp-time' }, this.#back, this.#next, end)
    this.element = make(
      'div',
      { class: 'gudp-tour', role: 'region', 'aria-label': 'Guided tour' },
      make('h3', {}, this.#title, ' ', this.#place),
      this.#text,
      buttons,
    )
    this.element.hidden = true
  }

  show({ title, steps }: Tour, step: number): void {
    this.element.hidden = false
    setText(this.#title, title)
    setText(this.#place, `${step + 1} of ${steps.length}`)
    setText(this.#text, steps[step]!.text)
    this.#back.disabled = step === 0
    this.#next.disabled = step === steps.length - 1
  }

  hide(): void {
    this.element.hidden = true
  }
}
