import type { WireError } from './counters.ts'

/**
 * What an exporter tells of itself: counts and states, never records. All of it can be cloned to other threads and written
 * as JSON. docs/alerts.md has what each means and what to do.
 */
export type Alert = DropAlert | ErrorAlert | LevelAlert | NoteAlert

/** Events that will not be sent, for a reason of our own: the ring was full, a line was too long, ... */
export interface DropAlert {
  readonly kind: 'drop'
  readonly reason: string
  /** Since the last alert of this reason. Over all alerts of a reason they add up to `total`. */
  readonly events: number
  /** Since the exporter was opened. */
  readonly total: number
  /** Over how many milliseconds `events` came: 0 for the first of a burst, which is told at once. */
  readonly sinceMs: number
  readonly message: string
}

/** What the kernel or the resolver has said. */
export interface ErrorAlert {
  readonly kind: 'error'
  readonly code: WireError
  /** How often it was said since the last alert of this code, and events given up because of it. */
  readonly times: number
  readonly events: number
  /** How often, and events, since the exporter was opened. */
  readonly total: number
  readonly totalEvents: number
  readonly message: string
}

export type LevelName = 'queue' | 'drop-rate' | 'peer'

/** Something has gone beyond a threshold, or has come back. */
export interface LevelAlert {
  readonly kind: 'level'
  readonly name: LevelName
  readonly state: 'raised' | 'recovered'
  /** `queue`: filled part of the ring. `drop-rate`: part of what was offered. `peer`: 1 while it refuses, else 0. */
  readonly value: number
  /** What `value` was held against. */
  readonly threshold: number
  readonly message: string
}

export type NoteKind = 'metadata' | 'address' | 'io-thread' | 'warning'

/** Something that a person may want to know: the last of its kind, and how many there were. */
export interface NoteAlert extends NoteFields {
  readonly kind: NoteKind
  /** Since the last alert of this kind, and since the exporter was opened. Left out where each is told. */
  readonly times?: number
  readonly total?: number
}

export interface NoteFields {
  readonly message: string
  readonly [field: string]: string | number | boolean | undefined
}
