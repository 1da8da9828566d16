import process from 'node:process'
import { Collector, type CollectorAlert, fileSink, type Sink, stdoutSink } from '../node/collector.ts'
import { Calm } from './calm.ts'
import { CollectReport } from './collect/report.ts'
import { type CommandHost, defineCommand } from './command.ts'
import { renderEndpoint } from './endpoint.ts'
import { exitCode, starting, usageError } from './exit.ts'
import { FiguresServed } from './figures-served.ts'
import { bytes, integer, list, listening, listeningAt, number, text, toggle, type Values } from './flags.ts'
import { gudpOptions, secretFile } from './gudp-flags.ts'
import { Interrupt } from './interrupt.ts'
import { natsFlags, natsSink, streamOf } from './nats-flags.ts'
import { Progress, type Voice, voiceFor } from './progress.ts'
import { paintFor } from './terminal.ts'

const flags = {
  host: text('<host>', 'Where to listen. 0.0.0.0 or :: for everybody who can reach it.', '127.0.0.1'),
  port: integer('<port>', { from: 0, to: 65_535 }, 'The port; 0: the system chooses.', 9999),
  allow: list('<range>', 'Take datagrams from this address or CIDR range only.'),
  out: text('<file>', 'Where the lines go; -: standard output.', '-'),
  ...natsFlags,
  'rotate-bytes': bytes(
    { from: 0, to: 2 ** 50 },
    'A file that would grow beyond this is renamed to file.1, that to file.2, ... 0: never.',
    '64M',
  ),
  'rotate-files': integer('<n>', { from: 1, to: 10_000 }, 'Renamed files that are kept.', 5),
  'recv-buffer': bytes(
    { from: 0, to: 2 ** 30 },
    'What the kernel may keep for us; 0: as the system has it.',
    '4M',
  ),
  heartbeats: toggle('Write the lines, too, by which exporters tell their ledger.'),
  lose: number(
    '<percent>',
    { from: 0, to: 100 },
    'For trials: lose so many of a hundred datagrams.',
    undefined,
  ),
  seed: integer('<n>', { from: 0, to: 2 ** 32 - 1 }, 'Which ones: the same for the same seed.', 1),
  'exit-after-lines': integer('<n>', { from: 1 }, 'End when so many lines have been written.', undefined),
  for: number('<seconds>', { from: 0.001, to: 2_000_000 }, 'End after so long.', undefined),
  'stats-every': number('<seconds>', { from: 0.01, to: 86_400 }, 'How often the figures are said.', 10),
  gudp: toggle('From spillway send --gudp and exporters with that transport: acknowledged, each line once.'),
  'secret-file': secretFile,
  metrics: listening('Serve the figures over HTTP: /metrics for Prometheus, /stats.json, /healthz.'),
  ui: listeningAt(9997, 'Serve a page that shows the figures live. Without a value: 127.0.0.1:9997.'),
  json: toggle('Figures as NDJSON on standard error.'),
  quiet: toggle('Say nothing but what goes wrong.'),
}

type CollectValues = Values<typeof flags>

