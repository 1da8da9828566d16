import { readLayout } from './abi.ts'
import { wasmBase64 } from './gudp-wasm-bytes.ts'
import type { Hub, HubAbi, HubLayout } from './hub.ts'
import { compile } from './load.ts'
import type { Region } from './region.ts'

/** The exports of gudp's Wasm: `assembly/gudp/index.ts`. Everything has a handle: an address and a generation. */
export interface GudpAbi extends HubAbi {
  hubPut(address: number, generation: number, index: number, object: number, objectGeneration: number): number

  connectionCreate(token: number, nowMs: number): number
  connectionEnd(address: number, generation: number): number
  connectionEnter(address: number, generation: number, token: number): number
  connectionHasUsers(address: number, generation: number): number
  connectionWant(address: number, generation: number, bits: number): number
  connectionWants(address: number, generation: number): number
  connectionIsOver(address: number, generation: number): number
  connectionFinish(address: number, generation: number, bit: number): number

  laneTake(address: number, generation: number, lane: number, token: number): number
  laneTaken(address: number, generation: number, lane: number, token: number): number
  lanePutBack(address: number, generation: number, lane: number, token: number): number
  laneArm(address: number, generation: number, lane: number, token: number): number
  laneLeave(address: number, generation: number, lane: number, token: number): number
  laneDepth(address: number, generation: number, lane: number): number
  lanePut(address: number, generation: number, lane: number, token: number, bytes: number): number

  laneClaim(address: number, generation: number, lane: number, token: number, bytes: number): number
  laneCommit(address: number, generation: number, lane: number, token: number, bytes: number): number
  laneAbort(address: number, generation: number, lane: number, token: number): number
  laneSendArm(address: number, generation: number, lane: number, token: number, bytes: number): number
  laneSendLeave(address: number, generation: number, lane: number, token: number): number
  laneBacklog(address: number, generation: number, lane: number): number
  laneOldest(address: number, generation: number, lane: number, token: number): number
  laneFree(address: number, generation: number, lane: number, token: number): number

  connectionIsDrained(address: number, generation: number): number
  laneOutHead(address: number, generation: number, lane: number): number
  laneOutTail(address: number, generation: number, lane: number): number
  connectionReceive(
    address: number,
    generation: number,
    token: number,
    nowMs: number,
    buffer: number,
    bufferGeneration: number,
    offset: number,
    bytes: number,
  ): number
  connectionNext(
    address: number,
    generation: number,
    token: number,
    nowMs: number,
    buffer: number,
    bufferGeneration: number,
    offset: number,
  ): number

  connectionTell(address: number, generation: number, token: number): number

  monitorCreate(token: number): number
  monitorEnter(address: number, generation: number, token: number): number
  monitorTry(address: number, generation: number, token: number): number
  monitorUnlock(address: number, generation: number, token: number): number
  monitorArm(address: number, generation: number, token: number): number
  monitorLeave(address: number, generation: number, token: number): number
  monitorWait(address: number, generation: number, token: number): number
  monitorAwait(address: number, generation: number, token: number, departures: number): number
  monitorCancel(address: number, generation: number, token: number): number
  monitorSignal(address: number, generation: number): number
  monitorBroadcast(address: number, generation: number): number
}

