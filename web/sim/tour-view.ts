import { element } from '../common/elements.ts'

/** What is shown of any tour: of structures, or of connections. */
export interface ShownTour {
  readonly title: string
  readonly steps: readonly { readonly text: string }[]
}

/** The text of a step, and the way to the others. */
export function showTour(
  place: HTMLElement,
  tour: ShownTour | undefined,
  step: number,
  go: (step: number | undefined) => void,
): void {
  place.hidden = tour === undefined
  if (tour === undefined) return
  const last = tour.steps.length - 1
  const here = Math.min(step, last)
  const title = element('h2', tour.title)
  title.id = 'tour-title'
  title.append(' ', element('small', `${here + 1} of ${last + 1}`))
  const text = element('p', tour.steps[here]!.text)
  text.setAttribute('aria-live', 'polite')
  const row = element('div', '', 'buttons')
  const button = (label: string, to: number | undefined, enabled: boolean): void => {
    const made = element('button', label) as HTMLButtonElement
    made.type = 'button'
    made.disabled = !enabled
    made.addEventListener('click', () => go(to))
    row.append(made)
  }
  button('◀ Back', here - 1, here > 0)
  button('Next ▶', here + 1, here < last)
  button('Leave the tour', undefined, true)
  place.replaceChildren(title, text, row)
  // Whoever goes through it by keyboard stays at the button.
  row.querySelectorAll('button')[here < last ? 1 : 0]?.focus({ preventScroll: true })
}
