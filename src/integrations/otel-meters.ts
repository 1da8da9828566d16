import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { Unit } from './metrics/family.ts'
import { type Metric, metrics, readAll } from './metrics/reading.ts'
import { checkSources, checkThings, type ReadOptions, type Things } from './metrics/things.ts'

export type { Labelled, Measured, ReadOptions, Things } from './metrics/things.ts'

const units: Readonly<Record<Unit, string>> = {
  events: '{event}',
  lines: '{line}',
  datagrams: '{datagram}',
  bytes: 'By',
  seconds: 's',
  sockets: '{socket}',
  sessions: '{session}',
  flows: '{flow}',
  times: '1',
}

/**
 * Puts all metrics of the things in a meter of OpenTelemetry: counters and gauges that are observed together, whenever a reader collects. Labels
 * of a thing become attributes. Answers what stops it.
 */
export function meterMetrics(meter: Meter, things: Things, options: ReadOptions = {}): () => void {
  const checked = checkThings(things)
  const sources = checkSources(options.sources)
  readAll(checked, sources) // throws where two cannot be told apart
  const instruments = new Map(metrics.map((metric) => [metric, instrumentOf(meter, metric)]))
  const observe = (result: BatchObservableResult) => {
    for (const { metric, samples } of readAll(checked, sources))
      for (const { labels, value } of samples) result.observe(instruments.get(metric)!, value, { ...labels })
  }
  const observables = [...instruments.values()]
  meter.addBatchObservableCallback(observe, observables)
  return () => meter.removeBatchObservableCallback(observe, observables)
}

function instrumentOf(meter: Meter, metric: Metric): Observable {
  const options = { description: metric.help, unit: units[metric.unit] }
  const name = instrumentName(metric)
  return metric.type === 'counter'
    ? meter.createObservableCounter(name, options)
    : meter.createObservableGauge(name, options)
}

/** `spillway.events_sent` for `spillway_events_sent_total`: the exporters to Prometheus put the rest on again. */
export function instrumentName({ name }: Pick<Metric, 'name'>): string {
  return name.replace(/^spillway_/, 'spillway.').replace(/_total$/, '')
}
