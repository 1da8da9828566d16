import type { FlowCounts, LedgerStats, SourceStats } from '../../net/source-stats.ts'
import { type SourceFigures, type SourceSeries, sourceFigures } from './source-families.ts'

const byFlow = [
  'received',
  'datagrams',
  'bytes',
  'lost',
  'gaps',
  'duplicates',
] as const satisfies readonly (keyof FlowCounts)[]

const OTHER = 'other'

/**
 * Turns a ledger, which forgets flows and moves them to the exporter that they turn out to belong to, into series that only grow:
 * each figure of a source is the sum of what its flows have grown by, from one look to the next. What was not told of by name, for
 * it was not among the largest, or is forgotten, has grown `other`.
 */
export class SourceGrowth {
  #flows = new Map<string, FlowCounts>()
  #dropped = new Map<string, number>()
  #sources = new Map<string, SourceFigures>()
  #totals = nothing()
  readonly #other = nothing()

  /** The `most` largest, and the rest as one. Keeps no more than the ledger does. */
  next(ledger: LedgerStats, most: number): readonly SourceSeries[] {
    const named = new Set(largest(ledger.sources, most))
    const unnamed = growthOf(this.#totals, ledger.totals)
    const [flows, dropped, sources] = [this.#flows, this.#dropped, this.#sources]
    this.#flows = new Map()
    this.#dropped = new Map()
    this.#sources = new Map()
    this.#totals = pick(ledger.totals)
    const series: SourceSeries[] = []
    for (const source of ledger.sources) {
      const key = keyOf(source)
      const growth = this.#grown(source, key, flows, dropped)
      const figures = plus(sources.get(key) ?? nothing(), growth)
      this.#sources.set(key, figures)
      if (!named.has(source)) continue
      series.push({ source: key, address: source.flows[0]!.address, ...figures })
      for (const figure of sourceFigures) unnamed[figure] -= growth[figure]
    }
    for (const figure of sourceFigures) this.#other[figure] += Math.max(0, unnamed[figure])
    return [...series, { source: OTHER, address: '', ...this.#other }]
  }

  #grown(
    source: SourceStats,
    key: string,
    flows: ReadonlyMap<string, FlowCounts>,
    dropped: ReadonlyMap<string, number>,
  ): SourceFigures {
    const growth = nothing()
    for (const flow of source.flows) {
      const place = `${flow.address} ${flow.port}`
      const before = flows.get(place)
      // One that was forgotten and has come again begins at nothing.
      const isSame = before !== undefined && flow.datagrams >= before.datagrams
      for (const figure of byFlow) growth[figure] += flow[figure] - (isSame ? before[figure] : 0)
      this.#flows.set(place, flow)
    }
    const { droppedAtSource } = source
    const before = dropped.get(key) ?? 0
    growth.droppedAtSource = droppedAtSource >= before ? droppedAtSource - before : droppedAtSource
    this.#dropped.set(key, droppedAtSource)
    return growth
  }
}

/** Those that have told who they are come first: it takes more than an address to be one of them. */
function largest(sources: readonly SourceStats[], most: number): SourceStats[] {
  const rank = (source: SourceStats) => (source.id === undefined ? 0 : 1)
  return [...sources].sort((a, b) => rank(b) - rank(a) || b.received - a.received).slice(0, most)
}

function keyOf({ id, flows }: SourceStats): string {
  if (id !== undefined) return id
  const { address, port } = flows[0]!
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function nothing(): SourceFigures {
  return Object.fromEntries(sourceFigures.map((figure) => [figure, 0])) as SourceFigures
}

function pick(counts: SourceFigures): SourceFigures {
  return Object.fromEntries(sourceFigures.map((figure) => [figure, counts[figure]])) as SourceFigures
}

function plus(a: SourceFigures, b: SourceFigures): SourceFigures {
  return Object.fromEntries(sourceFigures.map((figure) => [figure, a[figure] + b[figure]])) as SourceFigures
}

function growthOf(before: SourceFigures, now: SourceFigures): SourceFigures {
  return Object.fromEntries(
    sourceFigures.map((figure) => [figure, now[figure] - before[figure]]),
  ) as SourceFigures
}
