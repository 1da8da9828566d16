import type { CollectorStats, SinkStats, SourceStats } from '../../src/node/collector.ts'
import { count } from '../common/words.ts'

/** What /stats.json says of the collector. */
export interface Figures extends CollectorStats {
  /** By the clock of the collector. */
  readonly time: number
  /** Sources that are not among the largest. */
  readonly hiddenSources: number
}

export async function fetchFigures(timeoutMs: number): Promise<Figures> {
  const response = await fetch('/stats.json', { signal: AbortSignal.timeout(timeoutMs), cache: 'no-store' })
  if (!response.ok) throw new Error(`it answers ${response.status}`)
  const { time, things } = (await response.json()) as { time: number; things: { stats: CollectorStats }[] }
  return { time, hiddenSources: 0, ...things[0]!.stats }
}

/** Where lines are lost, in the order of their way. */
export interface Place {
  readonly key: string
  readonly name: string
  readonly unit: string
  /** `undefined`: nobody can know. */
  readonly lost: number | undefined
  readonly detail: string
}

export function placesOf({ totals, kernelDrops, sinks, refused, madeToLose }: Figures): Place[] {
  const sum = (figure: (sink: SinkStats) => number) => sinks.reduce((all, sink) => all + figure(sink), 0)
  const bad = totals.invalidUtf8 + totals.truncated + totals.badMetadata
  return [
    {
      key: 'source',
      name: 'at the source',
      unit: 'events',
      lost: totals.droppedAtSource,
      detail: reasons(totals.droppedBy) || 'before they were sent',
    },
    {
      key: 'network',
      name: 'on the network',
      unit: 'lines',
      lost: totals.lost,
      detail: madeToLose > 0 ? `${count(madeToLose)} datagrams on purpose` : 'as heartbeats tell',
    },
    {
      key: 'kernel',
      name: 'in the kernel',
      unit: 'datagrams',
      lost: kernelDrops,
      detail: kernelDrops === undefined ? 'this system does not say' : 'no room in the receive buffer',
    },
    {
      key: 'receiving',
      name: 'not good',
      unit: 'lines',
      lost: bad,
      detail: refused > 0 ? `and ${count(refused)} datagrams refused` : 'not UTF-8, or cut off',
    },
    {
      key: 'sinks',
      name: 'at the sinks',
      unit: 'lines',
      lost: sum((sink) => sink.dropped + sink.failed),
      detail: `${count(sum((sink) => sink.dropped))} too slow for, ${count(sum((sink) => sink.failed))} failed`,
    },
  ]
}

function reasons(by: Readonly<Record<string, number>>): string {
  const some = Object.entries(by).filter(([, lost]) => lost > 0)
  return some.map(([reason, lost]) => `${reason} ${count(lost)}`).join(', ')
}

export function handedOf({ sinks }: Figures): number {
  return sinks.reduce((all, { handed }) => all + handed, 0)
}

export function waitingOf({ sinks }: Figures): number {
  return sinks.reduce((all, { waiting, inHand }) => all + waiting + inHand, 0)
}

export function addressOf({ flows }: SourceStats): string {
  const { address, port } = flows[0]!
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

export function keyOf(source: SourceStats): string {
  return source.id ?? addressOf(source)
}

/** Growth a second, from one look to the next. What has just appeared, or has fallen, has not grown. */
export class Rates {
  #before = new Map<string, number>()
  #beforeMs = Number.NaN

  next(timeMs: number, counts: ReadonlyMap<string, number>): (name: string) => number {
    const [before, seconds] = [this.#before, (timeMs - this.#beforeMs) / 1000]
    this.#before = new Map(counts)
    this.#beforeMs = timeMs
    return (name) => {
      const now = counts.get(name) ?? 0
      return seconds > 0 ? Math.max(0, now - (before.get(name) ?? now)) / seconds : 0
    }
  }
}