/** Its exported constants. */
export interface GudpLayout extends HubLayout {
  readonly OTHERS: number
  readonly LOCKED: number
  readonly INHERITED: number
  readonly MAX_THREADS: number
  readonly MAX_CHANNELS: number
  readonly MAX_LANES: number
  readonly IN_WAITERS_OFFSET: number
  readonly OUT_WAITERS_OFFSET: number
  readonly OUT_LOCKERS_OFFSET: number
  readonly DAEMON_OFFSET: number
  readonly MONITOR_LOCKERS_OFFSET: number
  readonly MONITOR_WAITERS_OFFSET: number
  readonly CLOSED: number
  readonly TIMED_OUT: number
  readonly RESET: number
  readonly REFUSED: number
  readonly IO_ERROR: number
  readonly LOST: number
  readonly FIRST_CREDIT: number
  readonly UNIT: number
  readonly EMPTY: number
  readonly FULL: number
  readonly ENDED: number
  readonly BUSY: number
  readonly OVERSIZE: number
  readonly INVALID: number
  readonly STALE: number
  readonly CORRUPT: number
  readonly GONE: number
  readonly ALL_FREED: number
  readonly KIND_CONNECTION: number
  readonly KIND_MONITOR: number
  readonly STATUS_OFFSET: number
  readonly FIRST_LANE_OFFSET: number
  readonly LANE_BYTES: number
  readonly LANE_KIND_OFFSET: number
  readonly IN_RECEIVED_OFFSET: number
  readonly IN_BYTES_OFFSET: number
  readonly IN_BITS_OFFSET: number
  readonly LONGEST_OFFSET: number
  readonly LANE_STREAM: number
  readonly LANE_PACKETS: number
  readonly WANTS_SEND: number
  readonly WANTS_CREDIT: number
  readonly WANTS_CLOSE: number
  readonly WANTS_LEAVE: number
  readonly CONFIG_HUB_OFFSET: number
  readonly CONFIG_INDEX_OFFSET: number
  readonly CONFIG_WINDOW_OFFSET: number
  readonly CONFIG_BARE_OFFSET: number
  readonly CONFIG_FRAGMENT_OFFSET: number
  readonly CONFIG_PACKET_OFFSET: number
  readonly CONFIG_REASSEMBLY_OFFSET: number
  readonly CONFIG_STRATEGY_OFFSET: number
  readonly CONFIG_LANES_OFFSET: number
  readonly CONFIG_TIMES_OFFSET: number
  readonly CONFIG_LANE_OFFSET: number
  readonly FLIGHT_PACKETS_OFFSET: number
  readonly RTT_OFFSET: number
  readonly LEAST_RTT: number
  readonly ACKED_RATE: number
  readonly ACKS_FORGED: number
  readonly ACKS_LATE: number
  readonly ALLOWED_RATE: number
  readonly ASSEMBLIES_EXPIRED: number
  readonly ASSEMBLIES_REFUSED: number
  readonly BYTES_ACKED: number
  readonly BYTES_AGAIN: number
  readonly BYTES_RECEIVED: number
  readonly BYTES_SENT: number
  readonly FRAGMENTS_RECEIVED: number
  readonly FRAGMENTS_SENT: number
  readonly MESSAGES_RECEIVED: number
  readonly MESSAGES_SENT: number
  readonly PACKETS_ACKED: number
  readonly PACKETS_BAD: number
  readonly PACKETS_LATE: number
  readonly PACKETS_LOST: number
  readonly PACKETS_RECEIVED: number
  readonly PACKETS_REFUSED: number
  readonly PACKETS_SENT: number
  readonly PACKETS_TWICE: number
  readonly PINGS_SENT: number
  readonly RECEIVED_RATE: number
  readonly SENT_RATE: number
  readonly MONITOR_MUTEX_OFFSET: number
}

/** gudp's module on a region's memory. */
export interface GudpCore {
  readonly abi: GudpAbi
  readonly layout: GudpLayout
}

export type GudpHub = Hub<GudpCore>

let compiled: WebAssembly.Module | undefined

/** For another thread of the process, which then need not compile it. */
export function gudpModule(): WebAssembly.Module {
  compiled ??= compile(wasmBase64)
  return compiled
}

export function useGudpModule(module: WebAssembly.Module): void {
  compiled = module
}

const cores = new WeakMap<Region, GudpCore>()

export function gudpCoreOf(region: Region): GudpCore {
  const known = cores.get(region)
  if (known !== undefined) return known
  const { exports } = new WebAssembly.Instance(gudpModule(), { env: { memory: region.memory } })
  // A plain object: in the exports themselves a look-up costs as much as the call.
  const abi = { ...exports } as unknown as GudpAbi
  const core = { abi, layout: readLayout<GudpLayout>(exports) }
  cores.set(region, core)
  return core
}
