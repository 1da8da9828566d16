import process from 'node:process'
import { type CommandHost, defineCommand } from './command.ts'
import { closeAccounts, verdictOf } from './demo/accounts.ts'
import { DemoRun } from './demo/run.ts'
import { DemoView } from './demo/view.ts'
import { exitCode } from './exit.ts'
import { integer, number, text, toggle, type Values } from './flags.ts'
import { counted, perSecond, seconds } from './format.ts'
import { Interrupt } from './interrupt.ts'
import { Progress, voiceFor } from './progress.ts'
import { renderLedger } from './table.ts'
import { paintFor } from './terminal.ts'

const flags = {
  seconds: number('<n>', { from: 0.5, to: 3600 }, 'How long the threads write.', 10),
  threads: integer('<n>', { from: 1, to: 32 }, 'How many threads write.', 4),
  rate: number(
    '<n>',
    { from: 0 },
    'Events a second, of all threads together; 0: as fast as they can.',
    50_000,
  ),
  drop: number(
    '<percent>',
    { from: 0, to: 99 },
    'The receiver loses so many of a hundred datagrams.',
    undefined,
  ),
  'kill-receiver': toggle('Kill the receiver half-way, and start another one.'),
  out: text('<file>', 'Keep what was delivered in a new file. Default: a temporary one.', undefined),
  seed: integer('<n>', { from: 0, to: 2 ** 32 - 1 }, 'Of the events, and of which datagrams are lost.', 1),
  json: toggle('Figures as NDJSON, and the ledger as one object at the end.'),
}

/** `spillway demo`: everything on loopback, with live figures, and the ledger at the end. */
export const demo = defineCommand({
  summary: 'Shows all of it on loopback, with live figures, and closes the ledger.',
  operands: [],
  description: [
    'Threads write process events into one exporter; it sends them over UDP to a collector in a process of its own, which writes a file.',
    'A quarter through, the threads write as fast as they can for a moment. At the end every event that was offered is looked for, and each is in exactly one place.',
  ].join('\n'),
  flags,
  examples: [
    'spillway demo',
    'spillway demo --drop 20',
    'spillway demo --kill-receiver --rate 100000 --threads 8',
  ],
  exitCodes: [
    ['0', 'The ledger is closed: not one event is left over.'],
    ['1', 'It is not.'],
    ['3', 'It could not start.'],
    ['130, 143', 'SIGINT, SIGTERM; the ledger is of what was done until then.'],
  ],
  run: async (values, _, host) => {
    const interrupt = new Interrupt()
    try {
      return interrupt.exitCode(await run(values, host, interrupt.signal))
    } finally {
      interrupt.end()
    }
  },
})

const EVERY_MS = 1000

async function run(values: Values<typeof flags>, host: CommandHost, signal: AbortSignal): Promise<number> {
  const { stdout, self } = host
  const paint = paintFor(stdout, process.env)
  const { threads, rate, drop, out, seed } = values
  const killsReceiver = values['kill-receiver']
  const demo = await DemoRun.start({
    self,
    seconds: values.seconds,
    threads,
    rate,
    drop,
    killsReceiver,
    out,
    seed,
  })
  const { durationMs } = demo.schedule
  const view = new DemoView(
    { threads, durationMs, target: out ?? 'a temporary file' },
    () => demo.sample(),
    paint,
  )
  const progress = new Progress(voiceFor(stdout, { json: values.json, quiet: false }), stdout, EVERY_MS, view)
  try {
    progress.note(introduction(values, demo))
    progress.record({ kind: 'start', threads, rate, seconds: values.seconds, port: demo.port })
    const figures = await demo.finish(signal)
    progress.stop()
    const accounts = closeAccounts(figures)
    const verdict = verdictOf(figures, accounts)
    const isClosed = accounts.wrong.length === 0
    progress.note(
      ['', ...renderLedger(accounts.rows, paint), '', paint(isClosed ? 'green' : 'red', verdict)].join('\n'),
    )
    const { dropped, lost, difference } = accounts
    progress.record({ kind: 'ledger', isClosed, verdict, ...figures, dropped, lost, difference })
    return isClosed ? exitCode.ok : exitCode.failed
  } finally {
    progress.stop()
    await demo.end()
  }
}

function introduction(
  { threads, rate }: Values<typeof flags>,
  { port, receiverPid, schedule }: DemoRun,
): string {
  const pace = rate === 0 ? 'as fast as they can' : `${perSecond(rate)} together`
  return [
    `${counted(threads, 'thread')}, ${pace}, for ${seconds(schedule.durationMs)}`,
    `one exporter ─ UDP ─ 127.0.0.1:${port} ─ collector, process ${receiverPid} ─ file`,
  ].join(' ─ ')
}
