import { element } from '../common/elements.ts'

/** What is shown of a tour. */
export interface ShownTour {
  readonly title: string
  readonly steps: readonly { readonly text: string }[]
}

/** A step that there is, whatever the address says. */
export function stepIn({ steps }: ShownTour, step: number): number {
  return Math.min(Math.max(step, 1), steps.length)
}

/** The text of a step, and the way to the others. Steps count from 1 on. */
export function showTour(
  place: HTMLElement,
  tour: ShownTour | undefined,
  step: number,
  go: (step: number | undefined) => void,
): void {
  place.hidden = tour === undefined
  if (tour === undefined) return
  const last = tour.steps.length
  const here = stepIn(tour, step)
  const title = element('h2', tour.title)
  title.id = 'tour-title'
  title.append(' ', element('small', `${here} of ${last}`))
  const text = element('p', tour.steps[here - 1]!.text)
  text.setAttribute('aria-live', 'polite')
  const row = element('div', '', 'buttons')
  const button = (label: string, to: number | undefined, enabled: boolean): void => {
    const made = element('button', label) as HTMLButtonElement
    made.type = 'button'
    made.disabled = !enabled
    made.addEventListener('click', () => go(to))
    row.append(made)
  }
  button('◀ Back', here - 1, here > 1)
  button('Next ▶', here + 1, here < last)
  button('Leave the tour', undefined, true)
  place.replaceChildren(title, text, row)
  // Whoever goes through it by keyboard stays at the button.
  row.querySelectorAll('button')[here < last ? 1 : 0]?.focus({ preventScroll: true })
}
