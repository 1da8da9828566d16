// What both pages show of a diode: its figures, and whether its ledger closes.
import type { DiodeStats } from 'spillway'

const number = new Intl.NumberFormat('en')

export const byId = (id: string): HTMLElement => document.getElementById(id)!

/** Writes each figure into the elements in `place` that ask for it with `data-figure`; other figures are left out. */
export function showFigures(place: ParentNode, figures: object): void {
  for (const element of place.querySelectorAll<HTMLElement>('[data-figure]')) {
    const figure = figures[element.dataset.figure as keyof typeof figures]
    if (typeof figure === 'number') element.textContent = number.format(figure)
  }
}

/** Every record that was offered is in exactly one place. True at every quiet moment; between two of a busy ring it may not be. */
export function closes({ offered, written, dropped, oversize, read, missed, depth }: DiodeStats): boolean {
  return offered === written + dropped + oversize && written === read + missed + depth
}

/** Says it in words, to screen readers too: only when it changes. */
export function showVerdict(place: HTMLElement, isClosed: boolean, otherwise: string): void {
  const text = isClosed ? 'The ledger closes: every event is in exactly one place.' : otherwise
  if (place.textContent === text) return
  place.textContent = text
  place.dataset.closes = String(isClosed)
}
