// The ABI. Nothing imports this file. Every entry checks what it is given before it touches memory.

export { regionId, regionInit, regionVersion } from './region/region'
export { threadEnd, threadExited, threadJoin, threadLeave } from './region/threads'
export { isLive, usedGranules } from './region/granules'
export { objectJoin, objectLeave } from './region/members'
export { ringCreate } from './diode/create'
export {
  laneRelease, pollerArm, readerLeave, readerTake, ringArm, ringBell, ringWake, writerLeave, writerTake,
} from './diode/ring'
export { laneAbort, laneClaim, laneCommit, laneSet } from './diode/lane-writer'
export { oneToOneBatch, oneToOneNext } from './diode/lane-reader'
export { manyToOneBatch, manyToOneJoin, manyToOneNext } from './diode/many-to-one'
export { pollerJoin, pollerKeep, pollerLeave, pollerNext, pollersExpire } from './diode/pollers'
export { linePack } from './framing/pack'
export { lineSplit } from './framing/split'
export {
  outletArm, outletAsk, outletAsked, outletServe, outletServed, outletServedWord,
} from './outlet/flush'
export { outletAdd, outletCreate, outletEnd, outletGet, outletIsClosed, outletRaise, outletShut } from './outlet/outlet'
export { outletSet } from './outlet/set'
export { bufferCreate } from './region/buffer'
export { pollerStats, ringStats } from './diode/stats'
export { statusCreate, statusLoad, statusSetFinal, statusSetWorking } from './sync/status'
export * from './codes'

// What the TypeScript side and the tests need to know of the layout: read from here, never written twice. names.ts has the rest.
export {
  KIND_BUFFER, KIND_CHANNEL, KIND_CONNECTION, KIND_HUB, KIND_LANE, KIND_MANY_TO_ONE, KIND_MONITOR, KIND_ONE_TO_MANY,
  KIND_ONE_TO_ONE, KIND_OUTLET, KIND_STATUS, LAYOUT_VERSION,
  MAILBOX_ADDRESS_OFFSET, MAILBOX_LANE_OFFSET, MAILBOX_LENGTH_OFFSET, MAILBOX_MISSED_OFFSET, MAILBOX_PACK_OFFSET,
  MAILBOX_SPLIT_OFFSET, MAILBOX_STATS_OFFSET, MAX_THREADS, MEMBERS_OFFSET, OBJECT_GENERATION_OFFSET, SCRATCH_BYTES,
  SCRATCH_DATA_OFFSET, TABLE_OFFSET, THREADS_OFFSET, THREAD_BYTES, THREAD_SCRATCH_OFFSET,
} from './layout'
export {
  BELL_OFFSET, CAPACITY_BYTES_OFFSET, CAPACITY_OFFSET, DATA_OFFSET, HEADER_BYTES, HEAD_OFFSET, INDEX_OFFSET, LANES_OFFSET,
  LENGTH_OFFSET, MASK_OFFSET, MAX_POLLERS, POLLERS_OFFSET, POLLER_BYTES, RECORD_BYTES_OFFSET, RELEASED_OFFSET,
  SEEN_HEAD_OFFSET, SUM_OFFSET, TAIL_OFFSET,
} from './diode/descriptor'
export { STATUS_OFFSET } from './sync/status'
export { BUFFER_DATA_OFFSET, BUFFER_LENGTH_OFFSET } from './region/buffer'
export {
  ASKED_OFFSET, CLOSED_OFFSET, COUNTERS_OFFSET, COUNTER_OVERSIZE, COUNTER_RAW_NEWLINE, ESCAPE_NEWLINES,
  LONGEST_LINE_OFFSET, MAX_COUNTERS, REFUSE_NEWLINES, SERVED_OFFSET,
} from './outlet/outlet'
export { PACK_FULL_OFFSET, PACK_LINES_OFFSET, PACK_UNFIT_OFFSET } from './framing/pack'
export {
  SPLIT_BLANK_OFFSET, SPLIT_FIRST_BAD_OFFSET, SPLIT_INVALID_OFFSET, SPLIT_LINES_OFFSET, SPLIT_ROOM_BYTES,
  SPLIT_TRUNCATED_OFFSET,
} from './framing/split'
