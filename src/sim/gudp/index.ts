/**
 * Two machines of gudp, as they ship, over a simulated network in virtual time.
 *
 * ```ts
 * const run = new PairRun(parseSetting('seed=7&loss=5&latency=40&change=3000:latency=200'))
 * run.advance(5000)
 * run.sample().left.rttMs
 * run.hash // the same for the same setting, in Node and in a browser
 * ```
 */
export type { FlowSample, MessageState } from './flow-watch.ts'
export type { LedgerRow } from './ledger.ts'
export type { PacketKind } from './packet-kind.ts'
export type { LoggedPacket } from './packet-log.ts'
export { type LinkSample, PairRun, type PairSample, type SideSample } from './pair-run.ts'
export {
  type BothWays,
  type Change,
  type ChannelKind,
  channelKinds,
  type Knob,
  knobNames,
  knobs,
  type Setting,
  usualSetting,
} from './setting.ts'
export { formatSetting, parseSetting, SettingError } from './setting-text.ts'
