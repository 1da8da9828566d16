import type { Lines } from './lines.ts'

/**
 * Where lines go. Each sink has a diode of its own between it and the receiving: it gets one batch at a time, the next when it
 * is done with the one before, and what it is too slow for is lost to it alone, and counted.
 */
export interface Sink {
  /** How `stats()` and alerts call it. */
  readonly name?: string
  /** Once, before the first batch. If it rejects, the collector does not open. */
  open?(context: SinkContext): void | Promise<void>
  /** Throws or rejects: the batch counts as failed, and the next one comes. A `PartlyWritten` says that part of it went well. */
  write(lines: Lines): void | Promise<void>
  /** Before `close`. */
  flush?(): void | Promise<void>
  /** Once, after the last batch. */
  close?(): void | Promise<void>
  /** What it counts itself: `own` in the collector's `stats()`. */
  stats?(): object
}

/** What a collector gives its sinks. */
export interface SinkContext {
  /** Something that whoever runs the collector should know: becomes an alert, at most one a second. */
  report(message: string, code?: string): void
  /** Aborted when the collector is closing: what is to be tried again should be tried once more, and then be given up. */
  readonly closing: AbortSignal
}

/** A batch of which the first lines were written and the rest was not. */
export class PartlyWritten extends Error {
  override readonly name = 'PartlyWritten'
  readonly linesWritten: number
  readonly code: string | undefined

  constructor(linesWritten: number, cause: unknown) {
    super(`${linesWritten} lines were written, then: ${(cause as Error).message}`, { cause })
    this.linesWritten = linesWritten
    this.code = (cause as { code?: string }).code
  }
}
