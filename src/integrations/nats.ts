/**
 * `spillway/nats`: a sink of the collector that stores lines in a NATS JetStream stream.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { StreamConfig } from '@nats-io/jetstream'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { checkInteger, integerOption, invalid } from '../core/check.ts'
import { messageOf, SpillwayError } from '../core/errors.ts'
import type { Lines } from '../net/lines.ts'
import { PartlyWritten, type Sink, type SinkContext } from '../net/sink.ts'
import { Link } from './nats/link.ts'
import { type Message, MessageMaker } from './nats/message.ts'
import { Publisher } from './nats/publisher.ts'
import { linesOf, Spool } from './nats/spool.ts'

/** Which servers, which stream, and how much may be on its way. */
export interface JetStreamSinkOptions {
  /** `'nats://127.0.0.1:4222'`, or several of a cluster. Default: this machine. */
  servers?: string | string[]
  /** The stream's name. */
  stream: string
  /** Default: `<stream>.lines`. `{source}` in it stands for the exporter's name, or the address, that lines came from. */
  subject?: string
  /** A stream that is not there is made, with this beside its name and subject. `false`: it has to be there. Default `{}`: file storage, no limits. */
  create?: Partial<StreamConfig> | false
  /** Default 100. */
  linesPerMessage?: number
  /** Default 65536; never more than the server takes. */
  messageBytes?: number
  /** Messages that may be under way without their acknowledgement. Default 64. */
  inFlight?: number
  /** A message that is not acknowledged by then is sent again. Default 5000. */
  ackTimeoutMs?: number
  /** Credentials, TLS and all else that the NATS client's `connect` takes. */
  connect?: NodeConnectionOptions
  /** Where lines go while NATS cannot be reached, when the sink's ring is not to lose them: a folder of this collector's own. Default: nowhere. */
  spool?: { dir: string; maxBytes?: number }
  /** Default `'nats'`. */
  name?: string
}

/** Lines: `stored` are acknowledged, by the server, `spooled` are in the folder. Of messages: the rest. */
export interface JetStreamSinkStats {
  readonly stored: number
  readonly spooled: number
  /** Found in the folder at the start. */
  readonly recovered: number
  /** Longer than a message may be; and of messages that the server refuses and always will. */
  readonly tooLong: number
  readonly refused: number
  readonly messages: number
  /** That the server knew already: they are there once. */
  readonly duplicates: number
  readonly retries: number
  readonly reconnects: number
}

/** Lines to a stream of JetStream, each acknowledged by the server before it counts as handed on. */
export function jetStreamSink(options: JetStreamSinkOptions): Sink & { stats(): JetStreamSinkStats } {
  return new JetStreamSink(check(options))
}

type Checked = Required<Omit<JetStreamSinkOptions, 'spool' | 'create' | 'servers'>> & {
  readonly create: Partial<StreamConfig> | undefined
  readonly spool: { readonly dir: string; readonly maxBytes: number } | undefined
}

/** The protocol's own lines around a payload: subject, headers, sizes. */
const AROUND_PAYLOAD = 512
const SPOOL_BYTES = 1024 * 2 ** 20

class JetStreamSink implements Sink {
  readonly name: string
  readonly #options: Checked
  readonly #stop = new AbortController()
  readonly #maker: MessageMaker
  #link: Link | undefined
  #publisher: Publisher | undefined
  #spool: Spool | undefined
  #draining: Promise<void> = Promise.resolve()
  #closing: AbortSignal = this.#stop.signal
  #recovered = 0
  #tooLong = 0

  constructor(options: Checked) {
    this.name = options.name
    this.#options = options
    this.#maker = new MessageMaker({ ...options, run: randomBytes(8).toString('hex') })
  }

