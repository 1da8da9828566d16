import type { Cancel, Clock } from '../ports.ts'
import { type AlertThresholds, DropRateWindow } from './alert-levels.ts'
import { DropTopic, ErrorTopic, LevelTopic, NoteTopic, type Topic } from './alert-topics.ts'
import type { Alert, NoteFields, NoteKind } from './alerts.ts'
import { type WireError, wireErrorOf } from './counters.ts'

export interface AlerterOptions {
  readonly clock: Clock
  /** Each reason, code, level and kind of note is told of at most once in so long. */
  readonly intervalMs: number
  readonly thresholds: AlertThresholds
  /** Events offered since the exporter was opened: what drops are held against. Read at each call. */
  offered(): number
  publish(alert: Alert): void
}

/** Reasons beyond the first so many go under `other`, which then has the largest of their totals. */
const MOST_REASONS = 32
/** A note's message may come from anywhere; an alert has to fit a record. */
const MESSAGE_LENGTH = 300

/**
 * Tells of loss, errors and levels without flooding whoever listens: the first of a burst at once, the rest as a sum when the
 * interval has passed. It is told cumulative counts and finds the differences, so that the sum over all alerts of a
 * reason is always its total. Timers run only while something is held back or a level is about to recover.
 */
export class Alerter {
  readonly #options: AlerterOptions
  readonly #drops = new Map<string, DropTopic>()
  readonly #errors = new Map<WireError, ErrorTopic>()
  readonly #notes = new Map<NoteKind, NoteTopic>()
  readonly #queue: LevelTopic
  readonly #rate: LevelTopic
  readonly #peer: LevelTopic
  readonly #held = new Set<Topic>()
  readonly #window = new DropRateWindow()
  #dropped = 0
  #cancelWindow: Cancel | undefined
  #cancelRecovery: Cancel | undefined
  #isClosed = false

  constructor(options: AlerterOptions) {
    const { queueRaise, queueRecover, dropRate } = options.thresholds
    this.#options = options
    this.#queue = new LevelTopic('queue', queueRaise, queueRecover)
    this.#rate = new LevelTopic('drop-rate', dropRate, dropRate)
    this.#peer = new LevelTopic('peer', 1, 1)
  }

  /** So many events were dropped for this reason since the exporter was opened. */
  dropped(reason: string, total: number): void {
    const topic = this.#dropTopic(reason)
    const events = total - topic.total
    if (!(events > 0) || this.#isClosed) return
    this.#observe()
    topic.total = total
    this.#lost(events)
    this.#changed(topic)
  }

  /** The kernel or the resolver has said `code` so often, and so many events were lost by it, since the exporter was opened. */
  failed(code: string, times: number, events: number): void {
    const wireError = wireErrorOf(code)
    const topic = getOrMake(this.#errors, wireError, () => new ErrorTopic(wireError))
    const lost = Math.max(0, events - topic.events)
    if ((!(times > topic.times) && lost === 0) || this.#isClosed) return
    this.#observe()
    topic.times = Math.max(topic.times, times)
    topic.events += lost
    if (lost > 0) this.#lost(lost)
    this.#changed(topic)
  }

  /** How many records wait in the ring. To be told often: what is offered is noted, too. */
  queue(depth: number, capacity: number): void {
    if (this.#isClosed) return
    this.#observe()
    const filled = depth / capacity
    const { queueRaise, queueRecover } = this.#options.thresholds
    if (filled >= queueRaise) this.#setLevel(this.#queue, true, filled)
    else if (filled <= queueRecover) this.#setLevel(this.#queue, false, filled)
  }

  /** The peer has answered a datagram with a refusal. */
  peerRefused(): void {
    this.#cancelRecovery?.()
    this.#cancelRecovery = undefined
    this.#setLevel(this.#peer, true, 1)
  }

  /**
   * A datagram was sent without a refusal so far. Refusals come late: the peer counts as back when a while has passed with
   * none. May be called for every datagram.
   */
  peerAnswersAgain(): void {
    if (!this.#peer.isRaised || this.#cancelRecovery !== undefined || this.#isClosed) return
    const { clock, thresholds } = this.#options
    this.#cancelRecovery = clock.after(thresholds.peerRecoverMs, () => {
      this.#cancelRecovery = undefined
      this.#setLevel(this.#peer, false, 0)
    })
  }

  note(kind: NoteKind, fields: NoteFields): void {
    const topic = this.#notes.get(kind) ?? getOrMake(this.#notes, kind, () => new NoteTopic(kind))
    topic.total++
    topic.fields = fields.message.length > MESSAGE_LENGTH ? shortened(fields) : fields
    this.#changed(topic)
  }

  /** Tells at once what is held back. */
  flush(): void {
    const nowMs = this.#options.clock.now()
    for (const topic of this.#held) this.#tell(topic, nowMs)
  }

  /** Tells what is held back; after that, nothing. Idempotent. */
  close(): void {
    this.flush()
    this.#isClosed = true
    this.#cancelWindow?.()
    this.#cancelRecovery?.()
  }

  #dropTopic(reason: string): DropTopic {
    const isKnown = this.#drops.has(reason) || this.#drops.size < MOST_REASONS
    const name = isKnown ? reason : 'other'
    return getOrMake(this.#drops, name, () => new DropTopic(name))
  }

  #setLevel(topic: LevelTopic, isRaised: boolean, value: number): void {
    if (topic.isRaised === isRaised) return
    topic.isRaised = isRaised
    topic.value = value
    this.#changed(topic)
  }

  #changed(topic: Topic): void {
    if (topic.held !== undefined || this.#isClosed) return
    const { clock } = this.#options
    const nowMs = clock.now()
    if (nowMs >= topic.dueMs) this.#tell(topic, nowMs)
    else {
      const cancel = clock.after(topic.dueMs - nowMs, () => this.#tell(topic, clock.now()))
      topic.held = { sinceMs: nowMs, cancel }
      this.#held.add(topic)
    }
  }

  #tell(topic: Topic, nowMs: number): void {
    const sinceMs = nowMs - (topic.held?.sinceMs ?? nowMs)
    topic.held?.cancel()
    topic.held = undefined
    this.#held.delete(topic)
    const alert = topic.take(sinceMs)
    if (alert === undefined) return
    topic.dueMs = nowMs + this.#options.intervalMs
    this.#options.publish(alert)
  }

  #observe(): void {
    const { clock, intervalMs, offered } = this.#options
    const isOpenEnded = this.#cancelWindow === undefined
    this.#window.observe(clock.now(), intervalMs, offered(), this.#dropped, isOpenEnded)
  }

  #lost(events: number): void {
    this.#dropped += events
    if (this.#cancelWindow === undefined) this.#watchWindow()
  }

  /** From the first loss on, window after window, until the level is down. */
  #watchWindow(): void {
    const { clock, intervalMs } = this.#options
    const waitMs = Math.max(0, this.#window.endMs(intervalMs) - clock.now())
    this.#cancelWindow = clock.after(waitMs, () => {
      this.#cancelWindow = undefined
      this.#endWindow()
      if (this.#rate.isRaised) this.#watchWindow()
    })
  }

  #endWindow(): void {
    const { clock, offered, thresholds } = this.#options
    const rate = this.#window.end(clock.now(), offered(), this.#dropped)
    if (rate > thresholds.dropRate) this.#setLevel(this.#rate, true, rate)
    else if (rate === 0) this.#setLevel(this.#rate, false, 0)
  }
}

function shortened(fields: NoteFields): NoteFields {
  return { ...fields, message: fields.message.slice(0, MESSAGE_LENGTH) }
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
