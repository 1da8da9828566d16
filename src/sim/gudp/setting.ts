import type { MachineOptions, Strategy } from '../../core/packet-machine.ts'
import type { LinkOptions } from '../network/index.ts'
import { packetsLane, streamLane, usualMachine } from './machine-options.ts'

/** What can be turned of the links while a run goes on: in the unit that people read, and what the link calls it. */
export const knobs = {
  loss: { unit: '%', most: 100, usual: 2, option: 'loss', factor: 100 },
  latency: { unit: 'ms', most: 2000, usual: 80, option: 'latencyMs', factor: 1 },
  jitter: { unit: 'ms', most: 2000, usual: 5, option: 'jitterMs', factor: 1 },
  duplicate: { unit: '%', most: 100, usual: 0, option: 'duplicate', factor: 100 },
  rate: { unit: 'kB/s', most: 100_000, usual: 0, option: 'bytesPerSecond', factor: 0.001 },
  queue: { unit: 'kB', most: 10_000, usual: 64, option: 'queueBytes', factor: 0.001 },
} as const satisfies Record<
  string,
  { unit: string; most: number; usual: number; option: keyof LinkOptions; factor: number }
>

export type Knob = keyof typeof knobs
export const knobNames = Object.keys(knobs) as Knob[]

/** From left to right, and back. */
export type BothWays = readonly [there: number, back: number]

export interface Change {
  /** Since the start of the run. */
  readonly atMs: number
  readonly knob: Knob
  readonly to: BothWays
}

export const channelKinds = ['packets', 'reliable', 'unreliable'] as const
/** `packets` is what `send` sends: one message a packet, and no channel. */
export type ChannelKind = (typeof channelKinds)[number]

export const strategies = ['good-bad', 'paced', 'none'] as const satisfies readonly Strategy[]

/** All that a run follows from: the same setting is the same run, packet for packet, in Node and in a browser. */
export interface Setting {
  /** Do what the seed tests do with this seed. Then nothing else counts but the changes. */
  readonly plan: number | undefined
  readonly seed: number
  readonly links: Readonly<Record<Knob, BothWays>>
  readonly congestion: Strategy
  readonly channels: readonly ChannelKind[]
  /** Of each channel: how many a second, of so many bytes. */
  readonly messages: number
  readonly bytes: number
  /** Who sends. */
  readonly from: 'left' | 'both'
  /** What is turned during the run, in the order of time. */
  readonly changes: readonly Change[]
}

export const usualSetting: Setting = {
  plan: undefined,
  seed: 1,
  links: Object.fromEntries(
    knobNames.map((knob) => [knob, [knobs[knob].usual, knobs[knob].usual]]),
  ) as unknown as Record<Knob, BothWays>,
  congestion: 'good-bad',
  channels: ['reliable', 'reliable', 'unreliable'],
  messages: 20,
  bytes: 100,
  from: 'left',
  changes: [],
}

/** As the link has it. */
export function linkOptionOf(knob: Knob, value: number): LinkOptions {
  const { option, factor } = knobs[knob]
  return { [option]: value / factor }
}

export function knobValueOf(knob: Knob, options: Required<LinkOptions>): number {
  const { option, factor } = knobs[knob]
  return options[option] * factor
}

/** One direction, in the link's own words. */
export function linkOptionsOf({ links }: Setting, way: 0 | 1): LinkOptions {
  return Object.assign({}, ...knobNames.map((knob) => linkOptionOf(knob, links[knob][way])))
}

/** Lane 0 is that of packets, sent or not; the other channels have one each, in their order. */
export function lanesOf(channels: readonly ChannelKind[]): readonly number[] {
  let next = 1
  return channels.map((kind) => (kind === 'packets' ? 0 : next++))
}

export function machineOf({ congestion, channels }: Setting): Partial<MachineOptions> {
  const others = channels.filter((kind) => kind !== 'packets')
  return {
    strategy: congestion,
    goodRate: congestion === 'paced' ? 0 : usualMachine.goodRate,
    lanes: [packetsLane(), ...others.map((kind) => (kind === 'reliable' ? streamLane() : packetsLane()))],
  }
}