  async open({ report, closing }: SinkContext): Promise<void> {
    const { stream, subject, create, connect, inFlight, ackTimeoutMs } = this.#options
    this.#closing = closing
    // Each message that waits listens to both: as many as the window has.
    setMaxListeners(0, closing, this.#stop.signal)
    this.#spool = await this.#openSpool()
    const subjects = subject.replaceAll('{source}', '*')
    const link = await Link.open({ connect, stream, subjects, create, report })
    this.#link = link
    this.#publisher = new Publisher({ link, inFlight, ackTimeoutMs, report })
    if (this.#spool !== undefined)
      this.#draining = this.#drain(this.#spool).catch((error) =>
        report(`the spool cannot be read: ${messageOf(error)}`),
      )
  }

  async write(lines: Lines): Promise<void> {
    const publisher = this.#publisher!
    const { messages, tooLong } = this.#maker.make(lines, this.#mostBytes())
    this.#tooLong += tooLong
    const refusedBefore = publisher.counts.refused
    const spool = this.#spool
    if (spool === undefined) {
      const left = linesOf(await publisher.publish(messages, this.#closing))
      return this.#answer(lines.count, left, publisher.counts.refused - refusedBefore + tooLong)
    }
    // What comes goes behind what waits, and is not waited for where there is a folder for it.
    const goesOut = spool.isEmpty && this.#link!.isReady
    const left = goesOut ? await publisher.publish(messages, this.#closing, { triesOnce: true }) : messages
    const refused = goesOut ? publisher.counts.refused - refusedBefore : 0
    return this.#answer(lines.count, linesOf(await this.#keep(spool, left)), refused + tooLong)
  }

  #answer(lines: number, left: number, refused: number): void {
    if (left + refused === 0) return
    const why = [
      ...(left > 0 ? [`${left} lines could not be stored before the collector closed`] : []),
      ...(refused > 0 ? [`${refused} lines are longer than a message may be, or refused by the server`] : []),
    ]
    throw new PartlyWritten(lines - left - refused, new SpillwayError('ERR_SINK', why.join('; ')))
  }

  /** What is in the spool is stored, if there is a server; else it stays there. */
  async flush(): Promise<void> {
    const [spool, link] = [this.#spool, this.#link]
    if (spool === undefined || link === undefined) return
    while (!spool.isEmpty && link.isReady && !this.#stop.signal.aborted) {
      const settled = new AbortController()
      await Promise.race([spool.changed(settled.signal), link.lost(settled.signal)])
      settled.abort()
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#draining
    await this.#spool?.close()
    await this.#link?.close()
  }

  stats(): JetStreamSinkStats {
    const counts = this.#publisher?.counts ?? {
      stored: 0,
      refused: 0,
      messages: 0,
      duplicates: 0,
      retries: 0,
    }
    return {
      ...counts,
      spooled: this.#spool?.lines ?? 0,
      recovered: this.#recovered,
      tooLong: this.#tooLong,
      reconnects: this.#link?.reconnects ?? 0,
    }
  }

  async #openSpool(): Promise<Spool | undefined> {
    const { spool } = this.#options
    if (spool === undefined) return undefined
    try {
      const opened = await Spool.open(spool)
      this.#recovered = opened.lines
      return opened
    } catch (cause) {
      throw new SpillwayError(
        'ERR_SINK',
        `the spool '${spool.dir}' cannot be used (${messageOf(cause)}): give a folder that this program may write to`,
        { cause },
      )
    }
  }

  /** A server says what it takes when it is there. */
  #mostBytes(): number {
    const most = (this.#link!.maxPayload ?? Number.POSITIVE_INFINITY) - AROUND_PAYLOAD
    return Math.min(this.#options.messageBytes, most)
  }

  /** Waits for room, unless the collector is closing. Answers what there was no room for. */
  async #keep(spool: Spool, messages: readonly Message[]): Promise<readonly Message[]> {
    let left = messages
    while (left.length > 0) {
      left = left.slice(await spool.append(left))
      if (left.length === 0 || this.#closing.aborted) break
      await spool.changed(this.#closing)
    }
    return left
  }

  /** From the folder to the stream, as long as there is a server; a file is gone when the last of it is acknowledged. */
  async #drain(spool: Spool): Promise<void> {
    const stop = this.#stop.signal
    let left: readonly Message[] = []
    while (!stop.aborted) {
      if (spool.isEmpty) await spool.changed(stop)
      await this.#link!.ready(stop)
      if (stop.aborted || spool.isEmpty) continue
      if (left.length === 0) left = await spool.oldest()
      const before = linesOf(left)
      left = await this.#publisher!.publish(left, stop)
      spool.lines -= before - linesOf(left)
      if (left.length === 0) await spool.dropOldest()
    }
  }
}

function check(options: JetStreamSinkOptions): Checked {
  if (typeof options !== 'object' || options === null)
    throw invalid("jetStreamSink takes an object: { stream: 'EVENTS' }")
  const { stream, servers, create = {}, spool, connect = {}, name = 'nats' } = options
  if (typeof stream !== 'string' || !/^[^\s.*>/\\]+$/.test(stream))
    throw invalid(`stream must be a name without spaces, dots, slashes and wildcards, not ${String(stream)}`)
  const subject = options.subject ?? `${stream}.lines`
  if (typeof subject !== 'string' || !/^[^\s*>]+$/.test(subject) || /^\.|\.\.|\.$/.test(subject))
    throw invalid(`subject must be tokens with dots between them, no wildcards, not ${String(subject)}`)
  if (spool !== undefined && (typeof spool?.dir !== 'string' || spool.dir === ''))
    throw invalid("spool takes a folder: { dir: '/var/spool/spillway' }")
  return {
    stream,
    subject,
    name,
    create: create === false ? undefined : create,
    connect: servers === undefined ? connect : { ...connect, servers },
    linesPerMessage: integerOption(options, 'linesPerMessage', 100, 1, 1_000_000),
    messageBytes: integerOption(options, 'messageBytes', 65_536, 1024, 2 ** 26),
    inFlight: integerOption(options, 'inFlight', 64, 1, 65_536),
    ackTimeoutMs: integerOption(options, 'ackTimeoutMs', 5000, 1, 0x7fffffff),
    spool: spool && {
      dir: spool.dir,
      maxBytes: checkInteger('spool.maxBytes', spool.maxBytes ?? SPOOL_BYTES, 2 ** 16, 2 ** 50),
    },
  }
}
