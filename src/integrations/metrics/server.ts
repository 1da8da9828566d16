import { HttpPages, type Page } from '../../node/http-pages.ts'
import { statsJson } from './json.ts'
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from './text.ts'
import { checkSources, checkThings, type ReadOptions, type Things } from './things.ts'

/** What to serve, and where. */
export interface ServeMetricsOptions extends ReadOptions {
  readonly things: Things
  /** 0: the system chooses. */
  readonly port: number
  /** Where to listen. Default `127.0.0.1`: for this machine alone. */
  readonly host?: string
}

/** Serves until it is closed. It keeps no process alive. */
export interface MetricsServer extends AsyncDisposable {
  /** Where it listens: the port, if it was left to the system. */
  address(): { readonly address: string; readonly port: number }
  /** Of its root. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Answers `GET /metrics` with the text that Prometheus reads, `/stats.json` with what `stats()` says, `/healthz` with `ok`. Rejects with what
 * is wrong, and what to do.
 */
export async function serveMetrics(options: ServeMetricsOptions): Promise<MetricsServer> {
  return servePages(options, metricsPages(options.things, options))
}

export function metricsPages(things: Things, options: ReadOptions): Record<string, Page> {
  const checked = checkThings(things)
  const { sources = false } = options
  checkSources(sources)
  prometheusText(checked, { sources }) // throws where two cannot be told apart
  return {
    '/metrics': { type: PROMETHEUS_CONTENT_TYPE, body: () => prometheusText(checked, { sources }) },
    '/stats.json': { type: 'application/json', body: () => statsJson(checked) },
    '/healthz': { type: 'text/plain; charset=utf-8', body: () => 'ok\n' },
  }
}

export async function servePages(
  { host = '127.0.0.1', port }: Pick<ServeMetricsOptions, 'host' | 'port'>,
  pages: Readonly<Record<string, Page>>,
): Promise<MetricsServer> {
  const server = await HttpPages.open({ host, port, pages })
  const at = server.address()
  const close = () => server.close()
  return {
    address: () => at,
    url: `http://${at.address.includes(':') ? `[${at.address}]` : at.address}:${at.port}/`,
    close,
    [Symbol.asyncDispose]: close,
  }
}
