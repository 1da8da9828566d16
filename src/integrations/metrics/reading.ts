import { invalid } from '../../core/check.ts'
import type { ExporterStats } from '../../net/exporter-stats.ts'
import type { CollectorStats } from '../../node/collector.ts'
import { collectorFamilies } from './collector-families.ts'
import { exporterFamilies } from './exporter-families.ts'
import type { Family, Labels, Sample } from './family.ts'
import { sourceFamilies } from './source-families.ts'
import { SourceGrowth } from './source-growth.ts'
import type { Labelled, Measured } from './things.ts'

/** A metric without what it was read from. */
export type Metric = Omit<Family<never>, 'read'>

export interface Reading {
  readonly metric: Metric
  readonly samples: readonly Sample[]
}

/** All metrics that there are, in their order. */
export const metrics: readonly Metric[] = [...exporterFamilies, ...collectorFamilies, ...sourceFamilies]

/** All figures of all things as of now. Each thing is asked once. */
export function readAll(things: readonly Required<Labelled>[], sources: number): Reading[] {
  const samples = new Map<Metric, Sample[]>(metrics.map((metric) => [metric, []]))
  const kinds = new Map<string, Set<string>>()
  for (const { thing, labels } of things) {
    const stats = thing.stats()
    checkDistinct(kinds, 'sinks' in stats ? 'collectors' : 'exporters', labels)
    for (const { metric, samples: own } of memoryOf(thing).read(stats, sources))
      for (const sample of own)
        samples.get(metric)!.push({ labels: { ...labels, ...sample.labels }, value: sample.value })
  }
  return [...samples]
    .map(([metric, all]) => ({ metric, samples: all }))
    .filter(({ samples: all }) => all.length > 0)
}

/** Two series of one name would be an exposition that Prometheus refuses. */
function checkDistinct(kinds: Map<string, Set<string>>, kind: string, labels: Labels): void {
  const taken = kinds.get(kind) ?? new Set()
  kinds.set(kind, taken)
  const key = keyOf(labels)
  if (taken.has(key))
    throw invalid(
      `two ${kind} have the same labels: give each labels that tell them apart, as { thing, labels: { name: 'audit' } }`,
    )
  taken.add(key)
}

const memories = new WeakMap<Measured, Memory>()

function memoryOf(thing: Measured): Memory {
  const memory = memories.get(thing) ?? new Memory()
  memories.set(thing, memory)
  return memory
}

/**
 * What was told of a thing, to whoever asked: a counter that was told never falls. Some figures of the ledger do, for a moment: what counts as
 * lost until it turns out to have been late. Prometheus would take the fall for a restart, and count all of it a second time.
 */
class Memory {
  readonly #own = new Ceiling()
  readonly #bySource = new Ceiling()
  readonly #growth = new SourceGrowth()

  read(stats: ExporterStats | CollectorStats, sources: number): Reading[] {
    if (!('sinks' in stats)) return this.#own.hold(readFamilies(exporterFamilies, stats))
    const own = this.#own.hold(readFamilies(collectorFamilies, stats))
    if (sources === 0) return own
    return [...own, ...this.#bySource.hold(readFamilies(sourceFamilies, this.#growth.next(stats, sources)))]
  }
}

function readFamilies<Stats>(families: readonly Family<Stats>[], stats: Stats): Reading[] {
  return families.map((family) => ({
    metric: family,
    samples: family.read(stats).filter(({ value }) => Number.isFinite(value)),
  }))
}

/** Holds each counter at the highest that it has been; remembers those that it has just been given. */
class Ceiling {
  #highest = new Map<string, number>()

  hold(readings: readonly Reading[]): Reading[] {
    const before = this.#highest
    this.#highest = new Map()
    return readings.map((reading) => {
      if (reading.metric.type !== 'counter') return reading
      const samples = reading.samples.map(({ labels, value }) => {
        const key = `${reading.metric.name} ${keyOf(labels)}`
        const highest = Math.max(value, before.get(key) ?? 0)
        this.#highest.set(key, highest)
        return { labels, value: highest }
      })
      return { metric: reading.metric, samples }
    })
  }
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}
