/** The exports of the Wasm core: `assembly/index.ts`. Addresses and generations are 32-bit; tokens name threads. */
export interface Abi {
  regionInit(maximumPages: number, id: number): number
  regionVersion(): number
  regionId(): number
  threadJoin(key: number): number
  threadLeave(token: number): void
  threadEnd(key: number, by: number): number
  threadExited(key: number, by: number): void
  isLive(address: number, generation: number): number
  usedGranules(): number
  objectJoin(address: number, generation: number, kind: number, token: number): number
  objectLeave(address: number, generation: number, token: number): number

  ringCreate(
    kind: number,
    capacity: number,
    recordBytes: number,
    policy: number,
    maxWriters: number,
    token: number,
  ): number
  ringStats(address: number, generation: number, token: number): number
  ringArm(address: number, generation: number): number
  ringWake(address: number, generation: number): number
  ringBell(address: number, generation: number): number
  writerTake(address: number, generation: number, token: number, endpoint: number): number
  writerLeave(address: number, generation: number, token: number, endpoint: number): number
  readerTake(address: number, generation: number, token: number, endpoint: number): number
  readerLeave(address: number, generation: number, token: number, endpoint: number): number

  laneSet(lane: number, generation: number, token: number, bytes: number): number
  laneClaim(lane: number, generation: number, bytes: number): number
  laneCommit(lane: number, generation: number, bytes: number): number
  laneAbort(lane: number, generation: number): number
  laneRelease(lane: number, generation: number, records: number): number

  oneToOneNext(address: number, generation: number, token: number): number
  oneToOneBatch(address: number, generation: number, token: number, limit: number): number
  manyToOneJoin(address: number, generation: number, token: number, endpoint: number): number
  manyToOneNext(address: number, generation: number, token: number): number
  manyToOneBatch(address: number, generation: number, token: number, limit: number): number

  pollerJoin(address: number, generation: number, token: number, endpoint: number): number
  pollerLeave(address: number, generation: number, slot: number, token: number, endpoint: number): number
  pollerNext(address: number, generation: number, slot: number, token: number): number
  pollerKeep(address: number, generation: number, slot: number, token: number): number
  pollerStats(address: number, generation: number, slot: number, token: number): number
  pollerArm(address: number, generation: number, slot: number): number
  pollersExpire(address: number, generation: number, token: number, nowMs: number, patienceMs: number): number

  outletCreate(token: number, longestLine: number, newlineRule: number): number
  outletIsClosed(address: number, generation: number): number
  outletShut(address: number, generation: number): number
  outletEnd(address: number, generation: number): number
  outletAsk(address: number, generation: number): number
  outletAsked(address: number, generation: number): number
  outletServed(address: number, generation: number): number
  outletServe(address: number, generation: number, asked: number): number
  outletServedWord(address: number, generation: number): number
  outletArm(address: number, generation: number, ring: number, ringGeneration: number, asked: number): number
  outletAdd(address: number, generation: number, counter: number, amount: number): number
  outletRaise(address: number, generation: number, counter: number, amount: number): number
  outletGet(address: number, generation: number, counter: number): number
  outletSet(
    address: number,
    generation: number,
    lane: number,
    laneGeneration: number,
    token: number,
    bytes: number,
    scan: number,
  ): number

  bufferCreate(token: number, bytes: number): number

  linePack(
    ring: number,
    generation: number,
    token: number,
    buffer: number,
    bufferGeneration: number,
    start: number,
    from: number,
    to: number,
    limit: number,
  ): number
  lineSplit(buffer: number, bufferGeneration: number, token: number, from: number, to: number): number

  statusCreate(token: number): number
  statusLoad(address: number, generation: number): number
  statusSetWorking(address: number, generation: number, bits: number): number
  statusSetFinal(address: number, generation: number, bit: number): number
}

/** The exported constants: codes, kinds and offsets, read from the Wasm so that no number is written twice. */
export interface Layout {
  readonly EMPTY: number
  readonly ENDED: number
  readonly FULL: number
  readonly OVERSIZE: number
  readonly IN_PLACE: number
  readonly STALE: number
  readonly INVALID: number
  readonly OUT_OF_MEMORY: number
  readonly TOO_MANY_THREADS: number
  readonly TOO_MANY_WRITERS: number
  readonly TOO_MANY_READERS: number
  readonly TAKEN: number
  readonly CLAIM_OPEN: number
  readonly NO_CLAIM: number
  readonly CLAIM_EXCEEDED: number
  readonly CLOSED: number
  readonly RAW_NEWLINE: number
  readonly KIND_ONE_TO_ONE: number
  readonly KIND_ONE_TO_MANY: number
  readonly KIND_MANY_TO_ONE: number
  readonly KIND_STATUS: number
  readonly KIND_OUTLET: number
  readonly KIND_BUFFER: number
  readonly KIND_HUB: number
  readonly KIND_CHANNEL: number
  readonly KIND_CONNECTION: number
  readonly KIND_MONITOR: number
  readonly LAYOUT_VERSION: number
  readonly CAPACITY_OFFSET: number
  readonly RECORD_BYTES_OFFSET: number
  readonly HEADER_BYTES: number
  readonly LENGTH_OFFSET: number
  readonly OBJECT_GENERATION_OFFSET: number
  readonly THREADS_OFFSET: number
  readonly THREAD_BYTES: number
  readonly THREAD_SCRATCH_OFFSET: number
  readonly MAX_THREADS: number
  readonly SCRATCH_BYTES: number
  readonly SCRATCH_DATA_OFFSET: number
  readonly MAILBOX_ADDRESS_OFFSET: number
  readonly MAILBOX_LENGTH_OFFSET: number
  readonly MAILBOX_LANE_OFFSET: number
  readonly MAILBOX_MISSED_OFFSET: number
  readonly MAILBOX_PACK_OFFSET: number
  readonly MAILBOX_SPLIT_OFFSET: number
  readonly MAILBOX_STATS_OFFSET: number
  readonly BUFFER_DATA_OFFSET: number
  readonly BUFFER_LENGTH_OFFSET: number
  readonly MAX_COUNTERS: number
  readonly COUNTER_OVERSIZE: number
  readonly COUNTER_RAW_NEWLINE: number
  readonly REFUSE_NEWLINES: number
  readonly ESCAPE_NEWLINES: number
  readonly SPLIT_ROOM_BYTES: number
}

/** Exported globals come as `WebAssembly.Global`; their values never change. */
export function readLayout<Of = Layout>(exports: WebAssembly.Exports): Of {
  const layout: Record<string, number> = {}
  for (const [name, item] of Object.entries(exports)) {
    if (item instanceof WebAssembly.Global) layout[name] = item.value as number
  }
  return layout as Of
}
