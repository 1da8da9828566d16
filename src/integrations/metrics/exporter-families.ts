import { wireErrors } from '../../net/counters.ts'
import type { ExporterStats } from '../../net/exporter-stats.ts'
import { counter, countersBy, type Family, gauge, withZeros } from './family.ts'

/** Why an exporter drops: all that `droppedBy` may name. */
export const dropReasons: readonly string[] = [
  'overwritten',
  'full',
  'oversize',
  'rawNewline',
  'closed',
  'ioThread',
  ...wireErrors,
]

/** What reached the ring, whatever became of it there. */
function written({ offered, droppedBy: { full = 0, oversize = 0, rawNewline = 0 } }: ExporterStats): number {
  return offered - full - oversize - rawNewline
}

/** What an exporter has to say. `docs/metrics.md` has the same table, and a test that it is the same. */
export const exporterFamilies: readonly Family<ExporterStats>[] = [
  counter(
    'spillway_events_offered_total',
    'events',
    'Events that were given to the exporter.',
    (s) => s.offered,
  ),
  counter('spillway_events_written_total', 'events', 'Events that were stored in the ring.', written),
  counter(
    'spillway_events_sent_total',
    'events',
    'Events that the kernel has taken; over gudp, that the collector has.',
    (s) => s.sent,
  ),
  countersBy(
    'spillway_events_dropped_total',
    'reason',
    'events',
    'Events that were dropped, by reason: of the ring, the size, the end, or the code of the kernel.',
    (s) => withZeros(dropReasons, s.droppedBy),
  ),
  gauge('spillway_events_in_flight', 'events', 'Events out of the ring and not yet sent.', (s) => s.inFlight),
  gauge('spillway_queue_events', 'events', 'Events that wait in the ring.', (s) => s.queue.depth),
  gauge(
    'spillway_queue_capacity_events',
    'events',
    'Events that the ring can hold: for each thread that writes.',
    (s) => s.queue.capacity,
  ),
  gauge(
    'spillway_queue_high_water_events',
    'events',
    'Most events that were ever seen waiting.',
    (s) => s.queue.highWater,
  ),
  gauge('spillway_queue_bytes', 'bytes', 'Bytes of the events that wait in the ring.', (s) => s.queue.bytes),
  gauge(
    'spillway_queue_capacity_bytes',
    'bytes',
    'Bytes of events that the ring can hold: for each thread that writes.',
    (s) => s.queue.capacityBytes,
  ),
  counter(
    'spillway_datagrams_sent_total',
    'datagrams',
    'Datagrams sent, those of metadata and heartbeats with them.',
    (s) => s.datagrams,
  ),
  counter(
    'spillway_sent_bytes_total',
    'bytes',
    'Bytes of the events sent, with their newlines.',
    (s) => s.bytes,
  ),
  countersBy(
    'spillway_send_errors_total',
    'code',
    'times',
    'What the kernel or the resolver has refused, by its code.',
    (s) => withZeros(wireErrors, s.errors),
  ),
  counter(
    'spillway_send_retries_total',
    'datagrams',
    'Datagrams that were sent once more because the kernel had refused them.',
    (s) => s.retries,
  ),
  gauge('spillway_pool_sockets', 'sockets', 'Sockets that are open.', (s) => s.pool.size),
  gauge('spillway_pool_max_sockets', 'sockets', 'Sockets that may be open.', (s) => s.pool.max),
  counter('spillway_pool_opened_total', 'sockets', 'Sockets that were opened.', (s) => s.pool.opened),
  counter(
    'spillway_pool_replaced_total',
    'sockets',
    'Sockets that were given up because of an error.',
    (s) => s.pool.replaced,
  ),
  counter(
    'spillway_pool_hits_total',
    'times',
    'A socket was at hand when one was needed.',
    (s) => s.pool.hits,
  ),
  counter('spillway_pool_misses_total', 'times', 'None was at hand.', (s) => s.pool.misses),
  counter('spillway_metadata_sent_total', 'times', 'The metadata event was sent.', (s) => s.metadata.sent),
  counter(
    'spillway_metadata_hits_total',
    'times',
    'The metadata event was sent as it lay marshalled.',
    (s) => s.metadata.hits,
  ),
  counter(
    'spillway_metadata_misses_total',
    'times',
    'The metadata event had to be marshalled.',
    (s) => s.metadata.misses,
  ),
  counter(
    'spillway_metadata_seconds_total',
    'seconds',
    'Time that the marshalling took.',
    (s) => s.metadata.ms / 1000,
  ),
  counter('spillway_heartbeats_sent_total', 'times', 'Heartbeats sent.', (s) => s.heartbeats),
  counter(
    'spillway_resolver_lookups_total',
    'times',
    'The address of the host was looked up.',
    (s) => s.resolver.lookups,
  ),
  counter('spillway_resolver_failures_total', 'times', 'The look-up failed.', (s) => s.resolver.failures),
  counter(
    'spillway_resolver_changes_total',
    'times',
    'The host had another address than before.',
    (s) => s.resolver.changes,
  ),
  counter(
    'spillway_gudp_resumed_total',
    'times',
    'Connections (gudp) that were lost and taken up again.',
    (s) => s.gudp.resumed,
  ),
  counter(
    'spillway_gudp_resent_events_total',
    'events',
    'Events that went again to a collector that was started anew (gudp): at most so many are there twice.',
    (s) => s.gudp.resentEvents,
  ),
  counter('spillway_alerts_total', 'times', 'Alerts raised.', (s) => s.alerts),
  counter(
    'spillway_io_restarts_total',
    'times',
    'The I/O thread had ended and was started again.',
    (s) => s.ioRestarts,
  ),
]
