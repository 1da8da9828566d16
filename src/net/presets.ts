import { invalid } from '../core/check.ts'

/** Receivers whose settings are known. */
export type PresetName =
  | 'seed'
  | 'collector'
  | 'jumbo'
  | 'loopback'
  | 'datadog'
  | 'telegraf'
  | 'logstash'
  | 'vector'
  | 'fluent-bit'
  | 'rsyslog'
  | 'syslog-ng'
  | 'otel-collector'

/** What a preset may set: how events go on the wire, never how many are held or where they go. */
export interface PresetOptions {
  maxDatagramBytes?: number
  oneEventPerDatagram?: boolean
  sequence?: boolean
  heartbeatMs?: number | false
  metadata?: Record<string, unknown> | false
}

/** To an agent that is not ours heartbeats and sequence lines are events that nobody has written. */
const foreign = { heartbeatMs: false, sequence: false } as const satisfies PresetOptions

/** Passes every Ethernet, and most tunnels, in one piece: a fragment that gets lost takes the whole datagram with it. */
const ETHERNET_BYTES = 1400
/** An Ethernet with frames of 9000 bytes, less 68 for IPv6, UDP and a tunnel's tag. */
const JUMBO_BYTES = 8932
/** Nearly the longest that there is; loopback does not cut into fragments what fits its MTU of 65,536. */
const LOOPBACK_BYTES = 60_000

export const presets: Readonly<Record<PresetName, Readonly<PresetOptions>>> = {
  /** The wire of the exporter that this one began as: one JSON object a datagram, metadata first, nothing else. */
  seed: { ...foreign, oneEventPerDatagram: true, metadata: {} },
  /** To our own: with both, it tells what the ring lost from what the network lost, to the datagram. */
  collector: { sequence: true, heartbeatMs: 1000 },
  jumbo: { maxDatagramBytes: JUMBO_BYTES },
  loopback: { maxDatagramBytes: LOOPBACK_BYTES },
  /** Its agent sits on the same host, and cuts off after 9000 bytes (`logs_config.frame_size`). */
  datadog: { ...foreign, maxDatagramBytes: JUMBO_BYTES },
  /** Its JSON parser takes a datagram as one document. */
  telegraf: { ...foreign, oneEventPerDatagram: true },
  /** With `codec => json_lines`. It would take 64 KiB; the network in between would not. */
  logstash: { ...foreign, maxDatagramBytes: ETHERNET_BYTES },
  /** With `framing.method: newline_delimited`; for its limit the same holds. */
  vector: { ...foreign, maxDatagramBytes: ETHERNET_BYTES },
  /** With `Format json`. */
  'fluent-bit': { ...foreign, maxDatagramBytes: ETHERNET_BYTES },
  /** Takes 8 KiB as it comes, more by `global(maxMessageSize="64k")`. */
  rsyslog: { ...foreign, maxDatagramBytes: ETHERNET_BYTES },
  /** With `flags(no-parse)`, and `log-msg-size(65536)` for longer ones. */
  'syslog-ng': { ...foreign, maxDatagramBytes: ETHERNET_BYTES },
  /** Its `udplog` receiver splits at newlines. */
  'otel-collector': { ...foreign, maxDatagramBytes: ETHERNET_BYTES },
}

/** The options with the preset's for those that were not given. */
export function applyPreset<Options extends PresetOptions & { preset?: PresetName }>(
  options: Options,
): Options {
  const { preset } = options
  if (preset === undefined) return options
  if (!Object.hasOwn(presets, preset)) {
    const names = Object.keys(presets).join(', ')
    throw invalid(`preset must be one of ${names}, not ${String(preset)}`)
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...presets[preset], ...Object.fromEntries(given) } as Options
}
