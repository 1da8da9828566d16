// What a test does on a page, from within it: the same in every browser, with a driver or without. Loaded before the page's own
// scripts; says to the server what it has seen, and what went wrong.

export interface VisitResult {
  seen?: Record<string, unknown>
  error?: string
  problems: string[]
}

const LONGEST_MS = 45_000

const problems: string[] = []
addEventListener('error', ({ message }) => problems.push(message))
addEventListener('unhandledrejection', ({ reason }) => problems.push(`rejected: ${reason}`))
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  problems.push(`${violatedDirective} forbids ${blockedURI}`),
)

export async function visit(see: () => Promise<Record<string, unknown>>): Promise<void> {
  const result: VisitResult = { problems }
  try {
    result.seen = await see()
  } catch (error) {
    result.error = `${error}; on the page: ${document.body.innerText}`
  }
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
}

export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + LONGEST_MS
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not within ${LONGEST_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export const one = (selector: string): HTMLElement => {
  const element = document.querySelector<HTMLElement>(selector)
  if (element === null) throw new Error(`the page has no ${selector}`)
  return element
}

/** The figures below an element, by name. */
export function figures(place: HTMLElement): Record<string, number> {
  const all = [...place.querySelectorAll<HTMLElement>('[data-figure]')]
  return Object.fromEntries(
    all.map(({ dataset, textContent }) => [dataset.figure, Number(textContent.replaceAll(',', ''))]),
  )
}

export const isWiderThanItsWindow = (): boolean => document.documentElement.scrollWidth > innerWidth
