import { dropMessage, errorMessage } from './alert-messages.ts'
import type { Alert, DropAlert, ErrorAlert, NoteAlert } from './alerts.ts'

const decoder = new TextDecoder()

const KINDS: readonly unknown[] = [
  'drop',
  'error',
  'level',
  'metadata',
  'address',
  'io-thread',
  'warning',
] satisfies Alert['kind'][]

/** What an alert is on its way to other threads: a record of a lossy ring. */
export function alertRecord(alert: Alert): string {
  return JSON.stringify(alert)
}

/**
 * The reading side of alerts in one thread. Alerts may be lost on their way, so each brings its totals; what happened
 * is counted from the last total that arrived here. So the sums are exact over the alerts that did arrive, and begin with all
 * that had happened before this thread joined.
 */
export class AlertInbox {
  readonly #totals = new Map<string, number>()

  receive(record: Uint8Array): Alert {
    const alert = parse(record)
    switch (alert.kind) {
      case 'drop':
        return this.#drop(alert)
      case 'error':
        return this.#error(alert)
      case 'level':
        return alert
      default:
        return this.#note(alert)
    }
  }

  #drop(alert: DropAlert): DropAlert {
    const events = this.#sinceLast(`drop ${alert.reason}`, alert.total)
    return { ...alert, events, message: dropMessage(alert.reason, events) }
  }

  #error(alert: ErrorAlert): ErrorAlert {
    const times = this.#sinceLast(`times ${alert.code}`, alert.total)
    const events = this.#sinceLast(`events ${alert.code}`, alert.totalEvents)
    return { ...alert, times, events, message: errorMessage(alert.code, times, events) }
  }

  #note(alert: NoteAlert): NoteAlert {
    if (alert.total === undefined) return alert
    return { ...alert, times: this.#sinceLast(alert.kind, alert.total) }
  }

  #sinceLast(name: string, total: number): number {
    const last = this.#totals.get(name) ?? 0
    this.#totals.set(name, total)
    // Less than before: the one who counts has begun anew, in another I/O thread.
    return total >= last ? total - last : total
  }
}

function parse(record: Uint8Array): Alert {
  try {
    const alert = JSON.parse(decoder.decode(record))
    if (KINDS.includes(alert.kind) && typeof alert.message === 'string') return alert
  } catch {} // the same as an alert that is not one
  return { kind: 'warning', message: 'a record came that is no alert' }
}
