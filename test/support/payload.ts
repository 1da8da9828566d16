// Records that say who wrote them and as which, and whose every byte follows from that: a torn, shifted or repeated one
// cannot pass.
//
//   0        4          8         12
//  ┌────────┬──────────┬─────────┬────────────────────────────┐
//  │ writer │ sequence │ length  │ filler(writer, sequence, i) │
//  └────────┴──────────┴─────────┴────────────────────────────┘
//
// A record too short for the head is all filler of its writer and length: it proves its content, not its place.

export const HEAD_BYTES = 12

export interface Origin {
  writer: number
  /** -1: too short to tell */
  sequence: number
}

const filler = (writer: number, sequence: number, index: number) =>
  (writer * 31 + sequence * 7 + index * 13 + (index >> 8)) & 0xff

const shortFiller = (writer: number, length: number) => 0x80 | ((writer & 0xf) << 3) | (length & 7)

/** Fills `record` (all of it) as the writer's record of that sequence. */
export function fillPayload(record: Uint8Array, writer: number, sequence: number): void {
  const { length } = record
  if (length < HEAD_BYTES) {
    record.fill(shortFiller(writer, length))
    return
  }
  writeWord(record, 0, writer)
  writeWord(record, 4, sequence)
  writeWord(record, 8, length)
  for (let i = HEAD_BYTES; i < length; i++) record[i] = filler(writer, sequence, i)
}

/** Who wrote the record, or what is wrong with it. */
export function readPayload(record: Uint8Array): Origin | string {
  const { length } = record
  if (length === 0) return { writer: -1, sequence: -1 }
  if (length < HEAD_BYTES) {
    const writer = (record[0]! >> 3) & 0xf
    const isWhole = record.every((byte) => byte === shortFiller(writer, length))
    return isWhole
      ? { writer, sequence: -1 }
      : `a short record of ${length} bytes is not one writer's: ${[...record]}`
  }
  const writer = readWord(record, 0)
  const sequence = readWord(record, 4)
  const said = readWord(record, 8)
  if (said !== length) return `record ${writer}/${sequence} says ${said} bytes and has ${length}`
  for (let i = HEAD_BYTES; i < length; i++) {
    if (record[i] !== filler(writer, sequence, i))
      return `record ${writer}/${sequence} of ${length} bytes is torn at ${i}: ${record[i]}`
  }
  return { writer, sequence }
}

function writeWord(record: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) record[at + i] = (value >>> (8 * i)) & 0xff
}

function readWord(record: Uint8Array, at: number): number {
  return (record[at]! | (record[at + 1]! << 8) | (record[at + 2]! << 16) | (record[at + 3]! << 24)) >>> 0
}

/** Checks a stream of records as it comes: whole, in order per writer, none twice. */
export class StreamCheck {
  records = 0
  bytes = 0
  readonly problems: string[] = []
  readonly lastSequence = new Map<number, number>()
  readonly perWriter = new Map<number, number>()

  take(record: Uint8Array): void {
    this.records++
    this.bytes += record.length
    const origin = readPayload(record)
    if (typeof origin === 'string') this.report(origin)
    else if (origin.writer >= 0) this.note(origin)
  }

  private note(origin: Origin): void {
    this.perWriter.set(origin.writer, (this.perWriter.get(origin.writer) ?? 0) + 1)
    if (origin.sequence < 0) return
    const last = this.lastSequence.get(origin.writer) ?? -1
    if (origin.sequence <= last)
      this.report(`writer ${origin.writer}: ${origin.sequence} came after ${last}: out of order, or twice`)
    this.lastSequence.set(origin.writer, origin.sequence)
  }

  private report(problem: string): void {
    if (this.problems.length < 5) this.problems.push(problem)
  }
}
