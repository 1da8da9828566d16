/**
 * `spillway/prometheus`: the figures of exporters and collectors as metrics, for Prometheus as text, or in a registry of prom-client.
 *
 * @module
 */
export {
  type PromClient,
  type PromRegistry,
  type RegisterOptions,
  registerMetrics,
} from './metrics/prom-client.ts'
export { type MetricsServer, type ServeMetricsOptions, serveMetrics } from './metrics/server.ts'
export { PROMETHEUS_CONTENT_TYPE, prometheusText } from './metrics/text.ts'
export type { Labelled, Measured, ReadOptions, Things } from './metrics/things.ts'
