// The ABI of the second module: sockets. It works on the same memory as the core, whose allocator and threads it shares; a
// program without sockets does not load it. Nothing imports this file. Every entry checks what it is given.

export {
  bellAddress, departures, hubAck, hubAckUndo, hubAckWait, hubAdd, hubCreate, hubEnd, hubHello, hubOrphan, hubRemove, hubServe, hubStop,
  ringThread, threadArm,
} from './hub'
export {
  FAULT, HUNG, LOST, channelAnswer, channelAnswered, channelAsk, channelBlock, channelCreate, channelEnd, channelHasHalf, channelOwn, channelQuestion,
  channelReady, channelServe, channelTakeError, channelUnblock, clientHears, clientSays, serverFails, serverHears, serverPends,
  serverSays,
} from './channel'
export { datagramClaim, datagramCommit, datagramPeek, datagramRepack, datagramTell, datagramUnpack } from './datagrams'
export { streamBytes, streamCommit, streamDone, streamSpace } from './streams'
export * from './codes'
export { EMPTY, FULL, INVALID, OUT_OF_MEMORY, OVERSIZE, STALE } from '../codes'

export { KIND_CHANNEL, KIND_HUB, MAILBOX_SPAN_OFFSET, THREAD_BELL_OFFSET } from '../layout'
export { FREED_OFFSET, GIVEN_OFFSET, RING_BYTES, TAIL_OFFSET, TAKEN_OFFSET } from '../ring/descriptor'
export { ITEM_HEADER_BYTES } from '../ring/bipartite'
export {
  ANSWERED, ANSWER_OFFSET, CHANNEL_DATA_OFFSET, CLIENT_CLOSED, CLIENT_RESET, CLIENT_RING_OFFSET, CLIENT_SHUT_READ, CLIENT_SHUT_WRITE,
  CLIENT_WAITS_OFFSET, DROPS_OFFSET, HUB_ENDED, HUB_OPEN, HUB_READY_OFFSET, HUB_SERVER_OFFSET, HUB_STATUS_OFFSET,
  HUB_SUMMARY_OFFSET, MAX_CHANNELS, OWNER_OFFSET,
  QUESTION_OFFSET, READABLE, ROOM, SENT, SERVER_CLOSED, SERVER_ENDED, SERVER_REFUSES, SERVER_RING_OFFSET, SERVER_WAITS_OFFSET,
  SHAPE_OFFSET, SOCKETS_VERSION, TEXT_BYTES, TO_CLIENT, TO_SERVER, TYPE_DATAGRAM, TYPE_LISTENER, TYPE_STREAM, VERSION_OFFSET,
  WORK, WRITABLE,
} from './descriptor'

// The region's own entries, so that the module can be used alone: by the model checker, above all.
export { regionInit } from '../region/region'
export { threadEnd, threadExited, threadJoin, threadLeave } from '../region/threads'
export { usedGranules } from '../region/granules'
export { objectJoin, objectLeave } from '../region/members'
export {
  MAILBOX_ADDRESS_OFFSET, MAX_THREADS, MEMBERS_OFFSET, OBJECT_GENERATION_OFFSET, SCRATCH_DATA_OFFSET, TABLE_OFFSET,
  THREADS_OFFSET, THREAD_BYTES, THREAD_SCRATCH_OFFSET,
} from '../layout'
