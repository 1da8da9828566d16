import { invalid } from '../../core/check.ts'
import { MAX_CHANNELS } from './handshake-datagrams.ts'

/** Whether messages of a channel are sent again when they are lost. */
export type ChannelKind = 'reliable' | 'unreliable'

export interface ChannelBits {
  readonly channels: number
  /** Bit n: channel n is reliable. */
  readonly kinds: number
}

/** As the handshake says them. Both sides must have the same. */
export function channelBits(kinds: readonly ChannelKind[]): ChannelBits {
  if (!Array.isArray(kinds) || kinds.length > MAX_CHANNELS) {
    throw invalid(`channels is a list of at most ${MAX_CHANNELS}, each 'reliable' or 'unreliable'`)
  }
  let bits = 0
  for (const [i, kind] of kinds.entries()) {
    if (kind === 'reliable') bits |= 1 << i
    else if (kind !== 'unreliable') throw invalid(`channel ${i} is 'reliable' or 'unreliable', not '${kind}'`)
  }
  return { channels: kinds.length, kinds: bits }
}
