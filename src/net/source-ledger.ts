import type { Clock } from '../ports.ts'
import { type Dropped, KnownSource, sumOfDropped } from './known-source.ts'
import { type FlowText, general, type LedgerTables, tallies, tally } from './ledger-tables.ts'
import { RecencyList } from './recency-list.ts'
import type { Verdict } from './sequence-window.ts'
import { SourceFlow } from './source-flow.ts'
import type { Heartbeat, Sequence } from './wire-lines.ts'

export interface SourceLedgerOptions {
  readonly tables: LedgerTables
  readonly clock: Pick<Clock, 'now'>
  /** A heartbeat has shown that lines are missing. */
  onLost?(flow: SourceFlow, lines: number): void
  /** A heartbeat has told of events that the exporter could not send. */
  onDropped?(flow: SourceFlow, events: number): void
}

/**
 * What came from whom, and what did not come. Keeps the `maxSources` flows that were seen last; what it forgets goes into the sums
 * of the others, so that the totals stay right. A forged address costs a row at most: flows that have sent a heartbeat
 * are forgotten only when there are no others.
 */
export class SourceLedger {
  readonly #tables: LedgerTables
  readonly #clock: Pick<Clock, 'now'>
  readonly #options: SourceLedgerOptions
  readonly #flows = new Map<string, SourceFlow>()
  readonly #sources = new Map<string, KnownSource>()
  readonly #unproven = new RecencyList<SourceFlow>()
  readonly #proven = new RecencyList<SourceFlow>()
  readonly #freeFlowRows: number[]
  readonly #freeSourceRows: number[]
  /** Sums of the forgotten. */
  readonly #others: Float64Array
  #othersDropped: Dropped = { dropped: 0, droppedBy: {} }
  #numbers = 0
  /** Nothing that was seen since then is forgotten. */
  #remembersSinceMs: number
  #latest: SourceFlow | undefined

  constructor(options: SourceLedgerOptions) {
    const { tables, clock } = options
    this.#options = options
    this.#tables = tables
    this.#clock = clock
    this.#remembersSinceMs = clock.now()
    this.#others = tables.flows.numbers(tables.maxSources)
    this.#freeFlowRows = rows(tables.maxSources)
    this.#freeSourceRows = rows(tables.maxSources)
  }

  /** The flow of an address and port, which has just been seen. */
  flowOf(address: string, port: number): SourceFlow {
    const flow = this.#find(address, port) ?? this.#begin(address, port)
    this.#latest = flow
    flow.seen(this.#clock.now())
    this.#listOf(flow).touch(flow)
    return flow
  }

  heartbeat(flow: SourceFlow, beat: Heartbeat): void {
    const source = this.#join(flow, beat.source)
    const isOfOurTime = this.#startedInOurTime(beat)
    this.#prove(flow)
    const lost = flow.heartbeat(beat, beat.seq === 0 || (!flow.hasChanged && isOfOurTime))
    const dropped = source.tell(beat, isOfOurTime || (beat.flow === 1 && beat.seq === 0))
    this.#tables.exporters.setText(source.row, JSON.stringify(source.text()))
    if (lost > 0) this.#options.onLost?.(flow, lost)
    if (dropped > 0) this.#options.onDropped?.(flow, dropped)
  }

  /** A datagram of the flow has a number. */
  sequence(flow: SourceFlow, { source, d }: Pick<Sequence, 'source' | 'd'>): Verdict {
    if (flow.source !== source) this.#join(flow, source)
    return flow.numbered(d)
  }

  // ---- flows -----------------------------------------------------------------------------------------

  /** Bursts come from one source: most datagrams need no look-up. */
  #find(address: string, port: number): SourceFlow | undefined {
    const latest = this.#latest
    if (latest !== undefined && latest.port === port && latest.address === address) return latest
    return this.#flows.get(keyOf(address, port))
  }

  #begin(address: string, port: number): SourceFlow {
    if (this.#freeFlowRows.length === 0) this.#forget(this.#unproven.oldest ?? this.#proven.oldest!)
    const row = this.#freeFlowRows.pop()!
    const counts = this.#tables.flows.numbers(row)
    const flow = new SourceFlow({
      key: keyOf(address, port),
      address,
      port,
      number: ++this.#numbers,
      row,
      counts,
    })
    this.#flows.set(flow.key, flow)
    this.#unproven.add(flow)
    this.#write(flow)
    this.#tables.general[general.flows]! += 1
    return flow
  }

  #forget(flow: SourceFlow): void {
    this.#flows.delete(flow.key)
    this.#listOf(flow).remove(flow)
    if (flow.source !== undefined) this.#part(flow.source)
    this.#tables.flows.setText(flow.row, '')
    for (const name of tallies) this.#others[tally[name]]! += flow.counts[tally[name]]!
    flow.counts.fill(0)
    this.#freeFlowRows.push(flow.row)
    this.#remembersSinceMs = this.#clock.now()
    this.#tables.general[general.flows]! -= 1
    this.#tables.general[general.flowsForgotten]! += 1
  }

  #listOf(flow: SourceFlow): RecencyList<SourceFlow> {
    return flow.isProven ? this.#proven : this.#unproven
  }

  #prove(flow: SourceFlow): void {
    if (flow.isProven) return
    this.#unproven.remove(flow)
    flow.isProven = true
    this.#proven.add(flow)
  }

  #write(flow: SourceFlow): void {
    const { number, address, port, source } = flow
    const text: FlowText = { number, address, port, ...(source === undefined ? {} : { source }) }
    this.#tables.flows.setText(flow.row, JSON.stringify(text))
  }

  // ---- exporters -------------------------------------------------------------------------------------

  /** The flow says which exporter it belongs to. */
  #join(flow: SourceFlow, id: string): KnownSource {
    if (flow.source !== id) {
      if (flow.source !== undefined) {
        this.#part(flow.source)
        flow.restart()
      }
      flow.source = id
      this.#known(id).flows++
      this.#write(flow)
    }
    return this.#known(id)
  }

  #known(id: string): KnownSource {
    let source = this.#sources.get(id)
    if (source === undefined) {
      source = new KnownSource(id, this.#freeSourceRows.pop()!)
      this.#sources.set(id, source)
    }
    return source
  }

  /** A flow of the exporter is gone; with the last of them the exporter is forgotten. */
  #part(id: string): void {
    const source = this.#known(id)
    if (--source.flows > 0) return
    const { exporters, maxSources } = this.#tables
    this.#sources.delete(id)
    exporters.setText(source.row, '')
    this.#freeSourceRows.push(source.row)
    this.#othersDropped = sumOfDropped([this.#othersDropped, source.dropped()])
    exporters.setText(maxSources, JSON.stringify(this.#othersDropped))
  }

  /**
   * Whether the exporter started while we were listening, and has not been forgotten since. Its age when it sent the heartbeat is by its
   * own clock, ours is by ours: the clocks need not agree.
   */
  #startedInOurTime(beat: Heartbeat): boolean {
    const ageMs = Date.parse(beat.time) - Date.parse(beat.started)
    return ageMs >= 0 && ageMs < this.#clock.now() - this.#remembersSinceMs
  }
}

const keyOf = (address: string, port: number): string => `${address} ${port}`

/** All rows, so that the first is taken first. */
const rows = (count: number): number[] => Array.from({ length: count }, (_, i) => count - 1 - i)
