import process from 'node:process'
import { messageOf } from '../core/errors.ts'
import { type GudpConnection, GudpDaemon, type MessageChannel } from '../node/gudp.ts'
import { defineCommand } from './command.ts'
import { parseEndpoint, renderEndpoint } from './endpoint.ts'
import { exitCode, starting } from './exit.ts'
import { given, integer, toggle } from './flags.ts'
import { byteCount, count, counted, perSecond, seconds } from './format.ts'
import { secretFile, secureOf } from './gudp-flags.ts'
import { Interrupt } from './interrupt.ts'
import { Progress, type Report, voiceFor } from './progress.ts'
import { Rates } from './rates.ts'
import { paintFor } from './terminal.ts'

const DEFAULT_PLACE = '127.0.0.1:9998'
const PLAIN_MS = 10_000
const JSON_MS = 1000

const flags = {
  'max-connections': integer('<n>', { from: 1, to: 32_768 }, 'More are refused.', 256),
  'secret-file': secretFile,
  json: toggle('Figures as NDJSON.'),
  quiet: toggle('Say nothing.'),
}

/** `spillway gudp-echo`: the other end of `spillway ping`. */
export const gudpEcho = defineCommand({
  summary: 'Answers gudp: each packet and message comes back. For spillway ping.',
  operands: ['[host:port]'],
  description: [
    `Listens at host:port (${DEFAULT_PLACE} unless told; port 0: the system chooses) for gudp connections, and sends back every packet and every message of their`,
    'channels, one reliable and one unreliable. Who listens on other addresses than loopback had better have a secret.',
  ].join(' '),
  flags,
  examples: ['spillway gudp-echo', 'spillway gudp-echo 0.0.0.0:9998 --secret-file secret'],
  exitCodes: [
    ['0', 'SIGINT or SIGTERM has ended it.'],
    ['1', 'Something went wrong that should not have.'],
    ['3', 'It could not start: the port is taken, ...'],
  ],
  run: async (values, [place = DEFAULT_PLACE], host) => {
    const interrupt = new Interrupt()
    const report = new EchoReport((text) => paintFor(host.stdout, process.env)('bold', text))
    const daemon = await starting(GudpDaemon.start({ maxConnections: values['max-connections'] }))
    const voice = voiceFor(host.stdout, values)
    const progress = new Progress(voice, host.stdout, voice === 'json' ? JSON_MS : PLAIN_MS, report)
    try {
      const listener = await starting(
        daemon.listen({
          ...parseEndpoint(place, 0),
          ...given({ secure: secureOf(values['secret-file']) }),
          congestion: 'none',
          onConnection: (connection) => void echo(connection, report, progress),
        }),
      )
      const { address, port } = listener.address()
      progress.note(`listening on ${renderEndpoint(address, port)}`)
      progress.record({ kind: 'listening', address, port })
      if (!interrupt.signal.aborted)
        await new Promise((resolve) => interrupt.signal.addEventListener('abort', resolve, { once: true }))
    } finally {
      progress.stop()
      await daemon.stop()
      interrupt.end()
    }
    progress.record(report.json())
    if (voice === 'live' || voice === 'plain') host.stdout.write(`${report.live().join('\n')}\n`)
    return exitCode.ok
  },
})

async function echo(connection: GudpConnection, report: EchoReport, progress: Progress): Promise<void> {
  const { peer, messages } = connection
  const place = renderEndpoint(peer.address, peer.port)
  let echoed = 0
  const answered = (bytes: number): void => {
    echoed++
    report.answered(bytes)
  }
  report.connections++
  report.open++
  progress.note(`${place} has connected`)
  progress.record({ kind: 'connected', ...peer })
  try {
    await Promise.all([
      echoPackets(connection, answered),
      echoMessages(messages.reliable, answered),
      echoMessages(messages.unreliable, answered),
    ])
  } catch (error) {
    progress.alert({ message: `${place}: ${messageOf(error)}` })
  }
  report.open--
  const { state } = connection.status
  progress.note(`${place} has gone (${state}): ${counted(echoed, 'answer')}`)
  progress.record({ kind: 'gone', ...peer, state, answers: echoed })
  await connection.close()
}

/** One that finds no room is lost, as on any network. */
async function echoPackets(connection: GudpConnection, answered: (bytes: number) => void): Promise<void> {
  for (let packet = await connection.recv(); packet !== undefined; packet = await connection.recv()) {
    if (connection.send(packet)) answered(packet.length)
  }
}

async function echoMessages(channel: MessageChannel, answered: (bytes: number) => void): Promise<void> {
  for await (const message of channel) {
    if (await channel.sendWhenRoom(message)) answered(message.length)
  }
}

class EchoReport implements Report {
  connections = 0
  open = 0
  readonly #bold: (text: string) => string
  readonly #startedMs = performance.now()
  readonly #rates = new Rates<'answers' | 'bytes'>()
  #answers = 0
  #bytes = 0
  #told = 0

  constructor(bold: (text: string) => string) {
    this.#bold = bold
  }

  answered(bytes: number): void {
    this.#answers++
    this.#bytes += bytes
  }

  live(): string[] {
    const rates = this.#rates.next({ answers: this.#answers, bytes: this.#bytes }, performance.now())
    const figures = [
      seconds(this.#elapsedMs()).padStart(8),
      counted(this.open, 'connection'),
      `${count(this.#answers)} answers`,
      this.#bold(perSecond(rates.answers)),
      `${byteCount(rates.bytes)}/s`,
    ]
    return [figures.join('  ')]
  }

  plain(): string | undefined {
    const [line] = this.live()
    const hasNews = this.#answers !== this.#told
    this.#told = this.#answers
    return hasNews ? line : undefined
  }

  json(): object {
    const { connections, open } = this
    return {
      kind: 'stats',
      elapsedMs: this.#elapsedMs(),
      connections,
      open,
      answers: this.#answers,
      bytes: this.#bytes,
    }
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedMs)
  }
}
