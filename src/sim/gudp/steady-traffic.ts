import { Flow, type Traffic } from './flow.ts'
import type { MachinePair } from './machine-pair.ts'
import { lanesOf, type Setting } from './setting.ts'

/** Each channel sends a message of the same size every so often, and for ever. What finds no room in its lane waits for it. */
export class SteadyTraffic implements Traffic {
  readonly flows: readonly Flow[]
  readonly #pair: MachinePair

  constructor(pair: MachinePair, setting: Setting) {
    this.#pair = pair
    const sides = setting.from === 'both' ? [pair.left, pair.right] : [pair.left]
    const { channels } = setting
    this.flows = lanesOf(channels).flatMap((lane, i) =>
      sides.map((side) => {
        const sizes: number[] = []
        const kind = channels[i] === 'reliable' ? 'stream' : 'packets'
        const flow = new Flow(pair, side, lane, kind, sizes)
        if (setting.messages > 0) this.#sendEvery(flow, sizes, setting, i / channels.length)
        return flow
      }),
    )
    pair.onReceived = () => {
      for (const { sink } of this.flows) sink.drain()
    }
  }

  /** One after the other in the course of an interval: at the same time, they would share what becomes of them. */
  #sendEvery(flow: Flow, sizes: number[], { messages, bytes }: Setting, phase: number): void {
    const { clock } = this.#pair
    const everyMs = 1000 / messages
    const startMs = clock.now() + phase * everyMs
    const send = () => {
      sizes.push(bytes)
      flow.source.send(Number.POSITIVE_INFINITY)
      this.#pair.soil(flow.from)
      // From the start, not from now: a sum of many intervals would drift.
      clock.after(startMs + sizes.length * everyMs - clock.now(), send)
    }
    clock.after(startMs - clock.now(), send)
  }
}
