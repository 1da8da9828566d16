import { integerOption, invalid, numberOption } from '../../core/check.ts'
import type { LaneShape, MachineOptions, Strategy } from '../../core/packet-machine.ts'
import { type ChannelKind, channelBits } from './channels.ts'
import { DEFAULT_PROTOCOL_ID, SEALED_OVERHEAD, SESSION_HEAD_BYTES } from './wire.ts'

/** What both sides of a connection say of it. `channels`, `protocolId` and `fragmentBytes` must be the same on both. */
export interface ConnectionOptions {
  /** The message channels, at most 15. Default: `['reliable', 'unreliable']`. */
  readonly channels?: readonly ChannelKind[] | undefined
  /**
   * How much may be sent, and when. Default: `'good-bad'`, by packets a second, for small steady traffic. `'paced'`: by bytes a second, as much as is
   * seen to arrive, for bulk. `'none'`: as fast as acknowledgements come, for a link that nobody else uses.
   */
  readonly congestion?: Strategy | undefined
  /** Of `'good-bad'`. Default: `{ good: 30, bad: 10 }`. */
  readonly packetsPerSecond?: { readonly good: number; readonly bad: number } | undefined
  /** Of `'good-bad'`: a greater RTT is bad. Default 250. */
  readonly rttLimitMs?: number | undefined
  /** Of `'paced'`: never more. Default 0: as much as the link carries. */
  readonly maxBytesPerSecond?: number | undefined
  /** A peer that is silent for so long is gone. Default 10,000. */
  readonly timeoutMs?: number | undefined
  /** A peer that is silent for so long is asked. Default 5000, or a third of `timeoutMs` where that is less. */
  readonly heartbeatMs?: number | undefined
  /** Of the whole datagram. Default 1200: it passes nearly everywhere. */
  readonly maxDatagramBytes?: number | undefined
  /** What is longer than a datagram goes in pieces of so many bytes. Default 1100; 1024 for a bare peer. */
  readonly fragmentBytes?: number | undefined
  /** How many packets may be under way, a power of two from 32 to 4096. Default 256. */
  readonly windowPackets?: number | undefined
  /** For packets of `send` that wait to be sent, and as many for those that wait to be received. Default 65,536. */
  readonly packetBufferBytes?: number | undefined
  /** The longest that `send` takes. Default: half of `packetBufferBytes`, at most 256 fragments. */
  readonly maxPacketBytes?: number | undefined
  /** The same two for each message channel. Default: 266,240 and 262,144. */
  readonly channelBufferBytes?: number | undefined
  readonly maxMessageBytes?: number | undefined
  /** Of each message channel, where one direction carries more than the other. Default: `channelBufferBytes` both. */
  readonly channelSendBytes?: number | undefined
  readonly channelReceiveBytes?: number | undefined
  /** For packets of which not all fragments have come. Default: as much as the longest needs, twice. */
  readonly reassemblyBytes?: number | undefined
  /** Tells datagrams of this program from others. Default: `0x50445547`, "GUDP". */
  readonly protocolId?: number | undefined
}

export interface ConnectionSettings {
  readonly channels: readonly ChannelKind[]
  readonly protocolId: number
  readonly maxDatagramBytes: number
  readonly machine: Omit<MachineOptions, 'hub'>
}

const DEFAULT_CHANNELS: readonly ChannelKind[] = ['reliable', 'unreliable']
const MOST_FRAGMENTS = 256
/** In front of a packet's content: its frame. */
const FRAME_HEAD = 2
/** In front of a fragment. */
const FRAGMENT_HEAD = 14
const LONGEST_HEADER = 9
const FIRST_CREDIT = 8192
const LONGEST_RING = 1 << 26
const ASSEMBLY_HEAD = 96

