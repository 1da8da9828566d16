import { findFirefox } from '../../tools/firefox.mjs'

/** Runtimes that SPILLWAY_SKIP_RUNTIMES says are not to be had here; in CI none may be left out. */
export const leftOut: readonly string[] = process.env.CI
  ? []
  : (process.env.SPILLWAY_SKIP_RUNTIMES ?? '').split(',').map((name) => name.trim())

/** Nothing fetches a Firefox: where none is installed it is left out, in CI too. */
export const firefoxPath: string | undefined = leftOut.includes('firefox') ? undefined : findFirefox()

/** Why a runtime is not run; undefined where it is. */
export function whyLeftOut(runtime: string): string | undefined {
  if (leftOut.includes(runtime)) return 'left out by SPILLWAY_SKIP_RUNTIMES'
  if (runtime === 'firefox' && firefoxPath === undefined) return 'not installed; FIREFOX_PATH may name one'
  return undefined
}
