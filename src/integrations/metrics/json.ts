import type { SourceStats } from '../../net/source-stats.ts'
import type { Labelled } from './things.ts'

/** Sources, and flows of each, that are told of: the largest. */
const MOST_SOURCES = 100
const MOST_FLOWS = 10

/** What `stats()` of each thing says, with its labels. */
export function statsJson(things: readonly Required<Labelled>[]): string {
  return `${JSON.stringify({ time: Date.now(), things: things.map(figuresOf) })}\n`
}

function figuresOf({ thing, labels }: Required<Labelled>): object {
  const stats = thing.stats()
  if (!('sinks' in stats)) return { kind: 'exporter', labels, stats }
  const { sources, ...rest } = stats
  const shown = [...sources].sort((a, b) => b.received - a.received).slice(0, MOST_SOURCES)
  const hiddenSources = sources.length - shown.length
  return { kind: 'collector', labels, stats: { ...rest, sources: shown.map(withFewFlows), hiddenSources } }
}

function withFewFlows(source: SourceStats): object {
  const { flows } = source
  return { ...source, flows: flows.slice(0, MOST_FLOWS), hiddenFlows: Math.max(0, flows.length - MOST_FLOWS) }
}