export function connectionSettings(
  options: ConnectionOptions,
  { isSealed, isBare }: { readonly isSealed: boolean; readonly isBare: boolean },
): ConnectionSettings {
  const channels = isBare ? [] : (options.channels ?? DEFAULT_CHANNELS)
  channelBits(channels)
  const overhead = isBare ? 0 : isSealed ? SEALED_OVERHEAD : SESSION_HEAD_BYTES
  const maxDatagramBytes = integerOption(options, 'maxDatagramBytes', 1200, 256, 65_000)
  const fragmentBytes = integerOption(options, 'fragmentBytes', isBare ? 1024 : 1100, 16, 65_000)
  if (fragmentBytes + FRAGMENT_HEAD + overhead > maxDatagramBytes && options.fragmentBytes !== undefined) {
    throw invalid(
      `fragmentBytes must be at most ${maxDatagramBytes - FRAGMENT_HEAD - overhead} with datagrams of ${maxDatagramBytes}`,
    )
  }
  const fragment = Math.min(fragmentBytes, maxDatagramBytes - FRAGMENT_HEAD - overhead)
  const longestBody = MOST_FRAGMENTS * fragment - (isBare ? 0 : FRAME_HEAD)
  const packetBuffer = integerOption(options, 'packetBufferBytes', 65_536, 64, LONGEST_RING)
  const maxPacket = integerOption(
    options,
    'maxPacketBytes',
    Math.min(packetBuffer >> 1, longestBody),
    1,
    Math.min(packetBuffer - 8, longestBody),
  )
  const channelBuffer = integerOption(options, 'channelBufferBytes', 266_240, FIRST_CREDIT, LONGEST_RING)
  const sendBytes = integerOption(options, 'channelSendBytes', channelBuffer, FIRST_CREDIT, LONGEST_RING)
  const receiveBytes = integerOption(
    options,
    'channelReceiveBytes',
    channelBuffer,
    FIRST_CREDIT,
    LONGEST_RING,
  )
  const mostMessage = Math.min(sendBytes, receiveBytes) - 8
  const maxMessage = integerOption(options, 'maxMessageBytes', Math.min(262_144, mostMessage), 1, mostMessage)
  const lanes: LaneShape[] = [
    { kind: 'packets', inBytes: packetBuffer, outBytes: packetBuffer, longest: maxPacket },
  ]
  for (const kind of channels) {
    const longest = kind === 'reliable' ? maxMessage : Math.min(maxMessage, longestBody)
    lanes.push({
      kind: kind === 'reliable' ? 'stream' : 'packets',
      inBytes: receiveBytes,
      outBytes: sendBytes,
      longest,
    })
  }
  const longestInParts = Math.max(...lanes.map((lane) => (lane.kind === 'packets' ? lane.longest : 0)))
  const congestion = options.congestion ?? 'good-bad'
  if (!['good-bad', 'paced', 'none'].includes(congestion)) {
    throw invalid(`congestion is 'good-bad', 'paced' or 'none', not '${String(congestion)}'`)
  }
  const rates = options.packetsPerSecond ?? { good: 30, bad: 10 }
  return {
    channels,
    protocolId: integerOption(options, 'protocolId', DEFAULT_PROTOCOL_ID, 0, 0xffffffff),
    maxDatagramBytes,
    machine: {
      windowPackets: powerOfTwo(integerOption(options, 'windowPackets', 256, 32, 4096)),
      isBare,
      fragmentBytes: fragment,
      packetBytes: isBare
        ? Math.min(fragment + LONGEST_HEADER, maxDatagramBytes)
        : maxDatagramBytes - overhead,
      reassemblyBytes: integerOption(
        options,
        'reassemblyBytes',
        2 * (longestInParts + fragment + ASSEMBLY_HEAD),
        0,
        LONGEST_RING,
      ),
      strategy: congestion,
      timeoutMs: numberOption(options, 'timeoutMs', 10_000, 10, 2 ** 31 - 1),
      heartbeatMs: numberOption(options, 'heartbeatMs', defaultHeartbeatMs(options), 10, 2 ** 31 - 1),
      goodRate:
        congestion === 'paced'
          ? numberOption(options, 'maxBytesPerSecond', 0, 0, 1e12)
          : rate(rates.good, 'good'),
      badRate: rate(rates.bad, 'bad'),
      rttLimitMs: numberOption(options, 'rttLimitMs', 250, 1, 60_000),
      lanes,
    },
  }
}

/** Else one that is idle would be given up before it is asked. */
function defaultHeartbeatMs({ timeoutMs = 10_000 }: ConnectionOptions): number {
  return timeoutMs >= 10_000 ? 5000 : Math.max(10, timeoutMs / 3)
}

function powerOfTwo(value: number): number {
  if ((value & (value - 1)) === 0) return value
  throw invalid(`windowPackets must be a power of two from 32 to 4096, not ${value}`)
}

function rate(value: unknown, name: string): number {
  if (typeof value === 'number' && value > 0 && value <= 1e6) return value
  throw invalid(`packetsPerSecond.${name} must be a number above 0, at most 1,000,000, not ${String(value)}`)
}
