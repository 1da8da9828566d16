// What lies where in each kind of object, as the descriptors in assembly/ draw it: names here, offsets from the module.

import type { Reading } from './words.ts'

/** A label, the exported constant that is its offset, its length, and how it is read. */
export type FieldSpec = readonly [label: string, offset: string, bytes: 4 | 8, as?: Reading]

/** Fields that lie together on a cache line, and who writes them. */
export interface BlockSpec {
  readonly title: string
  readonly fields: readonly FieldSpec[]
  /** Added to the offsets of all fields. */
  readonly base?: string
}

export interface KindSpec {
  /** The exported constant. */
  readonly kind: string
  readonly title: string
  readonly blocks: readonly BlockSpec[]
}

const laneBlocks: readonly BlockSpec[] = [
  {
    title: 'constant',
    fields: [
      ['capacity', 'CAPACITY_OFFSET', 4],
      ['policy', 'POLICY_OFFSET', 4, { choice: ['drop-oldest', 'drop-newest'] }],
    ],
  },
  {
    title: 'the writer’s',
    fields: [
      ['tail', 'TAIL_OFFSET', 8],
      ['head as seen', 'SEEN_HEAD_OFFSET', 8],
      ['hole from', 'HOLE_START_OFFSET', 8],
      ['hole to', 'HOLE_END_OFFSET', 8],
      ['claim at', 'CLAIM_AT_OFFSET', 8],
      ['claim bytes + 1', 'CLAIM_BYTES_OFFSET', 4],
      ['dropped', 'DROPPED_OFFSET', 8],
      ['oversize', 'OVERSIZE_OFFSET', 8],
      ['wipe', 'WIPE_OFFSET', 8],
      ['grant to', 'GRANT_END_OFFSET', 8],
    ],
  },
  { title: 'the head, moved by compare-and-swap', fields: [['head', 'HEAD_OFFSET', 8, 'head']] },
  {
    title: 'the reader’s',
    fields: [
      ['released', 'RELEASED_OFFSET', 8],
      ['next index', 'NEXT_INDEX_OFFSET', 8],
      ['read', 'READ_OFFSET', 8],
      ['batch at', 'BATCH_AT_OFFSET', 8],
      ['batch to', 'BATCH_END_OFFSET', 8],
      ['in hand', 'IN_HAND_OFFSET', 4],
    ],
  },
  {
    title: 'roles',
    fields: [
      ['writer', 'WRITER_ROLE_OFFSET', 8, 'token'],
      ['reader', 'READER_ROLE_OFFSET', 8, 'token'],
      ['bell', 'BELL_OFFSET', 4, 'bell'],
    ],
  },
]

const cursorBlocks = (title: string, base: string): readonly BlockSpec[] => [
  {
    title: `${title}: its producer’s`,
    base,
    fields: [
      ['tail', 'TAIL_OFFSET', 8],
      ['freed', 'FREED_OFFSET', 8],
    ],
  },
  {
    title: `${title}: its consumer’s`,
    base,
    fields: [
      ['taken', 'TAKEN_OFFSET', 8],
      ['given', 'GIVEN_OFFSET', 8],
    ],
  },
]

/** Of a connection the first lane, which is the one that scenarios use. */
const gudpLane: readonly BlockSpec[] = [
  { title: 'in: the daemon’s', base: 'FIRST_LANE_OFFSET', fields: [['in tail', 'IN_TAIL_OFFSET', 8]] },
  {
    title: 'in: the consumers’',
    base: 'FIRST_LANE_OFFSET',
    fields: [
      ['in head', 'IN_HEAD_OFFSET', 8],
      ['in mutex', 'IN_MUTEX_OFFSET', 4, 'token'],
      ['in waiters', 'IN_WAITERS_OFFSET', 4, 'slots'],
    ],
  },
  {
    title: 'out: the senders’',
    base: 'FIRST_LANE_OFFSET',
    fields: [
      ['out tail', 'OUT_TAIL_OFFSET', 8],
      ['out mutex', 'OUT_MUTEX_OFFSET', 4, 'token'],
      ['out waiters', 'OUT_WAITERS_OFFSET', 4, 'slots'],
      ['out lockers', 'OUT_LOCKERS_OFFSET', 4, 'slots'],
    ],
  },
  { title: 'out: the daemon’s', base: 'FIRST_LANE_OFFSET', fields: [['out head', 'OUT_HEAD_OFFSET', 8]] },
]

const hubStates = [
  ['open', 'HUB_OPEN'],
  ['ended', 'HUB_ENDED'],
] as const
const clientFlags = [
  ['closed', 'CLIENT_CLOSED'],
  ['writes no more', 'CLIENT_SHUT_WRITE'],
  ['reads no more', 'CLIENT_SHUT_READ'],
  ['reset', 'CLIENT_RESET'],
] as const
const serverFlags = [
  ['peer has ended', 'SERVER_ENDED'],
  ['closed', 'SERVER_CLOSED'],
  ['peer takes no more', 'SERVER_REFUSES'],
] as const
const clientWaits = [
  ['something to read', 'READABLE'],
  ['room to write', 'WRITABLE'],
  ['an answer', 'ANSWERED'],
] as const
const serverWaits = [
  ['work', 'WORK'],
  ['something to send', 'SENT'],
  ['room', 'ROOM'],
] as const
const wants = [
  ['send', 'WANTS_SEND'],
  ['credit', 'WANTS_CREDIT'],
  ['close', 'WANTS_CLOSE'],
  ['a user leaves', 'WANTS_LEAVE'],
] as const
const reasons = [
  ['closed', 'CLOSED'],
  ['timed out', 'TIMED_OUT'],
  ['reset', 'RESET'],
  ['refused', 'REFUSED'],
  ['the socket fails', 'IO_ERROR'],
  ['the daemon is gone', 'LOST'],
] as const

