/** Runtimes that SPILLWAY_SKIP_RUNTIMES says are not to be had here; in CI none may be left out. */
export const leftOut: readonly string[] = process.env.CI
  ? []
  : (process.env.SPILLWAY_SKIP_RUNTIMES ?? '').split(',').map((name) => name.trim())
