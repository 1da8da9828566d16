import type { Dropped, ExporterText } from './known-source.ts'
import { sumOfDropped } from './known-source.ts'
import {
  type FlowText,
  flowState,
  general,
  type LedgerTables,
  type Tally,
  tallies,
  tally,
} from './ledger-tables.ts'
import type { LineSource } from './lines.ts'
import type { ExporterCounts } from './wire-lines.ts'

/** What came, and what did not. `docs/collector.md` has each by name. */
export type FlowCounts = Record<Tally, number>

/** With what an exporter dropped before it was sent, while we were listening to it. */
export interface SourceCounts extends FlowCounts {
  droppedAtSource: number
  droppedBy: Readonly<Record<string, number>>
}

/** One address and port. */
export interface FlowStats extends FlowCounts {
  readonly address: string
  readonly port: number
  /** As of `Date.now()`. */
  readonly lastSeen: number
  /** The exporter has said that no more will come. */
  readonly isOver: boolean
}

/** An exporter with all its flows; or a flow that has not told whose it is. */
export interface SourceStats extends SourceCounts {
  /** The exporter's name: 16 hex digits. */
  readonly id: string | undefined
  readonly lastSeen: number
  readonly flows: readonly FlowStats[]
  /** Its own ledger, as its latest heartbeat has it: since it was opened. */
  readonly told: ExporterCounts | undefined
}

/** What was received and lost, by source and together. */
export interface LedgerStats {
  /** Over all sources that ever were. */
  readonly totals: SourceCounts
  readonly sources: readonly SourceStats[]
  /** Those that were forgotten, to make room. */
  readonly others: SourceCounts
}

const NOTHING_DROPPED: Dropped = { dropped: 0, droppedBy: {} }

/** Reads the whole ledger. Exact when nothing is under way; a flow that is being forgotten meanwhile may count twice or not at all. */
export function readLedgerTables(tables: LedgerTables): LedgerStats {
  const exporters = readExporters(tables)
  const sources: SourceStats[] = []
  for (const [key, flows] of groupFlows(tables)) sources.push(sourceOf(flows, exporters.get(key)))
  const others = counts([countsOf(tables.flows.numbers(tables.maxSources))], readOthersDropped(tables))
  const dropped = sumOfDropped(
    [others, ...sources].map(({ droppedAtSource, droppedBy }) => ({ dropped: droppedAtSource, droppedBy })),
  )
  return { totals: counts([others, ...sources], dropped), sources, others }
}

/** Where the lines of a flow came from, while it is known. */
export function lookUpSource(tables: LedgerTables, row: number, number: number): LineSource | undefined {
  const text = parse<FlowText>(tables.flows.text(row))
  if (text?.number !== number) return undefined
  const { address, port, source } = text
  return source === undefined ? { address, port } : { address, port, id: source }
}

type NamedFlow = FlowStats & { readonly source: string | undefined }

/** Flows of one exporter together. */
function groupFlows(tables: LedgerTables): Map<string, NamedFlow[]> {
  const groups = new Map<string, NamedFlow[]>()
  for (let row = 0; row < tables.maxSources; row++) {
    const text = parse<FlowText>(tables.flows.text(row))
    if (text === undefined) continue
    const flow = flowOf(tables, text, tables.flows.numbers(row))
    const key = text.source ?? `flow ${text.number}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [flow])
    else group.push(flow)
  }
  return groups
}

function flowOf(tables: LedgerTables, { address, port, source }: FlowText, numbers: Float64Array): NamedFlow {
  return {
    address,
    port,
    source,
    lastSeen: Math.round(tables.general[general.clockOrigin]! + numbers[flowState.lastSeenMs]!),
    isOver: numbers[flowState.isOver] === 1,
    ...countsOf(numbers),
  }
}

function sourceOf(named: readonly NamedFlow[], exporter: ExporterText | undefined): SourceStats {
  const flows = named.map(({ source: _, ...flow }) => flow)
  return {
    id: named[0]!.source,
    lastSeen: Math.max(...flows.map((flow) => flow.lastSeen)),
    flows,
    told: exporter?.told ?? undefined,
    ...counts(flows, exporter?.since ?? NOTHING_DROPPED),
  }
}

function readExporters(tables: LedgerTables): Map<string, ExporterText> {
  const exporters = new Map<string, ExporterText>()
  for (let row = 0; row < tables.maxSources; row++) {
    const text = parse<ExporterText>(tables.exporters.text(row))
    if (text !== undefined) exporters.set(text.id, text)
  }
  return exporters
}

function readOthersDropped(tables: LedgerTables): Dropped {
  return parse<Dropped>(tables.exporters.text(tables.maxSources)) ?? NOTHING_DROPPED
}

function countsOf(numbers: Float64Array): FlowCounts {
  return Object.fromEntries(tallies.map((name) => [name, numbers[tally[name]]!])) as FlowCounts
}

function counts(parts: readonly FlowCounts[], { dropped, droppedBy }: Dropped): SourceCounts {
  const sums = Object.fromEntries(
    tallies.map((name) => [name, parts.reduce((sum, part) => sum + part[name], 0)]),
  ) as FlowCounts
  return { ...sums, droppedAtSource: dropped, droppedBy }
}

function parse<T>(text: string): T | undefined {
  return text === '' ? undefined : (JSON.parse(text) as T)
}
