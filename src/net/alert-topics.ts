import type { Cancel } from '../ports.ts'
import { dropMessage, errorMessage, levelMessage } from './alert-messages.ts'
import type {
  Alert,
  DropAlert,
  ErrorAlert,
  LevelAlert,
  LevelName,
  NoteAlert,
  NoteFields,
  NoteKind,
} from './alerts.ts'
import type { WireError } from './counters.ts'

/** What is told of under one name: all that happened, and how much of it has been told. The Alerter says when. */
export interface Topic {
  /** Not to be told again before. */
  dueMs: number
  /** Held back: since when, and the timer that will tell it. */
  held: { readonly sinceMs: number; readonly cancel: Cancel } | undefined
  /** The alert of what has not been told yet, which has come in `sinceMs`; `undefined` if there is nothing to tell. */
  take(sinceMs: number): Alert | undefined
}

export class DropTopic implements Topic {
  dueMs = Number.NEGATIVE_INFINITY
  held: Topic['held']
  total = 0
  #told = 0
  readonly #reason: string

  constructor(reason: string) {
    this.#reason = reason
  }

  take(sinceMs: number): DropAlert {
    const events = this.total - this.#told
    this.#told = this.total
    const message = dropMessage(this.#reason, events)
    return { kind: 'drop', reason: this.#reason, events, total: this.total, sinceMs, message }
  }
}

export class ErrorTopic implements Topic {
  dueMs = Number.NEGATIVE_INFINITY
  held: Topic['held']
  times = 0
  events = 0
  #toldTimes = 0
  #toldEvents = 0
  readonly #code: WireError

  constructor(code: WireError) {
    this.#code = code
  }

  take(): ErrorAlert {
    const times = this.times - this.#toldTimes
    const events = this.events - this.#toldEvents
    this.#toldTimes = this.times
    this.#toldEvents = this.events
    const message = errorMessage(this.#code, times, events)
    const totals = { total: this.times, totalEvents: this.events }
    return { kind: 'error', code: this.#code, times, events, ...totals, message }
  }
}

export class NoteTopic implements Topic {
  dueMs = Number.NEGATIVE_INFINITY
  held: Topic['held']
  fields: NoteFields = { message: '' }
  total = 0
  #told = 0
  readonly #kind: NoteKind

  constructor(kind: NoteKind) {
    this.#kind = kind
  }

  take(): NoteAlert {
    const times = this.total - this.#told
    this.#told = this.total
    return { ...this.fields, kind: this.#kind, times, total: this.total }
  }
}

/** Up or down. What went up and down again while it was held back is not told. */
export class LevelTopic implements Topic {
  dueMs = Number.NEGATIVE_INFINITY
  held: Topic['held']
  isRaised = false
  value = 0
  #isToldRaised = false
  readonly #name: LevelName
  readonly #raiseAt: number
  readonly #recoverAt: number

  constructor(name: LevelName, raiseAt: number, recoverAt: number) {
    this.#name = name
    this.#raiseAt = raiseAt
    this.#recoverAt = recoverAt
  }

  take(): LevelAlert | undefined {
    if (this.isRaised === this.#isToldRaised) return undefined
    this.#isToldRaised = this.isRaised
    return {
      kind: 'level',
      name: this.#name,
      state: this.isRaised ? 'raised' : 'recovered',
      value: this.value,
      threshold: this.isRaised ? this.#raiseAt : this.#recoverAt,
      message: levelMessage(this.#name, this.isRaised),
    }
  }
}
