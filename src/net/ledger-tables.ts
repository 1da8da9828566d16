/**
 * Where a collector's ledger lies: in shared memory, written by the thread that receives, read by whoever asks for `stats()`.
 *
 * @module
 */
import { SharedTable, type SharedTableHandle } from './shared-table.ts'

/** What is counted for each flow, by its place in the row. All of it can be summed over flows. */
export const tally = {
  /** Everything that came, heartbeats and rubbish with it. */
  datagrams: 0,
  bytes: 1,
  /** Good lines, events and metadata; not our own, and not of datagrams that are known as copies. */
  received: 2,
  heartbeats: 3,
  /** Lost on the network, lines, as the flow's latest heartbeat tells; datagrams with them. */
  lost: 4,
  lostDatagrams: 5,
  /** More lines than were sent: copies that the network made and that had no number to be known by. */
  surplus: 6,
  /** By the datagrams' numbers (`sequence: true`): missing, known as copies and not handed on, out of order, too old to tell. */
  gaps: 7,
  duplicates: 8,
  reordered: 9,
  late: 10,
  /** Lines that are none. */
  invalidUtf8: 11,
  truncated: 12,
  blank: 13,
  /** Datagrams of no bytes. */
  empty: 14,
  /** Of our own kinds, and not to be read. */
  badHeartbeats: 15,
  badMetadata: 16,
  /** Lines that heartbeats say were sent, since the flow became known. */
  sent: 17,
} as const

export type Tally = keyof typeof tally
export const tallies: readonly Tally[] = Object.keys(tally) as Tally[]

/** Behind the tallies of a flow: what is no sum. */
export const flowState = {
  /** On the clock of the thread that receives. */
  lastSeenMs: tallies.length,
  /** 1: its last heartbeat has come. */
  isOver: tallies.length + 1,
} as const

/** What belongs to no flow. */
export const general = {
  /** Datagrams from addresses that `allow` does not have. */
  refused: 0,
  /** Datagrams thrown away on purpose, for tests and demonstrations. */
  madeToLose: 1,
  receiveErrors: 2,
  flows: 3,
  flowsForgotten: 4,
  /** What each sink was offered. */
  linesOffered: 5,
  bytesOffered: 6,
  /** `Date.now()` when the receiving thread's clock stood at 0. */
  clockOrigin: 7,
  /** Of gudp: connections that there are, and that there were; streams that went on over another one, or began in the middle. */
  sessions: 8,
  sessionsOpened: 9,
  streamsResumed: 10,
  streamsUnknown: 11,
  /** Handshakes refused; datagrams that are none of gudp, of no connection, or that were forged or came twice. */
  handshakesRefused: 12,
  malformed: 13,
  strange: 14,
  unopened: 15,
} as const

/** The text of a flow's row. */
export interface FlowText {
  /** Tells this flow from others that have had the row. */
  readonly number: number
  readonly address: string
  readonly port: number
  readonly source?: string
}

const FLOW_TEXT_BYTES = 192
const EXPORTER_TEXT_BYTES = 4096

export interface LedgerHandle {
  readonly flows: SharedTableHandle
  readonly exporters: SharedTableHandle
  readonly general: SharedTableHandle
}

/** In `flows` and `exporters` the last row has the sums of those that were forgotten. */
export class LedgerTables {
  readonly flows: SharedTable
  readonly exporters: SharedTable
  readonly general: Float64Array
  readonly #general: SharedTable

  private constructor(flows: SharedTable, exporters: SharedTable, rest: SharedTable) {
    this.flows = flows
    this.exporters = exporters
    this.#general = rest
    this.general = rest.numbers(0)
  }

  static create(maxSources: number): LedgerTables {
    const rows = maxSources + 1
    const numbers = tallies.length + Object.keys(flowState).length
    return new LedgerTables(
      SharedTable.create({ rows, textBytes: FLOW_TEXT_BYTES, numbers }),
      SharedTable.create({ rows, textBytes: EXPORTER_TEXT_BYTES, numbers: 0 }),
      SharedTable.create({ rows: 1, textBytes: 0, numbers: Object.keys(general).length }),
    )
  }

  static from(handle: LedgerHandle): LedgerTables {
    const { flows, exporters, general: rest } = handle
    return new LedgerTables(SharedTable.from(flows), SharedTable.from(exporters), SharedTable.from(rest))
  }

  get handle(): LedgerHandle {
    return { flows: this.flows.handle, exporters: this.exporters.handle, general: this.#general.handle }
  }

  get maxSources(): number {
    return this.flows.rows - 1
  }
}
