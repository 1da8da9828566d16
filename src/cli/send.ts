import process from 'node:process'
import type { Readable } from 'node:stream'
import { messageOf } from '../core/errors.ts'
import type { Alert } from '../net/alerts.ts'
import { type PresetName, presets } from '../net/presets.ts'
import { patientFlush } from '../node/patient-flush.ts'
import { RingPace } from '../node/ring-pace.ts'
import { UdpExporter, type UdpExporterOptions } from '../node/udp.ts'
import { Calm } from './calm.ts'
import { type CommandHost, defineCommand } from './command.ts'
import { parseEndpoint } from './endpoint.ts'
import { exitCode, starting, usageError } from './exit.ts'
import { FiguresServed } from './figures-served.ts'
import { bytes, choice, given, integer, list, listening, number, toggle, type Values } from './flags.ts'
import { counted } from './format.ts'
import { gudpOptions, secretFile } from './gudp-flags.ts'
import { Interrupt, untilAborted } from './interrupt.ts'
import { Progress, voiceFor } from './progress.ts'
import { hasFailed, SendReport } from './send/ledger.ts'
import { type Brakes, writeLines } from './send/lines.ts'
import { RateLimit } from './send/rate-limit.ts'
import { paintFor } from './terminal.ts'

const flags = {
  'max-datagram': bytes(
    { from: 64, to: 65_535 },
    'Longest datagram; a line that does not fit is dropped and counted. Default: 1400, or as the preset has it.',
    undefined,
  ),
  delay: number(
    '<ms>',
    { from: 0, to: 60_000 },
    'How long a line may wait for others to share its datagram. Default: 5.',
    undefined,
  ),
  'one-per-datagram': toggle('One line, one datagram, at once.'),
  rate: number(
    '<n>',
    { from: 0.01 },
    'At most so many lines a second. Default: as fast as they come.',
    undefined,
  ),
  drop: toggle(
    'Never hold the pipe up: when the network is slower, the oldest lines are dropped and counted.',
  ),
  capacity: integer('<lines>', { from: 2, to: 1_000_000 }, 'Lines that may wait to be sent.', 8192),
  sequence: toggle(
    'Number the datagrams, so that a spillway collector sees each loss, double and reordering.',
  ),
  field: list('<key=value>', 'A field of the metadata line that is sent at start.'),
  'no-metadata': toggle('Send no metadata line.'),
  'no-heartbeat': toggle('Send no lines with the ledger.'),
  preset: choice(
    '<name>',
    Object.keys(presets) as PresetName[],
    'Settings for a receiver that is known.',
    undefined,
  ),
  gudp: toggle('Over gudp, to spillway collect --gudp: acknowledged, and sent again where it was lost.'),
  'secret-file': secretFile,
  metrics: listening('Serve the figures over HTTP: /metrics for Prometheus, /stats.json, /healthz.'),
  json: toggle('Figures as NDJSON on standard error, one line a second.'),
  quiet: toggle('Say nothing but what goes wrong.'),
}

/** `spillway send`: standard input to UDP. */
export const send = defineCommand({
  summary: 'Sends the lines of standard input over UDP.',
  operands: ['<host:port>'],
  description: [
    'Sends each line of standard input, packed several to a datagram, to host:port or [v6 address]:port.',
    'It reads no faster than the lines go out, so that none is lost on this side; with --drop it never holds the pipe up.',
    'Empty lines are left out, a carriage return before a newline too. On a terminal standard error shows the rates, else a line every 10 seconds.',
  ].join('\n'),
  flags,
  examples: [
    'tail -F app.ndjson | spillway send 10.0.0.7:9999',
    'spillway send --max-datagram 8932 --rate 50000 [::1]:9999 < events.ndjson',
    'spillway send --gudp --secret-file secret logs.internal:9999 < events.ndjson',
    'my-service | spillway send --drop --field service=checkout logs.internal:9999',
  ],
  exitCodes: [
    ['0', 'Every line was sent.'],
    [
      '1',
      'Something was dropped, or the input could not be read. With --drop, what a full ring dropped does not count.',
    ],
    ['3', 'It could not start: the host has no address, the port of --metrics is taken, ...'],
    ['130, 143', 'SIGINT, SIGTERM; what had been accepted was sent first.'],
  ],
  run: async (values, [destination], host) => {
    const interrupt = new Interrupt()
    try {
      return interrupt.exitCode(await run(values, destination!, host, interrupt.signal))
    } finally {
      interrupt.end()
    }
  },
})

