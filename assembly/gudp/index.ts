// The ABI of the third module: GUDP, and the monitor. It works on the same memory as the core, whose allocator and threads it
// shares; a program without it does not load it. Nothing imports this file. Every entry checks what it is given.

export {
  bellAddress, departures, hubAck, hubAckUndo, hubAckWait, hubCreate, hubEnd, hubHello, hubPut, hubRemove, hubServe, hubStop,
  ringThread, threadArm,
} from '../sockets/hub'
export {
  CONFIG_BARE_OFFSET, CONFIG_FRAGMENT_OFFSET, CONFIG_HUB_OFFSET, CONFIG_INDEX_OFFSET, CONFIG_LANES_OFFSET, CONFIG_LANE_OFFSET,
  CONFIG_PACKET_OFFSET, CONFIG_REASSEMBLY_OFFSET, CONFIG_STRATEGY_OFFSET, CONFIG_TIMES_OFFSET, CONFIG_WINDOW_OFFSET, FIRST_CREDIT,
  connectionCreate, connectionEnd, connectionEnter, connectionFinish, connectionHasUsers, connectionWant, connectionWants,
} from './connection'
export { laneArm, laneDepth, laneLeave, lanePut, lanePutBack, laneTake, laneTaken } from './read-buffer'
export {
  ALL_FREED, laneAbort, laneBacklog, laneClaim, laneCommit, laneFree, laneOldest, laneSendArm, laneSendLeave,
} from './send-buffer'
export { connectionIsDrained, connectionIsOver, laneOutHead, laneOutTail } from './connection'
export { connectionNext, connectionReceive } from './machine'
export { connectionTell } from './tell'
export {
  ACKED_RATE, ACKS_FORGED, ACKS_LATE, ALLOWED_RATE, ASSEMBLIES_EXPIRED, ASSEMBLIES_REFUSED, BYTES_ACKED, BYTES_AGAIN, BYTES_RECEIVED, BYTES_SENT,
  FLIGHT_PACKETS_OFFSET, FRAGMENTS_RECEIVED, FRAGMENTS_SENT, LEAST_RTT, MESSAGES_RECEIVED, MESSAGES_SENT, PACKETS_ACKED, PACKETS_BAD, PACKETS_LATE,
  PACKETS_LOST, PACKETS_RECEIVED, PACKETS_REFUSED, PACKETS_SENT, PACKETS_TWICE, PINGS_SENT, RECEIVED_RATE, RTT_OFFSET, SENT_RATE,
} from './state'
export { SOCKETS_VERSION } from '../sockets/descriptor'
export { TOO_MANY_CHANNELS } from '../sockets/codes'
export {
  monitorArm, monitorAwait, monitorBroadcast, monitorCancel, monitorCreate, monitorEnter, monitorLeave, monitorSignal, monitorTry,
  monitorUnlock, monitorWait, MONITOR_LOCKERS_OFFSET, MONITOR_MUTEX_OFFSET, MONITOR_WAITERS_OFFSET,
} from '../sync/monitor'
export { INHERITED, LOCKED, OTHERS } from '../sync/mutex'
export { WAIT_SET_BYTES } from '../sync/wait-set'
export * from './codes'
export { CORRUPT, GONE, OTHER_VERSION } from '../sockets/codes'
export { EMPTY, ENDED, FULL, INVALID, OUT_OF_MEMORY, OVERSIZE, STALE } from '../codes'

export { KIND_CONNECTION, KIND_HUB, KIND_MONITOR, MAILBOX_SPAN_OFFSET, THREAD_BELL_OFFSET } from '../layout'
export {
  BAD_RATE_OFFSET, BYTES_OFFSET, CLOSED, DAEMON_OFFSET, FIRST_LANE_OFFSET, FRAGMENT_BYTES_OFFSET, GOOD_RATE_OFFSET, HEARTBEAT_MS_OFFSET,
  HUB_ADDRESS_OFFSET, HUB_GENERATION_OFFSET, INDEX_OFFSET, IN_BITS_OFFSET, IN_BYTES_OFFSET, IN_CREDIT_DUE_OFFSET, IN_CREDIT_OFFSET,
  IN_DATA_OFFSET, IN_HEAD_OFFSET, IN_MUTEX_OFFSET, IN_RECEIVED_OFFSET, IN_TAIL_OFFSET, IN_TELL_OFFSET, IN_WAITERS_OFFSET, IO_ERROR,
  IS_BARE_OFFSET, LANES_OFFSET, LANE_BYTES, LANE_KIND_OFFSET, LANE_PACKETS, LANE_STREAM, LONGEST_OFFSET, LOST, MAX_LANES,
  OUT_BITS_OFFSET,
  OUT_BYTES_OFFSET, OUT_DATA_OFFSET, OUT_HEAD_OFFSET, OUT_LIMIT_OFFSET, OUT_LOCKERS_OFFSET, OUT_MUTEX_OFFSET, OUT_NEXT_OFFSET,
  OUT_TAIL_OFFSET, OUT_WAITERS_OFFSET, OWES_OFFSET, PACKET_BYTES_OFFSET, REASSEMBLY_BYTES_OFFSET, REFUSED, RESET, RTT_LIMIT_MS_OFFSET, SENT_OFFSET,
  STATUS_OFFSET, STRATEGY_OFFSET, TIMED_OUT, TIMEOUT_MS_OFFSET, UNIT, WANTS_CLOSE, WANTS_CREDIT, WANTS_LEAVE, WANTS_OFFSET, WANTS_SEND,
  WINDOW_OFFSET,
} from './descriptor'
export {
  HUB_ENDED, HUB_OPEN, HUB_READY_OFFSET, HUB_SERVER_OFFSET, HUB_STATUS_OFFSET, HUB_SUMMARY_OFFSET, HUB_TOP_OFFSET, MAX_CHANNELS,
} from '../sockets/descriptor'

// The region's own entries, so that the module can be used alone: by the model checker, above all.
export { bufferCreate } from '../region/buffer'
export { regionInit } from '../region/region'
export { threadEnd, threadExited, threadJoin, threadLeave } from '../region/threads'
export { usedGranules } from '../region/granules'
export { objectJoin, objectLeave } from '../region/members'
export {
  DEPARTURES_OFFSET, MAILBOX_ADDRESS_OFFSET, MAX_THREADS, MEMBERS_OFFSET, OBJECT_GENERATION_OFFSET, SCRATCH_BYTES, SCRATCH_DATA_OFFSET,
  TABLE_OFFSET, THREADS_OFFSET, THREAD_BYTES, THREAD_SCRATCH_OFFSET,
} from '../layout'
