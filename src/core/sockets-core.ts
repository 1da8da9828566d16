import { readLayout } from './abi.ts'
import type { Hub, HubAbi, HubLayout } from './hub.ts'
import { compile } from './load.ts'
import type { Region } from './region.ts'
import { wasmBase64 } from './sockets-wasm-bytes.ts'

/** The exports of the sockets' Wasm: `assembly/sockets/index.ts`. Everything has a handle: an address and a generation. */
export interface SocketsAbi extends HubAbi {
  channelCreate(token: number, hub: number, hubGeneration: number, version: number, shape: number): number
  channelHasHalf(address: number, generation: number): number
  channelEnd(address: number, generation: number): number
  channelOwn(address: number, generation: number, from: number, token: number): number
  channelAsk(address: number, generation: number, bytes: number): number
  channelQuestion(address: number, generation: number): number
  channelAnswer(address: number, generation: number, bytes: number): number
  channelAnswered(address: number, generation: number): number
  channelReady(address: number, generation: number, bits: number, need: number): number
  channelBlock(address: number, generation: number, token: number, bits: number, need: number): number
  channelUnblock(address: number, generation: number, bits: number): number
  channelServe(address: number, generation: number, bits: number): number
  channelTakeError(address: number, generation: number): number
  clientSays(address: number, generation: number, flags: number): number
  clientHears(address: number, generation: number): number
  serverSays(address: number, generation: number, flags: number): number
  serverHears(address: number, generation: number): number
  serverFails(address: number, generation: number, error: number): number
  serverPends(address: number, generation: number, count: number): number

  datagramClaim(address: number, generation: number, ring: number, bytes: number): number
  datagramCommit(address: number, generation: number, ring: number, bytes: number, tells: number): number
  datagramTell(address: number, generation: number, ring: number): number
  datagramPeek(address: number, generation: number, ring: number, token: number): number
  datagramUnpack(address: number, generation: number, ring: number, token: number): number
  datagramRepack(address: number, generation: number, ring: number, count: number): number

  streamSpace(address: number, generation: number, ring: number, token: number): number
  streamCommit(address: number, generation: number, ring: number, bytes: number): number
  streamBytes(address: number, generation: number, ring: number, token: number, skipped: number): number
  streamDone(address: number, generation: number, ring: number, bytes: number): number
}

/** Its exported constants. */
export interface SocketsLayout extends HubLayout {
  readonly EMPTY: number
  readonly FULL: number
  readonly INVALID: number
  readonly OVERSIZE: number
  readonly STALE: number
  readonly CORRUPT: number
  readonly FAILED: number
  readonly GONE: number
  readonly ENDED_STREAM: number
  readonly MAX_CHANNELS: number
  readonly QUESTION_OFFSET: number
  readonly ANSWER_OFFSET: number
  readonly TEXT_BYTES: number
  readonly VERSION_OFFSET: number
  readonly SHAPE_OFFSET: number
  readonly CLIENT_WAITS_OFFSET: number
  readonly OWNER_OFFSET: number
  readonly DROPS_OFFSET: number
  readonly CHANNEL_DATA_OFFSET: number
  readonly TYPE_DATAGRAM: number
  readonly TYPE_STREAM: number
  readonly TYPE_LISTENER: number
  readonly TO_SERVER: number
  readonly TO_CLIENT: number
  readonly CLIENT_CLOSED: number
  readonly CLIENT_SHUT_WRITE: number
  readonly CLIENT_SHUT_READ: number
  readonly CLIENT_RESET: number
  readonly SERVER_ENDED: number
  readonly SERVER_CLOSED: number
  readonly SERVER_REFUSES: number
  readonly READABLE: number
  readonly WRITABLE: number
  readonly ANSWERED: number
  readonly WORK: number
  readonly SENT: number
  readonly ROOM: number
  readonly FAULT: number
  readonly HUNG: number
  readonly LOST: number
}

/** The second module on a region's memory. */
export interface SocketsCore {
  readonly abi: SocketsAbi
  readonly layout: SocketsLayout
}

export type SocketsHub = Hub<SocketsCore>

let compiled: WebAssembly.Module | undefined

/** For another thread of the process, which then need not compile it. */
export function socketsModule(): WebAssembly.Module {
  compiled ??= compile(wasmBase64)
  return compiled
}

export function useSocketsModule(module: WebAssembly.Module): void {
  compiled = module
}

const cores = new WeakMap<Region, SocketsCore>()

export function socketsCoreOf(region: Region): SocketsCore {
  const known = cores.get(region)
  if (known !== undefined) return known
  const { exports } = new WebAssembly.Instance(socketsModule(), { env: { memory: region.memory } })
  // A plain object: in the exports themselves a look-up costs as much as the call.
  const abi = { ...exports } as unknown as SocketsAbi
  const core = { abi, layout: readLayout<SocketsLayout>(exports) }
  cores.set(region, core)
  return core
}
