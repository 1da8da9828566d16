import type { LineSplitter, Split } from '../core/line-splitter.ts'
import type { Inflate } from '../ports.ts'
import type { AddressRanges } from './address-ranges.ts'
import type { AlertGate } from './collector-alerts.ts'
import type { Feeds } from './feed.ts'
import { general, tally } from './ledger-tables.ts'
import { placeOf } from './place.ts'
import type { SourceFlow } from './source-flow.ts'
import type { SourceLedger } from './source-ledger.ts'
import {
  type EnvelopeKind,
  endOfLine,
  envelopeOf,
  readCompressed,
  readHeartbeat,
  readSequence,
} from './wire-lines.ts'

/** A compressed line is no longer than this once it is inflated. */
const LONGEST_INFLATED_BYTES = 65535
const NEWLINE = 0x0a

export interface IntakeOptions {
  readonly ledger: SourceLedger
  /** The ledger's general counts. */
  readonly general: Float64Array
  readonly feeds: Feeds
  readonly splitter: LineSplitter
  readonly inflate: Inflate
  readonly alerts: AlertGate
  /** `undefined`: everybody. */
  readonly allow: AddressRanges | undefined
  /** Our own lines go to the sinks, too. */
  readonly keepsHeartbeats: boolean
  /** Whether this datagram is to be lost. */
  isLost(): boolean
}

/**
 * What becomes of a datagram: made to lose? ── allowed? ── whose flow ── our own lines read and taken off ── split into
 * lines ── counted ── offered to the sinks.
 */
export class Intake {
  readonly #options: IntakeOptions
  /** Bursts come from one address: looked up once. */
  #lastAllowed = ''

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Whether a datagram of that address may be looked at at all: if not, it is counted. For who must know before it is taken. */
  admits(address: string, port: number): boolean {
    if (this.#options.isLost()) this.#countGeneral(general.madeToLose)
    else if (!this.#isAllowed(address)) this.#refuse(address, port)
    else return true
    return false
  }

  /** `bytes` are good only during the call. */
  take(bytes: Uint8Array, address: string, port: number): void {
    if (this.admits(address, port)) this.takeAdmitted(bytes, address, port)
  }

  /** The same, of what was admitted before. */
  takeAdmitted(bytes: Uint8Array, address: string, port: number): void {
    this.#datagram(this.#options.ledger.flowOf(address, port), bytes)
  }

  #datagram(flow: SourceFlow, bytes: Uint8Array): void {
    flow.add(tally.datagrams, 1)
    flow.add(tally.bytes, bytes.length)
    if (bytes.length === 0) flow.add(tally.empty, 1)
    else this.#read[envelopeOf(bytes)](flow, bytes)
  }

  readonly #read: Record<EnvelopeKind, (flow: SourceFlow, bytes: Uint8Array) => void> = {
    lines: (flow, bytes) => this.#lines(flow, bytes, 0),
    heartbeat: (flow, bytes) => this.#heartbeat(flow, bytes),
    sequence: (flow, bytes) => this.#numbered(flow, bytes),
    compressed: (flow, bytes) => this.#compressed(flow, bytes),
  }

  // ---- who -------------------------------------------------------------------------------------------

  #isAllowed(address: string): boolean {
    const { allow } = this.#options
    if (allow === undefined || address === this.#lastAllowed) return true
    if (!allow.has(address)) return false
    this.#lastAllowed = address
    return true
  }

  #refuse(address: string, port: number): void {
    this.#countGeneral(general.refused)
    const source = placeOf({ address, port })
    this.#options.alerts.note('refused', 1, { message: `datagrams from ${source}: not in \`allow\``, source })
  }

  // ---- our own lines ---------------------------------------------------------------------------------

  #heartbeat(flow: SourceFlow, bytes: Uint8Array): void {
    const end = endOfLine(bytes)
    const beat = readHeartbeat(bytes.subarray(0, end))
    if (beat === undefined) {
      flow.add(tally.badHeartbeats, 1)
      this.#tell('bad-heartbeat', 1, flow, 'looks like a heartbeat, and is not one of this version', 0)
      this.#lines(flow, bytes, 0) // it may be somebody's event after all
      return
    }
    this.#options.ledger.heartbeat(flow, beat)
    this.#keep(flow, bytes.subarray(0, end))
    if (end < bytes.length) this.#lines(flow, bytes, end)
  }

  #numbered(flow: SourceFlow, bytes: Uint8Array): void {
    const sequence = readSequence(bytes)
    if (sequence === undefined) this.#lines(flow, bytes, 0)
    else if (this.#options.ledger.sequence(flow, sequence) === 'new') {
      this.#keep(flow, bytes.subarray(0, sequence.end))
      this.#lines(flow, bytes, sequence.end)
    }
  }

  /** Our own lines have been read; the sinks get them if asked for. */
  #keep(flow: SourceFlow, line: Uint8Array): void {
    const isWhole = line.at(-1) === NEWLINE
    if (this.#options.keepsHeartbeats && isWhole) this.#options.feeds.offer(flow, line, 1)
  }

  #compressed(flow: SourceFlow, bytes: Uint8Array): void {
    const compressed = readCompressed(bytes)
    const line =
      compressed && this.#options.inflate(compressed.codec, compressed.body, LONGEST_INFLATED_BYTES)
    if (line !== undefined) this.#lines(flow, line, 0)
    else {
      flow.add(tally.badMetadata, 1)
      flow.arrived(1)
      this.#tell('bad-metadata', 1, flow, 'compressed metadata that cannot be inflated, or not to 64 KiB', 0)
    }
  }

  // ---- lines -----------------------------------------------------------------------------------------

  #lines(flow: SourceFlow, bytes: Uint8Array, from: number): void {
    const { splitter, feeds } = this.#options
    const split = splitter.split(bytes, from)
    const { lines, blank, invalidUtf8, truncated } = split
    flow.add(tally.received, lines)
    flow.arrived(lines + blank + invalidUtf8 + truncated)
    if (lines > 0) feeds.offer(flow, split.bytes, lines)
    if (blank > 0) flow.add(tally.blank, blank)
    if (invalidUtf8 + truncated > 0) this.#bad(flow, bytes, split)
  }

  #bad(flow: SourceFlow, bytes: Uint8Array, { invalidUtf8, truncated, firstBadOffset }: Split): void {
    if (invalidUtf8 > 0) {
      flow.add(tally.invalidUtf8, invalidUtf8)
      this.#tell('invalid-utf8', invalidUtf8, flow, 'not UTF-8', firstBadOffset)
    }
    if (truncated > 0) {
      flow.add(tally.truncated, truncated)
      this.#tell('truncated', truncated, flow, 'cut off', bytes.lastIndexOf(NEWLINE) + 1)
    }
  }

  // ---- telling ---------------------------------------------------------------------------------------

  #tell(
    kind: 'invalid-utf8' | 'truncated' | 'bad-heartbeat' | 'bad-metadata',
    count: number,
    flow: SourceFlow,
    what: string,
    offset: number,
  ): void {
    const source = placeOf(flow)
    const datagram = flow.counts[tally.datagrams]!
    const message = `${what}: datagram ${datagram} of ${source}, at byte ${offset}`
    this.#options.alerts.note(kind, count, { message, source, datagram, offset })
  }

  #countGeneral(index: number): void {
    this.#options.general[index]! += 1
  }
}
