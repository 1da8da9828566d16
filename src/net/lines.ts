/** Where lines came from. */
export interface LineSource {
  readonly address: string
  readonly port: number
  /** The exporter's name, where it has told it. */
  readonly id?: string
}

/** Lines of one source that came one behind the other. */
export interface LinesPart {
  /** `undefined`: so much came from elsewhere since that the collector has forgotten it. */
  readonly source: LineSource | undefined
  /** A view on the batch's bytes. */
  readonly bytes: Uint8Array
  readonly count: number
}

/** What a part is before anybody asks: where its flow's row is, and the flow's number there. */
export interface RawPart {
  readonly row: number
  readonly flow: number
  lines: number
  bytes: number
}

export type SourceLookup = (row: number, flow: number) => LineSource | undefined

const NEWLINE = 0x0a
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * A batch of whole lines, as a sink gets it. Bytes first: nothing is decoded or looked up unless it is asked for.
 */
export class Lines implements Iterable<string> {
  /** The lines one behind the other, each with its newline, all of it UTF-8. The sink may keep it. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly count: number
  readonly #parts: readonly RawPart[]
  readonly #lookUp: SourceLookup

  /** @internal */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    count: number,
    parts: readonly RawPart[],
    lookUp: SourceLookup,
  ) {
    this.bytes = bytes
    this.count = count
    this.#parts = parts
    this.#lookUp = lookUp
  }

  /** The lines as strings, without their newlines. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    const { bytes } = this
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, from)
      yield decoder.decode(bytes.subarray(from, end))
      from = end + 1
    }
  }

  /** The same lines by where they came from, in the order in which they came. */
  *parts(): Generator<LinesPart, void, undefined> {
    let from = 0
    for (const { row, flow, lines, bytes } of this.#parts) {
      yield { source: this.#lookUp(row, flow), bytes: this.bytes.subarray(from, from + bytes), count: lines }
      from += bytes
    }
  }
}
