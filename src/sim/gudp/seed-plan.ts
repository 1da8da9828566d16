import type { LaneShape, MachineOptions } from '../../core/packet-machine.ts'
import { type LinkOptions, type Random, seeded } from '../network/index.ts'
import { packetsLane, streamLane } from './machine-options.ts'

/** What a seed of the tests does. */
export interface Plan {
  readonly seed: number
  readonly messages: number
  readonly machine: Partial<MachineOptions>
  readonly there: LinkOptions
  readonly back: LinkOptions
  /** So many a burst, and one burst in so many milliseconds. */
  readonly burst: number
  readonly gapMs: number
  /** 0: takes what comes at once; else now and then. */
  readonly readEveryMs: number
  readonly long: readonly number[]
}

function linkOf(random: Random): LinkOptions {
  return {
    latencyMs: random.pick([0, 1, 10, 40, 100]),
    jitterMs: random.pick([0, 1, 20, 100, 500]),
    loss: random.pick([0, 0.01, 0.05, 0.1, 0.2, 0.3]),
    duplicate: random.pick([0, 0.01, 0.1, 0.3]),
    reorder: random.pick([0, 0.05, 0.3]),
    reorderMs: random.pick([5, 50, 300]),
    burst: random.chance(0.2) ? { enter: 0.01, leave: 0.2, loss: 0.9 } : undefined,
    bytesPerSecond: random.pick([0, 0, 250_000, 2_500_000]),
    queueBytes: random.pick([16_384, 65_536]),
    mtuBytes: random.pick([0, 0, 1201]),
  }
}

export function planOf(seed: number): Plan {
  const random = seeded(seed)
  const strategy = random.pick(['none', 'none', 'paced', 'paced', 'good-bad'] as const)
  const isFast = random.chance(0.7)
  const long = random.chance(0.15) ? [262_144, 61_440] : random.chance(0.3) ? [61_440] : []
  const longest = Math.max(...long, 0)
  const ring = longest > 65_000 ? 266_240 : random.pick([65_536, 65_544, 100_008, 262_144])
  const unreliable = random.pick([8192, 65_536, 65_544])
  const lanes: LaneShape[] = [
    packetsLane(random.pick([4096, 65_536]), 2000),
    streamLane(ring),
    packetsLane(unreliable, Math.min(unreliable - 8, 20_000)),
    streamLane(random.pick([8192, 8200, 12_008]), 5000),
  ]
  return {
    seed,
    messages: 5500,
    machine: {
      strategy,
      lanes,
      windowPackets: random.pick([32, 64, 256, 256, 1024]),
      goodRate: strategy === 'paced' ? 0 : isFast ? 2000 : 60,
      badRate: isFast ? 1000 : 30,
      reassemblyBytes: random.pick([24_000, 65_536]),
    },
    there: linkOf(random),
    back: linkOf(random),
    burst: random.pick([1, 5, 50, 400]),
    gapMs: random.pick([1, 10, 50]),
    readEveryMs: random.pick([0, 0, 0, 100]),
    long,
  }
}
