import { type Layout, layoutOf } from '../layout.ts'
import type { MemoryView } from '../memory-view.ts'
import type { StateView } from '../program.ts'
import { type BlockSpec, departuresField, kinds, memberFields, pollerFields, tokenField } from './specs.ts'
import { channelTracks, laneTrack, type Place, type Track } from './tracks.ts'
import { type Names, wordText } from './words.ts'

export interface Field {
  readonly label: string
  readonly address: number
  readonly bytes: number
  /** What it says, whatever its value. */
  readonly about: string
  /** As a person reads it. */
  readonly text: string
}

/** Fields on one cache line. */
export interface Block {
  readonly title: string
  readonly fields: readonly Field[]
}

/** One object of the region. */
export interface Structure {
  readonly title: string
  readonly address: number
  /** Of the granule that it begins with. */
  readonly bytes: number
  /** At its start: kind, generation, and what never changes. */
  readonly headerBytes: number
  readonly blocks: readonly Block[]
  readonly tracks: readonly Track[]
  /** Who writes to it, where one thread does: its key. */
  readonly writerKey?: number
}

/** A thread that has joined the region. */
export interface Member {
  readonly key: number
  readonly name: string
  readonly token: number
  readonly slot: number
  readonly scratch: number
  readonly scratchBytes: number
  /** Where its records are put together, or come to. */
  readonly staging: number
}

/** What calls answer that is no number of anything, by the constants that modules export. */
const CODES = [
  'EMPTY',
  'FULL',
  'ENDED',
  'STALE',
  'INVALID',
  'OVERSIZE',
  'OUT_OF_MEMORY',
  'BUSY',
  'GONE',
  'FAILED',
]

/** What lies in the memory of a region, whoever laid it out. Reads only. */
export interface Atlas {
  readonly structures: readonly Structure[]
  readonly members: readonly Member[]
  /** The region's own granules: threads, and who owns what. */
  readonly tableBytes: number
  /** The words of the region's tables that have names. */
  readonly table: readonly Field[]
  /** Answers of calls that have names. */
  readonly codes: ReadonlyMap<number, string>
}

/** `nameOf`: what a thread is called, by the key that the runtime gave it. */
export function atlasOf(
  view: Pick<StateView, 'core' | 'memory'>,
  nameOf: (key: number) => string = (key) => `thread ${key}`,
): Atlas {
  const layout = layoutOf(view)
  const codes = new Map(
    CODES.flatMap((name) => (layout[name] === undefined ? [] : [[layout[name], name] as const])),
  )
  if (layout.LIVE === undefined) return { structures: [], members: [], tableBytes: 0, table: [], codes }
  const members = membersOf(view.memory, layout, nameOf)
  const names: Names = {
    ofToken: (token) => members.find((member) => member.token === token)?.name,
    ofSlot: (slot) => members.find((member) => member.slot === slot)?.name,
  }
  const structures = objectsIn(view.memory, layout).flatMap(
    (address) => structureAt(view.memory, layout, address, { members, names }) ?? [],
  )
  const tableBytes = view.memory.u32(layout.FIRST_GRANULE_OFFSET!) * layout.GRANULE_BYTES!
  return { structures, members, tableBytes, table: tableOf(view.memory, layout, members, names), codes }
}

/** Addresses of living objects: those whose generation the granule table has, too. */
function objectsIn(memory: MemoryView, layout: Layout): number[] {
  const found: number[] = []
  const granule = layout.GRANULE_BYTES!
  for (let address = granule; address < memory.bytesInAll; address += granule) {
    const entry = memory.u64(layout.TABLE_OFFSET! + (address / granule) * 8)
    const isLive = (entry & BigInt(layout.STATE_BITS!)) === BigInt(layout.LIVE!)
    const generation = Number(entry >> BigInt(layout.GENERATION_SHIFT!))
    if (isLive && generation === memory.u32(address + layout.OBJECT_GENERATION_OFFSET!)) found.push(address)
  }
  return found
}

function membersOf(memory: MemoryView, layout: Layout, nameOf: (key: number) => string): Member[] {
  return Array.from({ length: layout.MAX_THREADS! }, (_, slot): Member => {
    const at = layout.THREADS_OFFSET! + slot * layout.THREAD_BYTES!
    const scratch = memory.u32(at + layout.THREAD_SCRATCH_OFFSET!)
    const staging = scratch + layout.SCRATCH_DATA_OFFSET!
    const key = memory.u32(at + layout.THREAD_KEY_OFFSET!)
    const scratchBytes = layout.SCRATCH_DATA_OFFSET! + layout.SCRATCH_BYTES!
    return { slot, token: memory.u32(at), key, name: nameOf(key), scratch, scratchBytes, staging }
  }).filter(({ token }) => token !== 0)
}

