import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { onTestFinished } from 'vitest'
import { Program, startServer } from '../net/programs/program.ts'

/** A real `nats-server` with JetStream, on files of its own. Ends with the test. */
export class NatsServer {
  readonly port: number
  readonly #dir: string
  readonly #args: readonly string[]
  readonly #tls: { caFile: string } | undefined
  #program: Program

  private constructor(
    dir: string,
    args: readonly string[],
    program: Program,
    port: number,
    tls: { caFile: string } | undefined,
  ) {
    this.#tls = tls
    this.#dir = dir
    this.#args = args
    this.#program = program
    this.port = port
  }

  /** `config`: lines of its configuration file, beside those that say where. */
  static async start(
    config = '',
    { hasJetStream = true, tls }: { hasJetStream?: boolean; tls?: { caFile: string } } = {},
  ): Promise<NatsServer> {
    const dir = mkdtempSync(join(tmpdir(), 'spillway-nats-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
    const file = join(dir, 'nats.conf')
    writeFileSync(file, `${config}\n`)
    const store = hasJetStream ? ['-js', '-sd', join(dir, 'store')] : []
    const args = [...store, '-a', '127.0.0.1', '-c', file]
    const { program, port } = await startServer('nats-server', (port) => [...args, '-p', String(port)], READY)
    return new NatsServer(dir, args, program, port, tls)
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  get dir(): string {
    return this.#dir
  }

  /** As at a loss of power: nothing is put away. */
  async kill(): Promise<void> {
    await this.#program.end()
  }

  /** Again, on the same port and files. */
  async restart(): Promise<void> {
    this.#program = new Program('nats-server', [...this.#args, '-p', String(this.port)])
    await this.#program.says(READY)
  }

  async client(options: object = {}): Promise<NatsConnection> {
    const tls = this.#tls === undefined ? {} : { tls: this.#tls }
    const connection = await connect({ servers: this.url, ...tls, ...options })
    onTestFinished(() => connection.close())
    return connection
  }

  /** All that the stream has, as lines. */
  async linesOf(stream: string): Promise<string[]> {
    const connection = await this.client()
    const manager = await jetstreamManager(connection)
    const { state } = await manager.streams.info(stream)
    const lines: string[] = []
    if (state.messages === 0) return lines
    const consumer = await jetstream(connection).consumers.get(stream)
    let left = state.messages
    for await (const message of await consumer.consume({ max_messages: 1000 })) {
      lines.push(...message.string().split('\n').slice(0, -1))
      if (--left === 0) break
    }
    return lines
  }
}

const READY = /Server is ready/
