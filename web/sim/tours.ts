// Guided tours: a text, and what is done before it is read. A test makes each, and looks whether it is so.

import type { Machine } from '../../src/sim/machine.ts'
import type { Session } from '../../src/sim/session.ts'

export interface TourStep {
  readonly text: string
  /** From the step before. */
  go(session: Session): void
  /** Begins anew, with other code: a planted bug, or `none`. */
  readonly plant?: string | 'none'
}

export interface Tour {
  readonly id: string
  readonly title: string
  readonly scenario: string
  readonly plant?: string
  readonly steps: readonly TourStep[]
}

/** Steps a thread until what it is about to do is this. */
export function stepTo(session: Session, thread: number, func: string, kind?: string): void {
  for (let i = 0; i < 1000 && session.canStep(thread); i++) {
    if (isAt(session.machine, thread, func, kind)) return
    session.step(thread)
  }
  if (!isAt(session.machine, thread, func, kind)) throw new Error(`thread ${thread} does not come to ${func}`)
}

function isAt(machine: Machine, thread: number, func: string, kind: string | undefined): boolean {
  const site = machine.sites[machine.pendingSite(thread)]
  return (
    site !== undefined && site.func.split('/').at(-1) === func && (kind === undefined || site.kind === kind)
  )
}

/** So many events of a writer: each is put together, and set. */
function writes(session: Session, writer: number, events: number): void {
  for (let i = 0; i < events * 2; i++) session.finish(writer)
}

/** As far as it comes alone. */
function toTheEnd(session: Session, thread: number): void {
  while (session.canStep(thread)) session.step(thread)
}

const WRITER = 0
const READER = 1

export const tours: readonly Tour[] = [
  {
    id: 'overtaken',
    title: 'Drop-oldest overtakes a reader',
    scenario: 'one-to-many/readers=1/events=20',
    steps: [
      {
        text: 'A writer never waits for a reader, not even for one that is in the middle of a record. Here is a ring with room for three records, a writer A and one reader. The writer has set its first record. In the memory, head and tail are byte positions: what lies between them can be read.',
        go: (session) => writes(session, WRITER, 1),
      },
      {
        text: 'The reader has found A1 and copies it into its scratch, eight bytes at a time. It has the first half. Now the system stops it, for as long as it likes.',
        go: (session) => {
          stepTo(session, READER, 'pollerNext', 'copy-load')
          session.step(READER)
        },
      },
      {
        text: 'Meanwhile the writer goes on: fifteen records more. The ring holds three, so it has moved the head over the older ones. Nobody was asked. But the bytes of A1 are still there: a ring has some room to spare, so that a reader that is only a little late need not begin again.',
        go: (session) => writes(session, WRITER, 15),
      },
      {
        text: 'One more, and it lies where A1 was. Before it touched those bytes, the writer moved “wipe” beyond them: what lies below may be overwritten already. Whoever wants to trust a copy must look at that word afterwards.',
        go: (session) => writes(session, WRITER, 1),
      },
      {
        text: 'The reader wakes up, and copies the other half: its scratch has half of A1 and half of A17. Such a record never was. It is torn.',
        go: (session) => {
          while (isAt(session.machine, READER, 'pollerNext', 'copy-load')) session.step(READER)
        },
      },
      {
        text: 'It looks at “wipe”, finds that the writer has come round, throws the copy away, and takes the oldest record that there is now. It is told how many it missed, to the record: see the ledger. No torn record is ever handed out, and no loss goes untold.',
        go: (session) => session.finish(READER),
      },
    ],
  },
  {
    id: 'lost-wake-up',
    title: 'A lost wake-up, and why there is none',
    scenario: 'signal/events=1',
    plant: 'wait-without-recheck',
    steps: [
      {
        text: 'This is not the code that ships: a bug was planted in it. A reader sleeps while there is nothing. In this version it first looks whether there is something, and then arms the bell and sleeps. That seems reasonable. It has looked, and found nothing.',
        go: (session) => {
          session.finish(READER)
          stepTo(session, READER, 'ringArm', 'rmw')
        },
      },
      {
        text: 'Now, of all moments, the writer sets its one record and leaves. Each time it looks at the bell, and finds that nobody has armed it: so there is nobody to wake, it thinks.',
        go: (session) => toTheEnd(session, WRITER),
      },
      {
        text: 'The reader arms the bell and goes to sleep, with a record in the ring. Nobody will ever wake it. On a real machine it happens seldom, and on a Friday. The model checker finds it in less than a second, and prints such a schedule as stands below.',
        go: (session) => toTheEnd(session, READER),
      },
      {
        plant: 'none',
        text: 'The same with the code that ships. The reader has found the ring empty, as before. But here it arms the bell first, which it has just done, and looks again afterwards.',
        go: (session) => {
          session.finish(READER)
          stepTo(session, READER, 'ringArm', 'rmw')
          session.step(READER)
        },
      },
      {
        text: 'The writer sets its record at the worst moment that there is. Both have written first and looked second, the reader the bell and the writer the tail. So at least one of them must see what the other wrote. Here both do: the writer finds the bell armed, and rings.',
        go: (session) => writes(session, WRITER, 1),
      },
      {
        text: 'And the reader, that looks again, finds the record, and does not even go to sleep. “Check every order” looks at all the others.',
        go: (session) => {
          session.finish(READER)
          session.finish(READER)
        },
      },
    ],
  },
  {
    id: 'killed-writer',
    title: 'A writer killed in mid-record',
    scenario: 'many-to-one/events=3/deaths=told',
    steps: [
      {
        text: 'Two writers and a reader. Each writer has a lane of its own. Writer A has set one record, and is copying its second into the lane: half of it is there, dashed, since it is not published.',
        go: (session) => {
          writes(session, 0, 1)
          session.finish(0)
          stepTo(session, 0, 'laneSet', 'copy-store')
          session.step(0)
        },
      },
      {
        text: 'It is killed: worker.terminate(), at the worst moment. In a queue with one tail for all, everybody would now wait for this half record for ever, or read it.',
        go: (session) => session.kill(0),
      },
      {
        text: 'Writer B does not even notice. It sets two records in its own lane, where nobody but itself ever writes: it need not ask whether A is alive.',
        go: (session) => writes(session, 1, 2),
      },
      {
        text: 'The reader goes round the lanes. It finds A1, which was whole, and B’s records. The half record lies beyond the tail: it was never there. The tail is the one word that publishes, and it publishes the counters with it.',
        go: (session) => {
          for (let i = 0; i < 4; i++) session.finish(2)
        },
      },
      {
        text: 'Now the runtime tells that writer A has ended. What it held is given back: its membership, its scratch, its place in the table of threads. The lane still has its name, as “one that is gone”; but who is gone holds nothing, so another thread may take the lane over, and goes on at the tail. The ledger closes: nothing was lost but what A had not finished saying.',
        go: (session) => {
          const runtime = 3
          toTheEnd(session, runtime)
          toTheEnd(session, 1)
          toTheEnd(session, 2)
        },
      },
    ],
  },
]
