import type { Cancel, Clock } from '../ports.ts'

/** What `count` and `total` of an alert count. */
export const collectorAlertKinds = {
  'invalid-utf8': 'lines',
  truncated: 'lines',
  'bad-heartbeat': 'lines',
  'bad-metadata': 'datagrams',
  /** Lost between an exporter and here. */
  lost: 'lines',
  /** What an exporter could not send. */
  'dropped-at-source': 'events',
  /** From an address that `allow` does not have. */
  refused: 'datagrams',
  'receive-error': 'times',
  'sink-dropped': 'lines',
  'sink-failed': 'lines',
  /** What a sink says of itself. */
  sink: 'times',
  'io-thread': 'times',
  warning: 'times',
} as const

/** What a collector can have to tell. */
export type CollectorAlertKind = keyof typeof collectorAlertKinds

/** Where and why, of the first of those that an alert counts. */
export interface AlertDetails {
  readonly message: string
  /** `address:port` */
  readonly source?: string
  /** Which datagram of the source, from 1; and where in it the line begins. */
  readonly datagram?: number
  readonly offset?: number
  readonly sink?: string
  readonly code?: string
}

/**
 * Something that whoever runs a collector may want to know. At most one a second of each kind (and sink); the counts over
 * all alerts of a kind add up to `total`.
 */
export interface CollectorAlert extends AlertDetails {
  readonly kind: CollectorAlertKind
  readonly count: number
  readonly total: number
}

interface Topic {
  readonly kind: CollectorAlertKind
  count: number
  total: number
  details: AlertDetails
  dueMs: number
  cancel: Cancel | undefined
}

/** The first of a burst is told at once, the rest as a sum when the interval has passed. */
export class AlertGate {
  readonly #clock: Pick<Clock, 'now' | 'after'>
  readonly #intervalMs: number
  readonly #publish: (alert: CollectorAlert) => void
  readonly #topics = new Map<string, Topic>()
  #isClosed = false

  constructor(
    clock: Pick<Clock, 'now' | 'after'>,
    intervalMs: number,
    publish: (alert: CollectorAlert) => void,
  ) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#publish = publish
  }

  note(kind: CollectorAlertKind, count: number, details: AlertDetails): void {
    if (this.#isClosed) return
    const topic = this.#topicOf(kind, details)
    if (topic.count === 0) topic.details = details
    topic.count += count
    topic.total += count
    if (topic.cancel !== undefined) return
    const waitMs = topic.dueMs - this.#clock.now()
    if (waitMs <= 0) this.#tell(topic)
    else topic.cancel = this.#clock.after(waitMs, () => this.#tell(topic))
  }

  /** Tells what is held back; after that, nothing. Idempotent. */
  close(): void {
    for (const topic of this.#topics.values()) if (topic.cancel !== undefined) this.#tell(topic)
    this.#isClosed = true
  }

  #topicOf(kind: CollectorAlertKind, details: AlertDetails): Topic {
    const key = details.sink === undefined ? kind : `${kind} ${details.sink}`
    let topic = this.#topics.get(key)
    if (topic === undefined) {
      topic = { kind, count: 0, total: 0, details, dueMs: 0, cancel: undefined }
      this.#topics.set(key, topic)
    }
    return topic
  }

  #tell(topic: Topic): void {
    const { kind, count, total, details } = topic
    topic.cancel?.()
    topic.cancel = undefined
    topic.count = 0
    topic.dueMs = this.#clock.now() + this.#intervalMs
    this.#publish({ kind, count, total, ...details })
  }
}
