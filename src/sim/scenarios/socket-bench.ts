// The shared memory of a socket server and its clients, laid out before the exploration begins: a hub, and channels that are open.

import type { MemoryView } from '../memory-view.ts'
import type { Program, StateView } from '../program.ts'
import {
  constantRange,
  type Op,
  privateRange,
  program,
  type Range,
  sharedRange,
  type Workbench,
} from '../program.ts'
import { type RingBench, scratchOf, scratchRanges, startRegion, tablesAreConstant } from './bench.ts'

export interface Channel {
  at: number
  generation: number
  index: number
  /** Numbers of the threads that send and receive for the client. They are one, or two tasks of one. */
  sender: number
  receiver: number
}

/** Thread 0 is the server. */
export interface SocketBench extends RingBench {
  hub: readonly [address: number, generation: number]
  channels: Channel[]
}

export interface SocketShape {
  type: 'datagram' | 'stream'
  /** Threads that join the region, the server among them. */
  threads: number
  /** For each channel the number of its client's thread. */
  clients: readonly number[]
  /** Who sends, where that is another task of the client than the one that receives. */
  sender?: number
  log2?: number
  /** What the server waits for at the beginning, as of a channel that it has served; otherwise nothing. */
  serverWaits?: number
  /** Where the positions of both rings begin: near the end of the data, say, or near 2^32. */
  startAt?: bigint
}

export const SERVER = 0
export const CLIENT = 1
export const MODULE = 'sockets'

/** Which ring of a channel: the one that the client produces for, or the server. */
export const TO_SERVER = 0
export const TO_CLIENT = 1
export type Ring = typeof TO_SERVER | typeof TO_CLIENT

/** A hub has places for this many channels at least. */
export const PLACES = 64
const VERSION = 1
const LINE = 128
/** As far as the granule table can be in use. */
const GRANULES = 256

export function startHub(workbench: Workbench, threads: number): SocketBench {
  const bench = startRegion(workbench, threads)
  const { call, tokens, layout } = bench
  const address = call('hubCreate', tokens[SERVER]!, PLACES, VERSION, 1.5)
  if (address <= 0) throw new Error(`hubCreate: ${address}`)
  const hub = [address, bench.memory.u32(address + layout.OBJECT_GENERATION_OFFSET!)] as const
  if (call('hubServe', ...hub, tokens[SERVER]!) !== 0) throw new Error('hubServe failed')
  for (const token of tokens.slice(1)) call('objectJoin', ...hub, layout.KIND_HUB!, token)
  return { ...bench, hub, channels: [] }
}

/** A hub, and for each client a channel. */
export function startSockets(workbench: Workbench, shape: SocketShape): SocketBench {
  const bench = startHub(workbench, shape.threads)
  for (const client of shape.clients) {
    const channel = makeChannel(bench, client, shape.type, shape.log2)
    if (shape.sender !== undefined) channel.sender = shape.sender
    channel.index = bench.call('hubAdd', ...bench.hub, channel.at, channel.generation)
    bench.data.setUint32(channel.at + bench.layout.SERVER_WAITS_OFFSET!, shape.serverWaits ?? 0, true)
    if (shape.startAt !== undefined) startAt(bench, channel, shape.startAt)
    bench.channels.push(channel)
  }
  return bench
}

export function makeChannel(
  bench: SocketBench,
  client: number,
  type: SocketShape['type'],
  log2 = 5,
): Channel {
  const { call, tokens, layout, hub } = bench
  const shape =
    (type === 'datagram' ? layout.TYPE_DATAGRAM! : layout.TYPE_STREAM!) | (log2 << 8) | (log2 << 16)
  const at = call('channelCreate', tokens[client]!, ...hub, VERSION, shape)
  if (at <= 0) throw new Error(`channelCreate: ${at}`)
  const generation = bench.memory.u32(at + layout.OBJECT_GENERATION_OFFSET!)
  call('objectJoin', at, generation, layout.KIND_CHANNEL!, tokens[SERVER]!)
  return { at, generation, index: -1, sender: client, receiver: client }
}

