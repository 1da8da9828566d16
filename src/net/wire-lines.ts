/**
 * The lines of our own on the wire, as docs/wire.md has them: built here for the exporter, recognised and read here for the
 * collector, so that both sides have one definition.
 *
 * @module
 */

export const METADATA_PREFIX = '{"event":"agent_init",'
export const HEARTBEAT_PREFIX = '{"event":"spillway.stats",'
export const SEQUENCE_PREFIX = '{"spillway":"'
/** `\0SPL`: compressed metadata follows, a codec byte first. */
export const COMPRESSED_PREFIX = '\0SPL'

/** Of the format of heartbeats. */
export const WIRE_VERSION = 1

/** An exporter's name: 64 random bits. */
const SOURCE_DIGITS = 16
/** Those of the greatest safe integer. */
const COUNT_DIGITS = 16
/** Ours are a quarter of it; what is longer is not one. */
const LONGEST_HEARTBEAT = 4096
/** What a heartbeat may name; the rest is summed up as `other`. */
const MOST_REASONS = 24
const LONGEST_REASON = 24

/** What an exporter tells of itself: all its flows together. */
export interface ExporterCounts {
  readonly offered: number
  readonly sent: number
  readonly inRing: number
  readonly dropped: number
  readonly droppedBy: Readonly<Record<string, number>>
}

export interface Heartbeat extends ExporterCounts {
  readonly source: string
  readonly flow: number
  readonly seq: number
  /** Both by the exporter's clock, ISO 8601. */
  readonly time: string
  readonly started: string
  readonly last: boolean
  /** Sent on this flow before this heartbeat. */
  readonly lines: number
  readonly datagrams: number
  readonly bytes: number
}

// ---- building ------------------------------------------------------------------------------------------

export function heartbeatLine(fields: Heartbeat): string {
  const { droppedBy, ...rest } = fields
  const body = JSON.stringify({ v: WIRE_VERSION, ...rest, dropped_by: droppedBy })
  return `${HEARTBEAT_PREFIX}${body.slice(1)}\n`
}

/** Every sequence line is that long: the number is followed by spaces, so that its place can be kept free. */
export const sequenceBytes: number = `${SEQUENCE_PREFIX}","d":}\n`.length + SOURCE_DIGITS + COUNT_DIGITS

export function sequenceLine(source: string, d: number): string {
  return `${SEQUENCE_PREFIX}${source}","d":${String(d).padEnd(COUNT_DIGITS)}}\n`
}

/** Writes the line to the first `sequenceBytes` of `head`. */
export function writeSequenceLine(head: Uint8Array, source: string, d: number): void {
  const line = sequenceLine(source, d)
  for (let i = 0; i < sequenceBytes; i++) head[i] = line.charCodeAt(i)
}

// ---- recognising ---------------------------------------------------------------------------------------

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

const heartbeatPrefix = bytesOf(HEARTBEAT_PREFIX)
const sequencePrefix = bytesOf(SEQUENCE_PREFIX)
const compressedPrefix = bytesOf(COMPRESSED_PREFIX)

const NEWLINE = 0x0a
const SPACE = 0x20
const QUOTE = 0x22
const ZERO = 0x30
const BRACE = 0x7d

export type EnvelopeKind = 'heartbeat' | 'sequence' | 'compressed' | 'lines'

/** What a datagram begins with: something of ours, or just lines. Those cost it a few bytes to tell. */
export function envelopeOf(bytes: Uint8Array): EnvelopeKind {
  if (startsWith(bytes, sequencePrefix)) return 'sequence'
  if (startsWith(bytes, heartbeatPrefix)) return 'heartbeat'
  return startsWith(bytes, compressedPrefix) ? 'compressed' : 'lines'
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false
  return true
}

/** What metadata may be compressed with: their place is the byte behind the prefix. */
const codecs = [undefined, 'deflate', 'brotli'] as const
export type Codec = Exclude<(typeof codecs)[number], undefined>

export interface Compressed {
  readonly codec: Codec
  readonly body: Uint8Array
}

/** The datagram for a line that has been compressed. */
export function compressedDatagram(codec: Codec, body: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(compressedPrefix.length + 1 + body.length)
  datagram.set(compressedPrefix)
  datagram[compressedPrefix.length] = codecs.indexOf(codec)
  datagram.set(body, compressedPrefix.length + 1)
  return datagram
}

