import { type Region, regionOf } from './region.ts'

/** Names an object of a region to another thread. */
export interface ObjectHandle {
  readonly memory: WebAssembly.Memory
  readonly address: number
  readonly generation: number
}

export type Kind =
  | 'KIND_STATUS'
  | 'KIND_OUTLET'
  | 'KIND_BUFFER'
  | 'KIND_HUB'
  | 'KIND_CHANNEL'
  | 'KIND_CONNECTION'
  | 'KIND_MONITOR'

/** One endpoint's hold on an object of the region that lives as long as threads are its members. */
export class Member {
  readonly region: Region
  readonly handle: ObjectHandle
  isIn = true

  private constructor(region: Region, address: number, generation: number) {
    this.region = region
    this.handle = Object.freeze({ memory: region.memory, address, generation })
  }

  /** `make` answers the address of a new object, whose first member is its maker; or a code. */
  static create(region: Region, make: () => number): Member {
    region.retain()
    try {
      const address = make()
      if (address < 0) throw region.failure(address)
      const generation = region.generationOf(address)
      region.join(address, generation, () => 0)
      return new Member(region, address, generation)
    } catch (error) {
      region.release()
      throw error
    }
  }

  /** `enter`: what the thread does when it has become a member, before anything else. */
  static join(handle: ObjectHandle, kind: Kind, enter?: (region: Region) => void): Member {
    const region = regionOf(handle.memory)
    const { address, generation } = handle
    region.retain()
    try {
      region.join(address, generation, () => {
        const code = region.abi.objectJoin(address, generation, region.layout[kind], region.token)
        if (code >= 0) enter?.(region)
        return code
      })
      region.generationOf(address) // makes the views reach it
      return new Member(region, address, generation)
    } catch (error) {
      region.release()
      throw error
    }
  }

  /** The last one out frees the object. Idempotent. */
  leave(): void {
    if (!this.isIn) return
    this.isIn = false
    const { region, handle } = this
    region.leave(handle.address, handle.generation, () =>
      region.abi.objectLeave(handle.address, handle.generation, region.token),
    )
    region.release()
  }
}
