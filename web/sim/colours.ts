/** A colour for each thread, by a custom property of the style; the runtime's own have none. */
const COLOURS = ['blue', 'orange', 'purple', 'teal'] as const

export function colourOf(thread: number | undefined): string {
  return thread === undefined ? 'var(--dim)' : `var(--${COLOURS[thread] ?? 'dim'})`
}