function tableOf(memory: MemoryView, layout: Layout, members: readonly Member[], names: Names): Field[] {
  const counted = blockAt(memory, layout, 0, { title: '', fields: [departuresField] }, names).fields
  const owned = members.flatMap(({ name, slot }) => {
    const at = layout.THREADS_OFFSET! + slot * layout.THREAD_BYTES!
    const block = blockAt(memory, layout, at, { title: '', fields: memberFields }, names)
    const words = block.fields.map((field) => ({ ...field, label: `${field.label} of ${name}` }))
    const token = {
      label: `${tokenField.label} of ${name}`,
      about: tokenField.about,
      text: `${memory.u32(at)}`,
    }
    return [{ ...token, address: at, bytes: 8 }, ...words]
  })
  return [...counted, ...owned]
}

function structureAt(
  memory: MemoryView,
  layout: Layout,
  address: number,
  { members, names }: { readonly members: readonly Member[]; readonly names: Names },
): Structure | undefined {
  const kind = memory.u32(address)
  const spec = kinds.find((one) => layout[one.kind] === kind)
  if (spec === undefined) return undefined
  const isBroadcast = spec.kind === 'KIND_ONE_TO_MANY'
  const isLane = ['KIND_ONE_TO_ONE', 'KIND_ONE_TO_MANY', 'KIND_LANE'].includes(spec.kind)
  const blocks = spec.blocks.map((block) => blockAt(memory, layout, address, block, names))
  const pollers = isBroadcast ? pollersOf(memory, layout, address) : []
  for (const poller of pollers) blocks.push(pollerBlock(memory, layout, poller, names))
  const tracks = isLane
    ? [
        laneTrack(
          memory,
          layout,
          address,
          pollers.map((at) => placeIn(memory, layout, at, names)),
        ),
      ]
    : spec.kind === 'KIND_CHANNEL'
      ? channelTracks(memory, layout, address)
      : []
  const token = isLane ? memory.u32(address + layout.WRITER_ROLE_OFFSET!) : 0
  const writer = members.find((member) => token !== 0 && member.token === token)
  return {
    title: spec.kind === 'KIND_LANE' ? laneTitle(memory, layout, address, writer) : spec.title,
    address,
    bytes: layout.GRANULE_BYTES!,
    headerBytes: layout.CACHE_LINE!,
    blocks,
    tracks,
    ...(writer !== undefined && { writerKey: writer.key }),
  }
}

/** There are several lanes, and one of anything else. */
function laneTitle(memory: MemoryView, layout: Layout, lane: number, writer: Member | undefined): string {
  const title = `lane ${memory.u32(lane + layout.LANE_SLOT_OFFSET!) + 1}`
  return writer === undefined ? title : `${title} of ${writer.name}`
}

/** Addresses of those that somebody has. */
function pollersOf(memory: MemoryView, layout: Layout, ring: number): number[] {
  return Array.from(
    { length: layout.MAX_POLLERS! },
    (_, slot) => ring + layout.POLLERS_OFFSET! + slot * layout.POLLER_BYTES!,
  ).filter((at) => memory.u32(at + layout.POLLER_OWNER_OFFSET!) !== 0)
}

function pollerBlock(memory: MemoryView, layout: Layout, at: number, names: Names): Block {
  const { label } = placeIn(memory, layout, at, names)
  const fields = pollerFields.map(([name, ...rest]) => [`${name} of ${label}`, ...rest] as const)
  return blockAt(memory, layout, at, { title: 'a reader’s place', fields }, names)
}

function placeIn(memory: MemoryView, layout: Layout, at: number, names: Names): Place {
  return {
    label: names.ofToken(memory.u32(at + layout.POLLER_OWNER_OFFSET!)) ?? 'one that is gone',
    position: Number(memory.u64(at + layout.POLLER_POSITION_OFFSET!)),
  }
}

function blockAt(
  memory: MemoryView,
  layout: Layout,
  object: number,
  { title, base, fields }: BlockSpec,
  names: Names,
): Block {
  const from = object + (base === undefined ? 0 : layout[base]!)
  const there = fields.filter(([, offset]) => layout[offset] !== undefined)
  return {
    title,
    fields: there.map(([label, offset, bytes, about, as]): Field => {
      const address = from + layout[offset]!
      const value = bytes === 8 ? memory.u64(address) : BigInt(memory.u32(address))
      return { label, address, bytes, about, text: wordText(value, as, layout, names) }
    }),
  }
}
