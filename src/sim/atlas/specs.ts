// What lies where in each kind of object, as the descriptors in assembly/ draw it: names here, offsets from the module.

import type { Reading } from './words.ts'

/** A label, the exported constant that is its offset, its length, what it says, and how it is read. */
export type FieldSpec = readonly [label: string, offset: string, bytes: 4 | 8, about: string, as?: Reading]

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

const constants: BlockSpec = {
  title: 'constant',
  fields: [
    ['capacity', 'CAPACITY_OFFSET', 4, 'how many records there is room for'],
    [
      'policy',
      'POLICY_OFFSET',
      4,
      'what happens when it is full',
      { choice: ['drop-oldest', 'drop-newest'] },
    ],
  ],
}

const tail: FieldSpec = ['tail', 'TAIL_OFFSET', 8, 'where the next record goes: what lies below is published']
const seenHead: FieldSpec = [
  'head as seen',
  'SEEN_HEAD_OFFSET',
  8,
  'the head when the writer last looked at it',
]
const claimAndLosses: readonly FieldSpec[] = [
  ['claim at', 'CLAIM_AT_OFFSET', 8, 'where the place lies that was claimed and is not published yet'],
  ['claim bytes + 1', 'CLAIM_BYTES_OFFSET', 4, 'the length of that place plus one; 0: none is open'],
  ['dropped', 'DROPPED_OFFSET', 8, 'records that were refused because there was no room'],
  ['oversize', 'OVERSIZE_OFFSET', 8, 'records that were refused because they are too long'],
]

/** Where one reader takes records out. */
const writers: BlockSpec = {
  title: 'the writer’s',
  fields: [
    tail,
    seenHead,
    [
      'hole from',
      'HOLE_START_OFFSET',
      8,
      'what a reader has in hand, or had when the writer last looked: the writer goes round it',
    ],
    ['hole to', 'HOLE_END_OFFSET', 8, 'where that ends; 0: there is none'],
    ...claimAndLosses,
    [
      'grant to',
      'GRANT_END_OFFSET',
      8,
      'where the records end that the writer last left to a reader that was taking',
    ],
  ],
}

/** Where readers take nothing out. */
const broadcasters: BlockSpec = {
  title: 'the writer’s',
  fields: [
    tail,
    seenHead,
    ...claimAndLosses,
    ['wipe', 'WIPE_OFFSET', 8, 'what lies below may be overwritten already'],
  ],
}

const head: BlockSpec = {
  title: 'the head, moved by compare-and-swap',
  fields: [['head', 'HEAD_OFFSET', 8, 'the oldest record that nobody has taken', 'head']],
}

/** The writer moves it, by what it has dropped, or what all of the readers have read. */
const broadcastHead: BlockSpec = {
  title: 'the head',
  fields: [['head', 'HEAD_OFFSET', 8, 'the oldest record that is there', 'head']],
}

const readers: BlockSpec = {
  title: 'the reader’s',
  fields: [
    ['released', 'RELEASED_OFFSET', 8, 'below it the reader needs nothing, once it holds nothing'],
    [
      'next index',
      'NEXT_INDEX_OFFSET',
      8,
      'the number of the record that it expects: a greater one tells what it missed',
    ],
    ['read', 'READ_OFFSET', 8, 'records that it has read'],
    ['batch at', 'BATCH_AT_OFFSET', 8, 'the first record in hand: taken, and not given back yet'],
    ['batch to', 'BATCH_END_OFFSET', 8, 'where those in hand end; equal to their start: there are none'],
    ['in hand', 'IN_HAND_OFFSET', 4, 'how many records those are'],
  ],
}

const writerRole: FieldSpec = ['writer', 'WRITER_ROLE_OFFSET', 8, 'the only thread that may write', 'token']
const readerRole: FieldSpec = ['reader', 'READER_ROLE_OFFSET', 8, 'the only thread that may read', 'token']
const bell: FieldSpec = [
  'bell',
  'BELL_OFFSET',
  4,
  'how often it was rung; armed: somebody sleeps, or is about to',
  'bell',
]
const roles = (...fields: readonly FieldSpec[]): BlockSpec => ({ title: 'roles', fields })

