import type { SinkStats } from '../../net/sink-pump.ts'
import type { SourceCounts } from '../../net/source-stats.ts'
import type { CollectorStats, GudpReceivingStats } from '../../node/collector.ts'
import { dropReasons } from './exporter-families.ts'
import { counter, countersBy, type Family, gauge, type Unit, withZeros } from './family.ts'

type Counts = Exclude<keyof SourceCounts, 'droppedBy'>
type SinkFigure = Exclude<keyof SinkStats, 'name' | 'own'>

/** A figure of the totals, over all sources that ever were. */
function total(name: string, unit: Unit, help: string, figure: Counts): Family<CollectorStats> {
  return counter(name, unit, help, ({ totals }) => totals[figure])
}

function bySink(
  type: 'counter' | 'gauge',
  name: string,
  unit: Unit,
  help: string,
  figure: SinkFigure,
): Family<CollectorStats> {
  const read = ({ sinks }: CollectorStats) =>
    sinks.map((sink) => ({ labels: { sink: sink.name }, value: sink[figure] }))
  return { name, type, unit, help, labels: ['sink'], read }
}

function ofGudp(name: string, help: string, figure: keyof GudpReceivingStats): Family<CollectorStats> {
  return counter(name, 'times', help, ({ gudp }) => gudp?.[figure])
}

/** What a collector has to say. `docs/metrics.md` has the same table, and a test that it is the same. */
export const collectorFamilies: readonly Family<CollectorStats>[] = [
  total('spillway_received_lines_total', 'lines', 'Good lines that came, events and metadata.', 'received'),
  total(
    'spillway_received_datagrams_total',
    'datagrams',
    'Datagrams that came, of whatever kind.',
    'datagrams',
  ),
  total('spillway_received_bytes_total', 'bytes', 'Bytes that came.', 'bytes'),
  total('spillway_received_heartbeats_total', 'times', 'Heartbeats that came.', 'heartbeats'),
  total('spillway_told_lines_total', 'lines', 'Lines that heartbeats say were sent.', 'sent'),
  total('spillway_lost_lines_total', 'lines', 'Lines lost on the network, as heartbeats tell.', 'lost'),
  total(
    'spillway_lost_datagrams_total',
    'datagrams',
    'Datagrams lost on the network, as heartbeats tell.',
    'lostDatagrams',
  ),
  total(
    'spillway_surplus_lines_total',
    'lines',
    'Lines beyond what was sent: copies that the network made of datagrams without numbers.',
    'surplus',
  ),
  total('spillway_sequence_gaps_total', 'datagrams', 'Numbered datagrams that are missing.', 'gaps'),
  total(
    'spillway_duplicate_datagrams_total',
    'datagrams',
    'Numbered datagrams that came twice, not handed on.',
    'duplicates',
  ),
  total(
    'spillway_reordered_datagrams_total',
    'datagrams',
    'Numbered datagrams that came out of order.',
    'reordered',
  ),
  total(
    'spillway_late_datagrams_total',
    'datagrams',
    'Numbered datagrams that came too late to tell, not handed on.',
    'late',
  ),
  total('spillway_empty_datagrams_total', 'datagrams', 'Datagrams of no bytes.', 'empty'),
  countersBy(
    'spillway_bad_lines_total',
    'reason',
    'lines',
    'Lines that are none, not handed on; heartbeats and metadata that could not be read.',
    ({ totals: { invalidUtf8, truncated, blank, badHeartbeats, badMetadata } }) => ({
      invalidUtf8,
      truncated,
      blank,
      badHeartbeat: badHeartbeats,
      badMetadata,
    }),
  ),
  countersBy(
    'spillway_dropped_at_source_events_total',
    'reason',
    'events',
    'Events that exporters dropped before they were sent, by reason, as heartbeats tell.',
    ({ totals }) => withZeros(dropReasons, totals.droppedBy),
  ),
  gauge(
    'spillway_sources',
    'flows',
    'Sources that are remembered: exporters, and flows that have not told whose they are.',
    (s) => s.sources.length,
  ),
  gauge('spillway_flows', 'flows', 'Flows (address and port) that are remembered.', (s) => s.flows),
  counter(
    'spillway_flows_forgotten_total',
    'flows',
    'Flows that were forgotten to make room.',
    (s) => s.flowsForgotten,
  ),
  counter(
    'spillway_refused_datagrams_total',
    'datagrams',
    'Datagrams from addresses that may not send.',
    (s) => s.refused,
  ),
  counter(
    'spillway_made_to_lose_datagrams_total',
    'datagrams',
    'Datagrams thrown away on purpose, for trials.',
    (s) => s.madeToLose,
  ),
  counter(
    'spillway_receive_errors_total',
    'times',
    'Errors of the receiving sockets.',
    (s) => s.receiveErrors,
  ),
  counter(
    'spillway_kernel_dropped_datagrams_total',
    'datagrams',
    'Datagrams that the kernel had no room for; on Linux only.',
    (s) => s.kernelDrops,
  ),
  gauge(
    'spillway_receive_buffer_bytes',
    'bytes',
    'What the kernel keeps for a socket while the I/O thread is busy.',
    (s) => s.recvBufferBytes,
  ),
  bySink(
    'counter',
    'spillway_sink_offered_lines_total',
    'lines',
    'Lines that the collector had for the sink.',
    'offered',
  ),
  bySink('counter', 'spillway_sink_handed_lines_total', 'lines', 'Lines that the sink has taken.', 'handed'),
  bySink(
    'counter',
    'spillway_sink_failed_lines_total',
    'lines',
    'Lines of batches at which the sink threw.',
    'failed',
  ),
  bySink(
    'counter',
    'spillway_sink_dropped_lines_total',
    'lines',
    'Lines that the sink was too slow for.',
    'dropped',
  ),
  bySink(
    'counter',
    'spillway_sink_dropped_bytes_total',
    'bytes',
    'Bytes of the lines that the sink was too slow for.',
    'droppedBytes',
  ),
  bySink('counter', 'spillway_sink_batches_total', 'times', 'Batches that the sink was given.', 'batches'),
  bySink(
    'gauge',
    'spillway_sink_in_hand_lines',
    'lines',
    'Lines of the batch that the sink is at.',
    'inHand',
  ),
  bySink('gauge', 'spillway_sink_waiting_lines', 'lines', 'Lines that wait for the sink.', 'waiting'),
  gauge('spillway_gudp_sessions', 'sessions', 'Connections (gudp) that there are.', (s) => s.gudp?.sessions),
  ofGudp('spillway_gudp_sessions_opened_total', 'Connections (gudp) that there were.', 'opened'),
  ofGudp(
    'spillway_gudp_streams_resumed_total',
    'Exporters that went on over another connection (gudp).',
    'resumed',
  ),
  ofGudp(
    'spillway_gudp_streams_unknown_total',
    'Exporters that had begun with another collector (gudp).',
    'unknown',
  ),
  ofGudp(
    'spillway_gudp_handshakes_refused_total',
    'Handshakes (gudp) refused: no room, another secret, another version.',
    'refused',
  ),
  countersBy(
    'spillway_gudp_bad_datagrams_total',
    'reason',
    'datagrams',
    'Datagrams (gudp) that are none, of no connection, or forged or come before.',
    ({ gudp }) =>
      gudp === undefined ? {} : { malformed: gudp.malformed, strange: gudp.strange, unopened: gudp.unopened },
  ),
]
