import type { Clock } from '../../ports.ts'
import type { Flow } from './flow.ts'
import { StreamWindow, streamBytesOf } from './stream-window.ts'
import { UnreliableSink } from './traffic.ts'

/** `held`: it is there, and waits because an earlier one is missing. `away`: not there; lost, under way, or still to be sent. */
export type MessageState = 'delivered' | 'held' | 'away'

export interface FlowSample {
  readonly name: string
  readonly lane: number
  readonly side: 'left' | 'right'
  readonly isReliable: boolean
  /** What the program wants to send so far: `given` the lane has taken, the others are still to come, or wait for room in it. */
  readonly wanted: number
  readonly given: number
  readonly delivered: number
  readonly held: number
  readonly away: number
  /** The message that those held wait for. */
  readonly missing: number | undefined
  /** From `send` to `recv`, of the latest and of the slowest. */
  readonly delayMs: number | undefined
  readonly worstDelayMs: number | undefined
}

/** How far the messages of a flow have come, each. */
export class FlowWatch {
  readonly name: string
  readonly #flow: Flow
  readonly #side: 'left' | 'right'
  readonly #window: StreamWindow | undefined
  readonly #sentAtMs: number[] = []
  /** Where each message ends in its stream. */
  readonly #ends: number[] = []
  /** After the greatest number that has come. */
  #next = 0
  #delayMs: number | undefined
  #worstDelayMs: number | undefined

  constructor(flow: Flow, side: 'left' | 'right', name: string, clock: Clock) {
    this.name = name
    this.#flow = flow
    this.#side = side
    this.#window = flow.kind === 'stream' ? new StreamWindow(flow.to, flow.lane) : undefined
    for (let number = 0; number < flow.source.sent; number++) this.#note(number, clock.now())
    flow.source.onSent = (number) => this.#note(number, clock.now())
    flow.sink.onTaken = (number) => this.#taken(number, clock.now())
  }

  sample(): FlowSample {
    const { source, sink, sizes, lane } = this.#flow
    const states = this.#window === undefined ? [] : this.#statesFrom(sink.received, source.sent)
    const held = states.filter((state) => state === 'held').length
    return {
      name: this.name,
      lane,
      side: this.#side,
      isReliable: this.#window !== undefined,
      wanted: sizes.length,
      given: source.sent,
      delivered: sink.received,
      held,
      away: source.sent - sink.received - held,
      missing: held > 0 ? sink.received : undefined,
      delayMs: this.#delayMs,
      worstDelayMs: this.#worstDelayMs,
    }
  }

  /** Of so many messages at most, the newest last: the latest, or where more than those are still to come, those around the last that came. */
  states(most: number): MessageState[] {
    const { sent } = this.#flow.source
    const isBehind = this.#next < sent - most
    const first = Math.max(0, isBehind ? this.#next - (most >> 2) : sent - most)
    return this.#statesFrom(first, Math.min(sent, first + most))
  }

  #statesFrom(first: number, end: number): MessageState[] {
    return Array.from({ length: end - first }, (_, i) => this.#stateOf(first + i))
  }

  #stateOf(number: number): MessageState {
    const { sink } = this.#flow
    if (sink instanceof UnreliableSink) return sink.has(number) ? 'delivered' : 'away'
    if (number < sink.received) return 'delivered'
    const from = number === 0 ? 0 : this.#ends[number - 1]!
    return this.#window!.has(from, this.#ends[number]!) ? 'held' : 'away'
  }

  #note(number: number, nowMs: number): void {
    this.#sentAtMs[number] = nowMs
    const start = number === 0 ? 0 : this.#ends[number - 1]!
    this.#ends[number] = start + streamBytesOf(this.#flow.sizes[number]!)
  }

  #taken(number: number, nowMs: number): void {
    this.#next = Math.max(this.#next, number + 1)
    this.#delayMs = nowMs - this.#sentAtMs[number]!
    this.#worstDelayMs = Math.max(this.#worstDelayMs ?? 0, this.#delayMs)
  }
}
