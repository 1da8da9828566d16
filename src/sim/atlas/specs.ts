// What lies where in each kind of object, as the descriptors in assembly/ draw it: names here, offsets from the module.

/** A label, the exported constant that is its offset, and its length. */
export type FieldSpec = readonly [
  label: string,
  offset: string,
  bytes: 4 | 8,
  as?: 'number' | 'bits' | 'token',
]

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
      ['policy', 'POLICY_OFFSET', 4],
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
  { title: 'the head, moved by compare-and-swap', fields: [['head', 'HEAD_OFFSET', 8]] },
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
      ['bell', 'BELL_OFFSET', 4],
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
      ['in waiters', 'IN_WAITERS_OFFSET', 4, 'bits'],
    ],
  },
  {
    title: 'out: the senders’',
    base: 'FIRST_LANE_OFFSET',
    fields: [
      ['out tail', 'OUT_TAIL_OFFSET', 8],
      ['out mutex', 'OUT_MUTEX_OFFSET', 4, 'token'],
      ['out waiters', 'OUT_WAITERS_OFFSET', 4, 'bits'],
      ['out lockers', 'OUT_LOCKERS_OFFSET', 4, 'bits'],
    ],
  },
  { title: 'out: the daemon’s', base: 'FIRST_LANE_OFFSET', fields: [['out head', 'OUT_HEAD_OFFSET', 8]] },
]

export const kinds: readonly KindSpec[] = [
  { kind: 'KIND_ONE_TO_ONE', title: 'OneToOne', blocks: laneBlocks },
  { kind: 'KIND_ONE_TO_MANY', title: 'OneToMany', blocks: laneBlocks },
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
    blocks: [{ title: 'the word', fields: [['status', 'STATUS_OFFSET', 4, 'bits']] }],
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
        title: 'one line',
        fields: [
          ['mutex', 'MONITOR_MUTEX_OFFSET', 4, 'token'],
          ['lockers', 'MONITOR_LOCKERS_OFFSET', 4, 'bits'],
          ['waiters', 'MONITOR_WAITERS_OFFSET', 4, 'bits'],
        ],
      },
    ],
  },
  {
    kind: 'KIND_HUB',
    title: 'hub',
    blocks: [
      { title: 'state', fields: [['status', 'HUB_STATUS_OFFSET', 4]] },
      {
        title: 'who has work',
        fields: [
          ['summary', 'HUB_SUMMARY_OFFSET', 4, 'bits'],
          ['ready', 'HUB_READY_OFFSET', 4, 'bits'],
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
          ['client flags', 'CLIENT_FLAGS_OFFSET', 4, 'bits'],
        ],
      },
      {
        title: 'the server’s words',
        fields: [
          ['answered', 'ANSWERED_OFFSET', 4],
          ['server flags', 'SERVER_FLAGS_OFFSET', 4, 'bits'],
          ['error', 'ERROR_OFFSET', 4],
        ],
      },
      {
        title: 'who waits for what',
        fields: [
          ['client waits', 'CLIENT_WAITS_OFFSET', 4, 'bits'],
          ['server waits', 'SERVER_WAITS_OFFSET', 4, 'bits'],
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
          ['status', 'STATUS_OFFSET', 4, 'bits'],
          ['wants', 'WANTS_OFFSET', 4, 'bits'],
        ],
      },
      ...gudpLane,
    ],
  },
]

/** Of each poller that has joined a OneToMany, at its place. */
export const pollerFields: readonly FieldSpec[] = [
  ['whose', 'POLLER_OWNER_OFFSET', 8, 'token'],
  ['position', 'POLLER_POSITION_OFFSET', 8],
  ['read', 'POLLER_READ_OFFSET', 8],
]

/** Of each thread that has joined, at its place in the region's table. */
export const memberFields: readonly FieldSpec[] = [
  ['scratch', 'THREAD_SCRATCH_OFFSET', 4],
  ['bell', 'THREAD_BELL_OFFSET', 4],
]
