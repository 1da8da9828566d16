/** What the threads of a demo do when, in milliseconds from its start. */
export interface Schedule {
  readonly durationMs: number
  /** Within it they write as fast as they can. */
  readonly burst: { readonly fromMs: number; readonly toMs: number }
  /** The receiver is killed, and another one started. */
  readonly killMs: number
  readonly reviveMs: number
}

export function scheduleOf(seconds: number): Schedule {
  const at = (part: number) => seconds * 1000 * part
  return {
    durationMs: at(1),
    burst: { fromMs: at(0.25), toMs: at(0.3) },
    killMs: at(0.5),
    reviveMs: at(0.6),
  }
}
