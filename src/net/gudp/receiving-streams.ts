import type { LanePipe } from '../../core/lane-pipe.ts'
import type { Clock } from '../../ports.ts'
import type { Daemon } from './daemon.ts'
import { LANE } from './gudp-stream.ts'
import type { Session } from './session.ts'
import { type Hello, readHello, welcomeLine } from './stream-lines.ts'

/** Messages of one connection that are taken before the others, and the sockets, have their turn. */
const TURN = 256

/** An exporter's messages, over one connection after the other: where its first one came from, and which is wanted next. */
interface Stream {
  readonly address: string
  readonly port: number
  next: number
  connection: Connection | undefined
}

interface Connection {
  readonly session: Session
  readonly pipe: LanePipe
  stream: Stream | undefined
  isWaiting: boolean
}

export interface ReceivingStreamsOptions {
  readonly daemon: Daemon
  readonly clock: Clock
  /** Streams that are remembered when their connection has ended. */
  readonly most: number
  /** `bytes` are good only during the call. */
  take(bytes: Uint8Array, address: string, port: number): void
}

/**
 * What comes over gudp's connections, as if it were datagrams. An exporter that has lost its connection is told up to where its stream has come, so that
 * nothing is there twice, and it goes on being the same source.
 */
export class ReceivingStreams {
  /** Connections that took over a stream, and streams that began in the middle: this collector does not know their beginning. */
  resumed = 0
  unknown = 0
  readonly #options: ReceivingStreamsOptions
  /** By name, the one that was heard last at the end. */
  readonly #streams = new Map<string, Stream>()

  constructor(options: ReceivingStreamsOptions) {
    this.#options = options
  }

  /** Of a new connection. */
  accept(session: Session): void {
    const { machine } = session
    const pipe = machine.pipe(LANE)
    const connection: Connection = { session, pipe, stream: undefined, isWaiting: false }
    session.handlers = {
      onReceived: () => this.#receive(connection),
      onEnd: () => this.#ended(connection),
    }
    this.#receive(connection)
  }

  #receive(connection: Connection): void {
    // One that is over is given back as soon as this returns.
    const turn = connection.session.end === undefined ? TURN : Number.POSITIVE_INFINITY
    for (let taken = 0; taken < turn; taken++) {
      const bytes = connection.pipe.receive()
      if (bytes === undefined) return
      this.#take(connection, bytes)
    }
    this.#goOnLater(connection)
  }

  #goOnLater(connection: Connection): void {
    if (connection.isWaiting) return
    connection.isWaiting = true
    this.#options.clock.soon(() => {
      connection.isWaiting = false
      if (connection.session.end !== undefined) return
      this.#receive(connection)
      this.#options.daemon.pump(connection.session) // there is room: the exporter is told
    })
  }

  #take(connection: Connection, bytes: Uint8Array): void {
    if (connection.stream === undefined) {
      const hello = readHello(bytes)
      connection.stream = hello === undefined ? streamOf(connection) : this.#join(connection, hello)
      if (hello !== undefined) return
    }
    const { stream } = connection
    stream.next++
    this.#options.take(bytes, stream.address, stream.port)
  }

  /** The exporter says which stream it is. */
  #join(connection: Connection, { stream: name, from }: Hello): Stream {
    const known = this.#streams.get(name)
    if (known?.connection !== undefined) this.#options.daemon.reset(known.connection.session) // what it has is taken first
    const stream = known ?? { ...streamOf(connection), next: from }
    stream.connection = connection
    // It has given up what is before: that will not come.
    stream.next = Math.max(stream.next, from)
    if (known !== undefined) this.resumed++
    else if (from > 0) this.unknown++
    this.#remember(name, stream)
    connection.pipe.trySend(welcomeLine({ stream: name, next: stream.next, known: known !== undefined }))
    return stream
  }

  #remember(name: string, stream: Stream): void {
    this.#streams.delete(name)
    this.#streams.set(name, stream)
    if (this.#streams.size <= this.#options.most) return
    for (const [other, { connection }] of this.#streams) {
      if (connection !== undefined) continue
      this.#streams.delete(other)
      return
    }
  }

  #ended(connection: Connection): void {
    const { stream } = connection
    if (stream?.connection === connection) stream.connection = undefined
  }
}

/** Of nobody that says a name: its connection is all there is. */
function streamOf(connection: Connection): Stream {
  const { address, port } = connection.session.path.place
  return { address, port, next: 0, connection }
}