const PLAIN_MS = 10_000
const JSON_MS = 1000

async function run(
  values: Values<typeof flags>,
  destination: string,
  host: CommandHost,
  signal: AbortSignal,
): Promise<number> {
  const { stderr } = host
  let progress: Progress | undefined
  const calm = new Calm()
  const onAlert = (alert: Alert) => {
    if (isWorthTelling(alert) && calm.maySay(topicOf(alert), performance.now())) {
      progress?.alert({ ...alert, message: withTotal(alert) })
    }
  }
  const exporter = await starting(UdpExporter.open({ ...exporterOptions(values, destination), onAlert }))
  const served = await FiguresServed.open(values, exporter)
  const report = new SendReport(() => exporter.stats(), paintFor(stderr, process.env))
  const voice = voiceFor(stderr, values)
  progress = new Progress(voice, stderr, voice === 'json' ? JSON_MS : PLAIN_MS, report)
  served.announce(progress)
  let failure: unknown
  try {
    await writeLines(host.stdin as Readable, exporter, brakesFor(exporter, values), signal)
    await untilAborted(patientFlush(exporter), signal)
  } catch (error) {
    failure = error
  }
  await exporter.close()
  await served.close()
  progress.stop()
  progress.record(report.jsonLedger())
  if (voice === 'live' || voice === 'plain') stderr.write(report.ledger())
  if (failure !== undefined) stderr.write(`spillway send: ${messageOf(failure)}\n`)
  return failure !== undefined || hasFailed(exporter.stats(), values.drop) ? exitCode.failed : exitCode.ok
}

function exporterOptions(values: Values<typeof flags>, destination: string): UdpExporterOptions {
  return {
    ...parseEndpoint(destination),
    capacity: values.capacity,
    ...given({
      maxDatagramBytes: values['max-datagram'],
      maxDelayMs: values.delay,
      oneEventPerDatagram: values['one-per-datagram'] || undefined,
      sequence: values.sequence || undefined,
      metadata: metadataOf(values),
      heartbeatMs: values['no-heartbeat'] ? (false as const) : undefined,
      preset: values.preset,
      ...gudpOptions(values),
    }),
  }
}

function metadataOf(values: Values<typeof flags>): Record<string, string> | false | undefined {
  if (!values['no-metadata']) {
    return values.field.length === 0 ? undefined : Object.fromEntries(values.field.map(parseField))
  }
  if (values.field.length > 0)
    throw usageError('--field sets fields of the metadata line, and --no-metadata leaves it out: choose one')
  return false
}

function parseField(field: string): [key: string, value: string] {
  const at = field.indexOf('=')
  if (at < 1) throw usageError(`--field must be key=value, not '${field}'`)
  return [field.slice(0, at), field.slice(at + 1)]
}

function brakesFor(exporter: UdpExporter, { drop, rate }: Values<typeof flags>): Brakes {
  const { capacity, capacityBytes } = exporter.stats().queue
  const patient = { flush: () => patientFlush(exporter) }
  return {
    pace: drop ? undefined : new RingPace(patient, { lines: capacity, bytes: capacityBytes }),
    limit: rate === undefined ? undefined : new RateLimit(rate, performance.now()),
  }
}

/** How full the ring is and what it loses stands in the figures; what the network says is told as it happens. */
function isWorthTelling(alert: Alert): boolean {
  if (alert.kind === 'level') return alert.name === 'peer'
  return alert.kind !== 'metadata' && alert.kind !== 'drop'
}

function topicOf(alert: Alert): string {
  if (alert.kind === 'error') return alert.code
  return alert.kind === 'level' ? `${alert.name} ${alert.state}` : alert.kind
}

/** What was not said in between is in the sum. */
function withTotal(alert: Alert): string {
  if (alert.kind !== 'error' || alert.total === alert.times) return alert.message
  return `${alert.message} (in all ${counted(alert.total, 'time')}, ${counted(alert.totalEvents, 'event')})`
}
