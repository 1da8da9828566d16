import { SpillwayError } from './errors.ts'
import { type DiodeHandle, makeHandle, type Topology } from './handle.ts'
import type { ObjectHandle } from './member.ts'
import type { CheckedOptions } from './options.ts'
import { type Region, regionOf } from './region.ts'
import { type DiodeStats, readStats } from './stats.ts'

let endpoints = 0

/** One endpoint's hold on a ring in shared memory: membership, shape, ledger. Reading and writing are in roles of their own. */
export class Ring {
  readonly region: Region
  readonly handle: DiodeHandle
  readonly address: number
  readonly generation: number
  /** Tells this endpoint from the others of its thread: a role is held by one endpoint. */
  readonly endpoint = ++endpoints
  readonly capacity: number
  readonly recordBytes: number
  open = true
  #final: DiodeStats | undefined
  #refusedSince = 0

  private constructor(region: Region, topology: Topology, address: number, generation: number) {
    this.region = region
    this.address = address
    this.generation = generation
    this.handle = makeHandle(topology, region.memory, address, generation)
    const { capacity, recordBytes } = shapeOf(region, address)
    this.capacity = capacity
    this.recordBytes = recordBytes
  }

  static create(region: Region, topology: Topology, options: CheckedOptions): Ring {
    region.retain()
    try {
      const { capacity, recordBytes, policy, maxWriters } = options
      const kind = kindOf(region, topology)
      const address = region.abi.ringCreate(kind, capacity, recordBytes, policy, maxWriters, region.token)
      if (address < 0) throw region.failure(address)
      const generation = region.generationOf(address)
      region.join(address, generation, () => 0) // whoever makes a ring is its first member
      return new Ring(region, topology, address, generation)
    } catch (error) {
      region.release()
      throw error
    }
  }

  static join(topology: Topology, handle: ObjectHandle): Ring {
    const region = regionOf(handle.memory)
    const { address, generation } = handle
    region.retain()
    try {
      region.join(address, generation, () =>
        region.abi.objectJoin(address, generation, kindOf(region, topology), region.token),
      )
      region.reach(address + 4096)
      return new Ring(region, topology, address, generation)
    } catch (error) {
      region.release()
      throw error
    }
  }

  /** Leaves; the last one out frees the ring. */
  leave(): void {
    if (!this.open) return
    this.#final = this.stats()
    this.open = false
    const { region, address, generation } = this
    region.leave(address, generation, () => region.abi.objectLeave(address, generation, region.token))
    region.release()
  }

  /** A record offered to an endpoint that is closed: lost, and counted here since the ring may be gone. */
  refuse(): false {
    this.#refusedSince++
    return false
  }

  stats(): DiodeStats {
    if (this.#final !== undefined) {
      const { offered, dropped } = this.#final
      return { ...this.#final, offered: offered + this.#refusedSince, dropped: dropped + this.#refusedSince }
    }
    const { region } = this
    region.abi.ringStats(this.address, this.generation, region.token)
    return readStats(region, this.capacity, this.recordBytes)
  }
}

function kindOf(region: Region, topology: Topology): number {
  const { layout } = region
  if (topology === 'OneToOne') return layout.KIND_ONE_TO_ONE
  return topology === 'ManyToOne' ? layout.KIND_MANY_TO_ONE : layout.KIND_ONE_TO_MANY
}

function shapeOf(region: Region, address: number): { capacity: number; recordBytes: number } {
  const word = (offset: number) => region.i32[(address + offset) >> 2]!
  const { layout } = region
  return {
    capacity: word(layout.CAPACITY_OFFSET),
    recordBytes: word(layout.RECORD_BYTES_OFFSET),
  }
}

export function closedError(what: string): SpillwayError {
  return new SpillwayError('ERR_CLOSED', `this ${what} is closed`)
}
