import { invalid } from '../../core/check.ts'
import type { ExporterStats } from '../../net/exporter-stats.ts'
import type { CollectorStats } from '../../node/collector.ts'
import { collectorFamilies } from './collector-families.ts'
import { exporterFamilies } from './exporter-families.ts'
import type { Labels } from './family.ts'
import { sourceFamilies } from './source-families.ts'

/** A `UdpExporter` or a `Collector`, or whatever has their figures. */
export interface Measured {
  stats(): ExporterStats | CollectorStats
}

/** With labels that tell it from others of its kind. */
export interface Labelled {
  readonly thing: Measured
  readonly labels?: Labels
}

/** One, or several: then each of one kind needs labels of its own. */
export type Things = Measured | Labelled | readonly (Measured | Labelled)[]

/** How finely a collector is told of. */
export interface ReadOptions {
  /**
   * Series for each source of a collector, the largest by name, `other` for the rest: `true` for 50, or how many. Left out: none, for
   * whoever can send a datagram can make up an address.
   */
  readonly sources?: boolean | number
}

const STANDARD_SOURCES = 50
const MOST_SOURCES = 1000

const ownLabels = new Set(
  [...exporterFamilies, ...collectorFamilies, ...sourceFamilies].flatMap(({ labels }) => labels),
)

/** Checks them, so that what comes of them is a valid exposition. */
export function checkThings(given: Things): Required<Labelled>[] {
  const things = (Array.isArray(given) ? given : [given]).map(checkThing)
  for (const [i, { thing }] of things.entries())
    if (things.slice(0, i).some((other) => other.thing === thing)) throw invalid('a thing is there twice')
  return things
}

function checkThing(given: Measured | Labelled): Required<Labelled> {
  const { thing, labels = {} } = isMeasured(given) ? { thing: given } : (given ?? {})
  if (!isMeasured(thing))
    throw invalid('a thing is a UdpExporter, a Collector, or { thing, labels } with one of them')
  return { thing, labels: checkLabels(labels) }
}

function isMeasured(given: unknown): given is Measured {
  return typeof (given as Measured | undefined)?.stats === 'function'
}

export function checkLabels(labels: Labels): Labels {
  for (const [name, value] of Object.entries(labels)) {
    if (!/^[a-zA-Z_]\w*$/.test(name) || name.startsWith('__'))
      throw invalid(
        `a label's name is of letters, digits and _, and does not begin with __ or a digit, as '${name}' does`,
      )
    if (ownLabels.has(name)) throw invalid(`spillway has a label '${name}' itself: take another name`)
    if (typeof value !== 'string') throw invalid(`the label '${name}' must be a string, not ${String(value)}`)
  }
  return labels
}

export function checkSources(sources: boolean | number = false): number {
  if (sources === true) return STANDARD_SOURCES
  if (sources === false) return 0
  if (Number.isInteger(sources) && sources >= 1 && sources <= MOST_SOURCES) return sources
  throw invalid(`sources is true, false, or an integer from 1 to ${MOST_SOURCES}, not ${String(sources)}`)
}
