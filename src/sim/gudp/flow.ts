import type { LaneKind } from '../../core/packet-machine.ts'
import type { MachinePair } from './machine-pair.ts'
import type { MachineSide } from './machine-side.ts'
import { ReliableSink, Source, UnreliableSink } from './traffic.ts'

/** The messages of one lane in one direction: who sends them, and who takes them. */
export class Flow {
  readonly lane: number
  readonly kind: LaneKind
  readonly from: MachineSide
  readonly to: MachineSide
  readonly sizes: readonly number[]
  readonly source: Source
  readonly sink: ReliableSink | UnreliableSink

  constructor(pair: MachinePair, from: MachineSide, lane: number, kind: LaneKind, sizes: readonly number[]) {
    this.lane = lane
    this.kind = kind
    this.from = from
    this.to = pair.other(from)
    this.sizes = sizes
    this.source = new Source(from.lanes[lane]!, sizes)
    const name = `lane ${lane} of ${from === pair.left ? 'left' : 'right'}`
    const ReliableOrNot = kind === 'stream' ? ReliableSink : UnreliableSink
    this.sink = new ReliableOrNot(this.to.lanes[lane]!, name, sizes)
  }

  /** All was handed to the lane, and what must come has come. */
  get isDone(): boolean {
    return this.source.isDone && this.sink.isDone
  }
}

/** What two programs send over a pair, and whether it was all as it should be. */
export interface Traffic {
  readonly flows: readonly Flow[]
}
