/**
 * Every way a program can end, and what is promised for it: the rows of docs/exit.md. test/net runs them in the Node that runs the
 * tests, test/runtimes in the others.
 */

/** What arrives of the events that were accepted. The last heartbeat closes the ledger; without it they arrive all the same. */
export type Promised = 'all' | 'all, no last heartbeat' | 'perhaps some' | 'nothing'

export interface ExitCase {
  /** As it stands in docs/exit.md. */
  readonly row: string
  /** A file of this folder, */
  readonly program: 'main' | 'writer' | 'opener' | 'stuck'
  /** and which of its ends. */
  readonly end: string
  /** The process ends with this code, or by this signal. */
  readonly ends: number | NodeJS.Signals
  readonly endsInDeno: number | NodeJS.Signals
  readonly promised: Promised
  readonly inDeno: Promised
  /** Encoded in one burst. */
  readonly events: number
  /** How many arrive; `'accepted'`: as many as the program says, or more. */
  readonly arrive: number | 'accepted'
  readonly options: Record<string, unknown>
  /** What the program says of itself. */
  readonly says: Record<string, unknown>
  /** Nobody listens at the port. */
  readonly isDead: boolean
  /** Something can never be sent: the end takes as long as it may. */
  readonly isStuck: boolean
}

const EVENTS = 5000

const program =
  (name: ExitCase['program'], given: Partial<ExitCase> = {}) =>
  (row: string, end: string, ends: ExitCase['ends'], own: Partial<ExitCase> = {}): ExitCase => {
    const { events = EVENTS, promised = 'all', ...more } = { ...given, ...own }
    const standard = {
      endsInDeno: ends,
      inDeno: promised,
      arrive: events,
      options: {},
      says: {},
      isDead: false,
      isStuck: false,
    }
    return { row, program: name, end, ends, events, promised, ...standard, ...more }
  }

const main = program('main')
const signalled = program('main', { options: { handleSignals: true } })
// Events that a full ring refuses are not accepted; under drop-oldest some that were would be overwritten.
const writer = program('writer', { options: { policy: 'drop-newest' }, arrive: 'accepted' })
const opener = program('opener')
const stuck = program('stuck', { options: { handleSignals: true }, isStuck: true })

/** An event is encoded after the burst, and arrives. */
const andOne = { arrive: EVENTS + 1 }
const nothing = { events: 0, promised: 'nothing' } as const
const dead = { isDead: true, promised: 'nothing' } as const
/** Deno tells of an error, but not that it will be the end. */
const error = { inDeno: 'all, no last heartbeat' } as const
const lost = { promised: 'perhaps some' } as const

export const exitCases: readonly ExitCase[] = [
  main('returns', 'return', 0),
  main('returns, having sent nothing', 'return', 0, { events: 0 }),
  main('awaits `close()`', 'return, close awaited', 0),
  main('calls `close()` and returns', 'return, close not awaited', 0),
  main('calls `process.exit(0)`', 'process.exit(0)', 0),
  main('calls `process.exit(3)` (Deno: `Deno.exit(3)`)', 'exit(3)', 3),
  main('calls `process.exit(0)` as soon as `open` resolves, after one event', 'process.exit(0)', 0, {
    events: 1,
  }),
  main('calls `process.exit(0)` while `open` is pending', 'process.exit while open is pending', 0, nothing),
  main('throws in a callback', 'throw in a timer', 1, error),
  main('throws at top level', 'throw after await', 1, error),
  main('rejects, unhandled', 'rejection', 1, error),
  main('throws, catches it as `uncaughtException` (Deno: `error`) and goes on', 'throw, caught', 0, andOne),
  main('encodes in an `exit` handler from before `open`', 'exit handler from before open', 0, andOne),
  main('encodes in an `exit` handler from after `open`: not accepted', 'exit handler from after open', 3, {
    says: { isAccepted: false },
  }),
  main('has a dead receiver, and returns', 'return', 0, dead),
  main('has a dead receiver, and calls `process.exit(0)`', 'process.exit(0)', 0, dead),

  signalled('gets SIGTERM, with `handleSignals`', 'SIGTERM', 'SIGTERM'),
  signalled('gets SIGINT, with `handleSignals`', 'SIGINT', 'SIGINT'),
  signalled('gets SIGHUP, with `handleSignals`', 'SIGHUP', 'SIGHUP'),
  signalled('the same, its own handler goes on', 'SIGTERM, own handler goes on', 5, andOne),
  signalled(
    'the same, its own handler goes on until the second signal',
    'SIGTERM, own handler goes on until the second',
    'SIGTERM',
    andOne,
  ),
  // There the handler is gone when ours looks who else is there.
  signalled(
    'the same, its own handler for one time (`once`) from before `open` goes on',
    'SIGTERM, own one-time handler from before open goes on',
    5,
    { ...andOne, endsInDeno: 'SIGTERM' },
  ),
  main('gets SIGTERM, without `handleSignals`', 'SIGTERM', 'SIGTERM', lost),

  writer('a worker with the handle returns', 'worker returns', 0),
  writer('a worker with the handle calls `process.exit()`', 'worker calls process.exit', 0),
  writer('a worker with the handle throws', 'worker throws', 0),
  writer('a worker with the handle is terminated', 'worker is terminated', 0),
  writer('calls `process.exit(0)` while a worker writes', 'process.exit while the worker writes', 0),
  writer('returns while a worker writes that was unref’d', 'return while the worker writes', 0),

  opener('the worker that opened it returns', 'opener returns', 0),
  opener('the worker that opened it closes it', 'opener closes', 0),
  opener('the worker that opened it calls `process.exit()`', 'opener calls process.exit', 0),
  opener('the worker that opened it throws', 'opener throws', 0),
  opener('the worker that opened it is terminated', 'opener is terminated', 0, lost),
  opener(
    'calls `process.exit(0)` while the worker that opened it lives',
    'process.exit while the opener lives',
    0,
    lost,
  ),

  stuck('returns', 'return', 0),
  stuck('calls `process.exit(0)`', 'process.exit', 0),
  stuck('throws', 'throw', 1, error),
  stuck('awaits `close()`', 'close', 0),
  stuck(
    'gets SIGTERM, and its own handler calls `process.exit(0)`',
    'SIGTERM, own handler calls process.exit',
    0,
  ),
]

/** As docs/exit.md has it. */
export function tableRow({ row, promised, inDeno, ends, endsInDeno }: ExitCase): string {
  const end = ends === endsInDeno ? ends : `${ends} (Deno: ${endsInDeno})`
  return `| ${row} | ${promised} | ${inDeno} | ${end} |`
}