/** What stands behind the prefix, if the codec is one that we know. */
export function readCompressed(bytes: Uint8Array): Compressed | undefined {
  const codec = codecs[bytes[compressedPrefix.length] ?? 0]
  return codec === undefined ? undefined : { codec, body: bytes.subarray(compressedPrefix.length + 1) }
}

/** Where the first line's successor begins. */
export function endOfLine(bytes: Uint8Array): number {
  const newline = bytes.indexOf(NEWLINE)
  return newline < 0 ? bytes.length : newline + 1
}

// ---- reading -------------------------------------------------------------------------------------------

export interface Sequence {
  readonly source: string
  readonly d: number
  /** Where the lines after it begin. */
  readonly end: number
}

/** By hand: it comes with every datagram. */
export function readSequence(bytes: Uint8Array): Sequence | undefined {
  const from = SEQUENCE_PREFIX.length
  const end = endOfLine(bytes)
  if (end > sequenceBytes || bytes[end - 1] !== NEWLINE) return undefined
  const source = readSource(bytes, from)
  let at = from + SOURCE_DIGITS
  if (source === undefined || !startsWith(bytes.subarray(at), dField)) return undefined
  at += dField.length
  const first = at
  let d = 0
  for (; isDigit(bytes[at]); at++) d = d * 10 + (bytes[at]! - ZERO)
  if (at === first || !Number.isSafeInteger(d)) return undefined
  while (bytes[at] === SPACE) at++
  return bytes[at] === BRACE && at + 2 === end ? { source, d, end } : undefined
}

const dField = bytesOf('","d":')

function readSource(bytes: Uint8Array, from: number): string | undefined {
  let source = ''
  for (let i = from; i < from + SOURCE_DIGITS; i++) {
    const byte = bytes[i]
    if (!isHexDigit(byte)) return undefined
    source += String.fromCharCode(byte!)
  }
  return bytes[from + SOURCE_DIGITS] === QUOTE ? source : undefined
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
const isHexDigit = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && byte >= 0x61 && byte <= 0x66)

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The heartbeat in one line; `undefined` when it is not one of this version, or not one at all. */
export function readHeartbeat(line: Uint8Array): Heartbeat | undefined {
  if (line.length > LONGEST_HEARTBEAT) return undefined
  let fields: unknown
  try {
    fields = JSON.parse(decoder.decode(line))
  } catch {
    return undefined
  }
  return typeof fields === 'object' && fields !== null
    ? checkHeartbeat(fields as Record<string, unknown>)
    : undefined
}

/** Nothing of what came from the network is taken as it is: shape, range and number of everything is checked. */
function checkHeartbeat(given: Record<string, unknown>): Heartbeat | undefined {
  const counts = ['flow', 'seq', 'lines', 'datagrams', 'bytes', 'offered', 'sent', 'inRing', 'dropped']
  if (given.v !== WIRE_VERSION || !counts.every((name) => isCount(given[name]))) return undefined
  const { source, last, time, started } = given
  if (typeof source !== 'string' || !/^[0-9a-f]{16}$/.test(source) || typeof last !== 'boolean')
    return undefined
  if (!isTime(time) || !isTime(started)) return undefined
  const droppedBy = checkReasons(given.dropped_by)
  if (droppedBy === undefined) return undefined
  const checked = { source, last, time, started, droppedBy } as Record<string, unknown>
  for (const name of counts) checked[name] = given[name]
  return checked as unknown as Heartbeat
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 40 && !Number.isNaN(Date.parse(value))

function checkReasons(given: unknown): Record<string, number> | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined
  const reasons = new Reasons()
  for (const [reason, count] of Object.entries(given)) {
    if (!isCount(count)) return undefined
    reasons.add(/^[A-Za-z]\w*$/.test(reason) && reason.length <= LONGEST_REASON ? reason : 'other', count)
  }
  return reasons.toObject()
}

/** Counts by reason, and no more reasons than a line has room for: those beyond are summed up as `other`. */
export class Reasons {
  readonly #counts: Map<string, number>

  constructor(counts: Readonly<Record<string, number>> = {}) {
    this.#counts = new Map(Object.entries(counts))
  }

  add(reason: string, count: number): void {
    const counts = this.#counts
    const name = counts.has(reason) || counts.size < MOST_REASONS ? reason : 'other'
    counts.set(name, (counts.get(name) ?? 0) + count)
  }

  toObject(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