const cursorBlocks = (title: string, base: string): readonly BlockSpec[] => [
  {
    title: `${title}: its producer’s`,
    base,
    fields: [
      ['tail', 'TAIL_OFFSET', 8, 'where the next bytes go: what lies below is published'],
      ['freed', 'FREED_OFFSET', 8, 'what lies below may be written again'],
    ],
  },
  {
    title: `${title}: its consumer’s`,
    base,
    fields: [
      ['taken', 'TAKEN_OFFSET', 8, 'of a bipartite ring: the next item to take'],
      ['given', 'GIVEN_OFFSET', 8, 'what lies below has been given back'],
    ],
  },
]

/** Of a connection the first lane, which is the one that scenarios use. */
const gudpLane: readonly BlockSpec[] = [
  {
    title: 'in: the daemon’s',
    base: 'FIRST_LANE_OFFSET',
    fields: [['in tail', 'IN_TAIL_OFFSET', 8, 'whole records have come up to here: it publishes them']],
  },
  {
    title: 'in: the consumers’',
    base: 'FIRST_LANE_OFFSET',
    fields: [
      ['in head', 'IN_HEAD_OFFSET', 8, 'what lies below is taken'],
      ['in mutex', 'IN_MUTEX_OFFSET', 4, 'who takes something out', 'token'],
      ['in waiters', 'IN_WAITERS_OFFSET', 4, 'who waits for something to read', 'slots'],
    ],
  },
  {
    title: 'out: the senders’',
    base: 'FIRST_LANE_OFFSET',
    fields: [
      ['out tail', 'OUT_TAIL_OFFSET', 8, 'whole records are there up to here: it publishes them'],
      ['out mutex', 'OUT_MUTEX_OFFSET', 4, 'who puts something in', 'token'],
      ['out waiters', 'OUT_WAITERS_OFFSET', 4, 'who waits for room', 'slots'],
      ['out lockers', 'OUT_LOCKERS_OFFSET', 4, 'who waits for the mutex', 'slots'],
    ],
  },
  {
    title: 'out: the daemon’s',
    base: 'FIRST_LANE_OFFSET',
    fields: [['out head', 'OUT_HEAD_OFFSET', 8, 'what lies below may be written again']],
  },
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
  {
    kind: 'KIND_ONE_TO_ONE',
    title: 'OneToOne',
    blocks: [constants, writers, head, readers, roles(writerRole, readerRole, bell)],
  },
  {
    kind: 'KIND_ONE_TO_MANY',
    title: 'OneToMany',
    // Each of its readers has a place of its own.
    blocks: [constants, broadcasters, broadcastHead, roles(writerRole, bell)],
  },
  {
    kind: 'KIND_MANY_TO_ONE',
    title: 'ManyToOne',
    // Each of its writers has a lane of its own.
    blocks: [
      {
        title: 'the reader’s round',
        fields: [
          ['lane it is at', 'CURSOR_OFFSET', 4, 'where the reader is on its round; 0 is lane 1'],
          ['taken in a row', 'TURN_OFFSET', 4, 'records that it has taken from that lane without going on'],
        ],
      },
      roles(readerRole, bell),
    ],
  },
  {
    kind: 'KIND_LANE',
    title: 'lane',
    // Its reader, and the bell, are its ring's.
    blocks: [constants, writers, head, readers, roles(writerRole)],
  },
  {
    kind: 'KIND_STATUS',
    title: 'status word',
    blocks: [
      {
        title: 'the word',
        fields: [
          [
            'status',
            'STATUS_OFFSET',
            4,
            'how it goes, or why it is over; what is final is never taken back',
            { status: [] },
          ],
        ],
      },
    ],
  },
  {
    kind: 'KIND_OUTLET',
    title: 'outlet',
    blocks: [
      {
        title: 'words',
        fields: [
          ['closed', 'CLOSED_OFFSET', 4, '0 open, 1 closed, 2 over'],
          ['asked', 'ASKED_OFFSET', 4, 'how often a flush was asked for'],
          ['served', 'SERVED_OFFSET', 4, 'the last of those that the reader has done'],
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
          ['mutex', 'MONITOR_MUTEX_OFFSET', 4, 'who has it', 'token'],
          [
            'wait for the mutex',
            'MONITOR_LOCKERS_OFFSET',
            4,
            'who sleeps until it is free, or is about to',
            'slots',
          ],
          [
            'wait for the condition',
            'MONITOR_WAITERS_OFFSET',
            4,
            'who sleeps until somebody signals, or is about to',
            'slots',
          ],
        ],
      },
    ],
  },
  {
    kind: 'KIND_HUB',
    title: 'hub',
    blocks: [
      {
        title: 'state',
        fields: [
          ['status', 'HUB_STATUS_OFFSET', 4, 'whether there is somebody who serves', { oneOf: hubStates }],
        ],
      },
      {
        title: 'who has work',
        fields: [
          [
            'summary',
            'HUB_SUMMARY_OFFSET',
            4,
            'in which words of “ready” there is a bit: clients set it, the server takes it away',
            { each: 'word' },
          ],
          [
            'ready',
            'HUB_READY_OFFSET',
            4,
            'which channels have something for the server',
            { each: 'channel' },
          ],
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
          ['asked', 'ASKED_OFFSET', 4, 'how many questions: it publishes the text of the last'],
          [
            'client flags',
            'CLIENT_FLAGS_OFFSET',
            4,
            'what the client will do no more',
            { flags: clientFlags },
          ],
        ],
      },
      {
        title: 'the server’s words',
        fields: [
          ['answered', 'ANSWERED_OFFSET', 4, 'how many answers: it publishes the text of the last'],
          ['server flags', 'SERVER_FLAGS_OFFSET', 4, 'what has ended at the socket', { flags: serverFlags }],
          ['error', 'ERROR_OFFSET', 4, 'why it failed; 0: it has not'],
        ],
      },
      {
        title: 'who waits for what',
        fields: [
          ['client', 'CLIENT_WAITS_OFFSET', 4, 'what the client is to be woken for', { flags: clientWaits }],
          ['server', 'SERVER_WAITS_OFFSET', 4, 'what the server wants to be told of', { flags: serverWaits }],
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
          ['status', 'STATUS_OFFSET', 4, 'whether it is open, or why it is over', { status: reasons }],
          [
            'wants of the daemon',
            'WANTS_OFFSET',
            4,
            'what its users want the daemon to do',
            { flags: wants },
          ],
        ],
      },
      ...gudpLane,
    ],
  },
]

/** Of each poller that has joined a OneToMany, at its place. */
export const pollerFields: readonly FieldSpec[] = [
  ['owner', 'POLLER_OWNER_OFFSET', 8, 'the thread that reads there', 'token'],
  ['position', 'POLLER_POSITION_OFFSET', 8, 'the record that it reads next'],
  ['read', 'POLLER_READ_OFFSET', 8, 'records that it has read'],
  ['holds', 'POLLER_HOLDS_OFFSET', 4, 'under drop-newest the writer waits for it', { choice: ['no', 'yes'] }],
]

/** Of each thread that has joined, at its place in the region's table: it begins with the token. */
export const tokenField = { label: 'token', about: 'a thread’s name in this region' } as const
export const memberFields: readonly FieldSpec[] = [
  ['scratch', 'THREAD_SCRATCH_OFFSET', 4, 'where its records are put together, or come to'],
  ['bell', 'THREAD_BELL_OFFSET', 4, 'the bell that it sleeps at when it waits for several things', 'bell'],
]
/** Of the region. */
export const departuresField: FieldSpec = [
  'departures',
  'DEPARTURES_OFFSET',
  4,
  'threads that have left, or are known to have ended',
]
