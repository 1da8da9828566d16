// Shared memory of a connection or a monitor, laid out before the exploration begins, and what the threads at it have in common.

import type { Op, Program, StateView } from '../program.ts'
import { constantRange, privateRange, program, type Range, sharedRange, type Workbench } from '../program.ts'
import { type RingBench, scratchOf, scratchRanges, startRegion, tablesAreConstant } from './bench.ts'

export const MODULE = 'gudp'
export const DAEMON = 0
const LINE = 128
const PLACES = 64
const VERSION = 1
const RECORD_BYTES = 8
/** What of a record the scenarios use: its number, in the four bytes that its length leaves of the 8. */
export const CONTENT_BYTES = 4
const DEAD = 0x80000000

export interface Connection extends RingBench {
  at: number
  handle: readonly [address: number, generation: number]
  lane: number
  hub: readonly [address: number, generation: number]
}

export interface ConnectionShape {
  threads: number
  /** Records of one number that each ring holds. */
  inRecords?: number
  outRecords?: number
  longest?: number
  /** Threads that are not members yet. */
  outside?: readonly number[]
}

/** A connection with one lane; thread 0 is its daemon. */
export function startConnection(workbench: Workbench, shape: ConnectionShape): Connection {
  const bench = startRegion(workbench, shape.threads)
  const { call, tokens, layout, memory } = bench
  const named = (address: number) =>
    [address, memory.u32(address + layout.OBJECT_GENERATION_OFFSET!)] as const
  const hub = named(call('hubCreate', tokens[DAEMON]!, PLACES, VERSION, 1.5))
  call('hubServe', ...hub, tokens[DAEMON]!)
  configure(bench, hub, shape)
  const at = call('connectionCreate', tokens[DAEMON]!, 0)
  if (at <= 0) throw new Error(`connectionCreate: ${at}`)
  const handle = named(at)
  call('hubPut', ...hub, 0, ...handle)
  for (const [thread, token] of tokens.entries()) {
    if (thread === DAEMON || shape.outside?.includes(thread)) continue
    call('objectJoin', ...handle, layout.KIND_CONNECTION!, token)
  }
  return { ...bench, at, handle, hub, lane: at + layout.FIRST_LANE_OFFSET! }
}

function configure(bench: RingBench, hub: readonly [number, number], shape: ConnectionShape): void {
  const { layout, data, tokens } = bench
  const config = scratchOf(bench, tokens[DAEMON]!) + layout.SCRATCH_DATA_OFFSET!
  const set = (offset: number, ...values: number[]) =>
    values.forEach((value, i) => {
      data.setUint32(config + offset + 4 * i, value, true)
    })
  set(layout.CONFIG_HUB_OFFSET!, ...hub)
  set(layout.CONFIG_INDEX_OFFSET!, 0)
  set(layout.CONFIG_WINDOW_OFFSET!, 32)
  set(layout.CONFIG_FRAGMENT_OFFSET!, 128)
  set(layout.CONFIG_PACKET_OFFSET!, 128)
  set(layout.CONFIG_LANES_OFFSET!, 1)
  const { inRecords = 2, outRecords = 2, longest = CONTENT_BYTES } = shape
  const bytes = [inRecords * RECORD_BYTES, outRecords * RECORD_BYTES]
  set(layout.CONFIG_LANE_OFFSET!, layout.LANE_PACKETS!, ...bytes, longest)
}

/** A monitor that all threads are members of; its first thread has made it. */
export function startMonitor(workbench: Workbench, threads: number): Connection {
  const bench = startRegion(workbench, threads)
  const { call, tokens, layout, memory } = bench
  const at = call('monitorCreate', tokens[0]!)
  const handle = [at, memory.u32(at + layout.OBJECT_GENERATION_OFFSET!)] as const
  for (const token of tokens.slice(1)) call('objectJoin', ...handle, layout.KIND_MONITOR!, token)
  return { ...bench, at, handle, hub: [0, 0], lane: 0 }
}

// ---- ranges --------------------------------------------------------------------------------------------

export interface Touches {
  /** Threads that may be said to have died: whose life is looked at has points of its own. */
  dies?: readonly number[]
  /** Whether the daemon is told what its users want, and frees what they send. */
  sends?: boolean
  receives?: boolean
  /** Threads that become members. */
  joins?: boolean
  /** Whether the status changes. */
  ends?: boolean
}

/** The region, and of each thread its bell, and of those that may die whether they live. */
function threadRanges(bench: RingBench, { dies = [], joins = false }: Touches): Range[] {
  const { layout, tokens } = bench
  return [
    tablesAreConstant(bench),
    ...scratchRanges(bench),
    ...(dies.length > 0 ? [sharedRange(layout.DEPARTURES_OFFSET!, 4)] : []),
    ...tokens.flatMap((_, thread) => {
      const slot = slotAt(bench, thread)
      if (dies.includes(thread)) return [sharedRange(slot, 8), sharedRange(slot + 24, 8)]
      return [sharedRange(slot + 24, 4)]
    }),
    ...(joins ? tokens.map((_, thread) => sharedRange(slotAt(bench, thread) + 8, 8)) : []),
  ]
}