/** As if both rings had been in use for long. */
function startAt({ layout, data }: SocketBench, { at }: Channel, position: bigint): void {
  for (const ring of [layout.CLIENT_RING_OFFSET!, layout.SERVER_RING_OFFSET!]) {
    for (const cursor of ['TAIL_OFFSET', 'FREED_OFFSET', 'TAKEN_OFFSET', 'GIVEN_OFFSET'])
      data.setBigUint64(at + ring + layout[cursor]!, position, true)
  }
}

// ---- ranges --------------------------------------------------------------------------------------------

export interface Touched {
  /** Whether anybody sleeps, and so is told. Otherwise neither side ever waits for anything. */
  sleeps: boolean
  /** Whether a thread may be said to have ended. */
  ends?: boolean
  /** Whether the hub is stopped, or channels come and go. */
  changes?: boolean
  /** Whether a thread is buried: the region's tables change. */
  buries?: boolean
  /** Whether a channel comes to another thread. */
  owns?: boolean
}

/** Threads that use their channels, and do not come or go. What one thread alone touches costs no points. */
export function socketRanges(bench: SocketBench, touched: Touched): Range[] {
  const { layout } = bench
  return [
    tablesAreConstant(bench),
    ...scratchRanges(bench),
    ...(touched.ends ? [countersRange(bench)] : []),
    ...(touched.sleeps ? bench.tokens.flatMap((token) => wordsOf(bench, token, touched.ends ? 8 : 4)) : []),
    ...hubRanges(bench, touched),
    ...bench.channels.flatMap((channel) => channelRanges(layout, channel, touched)),
    ...(touched.buries ? burialRanges(bench) : []),
  ]
}

/** The line before the threads: how many have left, among other things. */
export function countersRange({ layout }: SocketBench): Range {
  return sharedRange(layout.THREADS_OFFSET! - LINE, LINE)
}

/** What changes when a thread is buried: its slot, who is a member, and the granules of its scratch. */
function burialRanges({ hub, channels, layout, tokens }: SocketBench): Range[] {
  const { THREADS_OFFSET, THREAD_BYTES, TABLE_OFFSET, MEMBERS_OFFSET } = layout as Record<string, number>
  return [
    sharedRange(THREADS_OFFSET!, tokens.length * THREAD_BYTES!),
    sharedRange(TABLE_OFFSET!, GRANULES * 8),
    ...[hub[0], ...channels.map(({ at }) => at)].map((at) =>
      sharedRange(at + MEMBERS_OFFSET!, tokens.length * 4),
    ),
  ]
}

/** A thread's bell, and whether it is said to have ended. */
function wordsOf(bench: SocketBench, token: number, bytes: number): Range[] {
  return [sharedRange(bench.call('bellAddress', token), bytes)]
}

export function hubRanges(bench: SocketBench, { sleeps, changes }: Touched): Range[] {
  const {
    layout,
    hub: [hub],
  } = bench
  const table = placeAt(bench, 0)
  const [status, summary, ready] = [
    layout.HUB_STATUS_OFFSET!,
    layout.HUB_SUMMARY_OFFSET!,
    layout.HUB_READY_OFFSET!,
  ]
  return [
    constantRange(hub, table - hub + PLACES * 8),
    privateRange(SERVER, hub + 2 * status, LINE),
    ...(changes ? [sharedRange(hub + status, LINE), sharedRange(table, PLACES * 8)] : []),
    ...(sleeps ? [sharedRange(hub + summary, 4), sharedRange(hub + ready, PLACES / 8)] : []),
  ]
}

