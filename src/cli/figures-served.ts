import { metricsPages, servePages } from '../integrations/metrics/server.ts'
import type { Measured } from '../integrations/metrics/things.ts'
import { starting } from './exit.ts'
import type { Place } from './flags.ts'
import type { Progress } from './progress.ts'
import { uiPages } from './ui.ts'

/** What can be asked for by flags. */
export interface FiguresWanted {
  readonly metrics: Place | undefined
  /** The live page. */
  readonly ui?: Place | undefined
}

/** What the figures are of: it is closed when they cannot be served. */
type Source = Measured & { close(): Promise<void> }

interface Served {
  readonly kind: 'metrics' | 'ui'
  readonly what: string
  readonly server: Awaited<ReturnType<typeof servePages>>
}

/** The figures of a command over HTTP, where it was asked for. */
export class FiguresServed {
  readonly #all: readonly Served[]

  private constructor(all: readonly Served[]) {
    this.#all = all
  }

  /** Fails as a command that cannot start, and with the source closed. `place` is what the page says of where the source is. */
  static async open({ metrics, ui }: FiguresWanted, source: Source, place = ''): Promise<FiguresServed> {
    const all: Served[] = []
    const served = new FiguresServed(all)
    const pages = metricsPages(source, { sources: true })
    try {
      if (metrics !== undefined) {
        const server = await starting(servePages(metrics, pages))
        all.push({ kind: 'metrics', what: `metrics at ${server.url}metrics`, server })
      }
      if (ui !== undefined) {
        const server = await starting(servePages(ui, { ...(await uiPages(place)), ...pages }))
        all.push({ kind: 'ui', what: `live at ${server.url}`, server })
      }
      return served
    } catch (error) {
      await served.close()
      await source.close()
      throw error
    }
  }

  announce(progress: Progress): void {
    for (const { kind, what, server } of this.#all) {
      progress.note(what)
      progress.record({ kind, url: server.url, ...server.address() })
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ server }) => server.close()))
  }
}
