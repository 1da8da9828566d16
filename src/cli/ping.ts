import { SpillwayError } from '../core/errors.ts'
import { type GudpConnection, GudpDaemon } from '../node/gudp.ts'
import { type CommandHost, defineCommand } from './command.ts'
import { parseEndpoint, renderEndpoint } from './endpoint.ts'
import { CommandFailure, exitCode, starting } from './exit.ts'
import { given, integer, number, toggle, type Values } from './flags.ts'
import { secretFile, secureOf } from './gudp-flags.ts'
import { Interrupt } from './interrupt.ts'
import { RoundTrips, renderSummary } from './ping/round-trips.ts'

const flags = {
  count: integer('<n>', { from: 1 }, 'Stop after so many. Default: until it is stopped.', undefined),
  interval: number('<ms>', { from: 1, to: 3_600_000 }, 'From one to the next.', 1000),
  size: integer('<bytes>', { from: 8, to: 32_000 }, 'Of each packet.', 64),
  timeout: number('<ms>', { from: 1, to: 3_600_000 }, 'One that is not answered in this time is lost.', 2000),
  'secret-file': secretFile,
  json: toggle('Each as NDJSON.'),
  quiet: toggle('Only the figures at the end.'),
}

type PingValues = Values<typeof flags>

/** `spillway ping`: how long the way is, and how much is lost on it. */
export const ping = defineCommand({
  summary: 'Measures round trips and loss over gudp, against spillway gudp-echo.',
  operands: ['<host:port>'],
  description: [
    'Connects to host:port, where spillway gudp-echo runs, sends packets, and says for each how long its answer took.',
    'At the end (--count, or Ctrl-C) there is the sum: how many were lost, and how long the others took. A packet is sent once: what is lost on the way is lost.',
  ].join('\n'),
  flags,
  examples: [
    'spillway ping 10.0.0.7:9998 --count 10',
    'spillway ping --interval 20 --size 1200 --quiet 10.0.0.7:9998',
  ],
  exitCodes: [
    ['0', 'An answer came.'],
    ['1', 'None did.'],
    ['3', 'It could not start: the host has no address, for instance.'],
  ],
  run: async (values, [place], host) => {
    const interrupt = new Interrupt()
    const daemon = await starting(GudpDaemon.start({ maxConnections: 1 }))
    try {
      const connection = await connect(daemon, place!, values)
      return await new Pinging(connection, values, host, interrupt.signal).run()
    } finally {
      await daemon.stop()
      interrupt.end()
    }
  },
})

/** What speaks of whoever should answer: then no answer came. */
const NO_ANSWER: readonly string[] = ['ECONNREFUSED', 'ETIMEDOUT', 'EACCES', 'EPROTO', 'EPROTONOSUPPORT']

async function connect(daemon: GudpDaemon, place: string, values: PingValues): Promise<GudpConnection> {
  const connecting = daemon.connect({
    ...parseEndpoint(place),
    ...given({ secure: secureOf(values['secret-file']) }),
    congestion: 'none', // it goes as fast as it was told to
  })
  try {
    return await connecting
  } catch (error) {
    if (error instanceof SpillwayError && NO_ANSWER.includes(error.code))
      throw new CommandFailure(exitCode.failed, error.message)
    return starting(connecting)
  }
}

class Pinging {
  readonly #connection: GudpConnection
  readonly #values: PingValues
  readonly #host: CommandHost
  readonly #trips = new RoundTrips()
  readonly #startedMs = performance.now()
  readonly #place: string
  #isOver = false
  #wake: () => void = () => {}

  constructor(connection: GudpConnection, values: PingValues, host: CommandHost, signal: AbortSignal) {
    this.#connection = connection
    this.#values = values
    this.#host = host
    this.#place = renderEndpoint(connection.peer.address, connection.peer.port)
    signal.addEventListener('abort', () => this.#end(), { once: true })
    if (signal.aborted) this.#end()
  }

  async run(): Promise<number> {
    const receiving = this.#receive()
    await this.#send()
    await this.#waitForRest()
    const { state } = this.#connection.status
    await this.#connection.close()
    await receiving
    this.#tellEnd(state)
    return this.#trips.answered > 0 ? exitCode.ok : exitCode.failed
  }

  async #send(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, interval, size } = this.#values
    for (let n = 0; n < count && !this.#isOver; n++) {
      await this.#until(this.#startedMs + n * interval)
      if (this.#isOver) return
      this.#connection.send(this.#trips.next(size, performance.now()))
      this.#tellLost()
    }
  }

  async #waitForRest(): Promise<void> {
    const untilMs = performance.now() + this.#values.timeout
    while (this.#trips.waiting > 0 && !this.#isOver && performance.now() < untilMs) await this.#until(untilMs)
    this.#tellLost()
  }

  async #receive(): Promise<void> {
    const connection = this.#connection
    for (let packet = await connection.recv(); packet !== undefined; packet = await connection.recv()) {
      const trip = this.#trips.came(packet, performance.now())
      if (trip === undefined) continue
      const ms = trip.ms.toFixed(2)
      this.#say(`${packet.length} bytes from ${this.#place}: seq=${trip.seq} time=${ms} ms`, {
        kind: 'answer',
        bytes: packet.length,
        ...trip,
      })
      if (this.#trips.waiting === 0) this.#wake()
    }
    this.#end()
  }

  #tellLost(): void {
    for (const seq of this.#trips.expire(performance.now() - this.#values.timeout))
      this.#say(`no answer from ${this.#place}: seq=${seq}`, { kind: 'lost', seq })
  }

  #tellEnd(state: string): void {
    const { stdout } = this.#host
    const elapsedMs = performance.now() - this.#startedMs
    if (state !== 'open' && !this.#values.json) stdout.write(`the connection is over: ${state}\n`)
    if (!this.#values.json) stdout.write(renderSummary(this.#trips, this.#place, elapsedMs))
    else stdout.write(`${JSON.stringify({ kind: 'summary', elapsedMs, state, ...this.#trips.summary() })}\n`)
  }

  #say(line: string, record: object): void {
    if (this.#values.json) this.#host.stdout.write(`${JSON.stringify(record)}\n`)
    else if (!this.#values.quiet) this.#host.stdout.write(`${line}\n`)
  }

  /** Or until it is over, or something has happened. */
  async #until(timeMs: number): Promise<void> {
    const waitMs = timeMs - performance.now()
    if (waitMs <= 0 || this.#isOver) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #end(): void {
    this.#isOver = true
    this.#wake()
  }
}
