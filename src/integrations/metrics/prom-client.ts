import { invalid } from '../../core/check.ts'
import { type Metric, metrics, readAll } from './reading.ts'
import { checkSources, checkThings, type Labelled, type ReadOptions, type Things } from './things.ts'

interface PromMetric {
  reset(): void
  /** The series of no labels. */
  remove(labels: Record<string, string>): void
}

interface PromCounter extends PromMetric {
  inc(labels: Record<string, string>, value: number): unknown
}

interface PromGauge extends PromMetric {
  set(labels: Record<string, string>, value: number): unknown
}

interface PromConfiguration {
  name: string
  help: string
  labelNames: string[]
  // biome-ignore lint/suspicious/noExplicitAny: prom-client's own type of a list of registries is of its classes
  registers: any[]
  collect(): void
}

/** As much of a registry of prom-client as is used here. */
export interface PromRegistry {
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

/** The module prom-client, 14 or 15: handed over, so that it is your own copy of it whose registry gets the metrics. */
export interface PromClient {
  readonly Counter: new (configuration: PromConfiguration) => PromCounter
  readonly Gauge: new (configuration: PromConfiguration) => PromGauge
  readonly register: PromRegistry
}

/** Where to register, and how finely. */
export interface RegisterOptions extends ReadOptions {
  /** Default: the module's own, `register`. */
  readonly registry?: PromRegistry
}

const registered = new WeakMap<PromRegistry, RegisteredThings>()

/**
 * Puts all metrics of the things in a registry of prom-client, where they are read whenever it is: nothing is copied in between. Answers what
 * takes them out again.
 */
export function registerMetrics(
  client: PromClient,
  things: Things,
  options: RegisterOptions = {},
): () => void {
  if (typeof client?.Counter !== 'function' || typeof client.Gauge !== 'function')
    throw invalid("registerMetrics takes the module: import client from 'prom-client'")
  const registry = options.registry ?? client.register
  const all = registered.get(registry) ?? new RegisteredThings(client, registry)
  registered.set(registry, all)
  return all.add({ things: checkThings(things), sources: checkSources(options.sources) })
}

interface Registration {
  readonly things: readonly Required<Labelled>[]
  readonly sources: number
}

/** A registry has each metric once, whatever number of things there is: it is made anew with the labels of all of them. */
class RegisteredThings {
  readonly #client: PromClient
  readonly #registry: PromRegistry
  #registrations: Registration[] = []
  #made = new Map<Metric, PromCounter | PromGauge>()
  #isFresh = false

  constructor(client: PromClient, registry: PromRegistry) {
    this.#client = client
    this.#registry = registry
  }

  add(registration: Registration): () => void {
    const before = this.#registrations
    this.#registrations = [...before, registration]
    try {
      this.#read() // throws where two cannot be told apart
      this.#make()
    } catch (error) {
      this.#registrations = before
      this.#make()
      throw error
    }
    return () => {
      if (!this.#registrations.includes(registration)) return
      this.#registrations = this.#registrations.filter((other) => other !== registration)
      this.#make()
    }
  }

  #make(): void {
    for (const [metric, made] of this.#made)
      if (this.#registry.getSingleMetric(metric.name) === made) this.#registry.removeSingleMetric(metric.name)
    this.#made.clear()
    const things = this.#registrations.flatMap(({ things: own }) => own)
    if (things.length === 0) return
    const labels = new Set(things.flatMap((thing) => Object.keys(thing.labels)))
    for (const metric of metrics) {
      const { Counter, Gauge } = this.#client
      const Maker = metric.type === 'counter' ? Counter : Gauge
      const configuration: PromConfiguration = {
        name: metric.name,
        help: metric.help,
        labelNames: [...labels, ...metric.labels],
        registers: [this.#registry],
        collect: () => this.#refresh(),
      }
      this.#made.set(metric, new Maker(configuration))
    }
  }

  #read(): ReturnType<typeof readAll> {
    const most = Math.max(...this.#registrations.map(({ sources }) => sources))
    return readAll(
      this.#registrations.flatMap(({ things }) => things),
      most,
    )
  }

  /** A registry asks all its metrics in one go: the first that is asked reads for all, so that they agree. */
  #refresh(): void {
    if (this.#isFresh) return
    this.#isFresh = true
    queueMicrotask(() => {
      this.#isFresh = false
    })
    this.#show()
  }

  #show(): void {
    for (const made of this.#made.values()) {
      made.reset()
      made.remove({}) // else a series without labels would stand at 0, also where there is no such figure
    }
    for (const { metric, samples } of this.#read()) {
      const made = this.#made.get(metric)!
      for (const { labels, value } of samples) {
        if ('set' in made) made.set({ ...labels }, value)
        else made.inc({ ...labels }, value)
      }
    }
  }
}