export const kinds: readonly KindSpec[] = [
  { kind: 'KIND_ONE_TO_ONE', title: 'OneToOne', blocks: laneBlocks },
  {
    kind: 'KIND_ONE_TO_MANY',
    title: 'OneToMany',
    // Each of its readers has a place of its own.
    blocks: laneBlocks.filter(({ title }) => title !== 'the reader’s'),
  },
  {
    kind: 'KIND_MANY_TO_ONE',
    title: 'ManyToOne',
    blocks: [
      {
        title: 'the reader’s round',
        fields: [
          ['lane it is at', 'CURSOR_OFFSET', 4],
          ['taken in a row', 'TURN_OFFSET', 4],
        ],
      },
      ...laneBlocks.slice(-1),
    ],
  },
  {
    kind: 'KIND_LANE',
    title: 'lane',
    blocks: laneBlocks.map((block, i) => (i < 4 ? block : { ...block, fields: block.fields.slice(0, 1) })),
  },
  {
    kind: 'KIND_STATUS',
    title: 'status word',
    blocks: [{ title: 'the word', fields: [['status', 'STATUS_OFFSET', 4, { status: [] }]] }],
  },
  {
    kind: 'KIND_OUTLET',
    title: 'outlet',
    blocks: [
      {
        title: 'words',
        fields: [
          ['closed', 'CLOSED_OFFSET', 4],
          ['asked', 'ASKED_OFFSET', 4],
          ['served', 'SERVED_OFFSET', 4],
        ],
      },
    ],
  },
  {
    kind: 'KIND_MONITOR',
    title: 'monitor',
    blocks: [
      {
        title: 'who has it, who sleeps for it',
        fields: [
          ['mutex', 'MONITOR_MUTEX_OFFSET', 4, 'token'],
          ['wait for the mutex', 'MONITOR_LOCKERS_OFFSET', 4, 'slots'],
          ['wait for the condition', 'MONITOR_WAITERS_OFFSET', 4, 'slots'],
        ],
      },
    ],
  },
  {
    kind: 'KIND_HUB',
    title: 'hub',
    blocks: [
      { title: 'state', fields: [['status', 'HUB_STATUS_OFFSET', 4, { oneOf: hubStates }]] },
      {
        title: 'who has work',
        fields: [
          ['summary', 'HUB_SUMMARY_OFFSET', 4, { each: 'word' }],
          ['ready', 'HUB_READY_OFFSET', 4, { each: 'channel' }],
        ],
      },
    ],
  },
  {
    kind: 'KIND_CHANNEL',
    title: 'channel',
    blocks: [
      {
        title: 'the client’s words',
        fields: [
          ['asked', 'ASKED_OFFSET', 4],
          ['client flags', 'CLIENT_FLAGS_OFFSET', 4, { flags: clientFlags }],
        ],
      },
      {
        title: 'the server’s words',
        fields: [
          ['answered', 'ANSWERED_OFFSET', 4],
          ['server flags', 'SERVER_FLAGS_OFFSET', 4, { flags: serverFlags }],
          ['error', 'ERROR_OFFSET', 4],
        ],
      },
      {
        title: 'who waits for what',
        fields: [
          ['client', 'CLIENT_WAITS_OFFSET', 4, { flags: clientWaits }],
          ['server', 'SERVER_WAITS_OFFSET', 4, { flags: serverWaits }],
        ],
      },
      ...cursorBlocks('to the server', 'CLIENT_RING_OFFSET'),
      ...cursorBlocks('to the client', 'SERVER_RING_OFFSET'),
    ],
  },
  {
    kind: 'KIND_CONNECTION',
    title: 'connection',
    blocks: [
      {
        title: 'shared',
        fields: [
          ['status', 'STATUS_OFFSET', 4, { status: reasons }],
          ['wants of the daemon', 'WANTS_OFFSET', 4, { flags: wants }],
        ],
      },
      ...gudpLane,
    ],
  },
]

/** Of each poller that has joined a OneToMany, at its place. */
export const pollerFields: readonly FieldSpec[] = [
  ['owner', 'POLLER_OWNER_OFFSET', 8, 'token'],
  ['position', 'POLLER_POSITION_OFFSET', 8],
  ['count', 'POLLER_READ_OFFSET', 8],
]

/** Of each thread that has joined, at its place in the region's table. */
export const memberFields: readonly FieldSpec[] = [
  ['scratch', 'THREAD_SCRATCH_OFFSET', 4],
  ['bell', 'THREAD_BELL_OFFSET', 4, 'bell'],
]
