import { joined } from '../../net/joined.ts'
import type { Lines } from '../../net/lines.ts'

/** Lines that are stored together, and the id by which the server knows a repetition. */
export interface Message {
  readonly id: string
  readonly subject: string
  /** NDJSON, the last line's newline included. */
  readonly payload: Uint8Array
  readonly lines: number
}

export interface MakerOptions {
  /** Names this run of the sink: with the number of the first line it makes an id that no other message has. */
  readonly run: string
  /** `{source}` in it stands for where lines came from. */
  readonly subject: string
  readonly linesPerMessage: number
}

export interface Made {
  readonly messages: readonly Message[]
  /** Lines that no message holds. */
  readonly tooLong: number
}

const SOURCE = '{source}'
const NEWLINE = 0x0a

/** Cuts batches of lines into messages. With `{source}` in the subject each has the lines of one source; else they stay as they came. */
export class MessageMaker {
  readonly #options: MakerOptions
  readonly #isBySource: boolean
  #line = 0

  constructor(options: MakerOptions) {
    this.#options = options
    this.#isBySource = options.subject.includes(SOURCE)
  }

  /** None has more than `mostBytes`. */
  make(lines: Lines, mostBytes: number): Made {
    const messages: Message[] = []
    let tooLong = 0
    const { subject } = this.#options
    if (!this.#isBySource) tooLong = this.#cut(lines.bytes, 'all', subject, mostBytes, messages)
    else
      for (const [source, bytes] of bySource(lines))
        tooLong += this.#cut(bytes, source, subject.replaceAll(SOURCE, source), mostBytes, messages)
    return { messages, tooLong }
  }

  /** Answers how many lines were left out. */
  #cut(bytes: Uint8Array, source: string, subject: string, mostBytes: number, into: Message[]): number {
    const { linesPerMessage, run } = this.#options
    let tooLong = 0
    let [from, end, lines] = [0, 0, 0]
    const put = () => {
      if (lines > 0)
        into.push({
          id: `${source}-${run}-${this.#line}`,
          subject,
          payload: bytes.subarray(from, end),
          lines,
        })
      this.#line += lines
      from = end
      lines = 0
    }
    while (end < bytes.length) {
      const next = bytes.indexOf(NEWLINE, end) + 1
      if (lines === linesPerMessage || next - from > mostBytes) put()
      if (next - end > mostBytes) {
        tooLong++
        this.#line++
        from = next
      } else lines++
      end = next
    }
    put()
    return tooLong
  }
}

/** The lines of each source, in the order in which they came. */
function bySource(lines: Lines): Map<string, Uint8Array> {
  const parts = new Map<string, Uint8Array[]>()
  for (const { source, bytes } of lines.parts()) {
    const token = tokenOf(source?.id ?? source?.address ?? 'unknown')
    const own = parts.get(token)
    if (own === undefined) parts.set(token, [bytes])
    else own.push(bytes)
  }
  return new Map([...parts].map(([token, own]) => [token, own.length === 1 ? own[0]! : joined(own)]))
}

/** As one token of a subject: no dots, no wildcards, no spaces. */
function tokenOf(name: string): string {
  return name.replace(/[^\w-]/g, '_')
}
