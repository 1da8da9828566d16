import type { JetStreamClient, StreamConfig } from '@nats-io/jetstream'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { messageOf, SpillwayError } from '../../core/errors.ts'
import { Waiters } from './waiters.ts'

type Jetstream = typeof import('@nats-io/jetstream')
type Transport = typeof import('@nats-io/transport-node')

export interface LinkOptions {
  readonly connect: NodeConnectionOptions
  readonly stream: string
  /** What the stream is to take: with a `*` for every source. */
  readonly subjects: string
  /** `undefined`: the stream has to be there. */
  readonly create: Partial<StreamConfig> | undefined
  report(message: string, code?: string): void
}

const STREAM_NOT_FOUND = 10059
/** Between attempts to reach a server that was not there when we began. */
const RETRY_MS = 1000

/**
 * The connection to the servers, over all that befalls it: ready while it stands and the stream is known to be there.
 */
export class Link {
  readonly #options: LinkOptions
  readonly #libraries: { jetstream: Jetstream; transport: Transport }
  #connection: NatsConnection | undefined
  #client: JetStreamClient | undefined
  #isClosed = false
  #retry: ReturnType<typeof setTimeout> | undefined
  readonly #whenReady = new Waiters()
  readonly #whenLost = new Waiters()
  reconnects = 0

  private constructor(options: LinkOptions, libraries: { jetstream: Jetstream; transport: Transport }) {
    this.#options = options
    this.#libraries = libraries
  }

  /** Rejects with what no waiting mends. A server that is not there is waited for. */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options, await libraries())
    try {
      await link.#connect()
    } catch (error) {
      if (!passes(error)) {
        await link.close()
        throw sinkError(error, options)
      }
      link.#later(error)
    }
    return link
  }

  get isReady(): boolean {
    return this.#client !== undefined
  }

  /** While it is ready. */
  get client(): JetStreamClient | undefined {
    return this.#client
  }

  /** What one message may have; `undefined` while there is no server to ask. */
  get maxPayload(): number | undefined {
    return this.#connection?.info?.max_payload
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.isReady ? Promise.resolve() : this.#whenReady.wait(signal)
  }

  /** Resolves when it is not ready any more. */
  lost(signal: AbortSignal): Promise<void> {
    return this.isReady ? this.#whenLost.wait(signal) : Promise.resolve()
  }

  /** Nobody answers at the subject, though the connection stands: the stream may have gone. */
  doubt(): void {
    const connection = this.#connection
    if (connection === undefined || !this.isReady) return
    this.#drop()
    void this.#check(connection)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retry)
    this.#drop()
    await this.#connection?.close()
  }

  // ---- connecting ----------------------------------------------------------------------------------------

  async #connect(): Promise<void> {
    const connection = await this.#libraries.transport.connect({
      name: 'spillway',
      maxReconnectAttempts: -1,
      ...this.#options.connect,
    })
    if (this.#isClosed) return connection.close()
    this.#connection = connection
    void this.#follow(connection)
    await this.#ensure(connection)
  }

  #later(error: unknown): void {
    if (this.#isClosed) return
    this.#options.report(`NATS is not ready, and is waited for: ${messageOf(error)}`, codeOf(error))
    this.#retry = setTimeout(async () => {
      try {
        await (this.#connection === undefined ? this.#connect() : this.#ensure(this.#connection))
        this.#options.report('NATS is ready')
      } catch (again) {
        this.#later(again)
      }
    }, RETRY_MS)
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        if (this.isReady) this.#options.report('the connection to NATS is lost, and made anew', 'ECONNRESET')
        this.#drop()
      } else if (status.type === 'reconnect') {
        this.reconnects++
        void this.#check(connection)
      } else if (status.type === 'error') this.#options.report(`NATS says: ${messageOf(status.error)}`)
    }
    const why = await connection.closed()
    if (this.#isClosed) return
    // Refused for good, by its credentials for instance: the library gives up then, and we do not.
    this.#drop()
    this.#connection = undefined
    this.#later(why ?? new Error('the connection was closed'))
  }

  async #check(connection: NatsConnection): Promise<void> {
    try {
      await this.#ensure(connection)
    } catch (error) {
      if (!connection.isClosed()) this.#later(error)
    }
  }

  async #ensure(connection: NatsConnection): Promise<void> {
    const { jetstream } = this.#libraries
    const { stream, subjects, create } = this.#options
    const manager = await jetstream.jetstreamManager(connection)
    try {
      const { config } = await manager.streams.info(stream)
      if (!config.subjects?.some((each) => covers(each, subjects))) {
        const its = config.subjects?.join(', ') ?? 'none'
        throw new SpillwayError(
          'ERR_SINK',
          `the stream '${stream}' does not take the subject '${subjects}': it has ${its}; give one of its own as subject, or add it to the stream`,
        )
      }
    } catch (error) {
      if ((error as { code?: unknown }).code !== STREAM_NOT_FOUND) throw error
      if (create === undefined)
        throw new SpillwayError(
          'ERR_SINK',
          `there is no stream '${stream}': make it first, or leave out create: false`,
        )
      await manager.streams.add({ ...create, name: stream, subjects: [subjects] })
    }
    if (this.#isClosed || connection.isClosed()) return
    this.#client = jetstream.jetstream(connection)
    this.#whenReady.wake()
  }

  #drop(): void {
    this.#client = undefined
    this.#whenLost.wake()
  }
}

/** Whether a stream's subject takes all that another one names. */
export function covers(wide: string, narrow: string): boolean {
  const [all, some] = [wide.split('.'), narrow.split('.')]
  for (const [i, token] of all.entries()) {
    if (token === '>') return i < some.length
    if (some[i] === undefined || some[i] === '>' || (token !== '*' && token !== some[i])) return false
  }
  return all.length === some.length
}

async function libraries(): Promise<{ jetstream: Jetstream; transport: Transport }> {
  try {
    const [jetstream, transport] = await Promise.all([
      import('@nats-io/jetstream'),
      import('@nats-io/transport-node'),
    ])
    return { jetstream, transport }
  } catch (cause) {
    throw new SpillwayError(
      'ERR_UNSUPPORTED',
      'the JetStream sink needs the NATS client: npm install @nats-io/transport-node @nats-io/jetstream',
      { cause },
    )
  }
}

const PASSING = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
])
const PASSING_NAMES = new Set([
  'ConnectionError',
  'TimeoutError',
  'ClosedConnectionError',
  'DrainingConnectionError',
])

/** A server that is not there, or is slow. Not: credentials, names that nobody has, a JetStream that is off. */
function passes(error: unknown): boolean {
  const { name = '' } = error as Error
  return PASSING.has(codeOf(error) ?? '') || PASSING_NAMES.has(name)
}

function codeOf(error: unknown): string | undefined {
  for (let at = error as { code?: unknown; cause?: unknown } | undefined; at; at = at.cause as typeof at)
    if (typeof at.code === 'string') return at.code
  return undefined
}

function sinkError(error: unknown, { stream }: LinkOptions): SpillwayError {
  if (error instanceof SpillwayError) return error
  const { name } = error as Error
  const advice =
    name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError'
      ? 'check the credentials'
      : name === 'JetStreamNotEnabled'
        ? 'start nats-server with -js'
        : 'check the servers, and what the account may do'
  return new SpillwayError(
    'ERR_SINK',
    `lines cannot be stored in the stream '${stream}' (${messageOf(error)}): ${advice}`,
    { cause: error },
  )
}
