import { FEED_HEADER_BYTES, readFeedHeader } from './feed.ts'
import { Lines, type RawPart, type SourceLookup } from './lines.ts'

/** The longest record of a feed: a datagram's lines, with a newline that the last may have lacked. */
const LONGEST_RECORD_BYTES = 65536

/** Gathers the records of a feed to a batch for its sink, and notices what is missing between them. */
export class Batch {
  readonly #bytes: Uint8Array
  readonly #mostRecords: number
  readonly #mostBytes: number
  #parts: RawPart[] = []
  #used = 0
  #lines = 0
  #records = 0
  /** Offered up to and with the last record. */
  #linesSeen = 0
  #bytesSeen = 0
  #linesMissed = 0
  #bytesMissed = 0

  constructor(mostRecords: number, mostBytes: number) {
    this.#mostRecords = mostRecords
    this.#mostBytes = mostBytes
    this.#bytes = new Uint8Array(mostBytes + LONGEST_RECORD_BYTES)
  }

  /** Records that surely fit, however long they are: 0 when it is full. */
  get room(): number {
    if (this.#used >= this.#mostBytes) return 0
    const byBytes = Math.floor((this.#mostBytes - this.#used) / LONGEST_RECORD_BYTES) + 1
    return Math.min(byBytes, this.#mostRecords - this.#records)
  }

  /** Lines offered that were read or are known to be missing. */
  get linesSeen(): number {
    return this.#linesSeen
  }

  get linesMissed(): number {
    return this.#linesMissed
  }

  get bytesMissed(): number {
    return this.#bytesMissed
  }

  readonly add = (record: Uint8Array): void => {
    const { linesBefore, bytesBefore, row, flow, lines } = readFeedHeader(record)
    const bytes = record.length - FEED_HEADER_BYTES
    this.#linesMissed += linesBefore - this.#linesSeen
    this.#bytesMissed += bytesBefore - this.#bytesSeen
    this.#linesSeen = linesBefore + lines
    this.#bytesSeen = bytesBefore + bytes
    this.#bytes.set(record.subarray(FEED_HEADER_BYTES), this.#used)
    this.#used += bytes
    this.#lines += lines
    this.#records++
    this.#addPart(row, flow, lines, bytes)
  }

  /** What was gathered, as a copy of the sink's own. The next batch begins. */
  take(lookUp: SourceLookup): Lines {
    const lines = new Lines(this.#bytes.slice(0, this.#used), this.#lines, this.#parts, lookUp)
    this.#parts = []
    this.#used = 0
    this.#lines = 0
    this.#records = 0
    return lines
  }

  /** Nothing more will be read of what was offered: the rest is missing, too. */
  end(linesOffered: number, bytesOffered: number): void {
    this.#linesMissed += linesOffered - this.#linesSeen
    this.#bytesMissed += bytesOffered - this.#bytesSeen
    this.#linesSeen = linesOffered
    this.#bytesSeen = bytesOffered
  }

  #addPart(row: number, flow: number, lines: number, bytes: number): void {
    const last = this.#parts.at(-1)
    if (last === undefined || last.flow !== flow) this.#parts.push({ row, flow, lines, bytes })
    else {
      last.lines += lines
      last.bytes += bytes
    }
  }
}
