/** What a figure counts. In the name of a metric it is a word of its own, as Prometheus has it. */
export type Unit =
  | 'events'
  | 'lines'
  | 'datagrams'
  | 'bytes'
  | 'seconds'
  | 'sockets'
  | 'sessions'
  | 'flows'
  | 'times'

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

/** One metric: what it is called, what it says, and how it is read from the figures of a thing. */
export interface Family<Stats> {
  /** As Prometheus has it: a counter's ends in `_total`. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly unit: Unit
  readonly help: string
  /** Names of the labels that it has of itself. */
  readonly labels: readonly string[]
  /** No samples: the thing does not have this. */
  read(stats: Stats): readonly Sample[]
}

type Figure<Stats> = (stats: Stats) => number | undefined
type Parts<Stats> = (stats: Stats) => Readonly<Record<string, number>>

const NO_LABELS: Labels = {}

function single<Stats>(read: Figure<Stats>): Family<Stats>['read'] {
  return (stats) => {
    const value = read(stats)
    return value === undefined ? [] : [{ labels: NO_LABELS, value }]
  }
}

export function counter<Stats>(name: string, unit: Unit, help: string, read: Figure<Stats>): Family<Stats> {
  return { name, type: 'counter', unit, help, labels: [], read: single(read) }
}

export function gauge<Stats>(name: string, unit: Unit, help: string, read: Figure<Stats>): Family<Stats> {
  return { name, type: 'gauge', unit, help, labels: [], read: single(read) }
}

/** A sum by its parts: `label` says which. */
export function countersBy<Stats>(
  name: string,
  label: string,
  unit: Unit,
  help: string,
  read: Parts<Stats>,
): Family<Stats> {
  const samples = (stats: Stats) =>
    Object.entries(read(stats)).map(([part, value]) => ({ labels: { [label]: part }, value }))
  return { name, type: 'counter', unit, help, labels: [label], read: samples }
}

/** All parts that are known beforehand, at 0 where there was none: a series that begins with its first loss would hide that loss from `rate`. */
export function withZeros(
  known: readonly string[],
  parts: Readonly<Record<string, number>>,
): Record<string, number> {
  return { ...Object.fromEntries(known.map((part) => [part, 0])), ...parts }
}