/** `spillway collect`: UDP to standard output, a file, or a JetStream stream. */
export const collect = defineCommand({
  summary: 'Receives lines over UDP, and tells what was lost and where.',
  operands: [],
  description: [
    'Writes the lines of every datagram that comes to standard output, to a file that rotates, or to a stream of NATS JetStream.',
    'Of exporters that send heartbeats it knows exactly how many lines were lost on the network, and how many before they were sent.',
    'On a terminal standard error shows the rates by source; else a line now and then.',
  ].join('\n'),
  flags,
  examples: [
    'spillway collect > events.ndjson',
    'spillway collect --host 0.0.0.0 --allow 10.0.0.0/8 --out /var/log/events.ndjson --rotate-bytes 1G',
    'spillway collect --to nats://127.0.0.1:4222/EVENTS --spool /var/spool/spillway',
    'spillway collect --gudp --secret-file secret --host 0.0.0.0 > events.ndjson',
    'spillway collect --metrics 9464 --ui --out events.ndjson',
    'spillway collect --exit-after-lines 1000 | jq .event',
  ],
  exitCodes: [
    [
      '0',
      'It has done what it was asked for (--for, --exit-after-lines), or the reader of its output has gone.',
    ],
    ['1', 'A line that came could not be written.'],
    ['3', 'It could not start: a port is taken, the file cannot be opened, ...'],
    ['130, 143', 'SIGINT, SIGTERM; what had come was written first.'],
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

async function run(values: CollectValues, host: CommandHost, interrupted: AbortSignal): Promise<number> {
  const end = new End(values, interrupted)
  const calm = new Calm()
  const onAlert = (alert: CollectorAlert) => {
    if (isBrokenPipe(alert)) end.readerHasGone()
    else if (isWorthTelling(alert) && calm.maySay(topicOf(alert), performance.now())) progress?.alert(alert)
  }
  let progress: Progress | undefined
  const sink = counted(await sinkFor(values), end)
  const collector = await starting(Collector.open(collectorOptions(values, sink, onAlert)))
  const { address, port } = collector.address()
  const place = renderEndpoint(address, port)
  const served = await FiguresServed.open(values, collector, place)
  const report = new CollectReport(() => collector.stats(), {
    place,
    target: targetOf(values),
    paint: paintFor(host.stderr, process.env),
  })
  progress = new Progress(voiceOf(values, host), host.stderr, values['stats-every'] * 1000, report)
  progress.note(`listening on ${place}`)
  progress.record({ kind: 'listening', address, port })
  served.announce(progress)
  await end.reached
  await collector.close()
  await served.close()
  progress.stop()
  if (end.hasNoReader) return exitCode.ok
  progress.record(report.jsonLedger())
  if (progress.voice === 'live' || progress.voice === 'plain') host.stderr.write(report.ledger())
  return report.hasFailed() ? exitCode.failed : exitCode.ok
}

/** When to stop: what was asked for is done, nobody reads any more, or a signal. */
class End {
  readonly reached: Promise<void>
  hasNoReader = false
  #reach: () => void = () => {}
  #linesLeft: number

  constructor({ for: seconds, 'exit-after-lines': lines }: CollectValues, interrupted: AbortSignal) {
    this.#linesLeft = lines ?? Number.POSITIVE_INFINITY
    this.reached = new Promise((resolve) => {
      this.#reach = resolve
    })
    interrupted.addEventListener('abort', this.#reach, { once: true })
    if (interrupted.aborted) this.#reach()
    if (seconds === undefined) return
    const timer = setTimeout(this.#reach, seconds * 1000)
    this.reached.then(() => clearTimeout(timer))
  }

  wrote(lines: number): void {
    this.#linesLeft -= lines
    if (this.#linesLeft <= 0) this.#reach()
  }

  readerHasGone(): void {
    this.hasNoReader = true
    this.#reach()
  }
}

function collectorOptions(
  values: CollectValues,
  sink: Sink,
  onAlert: (alert: CollectorAlert) => void,
): Parameters<typeof Collector.open>[0] {
  return {
    host: values.host,
    port: values.port,
    recvBufferBytes: values['recv-buffer'],
    ...gudpOptions(values),
    heartbeats: values.heartbeats ? 'keep' : 'strip',
    sink,
    onAlert,
    ...(values.allow.length > 0 && { allow: values.allow }),
    ...(values.lose !== undefined && { loseForTest: { percent: values.lose, seed: values.seed } }),
  }
}

async function sinkFor(values: CollectValues): Promise<Sink> {
  const { out, to, 'rotate-bytes': maxBytes, 'rotate-files': maxFiles } = values
  if (to !== undefined && out !== '-') throw usageError('lines go to one place: give --out or --to')
  const stream = await natsSink(values)
  if (stream !== undefined) return stream
  if (out === '-') return stdoutSink()
  return fileSink(out, { maxBytes: maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes, maxFiles })
}

/** The sink, and who waits for so many lines is told. */
function counted(sink: Sink, end: End): Sink {
  return {
    name: sink.name ?? 'out',
    open: (context) => sink.open?.(context),
    write: async (lines) => {
      await sink.write(lines)
      end.wrote(lines.count)
    },
    flush: () => sink.flush?.(),
    close: () => sink.close?.(),
    ...(sink.stats && { stats: () => sink.stats!() }),
  }
}

function targetOf({ out, to }: CollectValues): string {
  if (to !== undefined) return `stream ${streamOf(to)}`
  return out === '-' ? 'standard output' : out
}

/** Lines and figures on one terminal: the figures must not be drawn over. */
function voiceOf(values: CollectValues, { stdout, stderr }: CommandHost): Voice {
  const voice = voiceFor(stderr, values)
  return voice === 'live' && values.out === '-' && values.to === undefined && stdout.isTTY === true
    ? 'plain'
    : voice
}

function isBrokenPipe({ sink, code }: CollectorAlert): boolean {
  return sink !== undefined && code === 'EPIPE'
}

/** What was lost on the way stands in the figures. */
function isWorthTelling({ kind }: CollectorAlert): boolean {
  return kind !== 'lost' && kind !== 'dropped-at-source'
}

function topicOf({ kind, sink = '' }: CollectorAlert): string {
  return `${kind} ${sink}`
}