function channelRanges(
  layout: Record<string, number>,
  { at, sender, receiver }: Channel,
  { sleeps, owns }: Touched,
): Range[] {
  const { MEMBERS_OFFSET, CHANNEL_DATA_OFFSET, CLIENT_RING_OFFSET, SERVER_RING_OFFSET } = layout as Record<
    'MEMBERS_OFFSET' | 'CHANNEL_DATA_OFFSET' | 'CLIENT_RING_OFFSET' | 'SERVER_RING_OFFSET',
    number
  >
  const waits = layout.CLIENT_WAITS_OFFSET!
  return [
    constantRange(at, CHANNEL_DATA_OFFSET),
    ...(owns ? [sharedRange(at + layout.SHAPE_OFFSET! + 4, 4)] : []),
    sharedRange(at + LINE, waits - LINE),
    ...(sleeps ? [sharedRange(at + waits, MEMBERS_OFFSET - waits)] : []),
    ...cursorRanges(layout, at + CLIENT_RING_OFFSET, sender, SERVER),
    ...cursorRanges(layout, at + SERVER_RING_OFFSET, SERVER, receiver),
    sharedRange(at + layout.QUESTION_OFFSET!, CHANNEL_DATA_OFFSET - layout.QUESTION_OFFSET!),
    sharedRange(at + CHANNEL_DATA_OFFSET, 256),
  ]
}

/** The two cursors that the other side reads are shared; what a side notes for itself is its own. */
function cursorRanges(
  layout: Record<string, number>,
  ring: number,
  producer: number,
  consumer: number,
): Range[] {
  return [
    sharedRange(ring + layout.TAIL_OFFSET!, 8),
    privateRange(producer, ring + layout.FREED_OFFSET!, 8),
    privateRange(consumer, ring + layout.TAKEN_OFFSET!, 8),
    sharedRange(ring + layout.GIVEN_OFFSET!, 8),
  ]
}

// ---- what threads have in common -------------------------------------------------------------------------

/** Where a call leaves what it has to tell the thread. */
export function mailboxOf(bench: SocketBench, thread: number): number {
  return scratchOf(bench, bench.tokens[thread]!) + bench.layout.MAILBOX_SPAN_OFFSET!
}

/** Stretches of a stream ring, as `streamSpace` and `streamBytes` leave them, cut to so many bytes. */
export function stretchesIn(
  memory: MemoryView,
  mailbox: number,
  bytes: number,
): readonly (readonly [at: number, bytes: number])[] {
  const [first, length, second] = [0, 4, 8].map((offset) => memory.u32(mailbox + offset))
  const inFirst = Math.min(length!, bytes)
  return [[first!, inFirst] as const, [second!, bytes - inFirst] as const].filter(([, part]) => part > 0)
}

export interface Obituary {
  /** How the others are told: that it has ended, or, with proof that its code has stopped, so that it is buried. */
  entry?: 'threadExited' | 'threadEnd'
  /** The thread that tells; default: any other one. */
  by?: number
  /** Also of a thread that has come to its end. */
  always?: boolean
}

/** The platform, which notices when a thread is killed. */
export function obituary(bench: SocketBench, thread: number, how: Obituary = {}): Program {
  const { entry = 'threadExited', by = thread === SERVER ? CLIENT : SERVER, always = false } = how
  return program<'alive' | 'ended' | 'told'>({
    name: `death of ${thread}`,
    isRuntime: true,
    init: 'alive',
    next: (state): Op | undefined => {
      if (state === 'alive') return { join: thread }
      return state === 'ended' ? { call: entry, args: [thread + 1, bench.tokens[by]!] } : undefined
    },
    done: (state, killed) => (state === 'alive' && (killed === 1 || always) ? 'ended' : 'told'),
  })
}

/** Whose threads nothing can wake any more: those of clients, at least. */
export function sleeperAmong(view: StateView, clients: readonly number[]): string | undefined {
  const asleep = clients.find((thread) => view.threads[thread]!.status === 'blocked')
  return asleep === undefined ? undefined : `lost wake-up: ${view.threads[asleep]!.name} sleeps`
}

export function isKilled(view: StateView, thread: number): boolean {
  return view.threads[thread]!.status === 'killed'
}

/** Where the hub keeps the handle of the channel with that index. */
export function placeAt({ hub, layout }: SocketBench, index: number): number {
  return hub[0] + layout.HUB_READY_OFFSET! + PLACES / 8 + index * 8
}

/** Whether the hub's table still has the channel. */
export function isListed(bench: SocketBench, { at, index }: Channel): boolean {
  return bench.memory.u32(placeAt(bench, index)) === at
}
