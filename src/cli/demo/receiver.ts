import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CollectorStats } from '../../node/collector.ts'
import type { ReceiverFigures } from './view.ts'

export interface ReceiverSettings {
  readonly self: URL
  readonly path: string
  /** 0: the system chooses. */
  readonly port: number
  /** Of a hundred datagrams. */
  readonly lose: number | undefined
  readonly seed: number
  /** Its life ends then, whatever becomes of us. */
  readonly longestSeconds: number
}

/** What `spillway collect --json` tells. */
type Told =
  | { readonly kind: 'listening'; readonly port: number }
  | ({ readonly kind: 'stats' | 'ledger' } & CollectorStats)

const REPORT_SECONDS = 0.1

/** `spillway collect` in a process of its own, which can be killed. */
export class Receiver {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #problems: string[] = []
  #stats: CollectorStats | undefined
  #port = 0
  #onTold: () => void = () => {}

  private constructor(settings: ReceiverSettings) {
    const args = [...process.execArgv, fileURLToPath(settings.self), ...argumentsFor(settings)]
    // A group of its own: an interrupt from the terminal is ours, and it goes on until we stop it.
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    const closed = once(this.#child, 'close')
    this.#exited = closed.catch(() => {})
    const kill = () => this.#child.kill('SIGKILL')
    process.on('exit', kill)
    this.#exited.then(() => {
      process.off('exit', kill)
      this.#onTold()
    })
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.#hear(line))
  }

  /** Resolves when it listens. */
  static async start(settings: ReceiverSettings): Promise<Receiver> {
    const receiver = new Receiver(settings)
    while (receiver.#port === 0 && !receiver.hasEnded) await receiver.nextReport()
    if (receiver.#port === 0) throw new Error(`the receiver did not start: ${receiver.#problems.join('; ')}`)
    return receiver
  }

  get port(): number {
    return this.#port
  }

  get pid(): number {
    return this.#child.pid!
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  get figures(): ReceiverFigures {
    if (this.#stats === undefined) return { received: 0, written: 0, lost: 0, notWritten: 0 }
    const { totals, sinks } = this.#stats
    const { handed, dropped, failed } = sinks[0]!
    // The heartbeats that it keeps for the file are nobody's events.
    const written = Math.max(0, handed - totals.heartbeats)
    return { received: totals.received, written, lost: totals.lost, notWritten: dropped + failed }
  }

  /** How many events the exporter says it has sent, by its latest heartbeat that has come. */
  sentBy(exporter: string): number {
    return this.#stats?.sources.find(({ id }) => id === exporter)?.told?.sent ?? 0
  }

  /** Until it tells something, or has ended. */
  nextReport(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTold = resolve
      if (this.hasEnded) resolve()
    })
  }

  /** It has no time for anything. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** It writes what it has, and tells its last figures. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }

  #hear(line: string): void {
    if (!line.startsWith('{')) {
      this.#problems.push(line)
      return
    }
    const told = JSON.parse(line) as Told
    if (told.kind === 'listening') this.#port = told.port
    else this.#stats = told
    this.#onTold()
  }
}

function argumentsFor({ path, port, lose, seed, longestSeconds }: ReceiverSettings): string[] {
  const flags = {
    port,
    out: path,
    'rotate-bytes': 0,
    'stats-every': REPORT_SECONDS,
    for: longestSeconds,
    ...(lose !== undefined && { lose, seed }),
  }
  const pairs = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
  return ['collect', '--json', '--heartbeats', ...pairs]
}
