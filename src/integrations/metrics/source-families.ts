import type { SourceCounts } from '../../net/source-stats.ts'
import { counter, type Family, type Unit } from './family.ts'

/** What is told of each source. */
export const sourceFigures = [
  'received',
  'datagrams',
  'bytes',
  'lost',
  'gaps',
  'duplicates',
  'droppedAtSource',
] as const satisfies readonly (keyof SourceCounts)[]

export type SourceFigures = Record<(typeof sourceFigures)[number], number>

/** A source, or all that are not told of by name: `other`. */
export interface SourceSeries extends SourceFigures {
  readonly source: string
  readonly address: string
}

function bySource(
  name: string,
  unit: Unit,
  help: string,
  figure: keyof SourceFigures,
): Family<readonly SourceSeries[]> {
  const read = (all: readonly SourceSeries[]) =>
    all.map((each) => ({ labels: { source: each.source, address: each.address }, value: each[figure] }))
  return { ...counter(name, unit, help, () => undefined), labels: ['source', 'address'], read }
}

/** Only where it is asked for: addresses can be forged. */
export const sourceFamilies: readonly Family<readonly SourceSeries[]>[] = [
  bySource(
    'spillway_source_received_lines_total',
    'lines',
    'Good lines that came from the source.',
    'received',
  ),
  bySource(
    'spillway_source_received_datagrams_total',
    'datagrams',
    'Datagrams that came from the source.',
    'datagrams',
  ),
  bySource('spillway_source_received_bytes_total', 'bytes', 'Bytes that came from the source.', 'bytes'),
  bySource(
    'spillway_source_lost_lines_total',
    'lines',
    'Lines of the source that were lost on the network.',
    'lost',
  ),
  bySource(
    'spillway_source_sequence_gaps_total',
    'datagrams',
    'Numbered datagrams of the source that are missing.',
    'gaps',
  ),
  bySource(
    'spillway_source_duplicate_datagrams_total',
    'datagrams',
    'Numbered datagrams of the source that came twice.',
    'duplicates',
  ),
  bySource(
    'spillway_source_dropped_events_total',
    'events',
    'Events that the source dropped before they were sent.',
    'droppedAtSource',
  ),
]
