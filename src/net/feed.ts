/**
 * The diode between receiving and a sink. A record is the good lines of one datagram, behind a header:
 *
 * ```
 *   0  │ lines offered before this record  f64 │
 *   8  │ bytes offered before this record  f64 │
 *   16 │ the flow's number                 f64 │
 *   24 │ the flow's row  u32 │ lines here  u32 │
 *   32 │ the lines                             │
 * ```
 *
 * The counts before it make losses exact in lines: what is missing between two records is the difference.
 *
 * @module
 */
import type { DiodeHandle } from '../core/handle.ts'
import { OneToOne } from '../core/one-to-one.ts'
import { general } from './ledger-tables.ts'

export const FEED_HEADER_BYTES = 32

const LINES_BEFORE = 0
const BYTES_BEFORE = 8
const FLOW = 16
const ROW = 24
const LINES = 28

export interface FeedHeader {
  readonly linesBefore: number
  readonly bytesBefore: number
  readonly flow: number
  readonly row: number
  readonly lines: number
}

export function readFeedHeader(record: Uint8Array): FeedHeader {
  const view = new DataView(record.buffer, record.byteOffset, FEED_HEADER_BYTES)
  return {
    linesBefore: view.getFloat64(LINES_BEFORE, true),
    bytesBefore: view.getFloat64(BYTES_BEFORE, true),
    flow: view.getFloat64(FLOW, true),
    row: view.getUint32(ROW, true),
    lines: view.getUint32(LINES, true),
  }
}

/** The writing ends of all feeds: each sink is offered the same. */
export class Feeds {
  readonly #diodes: readonly OneToOne[]
  readonly #header = new Uint8Array(FEED_HEADER_BYTES)
  readonly #view = new DataView(this.#header.buffer)
  readonly #general: Float64Array

  /** `counts` are the ledger's general ones. */
  constructor(handles: readonly DiodeHandle[], counts: Float64Array) {
    this.#diodes = handles.map((handle) => OneToOne.from(handle))
    this.#general = counts
  }

  /** Never waits: a diode that is full makes room, or refuses, by its policy. */
  offer(from: { readonly row: number; readonly number: number }, bytes: Uint8Array, lines: number): void {
    const view = this.#view
    const counts = this.#general
    view.setFloat64(LINES_BEFORE, counts[general.linesOffered]!, true)
    view.setFloat64(BYTES_BEFORE, counts[general.bytesOffered]!, true)
    view.setFloat64(FLOW, from.number, true)
    view.setUint32(ROW, from.row, true)
    view.setUint32(LINES, lines, true)
    counts[general.linesOffered]! += lines // before the record, so that a sink never has what was not offered
    counts[general.bytesOffered]! += bytes.length
    for (const diode of this.#diodes) this.#put(diode, bytes)
  }

  close(): void {
    for (const diode of this.#diodes) diode.close()
  }

  #put(diode: OneToOne, bytes: Uint8Array): void {
    const record = diode.claim(FEED_HEADER_BYTES + bytes.length)
    if (record === undefined) return // the next header tells of it
    record.set(this.#header)
    record.set(bytes, FEED_HEADER_BYTES)
    diode.commit()
  }
}