function slotAt({ layout, tokens }: RingBench, thread: number): number {
  return layout.THREADS_OFFSET! + (tokens[thread]! & (layout.MAX_THREADS! - 1)) * layout.THREAD_BYTES!
}

export function connectionRanges(bench: Connection, touches: Touches): Range[] {
  const { at, lane, hub, layout, memory, tokens } = bench
  const { sends = false, receives = false, joins = false, ends = false } = touches
  const all = { TABLE: 0, ...layout } as Record<string, number>
  const [inData, inBytes] = [memory.u32(lane + all.IN_DATA_OFFSET!), memory.u32(lane + all.IN_BYTES_OFFSET!)]
  const [outData, outBytes] = [
    memory.u32(lane + all.OUT_DATA_OFFSET!),
    memory.u32(lane + all.OUT_BYTES_OFFSET!),
  ]
  return [
    ...threadRanges(bench, touches),
    constantRange(at, all.FIRST_LANE_OFFSET! + all.LANE_BYTES!),
    ...(ends ? [sharedRange(at + all.STATUS_OFFSET!, 4)] : []),
    privateRange(DAEMON, lane + all.OWES_OFFSET!, 4),
    ...(receives
      ? [
          sharedRange(lane + all.IN_TAIL_OFFSET!, 8),
          sharedRange(lane + all.IN_HEAD_OFFSET!, 12),
          ...setRanges(lane + all.IN_WAITERS_OFFSET!),
          sharedRange(at + inData, inBytes),
        ]
      : []),
    ...(sends
      ? [
          sharedRange(at + all.WANTS_OFFSET!, 4),
          sharedRange(lane + all.OUT_TAIL_OFFSET!, 12),
          sharedRange(lane + all.OUT_HEAD_OFFSET!, 8),
          ...setRanges(lane + all.OUT_WAITERS_OFFSET!),
          ...setRanges(lane + all.OUT_LOCKERS_OFFSET!),
          sharedRange(at + outData, outBytes),
          constantRange(hub[0], all.HUB_READY_OFFSET! + PLACES / 8 + 8 * PLACES),
          privateRange(DAEMON, hub[0] + 2 * LINE, LINE),
          sharedRange(hub[0] + all.HUB_SUMMARY_OFFSET!, 4),
          sharedRange(hub[0] + all.HUB_READY_OFFSET!, 4),
        ]
      : [constantRange(hub[0], all.HUB_READY_OFFSET!)]),
    ...(joins
      ? [
          sharedRange(at + all.MEMBERS_OFFSET!, 4 * tokens.length),
          sharedRange(all.TABLE_OFFSET! + (at >> 12) * 8, 8),
        ]
      : []),
  ]
}

/** Bits of slots that nobody has are never set. */
function setRanges(set: number): Range[] {
  return [constantRange(set, 24), sharedRange(set, 4), sharedRange(set + 16, 4)]
}

/** Where the scenarios count, under the monitor's lock. */
export function counterAt({ at }: Connection): number {
  return at + 2048
}

export function monitorRanges(bench: Connection, touches: Touches): Range[] {
  const { at, layout } = bench
  return [
    ...threadRanges(bench, touches),
    constantRange(at, 2048),
    sharedRange(at + layout.MONITOR_MUTEX_OFFSET!, 4),
    ...setRanges(at + layout.MONITOR_LOCKERS_OFFSET!),
    ...setRanges(at + layout.MONITOR_WAITERS_OFFSET!),
    sharedRange(counterAt(bench), 8),
  ]
}

// ---- what threads have in common -------------------------------------------------------------------------

export function tokenOf(bench: RingBench, thread: number): number {
  return bench.tokens[thread]!
}

export function bellOf(bench: RingBench, thread: number): number {
  return slotAt(bench, thread) + 24
}

export function mailboxOf(bench: RingBench, thread: number): number {
  return scratchOf(bench, tokenOf(bench, thread)) + bench.layout.MAILBOX_SPAN_OFFSET!
}

/**
 * The platform, which proves some time after a thread was killed that it has stopped, and then tells the others (`threadEnd`, but
 * for the burial, which `region.ts` has).
 */
export function obituary(bench: RingBench, thread: number): Program {
  const by = tokenOf(bench, thread === 0 ? 1 : 0)
  const token = tokenOf(bench, thread)
  const dead = new Uint8Array(Uint32Array.of((token | DEAD) >>> 0, thread + 1).buffer)
  return program<'alive' | 'killed' | 'proved' | 'told'>({
    name: `death of ${thread}`,
    isRuntime: true,
    init: 'alive',
    next: (state): Op | undefined => {
      if (state === 'alive') return { join: thread }
      if (state === 'killed') return { write: slotAt(bench, thread), data: [...dead], atomic: true }
      return state === 'proved' ? { call: 'threadExited', args: [thread + 1, by] } : undefined
    },
    done: (state, killed) => {
      if (state === 'alive') return killed === 1 ? 'killed' : 'told'
      return state === 'killed' ? 'proved' : 'told'
    },
  })
}

export function isKilled(view: StateView, thread: number): boolean {
  return view.threads[thread]!.status === 'killed'
}

export function isAsleep(view: StateView, thread: number): boolean {
  return view.threads[thread]!.status === 'blocked'
}
