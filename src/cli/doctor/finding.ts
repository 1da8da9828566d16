/**
 * `ok`: as it should be. `warning`: worth knowing, it works all the same. `problem`: events get lost, or it does not run. `unknown`: this
 * system, or this runtime, does not say.
 */
export type Verdict = 'ok' | 'warning' | 'problem' | 'unknown'

/** One thing that was looked at. */
export interface Finding {
  /** Its name for scripts; it does not change. */
  readonly check: string
  readonly verdict: Verdict
  /** What was seen. */
  readonly says: string
  readonly means?: string
  /** Exactly what to do about it. */
  readonly change?: string
  /** The numbers in it, for scripts. */
  readonly figures?: Readonly<Record<string, unknown>>
  /** Nothing can be said of what was asked for: that is the exit code, too. */
  readonly couldNotLook?: true
}

/** What this system or runtime keeps to itself. */
export function notSaid(check: string, what: string): Finding {
  return { check, verdict: 'unknown', says: `${what}: not said here` }
}

export function tally(findings: readonly Finding[]): Record<Verdict, number> {
  const sum = { ok: 0, warning: 0, problem: 0, unknown: 0 }
  for (const { verdict } of findings) sum[verdict]++
  return sum
}
