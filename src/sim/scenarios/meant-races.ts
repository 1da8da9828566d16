// The data races that are meant, each with the reason why it does no harm; the tests look for all others. A rule names two places as
// narrowly as it can: a function, the instruction, and the offset within what it works on. What "before" means on ARM is in
// assembly/atomics.ts. In all of them words are aligned, so that they come whole where the machine has 64 bits; none relies on it.

import type { Site } from '../access-ops.ts'
import { isIn, type RaceRule } from '../races.ts'

interface Place {
  /** Which of them it is in is the compiler's choice. Without: in any. */
  funcs?: readonly string[]
  op: string
  offset: number
}

/** A race between these two places, and no other. */
function between(one: Place, other: Place): RaceRule {
  return (a: Site, b: Site) => isAt(a, one) && isAt(b, other)
}

function isAt(site: Site, { funcs, op, offset }: Place): boolean {
  return site.op === op && site.offset === offset && (funcs?.some((func) => isIn(site, func)) ?? true)
}

/** As in assembly/diode/descriptor.ts. */
const INDEX = 0
const LENGTH = 12
const RELEASED = 384

const READER = ['tryToCopy', 'nextFrom']
const PUBLISHER = ['publishRecord', 'laneSet']
const MAKER = ['firstMember', 'statusCreate']

/**
 * `released` goes ahead of the head, by a plain store of a reader with an empty hand (`tryToCopy`), while the writer looks. All that is in the
 * hole was let go before, by the atomic store in `release`, and the reader has loaded the tail since. So whatever the writer finds, half a
 * word even, is right: where it is more, the hole is free, and it is; where it is less, the hole counts for one more lap. What is *taken*
 * next is not in that look: the CAS or the `or` that moves or marks the head comes after the store, and the writer's look after it has
 * seen that.
 */
const releasedAhead = between(
  { funcs: READER, op: 'i64.store', offset: RELEASED },
  { op: 'i64.atomic.load', offset: RELEASED },
)

/**
 * The reader copies the oldest record while the writer drops it and overwrites it: length, index, payload may all be torn. It keeps them only
 * if its own CAS moves the head from where it was, and a CAS of the writer's was before any store to that place: both cannot
 * succeed. The loads come before the reader's CAS (release), and what the writer stores once it has seen that, after (acquire).
 * Before the CAS, the length is only used where it is no longer than the scratch and the longest record: no copy leaves the lane.
 */
const recordUnderReader: readonly RaceRule[] = [
  between(
    { funcs: READER, op: 'i32.load', offset: LENGTH },
    { funcs: PUBLISHER, op: 'i32.store', offset: LENGTH },
  ),
  between(
    { funcs: READER, op: 'i64.load', offset: INDEX },
    { funcs: PUBLISHER, op: 'i64.store', offset: INDEX },
  ),
  between(
    { funcs: READER, op: 'memory.copy', offset: 0 },
    { funcs: ['laneSet'], op: 'memory.copy', offset: 0 },
  ),
]

/**
 * The same for a poller, which moves no head. It keeps what it copied only if `wipe` is still at or below its position: the writer stores `wipe`
 * and loads it before its first store there, the poller stores its own word between the copy and its look. Both idioms are
 * those of assembly/atomics.ts, so that one new byte in the copy means a new `wipe`. An insane length is not copied by.
 */
const recordUnderPoller: readonly RaceRule[] = [
  between(
    { funcs: ['pollerNext'], op: 'i32.load', offset: LENGTH },
    { funcs: PUBLISHER, op: 'i32.store', offset: LENGTH },
  ),
  between(
    { funcs: ['pollerNext'], op: 'i64.load', offset: INDEX },
    { funcs: PUBLISHER, op: 'i64.store', offset: INDEX },
  ),
  between(
    { funcs: ['pollerNext'], op: 'memory.copy', offset: 0 },
    { funcs: ['laneSet'], op: 'memory.copy', offset: 0 },
  ),
]

/**
 * A thread that joins has found the handle good, and reads the object's kind while the object goes and its maker's successor writes another there.
 * The kind of the object itself it cannot miss: it was stored before the table's word that the joiner has loaded. Another kind
 * means that the object is gone: the handle is stale, which is the answer. The same kind proves nothing, and is not taken for a proof: the
 * CAS in the table fails, for no generation comes again.
 */
const kindOfTheGone: readonly RaceRule[] = [
  between(
    { funcs: ['objectJoin'], op: 'i32.load', offset: 0 },
    { funcs: ['allocate'], op: 'i32.store', offset: 0 },
  ),
  between(
    { funcs: ['objectJoin'], op: 'i32.load', offset: 0 },
    { funcs: ['statusCreate'], op: 'i32.store', offset: 0 },
  ),
]

/**
 * A thread that has struck itself off looks whether it was the last member, while another retires the object and makes a new one there. A word
 * that is not 0 ends the look: the object is the other's affair, or gone. Where all are 0, the CAS from the table's word
 * that was loaded first decides; a store of the new maker's comes after its own CAS in that table, so the word is another.
 */
const membersOfTheGone: readonly RaceRule[] = [
  between(
    { funcs: ['retireIfEmpty'], op: 'i32.atomic.load', offset: 0 },
    { funcs: MAKER, op: 'i32.store', offset: 0 },
  ),
  between(
    { funcs: ['retireIfEmpty'], op: 'i32.atomic.load', offset: 0 },
    { funcs: MAKER, op: 'memory.fill', offset: 0 },
  ),
]

/** Of one writer and one reader that takes records one by one. */
export const laneRaces: readonly RaceRule[] = [releasedAhead, ...recordUnderReader]

/** Of a writer and pollers. */
export const pollerRaces: readonly RaceRule[] = recordUnderPoller

/** Of who joins what goes. */
export const memberRaces: readonly RaceRule[] = [...kindOfTheGone, ...membersOfTheGone]
