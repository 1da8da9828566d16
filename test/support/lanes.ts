// A connection without a network: its daemon is whoever calls these.
import { type GudpCore, gudpCoreOf } from '../../src/core/gudp-core.ts'
import { joinConnection, LanePipe } from '../../src/core/lane-pipe.ts'
import { Member, type ObjectHandle } from '../../src/core/member.ts'
import { defaultRegion, type Region } from '../../src/core/region.ts'

export interface LaneShape {
  inBytes: number
  outBytes: number
  longest: number
}

const PLACES = 64
const VERSION = 1

/** The daemon's side of a connection with one lane, on the calling thread. */
export class LaneDaemon {
  readonly handle: ObjectHandle
  readonly #member: Member
  readonly #hub: Member
  readonly #core: GudpCore
  readonly #region: Region
  readonly #span: number

  constructor(shape: LaneShape) {
    const region = defaultRegion()
    const core = gudpCoreOf(region)
    this.#region = region
    this.#core = core
    this.#hub = Member.create(region, () => core.abi.hubCreate(region.token, PLACES, VERSION, 1))
    const { address, generation } = this.#hub.handle
    core.abi.hubServe(address, generation, region.token)
    this.#member = Member.create(region, () => {
      configure(region, core, [address, generation], shape)
      return core.abi.connectionCreate(region.token, 0)
    })
    this.handle = this.#member.handle
    const own = [this.handle.address, this.handle.generation] as const
    core.abi.hubPut(address, generation, 0, ...own)
    region.reach(core.abi.connectionEnd(...own))
    this.#span =
      region.mailAddress + ((core.layout.MAILBOX_SPAN_OFFSET - core.layout.MAILBOX_ADDRESS_OFFSET) >> 2)
  }

  get #args(): [number, number, number, number] {
    return [this.handle.address, this.handle.generation, 0, this.#region.token]
  }

  put(record: Uint8Array): boolean {
    this.#region.stage(record)
    const code = this.#core.abi.lanePut(...this.#args, record.length)
    if (code < 0 && code !== this.#core.layout.FULL) throw new Error(`lanePut: ${code}`)
    this.#tell()
    return code === 0
  }

  /** A copy of the oldest record that was sent, which is then done with. */
  next(): Uint8Array | undefined {
    const bytes = this.#core.abi.laneOldest(...this.#args)
    if (bytes === this.#core.layout.EMPTY) return undefined
    if (bytes < 0) throw new Error(`laneOldest: ${bytes}`)
    const { i32, u8 } = this.#region
    const [place, first, second] = [0, 1, 2].map((i) => i32[this.#span + i]!) as [number, number, number]
    const record = new Uint8Array(bytes)
    record.set(u8.subarray(place, place + first))
    record.set(u8.subarray(second, second + bytes - first), first)
    this.#core.abi.laneFree(...this.#args)
    this.#tell()
    return record
  }

  #tell(): void {
    this.#core.abi.connectionTell(this.handle.address, this.handle.generation, this.#region.token)
  }

  finish(bit = 0): void {
    this.#core.abi.connectionFinish(this.handle.address, this.handle.generation, bit)
  }

  leave(): void {
    this.#member.leave()
    this.#hub.leave()
  }
}

function configure(
  { memory, layout, mailAddress }: Region,
  core: GudpCore,
  hub: readonly [number, number],
  { inBytes, outBytes, longest }: LaneShape,
): void {
  const config = core.layout
  const scratch = mailAddress * 4 - layout.MAILBOX_ADDRESS_OFFSET
  const view = new DataView(memory.buffer, scratch + layout.SCRATCH_DATA_OFFSET)
  new Uint8Array(memory.buffer, scratch + layout.SCRATCH_DATA_OFFSET, 256).fill(0)
  const set = (offset: number, ...values: number[]) =>
    values.forEach((value, i) => {
      view.setUint32(offset + 4 * i, value, true)
    })
  set(config.CONFIG_HUB_OFFSET, ...hub)
  set(config.CONFIG_WINDOW_OFFSET, 64)
  set(config.CONFIG_FRAGMENT_OFFSET, 1024)
  set(config.CONFIG_PACKET_OFFSET, 1200)
  set(config.CONFIG_LANES_OFFSET, 1)
  set(config.CONFIG_LANE_OFFSET, config.LANE_PACKETS, inBytes, outBytes, longest)
}

/** A user's end, on the calling thread. */
export function openPipe(handle: ObjectHandle): { pipe: LanePipe; close(): void } {
  const member = joinConnection(handle)
  const pipe = new LanePipe(member, 0)
  return {
    pipe,
    close: () => {
      pipe.close()
      member.leave()
    },
  }
}

/** Record number `n`: its length follows from the number, and so do its bytes. */
export function recordOf(n: number, longest: number): Uint8Array {
  const record = new Uint8Array(4 + ((n * 7) % (longest - 3))).fill(n & 0xff)
  new DataView(record.buffer).setUint32(0, n, true)
  return record
}

/** Its number; -1 when it is not whole. */
export function numberOf(record: Uint8Array, longest: number): number {
  const n = new DataView(record.buffer, record.byteOffset).getUint32(0, true)
  const expected = recordOf(n, longest)
  return record.length === expected.length && record.every((byte, i) => byte === expected[i]) ? n : -1
}
